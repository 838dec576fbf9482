package tui

import (
	"bytes"
	"fmt"
	"strings"

	"tload/stats"
	"tload/stats/exchange"
	"tload/tui/draw"
)

// document is a body made ready to read. It is made in a command, once, and
// kept: drawing only picks lines out of it.
type document struct {
	lines  []string // safe to draw, without styles
	json   bool     // worth colouring
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
	mostLines  = 1_000_000
	mostColour = 1 << 20 // bytes of a body that is still coloured
	longLine   = 16 << 10

	// A preview is made anew every second while the load goes on, on the machine
	// that makes the load: it reads no further than it shows.
	previewBytes = 8 << 10
)

// read makes the document. It is slow work: call it in a command.
func (k docKey) read(m *exchange.Masker) *document {
	r := exchange.Reading{Request: k.request, Raw: k.raw, Hex: k.hex}
	if k.preview {
		r.Most = previewBytes
	}
	made := r.Read(k.x, m)
	d := &document{hex: made.Hex, kind: clean(made.Kind), wrong: clean(made.Wrong), note: clean(made.Note)}
	d.json = made.JSON && len(made.Text) <= mostColour
	if made.Masked > 0 {
		d.marked = fmt.Sprintf("%d masked (R shows)", made.Masked)
	}
	if d.hex {
		d.lines = hexLines(made.Text)
	} else {
		d.lines = textLines(made.Text)
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

// colourJSON paints one line of JSON: names, literals and the rest.
func colourJSON(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == '"':
			end := exchange.StringEnd([]byte(line), i)
			rest := strings.TrimLeft(line[end:], " ")
			if strings.HasPrefix(rest, ":") {
				b.WriteString(draw.Name.Styled(line[i:end]))
			} else {
				b.WriteString(draw.Literal.Styled(line[i:end]))
			}
			i = end
		case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
			end := i + 1
			for end < len(line) && strings.IndexByte(" ,]}", line[end]) < 0 {
				end++
			}
			b.WriteString(draw.Number.Styled(line[i:end]))
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}
