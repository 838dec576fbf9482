package exchange

import (
	"encoding/json"
	"mime"
	"strings"

	"tload/stats"
)

// Document is a body made ready to read. Its text is as it came from outside:
// whoever draws or prints it makes it safe.
type Document struct {
	Text   []byte
	JSON   bool   // it is some
	Hex    bool   // it is better read as hex
	Media  string // its type, without parameters; that of JSON where it is some
	Kind   string // "JSON, shown indented"
	Wrong  string // where it is not what it says
	Note   string // how it was decoded
	Masked int    // how many secrets are masked
}

// Reading is how a Document is made.
type Reading struct {
	Request bool // its body rather than the response's
	Raw     bool // as it came, but for its content codings
	Hex     bool // hex asked for; text if it would be hex by itself
	Most    int  // bytes that are read, and shown; 0: all that can be
}

// Read makes the document. It is slow work for a long body.
func (r Reading) Read(x *stats.Exchange, m *Masker) *Document {
	d := &Document{}
	if m.Masks() {
		m.Learn(x)
		m = m.marking(m.mark, &d.Masked)
	}
	part := x.Response
	if r.Request {
		part = x.Request
	} else if Headless(x) {
		d.Kind = "bytes as received: the head is not valid"
		d.Text = m.Received(part.Head)
		if d.Hex = IsBinary(part.Head) != r.Hex; d.Hex {
			d.Kind += " · hex"
		}
		return d
	}
	most := mostDecoded
	if r.Most > 0 {
		part.Body, most = part.Body[:min(len(part.Body), r.Most)], r.Most
	}
	contentType := HeaderOf(part.Head, "Content-Type")
	body, note := decode(part, most)
	d.Note = note
	media, params, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(params["charset"]) {
	case "iso-8859-1", "latin1", "windows-1252", "iso-8859-15":
		if !r.Raw && !IsBinary(body) {
			body = latin1(body)
			if note != "" {
				d.Note += " · "
			}
			d.Note += "from " + params["charset"]
		}
	}
	body = m.Body(contentType, body)
	if d.Hex = IsBinary(body) != r.Hex; d.Hex {
		d.Text, d.Kind = body, "hex"
		if media != "" {
			d.Kind = media + " · hex"
		}
		return d
	}
	labelled := strings.HasSuffix(media, "json")
	d.JSON = labelled && (startsJSON(body) || json.Valid(body)) || looksLikeJSON(body)
	if d.JSON && !r.Raw {
		text, wrong, invalid := indented(body)
		if d.JSON = labelled || !invalid; d.JSON { // else it only began like JSON
			body, d.Wrong = text, wrong
		}
	}
	switch {
	case d.JSON && d.Wrong != "":
		d.Kind = d.Wrong
	case d.JSON && !r.Raw:
		d.Kind = "JSON, shown indented"
	case d.JSON:
		d.Kind = "JSON, as it came"
	case strings.HasSuffix(media, "xml"):
		d.Kind = "XML"
	case media == "text/html":
		d.Kind = "HTML"
	case labelled && len(body) > 0:
		d.Kind = media + ", but it is not JSON"
	case media != "":
		d.Kind = media
	default:
		d.Kind = "text"
	}
	d.Text, d.Media = body, media
	if d.JSON {
		d.Media = "application/json"
	}
	return d
}
