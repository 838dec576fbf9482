package requests

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a .http file would take for something of its own, or cannot hold, is written as
// {{$raw "…"}}, so that a request reads back as the same bytes whatever they are.

// raw is a text as a .http file holds any.
func raw(text string) string {
	return "{{$raw " + strings.ReplaceAll(strconv.QuoteToASCII(text), "}", `\x7d`) + "}}"
}

// escaped is text with all in it that is no plain text of one line.
func escaped(text string) string {
	var out, odd []byte
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		plain := true
		switch {
		case r == utf8.RuneError, r < ' ' && r != '\t', r == 0x7f, r == '\ufeff', r > ' ' && unicode.IsSpace(r):
			plain = false
		case strings.HasPrefix(text[i:], "{{"):
			plain, n = false, 2
		}
		switch {
		case plain && odd == nil:
			out = append(out, text[i:i+n]...)
		case plain:
			out, odd = append(out, raw(string(odd))...), nil
			continue
		case odd == nil && len(out) > 0 && out[len(out)-1] == '{': // before {{ it would be one more
			out, odd = out[:len(out)-1], append([]byte("{"), text[i:i+n]...)
		default:
			odd = append(odd, text[i:i+n]...)
		}
		i += n
	}
	if odd != nil {
		out = append(out, raw(string(odd))...)
	}
	return string(out)
}

// escapedBody is a body of that type as lines of a .http file.
func escapedBody(body, kind string) string {
	end, closed := "\n", false
	switch {
	case strings.HasPrefix(kind, formType): // whose lines are joined
		if line := escapedLine(body, true); strings.TrimSpace(line) != "" {
			return line
		}
		return raw(body)
	case isParts(kind): // whose lines end as the format wants it
		end = "\r\n"
		if at := strings.LastIndex(strings.TrimSuffix(body, end), end) + 1; strings.HasSuffix(body, end) {
			last := strings.TrimPrefix(strings.TrimSuffix(body[max(at-1, 0):], end), end)
			closed = lastBoundary(escapedLine(last, false))
		}
	}
	if closed {
		body = strings.TrimSuffix(body, end)
	}
	lines := strings.Split(body, end)
	for i, line := range lines {
		edge := i == 0 || i == len(lines)-1
		lines[i] = escapedLine(line, i == 0)
		switch {
		case edge && strings.TrimSpace(lines[i]) == "":
			lines[i] = raw(line) // else it would be passed over
		case i == len(lines)-1 && end != "\n" && !closed && lastBoundary(lines[i]):
			lines[i] = raw(line[:1]) + escaped(line[1:]) // else another end would come behind it
		}
	}
	return strings.Join(lines, "\n")
}

// escapedLine is one line of a body, of which what it begins with may mean something.
func escapedLine(line string, first bool) string {
	at := len(line) - len(strings.TrimLeft(line, " \t"))
	rest := line[at:]
	if rest != "" && strings.ContainsRune("<>#/", rune(rest[0])) || first && isRequestLine(strings.TrimSpace(rest)) {
		return line[:at] + raw(rest[:1]) + escaped(rest[1:])
	}
	return escaped(line)
}
