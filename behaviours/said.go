package behaviours

import "bytes"

// What a failing reply says of itself tells more than its status: "pool
// exhausted" and "upstream timeout" are two things behind one 503. It becomes
// part of the message, in quotes, which the fingerprint of a group leaves out:
// so both are variants of one group.

// lookAt is how much of a body is looked through; a storm of failures pays for
// it.
const lookAt = 1024

var telling = [...]string{`"message"`, `"error"`, `"detail"`, `"error_description"`, `"title"`, `"reason"`, `"msg"`}

// said is the text in which a body says what went wrong, nil if none is found:
// a member of a JSON object that is usual for it, or a short line of plain text.
func said(body []byte) []byte {
	body = bytes.TrimLeft(body[:min(len(body), lookAt)], " \t\r\n")
	if len(body) == 0 {
		return nil
	}
	if body[0] == '{' || body[0] == '[' {
		for _, key := range telling {
			if text := member(body, key); len(text) > 0 {
				return text
			}
		}
		return nil
	}
	if body[0] == '<' || len(body) > 200 {
		return nil
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	line = bytes.TrimRight(line, " \t\r")
	for _, c := range line {
		if c < ' ' || c >= 0x7f || c == '"' {
			return nil
		}
	}
	return line
}

// member is the string that stands behind a key, wherever in the text.
func member(b []byte, key string) []byte {
	for {
		i := bytes.Index(b, []byte(key))
		if i < 0 {
			return nil
		}
		b = bytes.TrimLeft(b[i+len(key):], " \t\r\n")
		if len(b) == 0 || b[0] != ':' {
			continue
		}
		b = bytes.TrimLeft(b[1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' {
			continue
		}
		text := b[1:]
		for j := 0; j < len(text) && j < 120; j++ {
			switch text[j] {
			case '\\':
				j++
			case '"':
				return text[:j]
			}
		}
		return text[:min(len(text), 120)]
	}
}

// failedText is the status with what the body said. The last one is kept, so
// that a storm of one failure makes no strings.
func (c *Client) failedText(status int, body []byte) string {
	text := said(body)
	if len(text) == 0 {
		return c.statusText(status)
	}
	if c.lastFailure.status == status && c.lastFailure.said == string(text) {
		return c.lastFailure.text
	}
	c.lastFailure.status, c.lastFailure.said = status, string(text)
	c.lastFailure.text = c.statusText(status) + ` "` + string(text) + `"`
	return c.lastFailure.text
}
