package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tload/stats"
)

// mostDecoded is how much of what a body unpacks to is shown.
const mostDecoded = 32 << 20

// Decode is the body of a part as it is shown, without its content codings, and
// what was done to it: "gzip 49 → 31 B". The note is empty if nothing was.
func Decode(p stats.Part) (body []byte, note string) { return decode(p, mostDecoded) }

// decode unpacks up to most bytes and says what it did. What a coding cannot give
// back, because it breaks off or is not what it says, ends the text there and is
// said too.
func decode(p stats.Part, most int) (out []byte, note string) {
	out, undone := Unpack(HeaderOf(p.Head, "Content-Encoding"), p.Body, most)
	var notes []string
	for _, u := range undone {
		n := fmt.Sprintf("%s %s → %s B", u.Coding, grouped(u.Before), grouped(u.After))
		switch {
		case u.Err == nil:
		case errors.Is(u.Err, ErrUnpacksTooLong):
			n = fmt.Sprintf("%s %s → over %s B, the rest is not unpacked", u.Coding, grouped(u.Before), grouped(most))
		case u.After == 0:
			n = fmt.Sprintf("%s: %s, shown as it came", u.Coding, u.Err)
		case errors.Is(u.Err, io.ErrUnexpectedEOF):
			n += ", breaks off"
		default:
			n += ", then damaged"
		}
		notes = append(notes, n)
	}
	return out, strings.Join(notes, ", ")
}

// IsBinary says that a body is better shown as hex: it has a NUL, or more than
// one byte in ten is a control character or no UTF-8.
func IsBinary(b []byte) bool {
	b = b[:min(len(b), 8<<10)]
	if len(b) == 0 {
		return false
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return true
	}
	odd := 0
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			odd++
		}
	}
	for _, r := range string(b[:max(len(b)-3, 0)]) {
		if r == 0xfffd {
			odd++
		}
	}
	return odd*10 > len(b)
}

// latin1 is bytes of a one-byte charset as UTF-8.
func latin1(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = append(out, string(rune(c))...)
	}
	return out
}

// grouped is a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// HexLine is sixteen bytes of b from at, as hex and as text.
func HexLine(b []byte, at int) string {
	const digits = "0123456789abcdef"
	row := b[at:min(at+16, len(b))]
	line := make([]byte, 0, 80)
	line = fmt.Appendf(line, "%08x  ", at)
	for i := range 16 {
		if i == 8 {
			line = append(line, ' ')
		}
		if i < len(row) {
			line = append(line, digits[row[i]>>4], digits[row[i]&15], ' ')
		} else {
			line = append(line, "   "...)
		}
	}
	line = append(line, ' ')
	for _, c := range row {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		line = append(line, c)
	}
	return string(line)
}

func hexLines(b []byte) (lines []string) {
	for at := 0; at < len(b); at += 16 {
		lines = append(lines, HexLine(b, at))
	}
	return lines
}
