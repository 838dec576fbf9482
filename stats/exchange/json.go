package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// printer writes JSON again: indented as json.Indent does it, or as it came,
// with secret fields masked on the way. It never decodes: keys keep their order
// and their doubles, numbers keep their digits, and text that breaks off or is
// not JSON at all comes out as far as it goes.
type printer struct {
	indent  bool
	secrets *Masker // nil masks nothing

	out []byte
}

const deepest = 200 // levels of indentation that are drawn

func (p *printer) print(src []byte) []byte {
	p.out = make([]byte, 0, len(src)+len(src)/4)
	type level struct {
		object bool
		secret bool // all in it is masked
	}
	var stack []level
	key := true      // the next string is a key
	hiding := false  // the next value is masked
	pending := false // a container was opened and nothing was in it yet
	open := func() {
		if pending {
			pending = false
			p.newline(len(stack))
		}
	}
	inSecret := func() bool { return hiding || len(stack) > 0 && stack[len(stack)-1].secret }
	inObject := func() bool { return len(stack) > 0 && stack[len(stack)-1].object }
	for i := 0; i < len(src); {
		c := src[i]
		switch c {
		case ' ', '\t', '\n', '\r':
			if !p.indent {
				p.out = append(p.out, c)
			}
			i++
		case '{', '[':
			open()
			p.out = append(p.out, c)
			stack = append(stack, level{object: c == '{', secret: inSecret()})
			hiding = false
			key = c == '{'
			pending = p.indent
			i++
		case '}', ']':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
			if p.indent && !pending {
				p.newline(len(stack))
			}
			pending = false
			p.out = append(p.out, c)
			key, hiding = false, false
			i++
		case ',':
			p.out = append(p.out, c)
			key, hiding = inObject(), false
			if p.indent {
				p.newline(len(stack))
			}
			i++
		case ':':
			p.out = append(p.out, c)
			if p.indent {
				p.out = append(p.out, ' ')
			}
			key = false
			i++
		case '"':
			open()
			end := StringEnd(src, i)
			text := src[i:end]
			switch {
			case key && inObject():
				if p.secrets != nil {
					hiding = p.secrets.Secret(unquoted(text))
				}
				p.out = append(p.out, text...)
			case p.secrets != nil && inSecret():
				p.out = append(p.out, '"')
				p.out = append(p.out, p.secrets.hide(string(bytes.Trim(text, `"`)), unquoted(text))...)
				p.out = append(p.out, '"')
			default:
				p.out = append(p.out, text...)
			}
			i = end
		default:
			open()
			end := i + 1
			for end < len(src) && !bytes.ContainsRune([]byte(" \t\r\n{}[],:\""), rune(src[end])) {
				end++
			}
			text := src[i:end]
			if p.secrets != nil && inSecret() && !bytes.Equal(text, []byte("null")) {
				p.out = append(p.out, '"')
				p.out = append(p.out, p.secrets.hide(string(text))...)
				p.out = append(p.out, '"')
			} else {
				p.out = append(p.out, text...)
			}
			i = end
		}
	}
	return p.out
}

// indented is JSON indented as far as it goes, with what is wrong with it where
// it breaks off or stops being JSON. From there on the text is as it came.
func indented(src []byte) (out []byte, wrong string, invalid bool) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	p := printer{indent: true}
	var whole json.RawMessage
	err := json.Unmarshal(src, &whole)
	if err == nil {
		return p.print(src), "", false
	}
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || e.Error() == "unexpected end of JSON input" {
		out = p.print(src)
		return out, fmt.Sprintf("JSON breaks off at line %s: shown as far as it goes", grouped(bytes.Count(out, []byte("\n"))+1)), false
	}
	at := min(max(int(e.Offset)-1, 0), len(src))
	out = p.print(src[:at])
	wrong = fmt.Sprintf("JSON is not valid from line %s: the rest as it came", grouped(bytes.Count(out, []byte("\n"))+1))
	return append(out, src[at:]...), wrong, true
}

func (p *printer) newline(depth int) {
	p.out = append(p.out, '\n')
	for range min(depth, deepest) {
		p.out = append(p.out, ' ', ' ')
	}
}

// StringEnd is where the JSON string that begins at i ends, its quote included;
// the end of all where it never does.
func StringEnd(src []byte, i int) int {
	for j := i + 1; j < len(src); j++ {
		switch src[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(src)
}

// unquoted is what a JSON string means; one that is not valid stands for itself.
func unquoted(quoted []byte) string {
	var s string
	if bytes.IndexByte(quoted, '\\') < 0 || json.Unmarshal(quoted, &s) != nil {
		return string(bytes.Trim(quoted, `"`))
	}
	return s
}

func startsJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// looksLikeJSON guesses by the first character and what follows it.
func looksLikeJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	if len(b) < 2 {
		return false
	}
	next := bytes.TrimLeft(b[1:min(len(b), 64)], " \t\r\n")
	if len(next) == 0 {
		return false
	}
	switch b[0] {
	case '{':
		return next[0] == '"' || next[0] == '}'
	case '[':
		return bytes.ContainsRune([]byte(`{["]-0123456789tfn`), rune(next[0]))
	}
	return false
}
