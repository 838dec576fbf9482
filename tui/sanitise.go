package tui

import (
	"fmt"
	"strings"
	"tload/tui/draw"
	"unicode"
	"unicode/utf8"
)

// Whatever a server sent could carry an escape sequence that moves the cursor,
// sets the clipboard or the title, or a mark that turns the reading direction.
// clean is the one way onto the screen for text that is not our own: it makes
// everything visible that is not a printable character.

const tabWidth = 4

// clean is s as one line that is safe to draw.
func clean(s string) string {
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

// inASCII turns a line of ours for a terminal that has nothing else. Escape
// sequences are ASCII and pass; a wide character becomes two.
func inASCII(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case asciiFor[r] != 0:
			b.WriteByte(asciiFor[r])
		case r >= 0x2500 && r <= 0x257f:
			b.WriteByte('+')
		default:
			b.WriteString(strings.Repeat("?", draw.Width(string(r))))
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

var asciiFor = map[rune]byte{
	'─': '-', '━': '=', '┄': '.', '│': '|', '┃': '|', '┆': ':', '┊': ':', '╴': '-', '╶': '-',
	'▁': '_', '▂': '_', '▃': '.', '▄': '-', '▅': '-', '▆': '=', '▇': '=', '█': '#',
	'▏': '|', '▎': '|', '▍': '|', '▌': '#', '▋': '#', '▊': '#', '▉': '#', '░': '.', '▕': '|',
	'●': 'o', '▲': '^', '▼': 'v', '◀': '<', '▶': '>', '▸': '>', '›': '>', '‹': '<', '✓': '+', '✗': 'x',
	'…': '~', '·': '.', '×': 'x', '→': '>', '≥': '>', '≤': '<', '–': '-', '≠': '!', '•': '*',
}
