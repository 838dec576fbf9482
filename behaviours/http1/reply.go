package http1

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

func sprint(format string, a ...any) string { return fmt.Sprintf(format, a...) }

// head is what the headers say about what comes behind them.
type head struct {
	tried    bool // parsing has been tried
	scan     int  // where the line begins that was not yet complete
	length   int  // of the head in the buffer; 0 until it is complete
	chunked  bool
	noBody   bool // of its nature: HEAD, 204, 304, 101
	close    bool
	encoding bool // a Transfer-Encoding was there
	asked    bool // how much of the body is to be kept; the next three are the answer
	cut      bool // not all of it
	most     int  // but this much
	sum      bool // and all of it goes through a hash
}

// readHead reads up to the empty line and understands what it read. It can be
// called again after a deadline.
func (c *Conn) readHead(req *Request, r *Reply, h *head) error {
	for {
		if c.end > 0 {
			// Nearly every head comes in one piece, so the first look is an
			// attempt to parse it. One that drips in is parsed when its end
			// is there, so that it cannot cost a look at all of it per byte.
			b := c.buf.b[:c.end]
			if !h.tried || findEnd(b, &h.scan) {
				if !h.tried && c.buf.last.repeated(b, req, r, h) {
					r.Head = b[:h.length]
					return nil
				}
				h.tried = true
				if err := parseHead(b, req, r, h); err != nil || h.length > 0 {
					r.Head = b[:max(h.length, 0)]
					if err != nil {
						r.Head = b
					} else {
						c.buf.last.keep(b, req, r, h)
					}
					return err
				}
			}
			if c.end > maxHead {
				c.keepHead(req, r)
				return longHead()
			}
			c.room(1)
		}
		if err := c.fill(r); err != nil {
			wrong := c.keepHead(req, r)
			if wrong != nil && err == errEOF {
				return wrong // which no more bytes would have mended
			}
			return c.failed(req, r, nil, err)
		}
	}
}

func longHead() error { return malformed(Headers, "headers longer than %d KiB", maxHead>>10) }

// keepHead keeps a head that will not be completed, with its status if the
// status line is all there. It returns what is wrong with it, besides that.
//
//go:noinline
func (c *Conn) keepHead(req *Request, r *Reply) error {
	if c.end == 0 {
		return nil
	}
	r.Head = c.buf.b[:c.end]
	return parseHead(r.Head, req, r, new(head))
}

// dropHead forgets an interim reply and moves what is behind it to the front.
func (c *Conn) dropHead(r *Reply, h *head) {
	*r = Reply{Expected: -1, In: r.In, Out: r.Out, FirstByte: r.FirstByte}
	c.end = copy(c.buf.b, c.buf.b[h.length:c.end])
	*h = head{}
}

// findEnd says whether the empty line is there. scan is where the last line
// began; lines before it are not empty.
func findEnd(b []byte, scan *int) bool {
	for {
		line := b[*scan:]
		i := bytes.IndexByte(line, '\n')
		switch {
		case i < 0:
			return false
		case i == 0 || i == 1 && line[0] == '\r':
			return true
		}
		*scan += i + 1
	}
}

// parseHead understands the status line and the headers that matter to the
// framing. h.length stays 0 if the head is not complete.
func parseHead(b []byte, req *Request, r *Reply, h *head) error {
	whole := len(b)
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		if !bytes.HasPrefix(b, []byte(version)[:min(len(b), len(version))]) {
			return badStatusLine(b) // whatever comes behind it
		}
		return nil
	}
	if err := parseStatusLine(trimEOL(b[:i+1]), r); err != nil {
		return err
	}
	h.close = r.Minor == 0
	h.encoding, h.chunked, r.Expected = false, false, -1
	b = b[i+1:]
	if len(b) > 0 && isBlank(b[0]) {
		return malformed(Headers, "blank before the first header")
	}
	var length []byte
	for {
		line, rest, ok := nextField(b)
		if !ok {
			return nil
		}
		b = rest
		if len(line) == 0 {
			break
		}
		name, value, err := parseField(line)
		if err != nil {
			return err
		}
		// The names that matter differ in length nearly always.
		switch len(name) {
		case len("Connection"):
			if foldEqual(name, "connection") {
				if hasToken(value, "close") {
					h.close = true
				} else if r.Minor == 0 && hasToken(value, "keep-alive") {
					h.close = false
				}
			} else if foldEqual(name, "set-cookie") {
				r.Cookies = true
			}
		case len("Content-Length"):
			if foldEqual(name, "content-length") {
				if length != nil && !bytes.Equal(length, value) {
					return malformed(Headers, "two lengths, %s and %s", quote(length), quote(value))
				}
				length = value
				if r.Expected, err = parseLength(value); err != nil {
					return err
				}
			}
		case len("Content-Encoding"):
			if foldEqual(name, "content-encoding") {
				r.Encoded = true
			}
		case len("Transfer-Encoding"):
			if foldEqual(name, "transfer-encoding") {
				if h.encoding {
					return malformed(Headers, "more than one Transfer-Encoding")
				}
				h.encoding = true
				if !foldEqual(value, "chunked") && r.Minor > 0 {
					return malformed(Headers, "Transfer-Encoding %s, only chunked is understood", quote(value))
				}
				h.chunked = r.Minor > 0
			}
		}
	}
	if whole-len(b) > maxHead { // it may be here at once, if there was room for it
		return longHead()
	}
	h.length = whole - len(b)
	h.noBody = req.HeadOnly || r.Status/100 == 1 || r.Status == 204 || r.Status == 304
	if h.encoding && length != nil && !h.noBody {
		return malformed(Headers, "both Content-Length and Transfer-Encoding (this is how requests are smuggled)")
	}
	return nil
}

