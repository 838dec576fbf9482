package tui

import (
	"bytes"
	"fmt"
	"strings"

	"tload/stats"
	"tload/stats/exchange"
)

// document is a body made ready to read. It is made in a command, once, and
// kept: drawing only picks lines out of it.
type document struct {
	lines  []string // safe to draw, without styles
	runs   [][]run  // … their colours, of as many as have some
	json   bool
	hex    bool
	kind   string // "JSON, shown indented"
	wrong  string // where it is not what it says
	note   string // how it was decoded
	marked string // what was masked
}

// docKey says what a document was made of and how.
type docKey struct {
	x        *stats.Exchange
	request  bool
	raw      bool
	hex      bool // hex asked for; text if it would be hex by itself
	revealed bool
	preview  bool // only the beginning
}

const (
	mostLines = 1_000_000
	longLine  = 16 << 10

	// A preview is made anew every second while the load goes on, on the machine
	// that makes the load: it reads no further than it shows.
	previewBytes  = 8 << 10
	previewColour = 30 // lines of it
)

// read makes the document. It is slow work: call it in a command.
func (k docKey) read(m *exchange.Masker) *document {
	r := exchange.Reading{Request: k.request, Raw: k.raw, Hex: k.hex}
	if k.preview {
		r.Most = previewBytes
	}
	made := r.Read(k.x, m)
	d := &document{hex: made.Hex, kind: clean(made.Kind), wrong: clean(made.Wrong), note: clean(made.Note)}
	d.json = made.JSON
	if made.Masked > 0 {
		d.marked = fmt.Sprintf("%d masked (R shows)", made.Masked)
	}
	if d.hex {
		d.lines = hexLines(made.Text)
	} else {
		d.lines = textLines(made.Text)
		first := d.lines
		if k.preview {
			first = first[:min(len(first), previewColour)]
		}
		d.runs = coloured(lexerOf(made.Media, strings.Join(d.lines[:min(len(d.lines), 3)], "\n")), first)
	}
	return d
}

func hexLines(body []byte) (lines []string) {
	for at := 0; at < len(body) && len(lines) < mostLines; at += 16 {
		lines = append(lines, exchange.HexLine(body, at))
	}
	return lines
}

// textLines parts text into lines that are safe to draw. A line too long for
// any screen is parted as well, so that drawing never meets megabytes.
func textLines(body []byte) []string {
	text := string(body) // once: plain lines are parts of it
	var lines []string
	for len(text) > 0 && len(lines) < mostLines {
		line, rest := text, ""
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, rest = strings.TrimSuffix(text[:i], "\r"), text[i+1:]
		}
		text = rest
		for len(line) > longLine {
			at := longLine
			for at > longLine-4 && line[at]&0xc0 == 0x80 {
				at-- // not inside a character
			}
			lines = append(lines, clean(line[:at]))
			line = line[at:]
		}
		lines = append(lines, clean(line))
	}
	if len(text) > 0 {
		lines = append(lines, fmt.Sprintf("… %s more bytes are not shown: save the exchange to read them", thousands(len(text))))
	}
	return lines
}

// kept says how much of a body there is. In a file the secrets were masked when
// it was written, which made the body another length.
func kept(p stats.Part, fromFile bool) string {
	switch {
	case fromFile && int64(len(p.Body)) != p.Size && bytes.Contains(p.Body, []byte(exchange.Masked)):
		return fmt.Sprintf("secrets are masked in this file (%s bytes arrived)", thousands(p.Size))
	case p.Cut():
		return fmt.Sprintf("cut: %s of %s bytes kept (--capture-body)", thousands(len(p.Body)), thousands(p.Size))
	case p.Expected >= 0 && p.Size < p.Expected:
		return fmt.Sprintf("broke off: %s of %s bytes announced", thousands(p.Size), thousands(p.Expected))
	case p.Size == 0:
		return "no body"
	}
	return fmt.Sprintf("complete body (%s of %s bytes)", thousands(len(p.Body)), thousands(p.Size))
}

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}
