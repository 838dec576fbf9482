package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strings"

	"tload/stats"
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
func (k docKey) read(s *secrets) *document {
	part := k.x.Response
	if k.request {
		part = k.x.Request
	}
	d := &document{}
	if !k.request && headless(k.x) {
		head := part.Head
		if !k.revealed {
			head = maskedReceived(head, s)
		}
		d.kind = "bytes as received: the head is not valid"
		if d.hex = isBinary(head) != k.hex; d.hex {
			d.kind += " · hex"
			d.lines = hexLines(head)
		} else {
			d.lines = textLines(head)
		}
		return d
	}
	most := mostDecoded
	if k.preview {
		part.Body, most = part.Body[:min(len(part.Body), previewBytes)], previewBytes
	}
	contentType := headerOf(part.Head, "Content-Type")
	body, note := decode(part.Body, headerOf(part.Head, "Content-Encoding"), most)
	d.note = note
	media, params, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(params["charset"]) {
	case "iso-8859-1", "latin1", "windows-1252", "iso-8859-15":
		if !k.raw && !isBinary(body) {
			body = latin1(body)
			d.note = join(d.note, "from "+clean(params["charset"]))
		}
	}
	if !k.revealed {
		hidden := 0
		body = s.body(body, contentType, func(string) string { hidden++; return masked })
		if hidden > 0 {
			d.marked = fmt.Sprintf("%d masked (R shows)", hidden)
		}
	}
	d.hex = isBinary(body) != k.hex
	if d.hex {
		d.kind = "hex"
		if media != "" {
			d.kind = clean(media) + " · hex"
		}
		d.lines = hexLines(body)
		return d
	}
	labelled := strings.HasSuffix(media, "json")
	isJSON := labelled && (startsJSON(body) || json.Valid(body)) || looksLikeJSON(body)
	if isJSON && !k.raw {
		text, wrong, invalid := indented(body)
		if isJSON = labelled || !invalid; isJSON { // else it only began like JSON
			body, d.wrong = text, wrong
		}
	}
	switch {
	case isJSON && !k.raw && d.wrong != "":
		d.json, d.kind = true, d.wrong
	case isJSON && !k.raw:
		d.json, d.kind = true, "JSON, shown indented"
	case isJSON:
		d.json, d.kind = true, "JSON, as it came"
	case strings.HasSuffix(media, "xml"):
		d.kind = "XML"
	case media == "text/html":
		d.kind = "HTML"
	case labelled && len(body) > 0:
		d.kind = clean(media) + ", but it is not JSON"
	case media != "":
		d.kind = clean(media)
	default:
		d.kind = "text"
	}
	d.json = d.json && len(body) <= mostColour
	d.lines = textLines(body)
	return d
}

// headless says that what came cannot be parted into head and body, so that all
// of it is shown as it came: the head ends in a line that is none.
func headless(x *stats.Exchange) bool {
	if x.Kind != stats.Protocol || len(x.Response.Body) > 0 {
		return false
	}
	line, rest := firstLine(x.Response.Head)
	if line != "" && !strings.HasPrefix(line, "HTTP/") {
		return true
	}
	for len(rest) > 0 {
		line, end := cutLine(rest)
		rest = rest[len(line)+len(end):]
		if len(line) == 0 {
			return len(rest) > 0
		}
		if line[0] != ' ' && line[0] != '\t' && bytes.IndexByte(line, ':') <= 0 {
			return true
		}
	}
	return false
}

// maskedReceived masks what may be a head and, after an empty line, a body.
func maskedReceived(b []byte, s *secrets) []byte {
	n := len(b)
	for _, gap := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(b, []byte(gap)); i >= 0 {
			n = min(n, i+len(gap))
		}
	}
	head := s.head(b[:n:n], hideButScheme)
	return append(head, s.body(b[n:], headerOf(b[:n], "Content-Type"), hide)...)
}

func hexLines(body []byte) (lines []string) {
	for at := 0; at < len(body) && len(lines) < mostLines; at += 16 {
		lines = append(lines, hexLine(body, at))
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

// headerOf is the first value of a header in a head as it was on the wire.
func headerOf(head []byte, name string) string {
	_, head = firstLine(head)
	for len(head) > 0 {
		line, end := cutLine(head)
		head = head[len(line)+len(end):]
		k, v, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(string(bytes.TrimSpace(k)), name) {
			return string(bytes.TrimSpace(v))
		}
	}
	return ""
}

// firstLine is the start line of a head, and its headers.
func firstLine(head []byte) (line string, rest []byte) {
	l, end := cutLine(head)
	return string(l), head[len(l)+len(end):]
}

// headers are the header lines of a head, in order, without their ends.
func headers(head []byte) []string {
	_, rest := firstLine(head)
	var out []string
	for len(rest) > 0 {
		line, end := cutLine(rest)
		rest = rest[len(line)+len(end):]
		if len(line) > 0 {
			out = append(out, string(line))
		}
	}
	return out
}

// kept says how much of a body there is. In a file the secrets were masked when
// it was written, which made the body another length.
func kept(p stats.Part, fromFile bool) string {
	switch {
	case fromFile && int64(len(p.Body)) != p.Size && bytes.Contains(p.Body, []byte(stats.Masked)):
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
			end := stringEnd([]byte(line), i)
			rest := strings.TrimLeft(line[end:], " ")
			if strings.HasPrefix(rest, ":") {
				b.WriteString(name.Styled(line[i:end]))
			} else {
				b.WriteString(literal.Styled(line[i:end]))
			}
			i = end
		case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
			end := i + 1
			for end < len(line) && strings.IndexByte(" ,]}", line[end]) < 0 {
				end++
			}
			b.WriteString(number.Styled(line[i:end]))
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}
