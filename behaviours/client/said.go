package client

import (
	"bytes"
	"fmt"
	"strings"
)

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

// failureText is the text of a failure and what it was made of.
type failureText struct {
	status             int
	reason, said, text string
	whole, masked      string // of any failure, as it was and as it is told
}

// failedText is the status with the reason as it was received, and what the
// body said. The last one is kept, so that a storm of one failure makes no
// strings.
func (c *Client) failedText(r *Response) string {
	text, line := said(r.Raw()), r.reply.ReasonBytes()
	if c.lastFailure == nil {
		c.lastFailure = new(failureText)
	}
	l := c.lastFailure
	if l.text != "" && l.status == r.Status && l.said == string(text) && l.reason == string(line) {
		return l.text
	}
	status := c.statusText(r.Status)
	if len(line) > 0 && !strings.HasSuffix(status, " "+string(line)) {
		status = fmt.Sprint(r.Status, " ", string(line))
	}
	l.status, l.said, l.reason, l.text = r.Status, string(text), string(line), status
	if len(text) > 0 {
		l.text += ` "` + l.said + `"`
	}
	return l.text
}
