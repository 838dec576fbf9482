package tui

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"

	"tload/tui/draw"
)

// Bodies are coloured by chroma's lexers, in our own slots. Its lexers are regular
// expressions, which a body can be made for to take for ever: what is not done in time
// stays plain.

const (
	mostColour = 1 << 20                // bytes of a body that is still coloured
	colourTime = 200 * time.Millisecond // … and how long that may take
)

// run is a part of a line up to a byte, and its look.
type run struct {
	end   int
	style *lipgloss.Style // nil: plain
}

// lexerOf is for a media type, or for what the text begins like; nil for none.
func lexerOf(media, text string) chroma.Lexer {
	head := strings.ToLower(strings.TrimLeft(text[:min(len(text), 200)], " \t\n"))
	switch {
	case strings.HasSuffix(media, "json"):
		return lexers.Get("JSON")
	case media == "text/html", strings.HasPrefix(head, "<!doctype html"), strings.HasPrefix(head, "<html"):
		return lexers.Get("HTML")
	case strings.HasSuffix(media, "xml"), strings.HasPrefix(head, "<?xml"):
		return lexers.Get("XML")
	case media == "" || media == "text/plain" || media == "application/octet-stream":
		return nil
	}
	return lexers.MatchMimeType(media)
}

// looks are the styles of kinds of tokens, the most special first.
var looks = []struct {
	kinds []chroma.TokenType
	style *lipgloss.Style
}{
	{[]chroma.TokenType{chroma.NameTag, chroma.NameBuiltin, chroma.NameFunction, chroma.NameClass}, &draw.Name},
	{[]chroma.TokenType{chroma.NameAttribute, chroma.NameVariable, chroma.NameConstant, chroma.NameEntity}, &draw.Modified},
	{[]chroma.TokenType{chroma.LiteralString, chroma.LiteralDate}, &draw.Literal},
	{[]chroma.TokenType{chroma.LiteralNumber, chroma.KeywordConstant}, &draw.Number},
	{[]chroma.TokenType{chroma.Keyword}, &draw.Name},
	{[]chroma.TokenType{chroma.Comment}, &draw.Dim},
}

func lookOf(t chroma.TokenType) *lipgloss.Style {
	for _, l := range looks {
		for _, k := range l.kinds {
			if t == k || t.InSubCategory(k) || k == k.Category() && t.InCategory(k) {
				return l.style
			}
		}
	}
	return nil
}

// coloured are the runs of each line; nil where a line, or what is left, is plain.
func coloured(lexer chroma.Lexer, lines []string) (out [][]run) {
	text := strings.Join(lines, "\n")
	if lexer == nil || len(text) > mostColour || text == "" {
		return nil
	}
	defer func() {
		if recover() != nil { // it is somebody else's, and so is the body
			out = nil
		}
	}()
	tokens, err := chroma.Coalesce(lexer).Tokenise(&chroma.TokeniseOptions{State: "root"}, text)
	if err != nil {
		return nil
	}
	end := time.Now().Add(colourTime)
	out = make([][]run, len(lines))
	at, col := 0, 0 // line and byte
	for t := tokens(); t != chroma.EOF; t = tokens() {
		if time.Now().After(end) {
			break
		}
		style := lookOf(t.Type)
		for i, part := range strings.Split(t.Value, "\n") {
			if i > 0 {
				at, col = at+1, 0
			}
			if at >= len(lines) || !strings.HasPrefix(lines[at][col:], part) {
				return out[:min(at, len(out))] // it speaks of another text
			}
			if col += len(part); part != "" {
				out[at] = append(out[at], run{col, style})
			}
		}
	}
	return out
}

// line is the i-th one in colour.
func (d *document) line(i int) string {
	if i >= len(d.runs) || d.runs[i] == nil {
		return d.lines[i]
	}
	var b strings.Builder
	from := 0
	for _, r := range d.runs[i] {
		part := d.lines[i][from:r.end]
		if r.style != nil {
			part = r.style.Render(part)
		}
		b.WriteString(part)
		from = r.end
	}
	b.WriteString(d.lines[i][from:])
	return b.String()
}
