package exchange

import (
	"bytes"
	"strings"

	"tload/stats"
)

// FirstLine is the start line of a head, and its headers.
func FirstLine(head []byte) (line string, rest []byte) {
	l, end := cutLine(head)
	return string(l), head[len(l)+len(end):]
}

// Headers are the header lines of a head, in order, without their ends.
func Headers(head []byte) []string {
	_, rest := FirstLine(head)
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

// HeaderOf is the first value of a header in a head as it was on the wire.
func HeaderOf(head []byte, name string) string {
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

// Headless says that what came cannot be parted into head and body, so that all
// of it is shown as it came: the head ends in a line that is none.
func Headless(x *stats.Exchange) bool {
	if x.Kind != stats.Protocol || len(x.Response.Body) > 0 {
		return false
	}
	line, rest := FirstLine(x.Response.Head)
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

func cutLine(b []byte) (line, end []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	if i > 0 && b[i-1] == '\r' {
		return b[:i-1], b[i-1 : i+1]
	}
	return b[:i], b[i : i+1]
}