// version is what every reply begins with.
const version = "HTTP/1."

func badStatusLine(line []byte) error { return malformed(Headers, "status line %s", quote(line)) }

// parseStatusLine reads HTTP/1.x, blanks, three digits, and an optional reason.
func parseStatusLine(line []byte, r *Reply) error {
	bad := func() error { return badStatusLine(line) }
	if len(line) < len("HTTP/1.1 200") || string(line[:len(version)]) != version || line[7] < '0' || line[7] > '9' || line[8] != ' ' {
		return bad()
	}
	r.Minor = int(line[7] - '0')
	code := bytes.TrimLeft(line[8:], " ")
	if len(code) < 3 || len(code) > 3 && code[3] != ' ' {
		return bad()
	}
	n := 0
	for _, d := range code[:3] {
		if d < '0' || d > '9' {
			return bad()
		}
		n = n*10 + int(d-'0')
	}
	if n < 100 {
		return bad()
	}
	r.Status = n
	return nil
}

// nextField cuts the first header line off, joined with the lines that
// continue it (obs-fold: their line ends become blanks, in place). The line is
// empty at the end of the head; ok is false if that has not come yet.
func nextField(b []byte) (line, rest []byte, ok bool) {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return nil, nil, false
		}
		next := from + i + 1
		switch {
		case from == 0 && (i == 0 || i == 1 && b[0] == '\r'):
			return nil, b[next:], true
		case next == len(b):
			return nil, nil, false // does the next line continue this one?
		case !isBlank(b[next]):
			return trimEOL(b[:next]), b[next:], true
		}
		b[next-1] = ' '
		if b[next-2] == '\r' {
			b[next-2] = ' '
		}
		from = next
	}
}

// parseField takes a header line apart.
func parseField(line []byte) (name, value []byte, err error) {
	i := 0
	for i < len(line) && tokenByte[line[i]] {
		i++
	}
	switch {
	case i == 0 || i == len(line) || line[i] != ':' && !isBlank(line[i]):
		return nil, nil, malformed(Headers, "header line %s", quote(line))
	case line[i] != ':':
		return nil, nil, malformed(Headers, "blank in or behind a header's name: %s", quote(line))
	}
	name, value = line[:i], line[i+1:]
	if hasControl(value) {
		return nil, nil, malformed(Headers, "control character in a header: %s", quote(line))
	}
	return name, trimBlank(value), nil
}

func parseLength(v []byte) (int64, error) {
	if len(v) == 0 || len(v) > 18 {
		return -1, malformed(Headers, "Content-Length %s", quote(v))
	}
	var n int64
	for _, d := range v {
		if d < '0' || d > '9' {
			return -1, malformed(Headers, "Content-Length %s", quote(v))
		}
		n = n*10 + int64(d-'0')
	}
	return n, nil
}

// Header is the value of the first header of that name, in whatever case, and
// whether there is one.
func (r *Reply) Header(name string) ([]byte, bool) {
	for n, v := range r.Headers {
		if len(n) == len(name) && equalFold(n, name) {
			return v, true
		}
	}
	return nil, false
}

// Headers goes through the headers in the order in which they came, as bytes
// of the reply.
func (r *Reply) Headers(yield func(name, value []byte) bool) {
	i := bytes.IndexByte(r.Head, '\n')
	fields(r.Head[i+1:], yield)
}

// Trailers goes through the headers behind a chunked body.
func (r *Reply) Trailers(yield func(name, value []byte) bool) {
	// An empty line, so that the last one is known not to go on.
	fields(append(r.Trailer[:len(r.Trailer):len(r.Trailer)], "\r\n"...), yield)
}

func fields(b []byte, yield func(name, value []byte) bool) {
	for {
		line, rest, ok := nextField(b)
		if !ok || len(line) == 0 {
			return
		}
		name, value, err := parseField(line)
		if err != nil {
			return // the head has been refused
		}
		if !yield(name, value) {
			return
		}
		b = rest
	}
}

// Reason is the text behind the status code, as it came.
func (r *Reply) Reason() string { return string(r.ReasonBytes()) }

// ReasonBytes is Reason within Head.
func (r *Reply) ReasonBytes() []byte {
	line, _, _ := bytes.Cut(r.Head, []byte("\n"))
	line = trimEOL(line)
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		line = bytes.TrimLeft(line[i:], " ")
	}
	if len(line) <= 4 {
		return nil
	}
	return line[4:]
}

// quote shows the beginning of what came.
func quote(b []byte) string {
	if len(b) > 60 {
		return strconv.Quote(string(b[:60])) + "…"
	}
	return strconv.Quote(string(b))
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// trimEOL cuts one line end off.
func trimEOL(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	return b
}

func trimBlank(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// foldEqual compares without regard to case. b must have been found to be a
// token, and lower is one in small letters.
func foldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func equalFold(b []byte, name string) bool {
	for i := range b {
		x, y := b[i], name[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}

// hasToken says whether the comma-separated list has that member.
func hasToken(list []byte, lower string) bool {
	for len(list) > 0 {
		var item []byte
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			item, list = list, nil
		}
		if foldEqual(trimBlank(item), lower) {
			return true
		}
	}
	return false
}

// hasControl says whether there is a control character other than a tab,
// eight bytes at a time.
func hasControl(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		below := (x - ones*0x20) & ^x & tops // some byte < 0x20
		del := x ^ ones*0x7f                 // zero where 0x7f was
		if below|((del-ones)&^del&tops) != 0 && slowControl(b[:8]) {
			return true
		}
		b = b[8:]
	}
	return slowControl(b)
}

func slowControl(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// tokenByte are the bytes of a header's name.
var tokenByte = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		t[c] = true
	}
	return t
}()
