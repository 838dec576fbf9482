package draw

import "strings"

// ASCII turns a line of ours for a terminal that has nothing else. Escape
// sequences are ASCII and pass; a wide character becomes two.
func ASCII(s string) string {
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
			b.WriteString(strings.Repeat("?", Width(string(r))))
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
