package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Whatever a server sent, or a name in somebody's file, could carry an escape
// sequence that moves the cursor, sets the clipboard or the title, or a mark
// that turns the reading direction. The screen, the lines of a run without one,
// complaints and reports all print such text through these functions and no
// others. They make visible what is not a printable character. Only what must be
// the very bytes is exempt: kept exchanges as files, and what is copied.

const tabWidth = 4

// Clean is s as one line that is safe to print.
func Clean(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	column, marks := 0, 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
			column, marks = column+4, 0
		case r == '\t':
			w := tabWidth - column%tabWidth
			b.WriteString("    "[:w])
			column, marks = column+w, 0
		case r < 0x20:
			b.WriteRune(0x2400 + r)
			column, marks = column+1, 0
		case r == 0x7f:
			b.WriteRune('␡')
			column, marks = column+1, 0
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			// A few accents are writing; a heap of them paints over the lines
			// above and below, and one with nothing under it sticks to the frame.
			if marks++; b.Len() == 0 || marks > 2 || variation(r) {
				fmt.Fprintf(&b, "‹U+%04X›", r)
				column += 8
			} else {
				b.WriteRune(r)
			}
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
			column, marks = column+1, 0
		case !unicode.IsPrint(r) || blank(r):
			fmt.Fprintf(&b, "‹U+%04X›", r)
			column, marks = column+8, 0
		default:
			b.WriteRune(r)
			column, marks = column+1, 0
		}
		i += n
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func variation(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r == 0x034f || r >= 0x180b && r <= 0x180f
}

// blank are letters that draw nothing.
func blank(r rune) bool {
	return r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 || r == 0x2800
}

// CleanLines is s with each of its lines clean, and the line ends kept.
func CleanLines(s string) string {
	if isPlain(s) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Clean(strings.TrimSuffix(l, "\r"))
	}
	return strings.Join(lines, "\n")
}

// CleanJSON is b, which must be valid JSON, with every character escaped that
// cannot be printed. It means what it meant.
func CleanJSON(b []byte) []byte {
	var out []byte // nil while nothing had to be escaped
	from := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == '\n' || unicode.IsPrint(r) {
			i += n
			continue
		}
		out = append(out, b[from:i]...)
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
		from = i
	}
	if out == nil {
		return b
	}
	return append(out, b[from:]...)
}

// WriteJSON writes v as the files of a run have it: indented, and clean.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(CleanJSON(b.Bytes()))
	return err
}
