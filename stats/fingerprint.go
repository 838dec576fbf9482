package stats

import "strings"

// Fingerprint is a message with everything masked that differs between two
// failures of one cause: numbers, hex, UUIDs, quoted strings, addresses and
// ports become '#', so that ten thousand request ids are one group. It is short
// whatever the message is.
func Fingerprint(message string) string {
	const longest = 200
	var b strings.Builder
	for i := 0; i < len(message) && b.Len() < longest; {
		c := message[i]
		switch {
		case c == '"' || c == '\'' || c == '`':
			// A quote that opens: up to its closing one, if there is one near.
			end := strings.IndexByte(message[i+1:], c)
			if end < 0 || end > 500 || c == '\'' && i > 0 && isWord(message[i-1]) {
				b.WriteByte(c)
				i++
				continue
			}
			b.WriteByte(c)
			b.WriteByte('#')
			b.WriteByte(c)
			i += end + 2
		case isWord(c):
			j := i
			for j < len(message) && (isWord(message[j]) || joins(message, j)) {
				j++
			}
			b.WriteString(maskWord(message[i:j]))
			i = j
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// joins says whether the byte at j holds one token together: 10.0.0.1:80,
// 7f0c-1a52, 1.5.
func joins(s string, j int) bool {
	return (s[j] == '.' || s[j] == ':' || s[j] == '-') && j+1 < len(s) && isWord(s[j+1]) && isDigitOrHex(s[j-1])
}

func isDigitOrHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// maskWord is '#' for a token with a digit in it, where "5xx"-like mixtures of
// letters keep the letters that lead: item42 → item#.
func maskWord(w string) string {
	first := strings.IndexAny(w, "0123456789")
	if first < 0 {
		return w
	}
	lead := w[:first]
	for i := 0; i < len(lead); i++ {
		if !isDigitOrHex(lead[i]) {
			if len(w) >= 16 {
				return "#"
			}
			return lead + "#"
		}
	}
	return "#"
}
