package http1

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math"

	"tload/stats"
)

// readBody reads what the head announced, in place, and settles whether the
// connection can be used again.
func (c *Conn) readBody(req *Request, r *Reply, h *head) error {
	r.KeepAlive = !h.close && r.Status != 101
	if h.noBody {
		r.Surplus = c.end - h.length
		return nil
	}
	switch {
	case h.chunked:
		r.Chunked, r.Expected = true, -1
		return c.readChunked(req, r, h)
	case r.Expected >= 0:
		return c.readLength(req, r, h)
	default:
		r.KeepAlive = false
		return c.readToClose(req, r, h)
	}
}

// Long is from which size on a body is only kept as far as somebody wants it.
const Long = 192 << 10

// forgetful is how much behind what is wanted comes before any of it is
// forgotten; as much again is room to read into.
const forgetful = 128 << 10

// limited says whether a body of n bytes so far is one of which not all is kept.
func (h *head) limited(req *Request, r *Reply, n int64) bool {
	if !h.asked && req.Keeper != nil && n >= Long {
		h.asked = true
		h.most, h.sum = req.Keeper.Keep(r)
		h.cut = h.most >= 0
	}
	return h.cut
}

// grow makes room for more of the body, without end if all of it is kept.
func (c *Conn) grow(h *head) {
	n := c.end
	if h.cut {
		n = min(n, h.length+h.most+2*forgetful-c.end)
	}
	c.room(n)
}

// forget forgets what is behind the bytes of the body that are to be kept, if
// end is where the body ends by now and that is worth it. It returns where it
// ends then.
func (c *Conn) forget(req *Request, r *Reply, h *head, end int) int {
	if !h.limited(req, r, int64(end-h.length)) || end-h.length-h.most < forgetful {
		return end
	}
	return c.drop(r, h, end)
}

// drop forgets all that is not to be kept of a body that ends there.
func (c *Conn) drop(r *Reply, h *head, end int) int {
	body := c.buf.b[h.length:end]
	r.Forget(body[:h.most], body[h.most:], h.sum)
	return h.length + h.most
}

// Forget counts bytes of the body, rest, that come behind those that are kept and
// those that were forgotten before. With sum they go through a hash, which is what
// there will be of them.
func (r *Reply) Forget(kept, rest []byte, sum bool) {
	if sum && r.sum == nil {
		r.sum = sha256.New()
		r.sum.Write(kept)
	}
	if sum {
		r.sum.Write(rest)
	}
	r.Forgotten += int64(len(rest))
}

// SHA256 is the SHA-256 of all of the body that came. It is nil if some of it was
// forgotten and the Keeper did not want it.
func (r *Reply) SHA256() []byte {
	switch {
	case r.sum != nil:
		return r.sum.Sum(nil)
	case r.Forgotten > 0:
		return nil
	}
	sum := sha256.Sum256(r.Body)
	return sum[:]
}

// upfront is how much memory an announced length gets before a byte of the
// body has come; beyond it the buffer grows with what does.
const upfront = 1 << 20

func (c *Conn) readLength(req *Request, r *Reply, h *head) error {
	if req.MaxBody > 0 && r.Expected > req.MaxBody || r.Expected > math.MaxInt/2 {
		c.keep(r, h, c.end)
		return tooLong(req, sprint("%d bytes announced", r.Expected))
	}
	want := h.length + int(r.Expected)
	piecewise := h.limited(req, r, r.Expected)
	for c.end < want {
		if c.end == len(c.buf.b) {
			end := c.forget(req, r, h, c.end)
			want -= c.end - end
			c.end = end
		}
		missing := want - c.end
		if piecewise {
			missing = min(missing, h.length+h.most+2*forgetful-c.end)
		}
		if c.end == len(c.buf.b) || missing <= upfront {
			c.room(min(missing, max(upfront, c.end)))
		}
		if err := c.fill(r); err != nil {
			c.keep(r, h, c.end)
			return c.failed(req, r, h, err)
		}
	}
	c.keep(r, h, want)
	r.Surplus = c.end - want
	return nil
}

func (c *Conn) readToClose(req *Request, r *Reply, h *head) error {
	for {
		if req.MaxBody > 0 && int64(c.end-h.length)+r.Forgotten > req.MaxBody {
			c.keep(r, h, c.end)
			return tooLong(req, "and no end of it")
		}
		if c.end == len(c.buf.b) {
			c.end = c.forget(req, r, h, c.end)
		}
		if c.end == len(c.buf.b) {
			c.grow(h)
		}
		switch err := c.fill(r); {
		case err == errEOF && c.w.ended: // that of TLS did not come before it
			c.keep(r, h, c.end)
			return &Error{Kind: stats.Body, Phase: Body, Err: io.ErrUnexpectedEOF,
				Text: sprint("the server closed the connection without TLS's close_notify, so the body may be cut short (%d bytes came)", int64(len(r.Body))+r.Forgotten)}
		case err == errEOF:
			c.keep(r, h, c.end)
			return nil
		case err != nil:
			c.keep(r, h, c.end)
			return c.failed(req, r, h, err)
		}
	}
}

// keep sets the reply's parts, once; the buffer does not move from here on.
func (c *Conn) keep(r *Reply, h *head, end int) {
	if r.Forgotten > 0 { // what is behind that is not what came next
		end = c.drop(r, h, end)
	}
	r.Head = c.buf.b[:h.length]
	r.Body = c.buf.b[h.length:end:end]
}

func tooLong(req *Request, detail string) error {
	return &Error{Kind: stats.Body, Phase: Body, Text: sprint("body longer than the limit of %d bytes: %s", req.MaxBody, detail)}
}

// chunks decodes a chunked body in place. The buffer is, in order: the head,
// the body so far up to write, bytes that are done with, and from read to end
// what has come and was not looked at.
type chunks struct {
	c      *Conn
	req    *Request
	r      *Reply
	h      *head
	write  int
	read   int
	body   int // where the body ends and the trailer begins, once that is known
	excess int // bytes that are not data; see next
}

const (
	maxChunkLine = 4096
	maxExcess    = 16 << 10
)

func (c *Conn) readChunked(req *Request, r *Reply, h *head) error {
	k := chunks{c: c, req: req, r: r, h: h, write: h.length, read: h.length}
	for {
		size, err := k.next()
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		if err := k.data(size); err != nil {
			return err
		}
	}
	if err := k.trailer(); err != nil {
		return err
	}
	r.Surplus = c.end - k.read
	return nil
}

// stop keeps what was decoded and returns err.
func (k *chunks) stop(err error) error {
	end := k.write
	if k.body > 0 {
		end = k.body
	}
	k.c.keep(k.r, k.h, end)
	return err
}

// more waits for more bytes. What was not looked at may move.
func (k *chunks) more() error {
	c := k.c
	if k.read == c.end {
		k.read, c.end = k.write, k.write
	}
	if c.end == len(c.buf.b) && k.read > k.write {
		n := copy(c.buf.b[k.write:], c.buf.b[k.read:c.end])
		k.read, c.end = k.write, k.write+n
	}
	if c.end == len(c.buf.b) {
		c.grow(k.h)
	}
	if err := c.fill(k.r); err != nil {
		k.stop(nil)
		return c.failed(k.req, k.r, k.h, err)
	}
	return nil
}

// line is the next line, without its CR LF. A bare LF does not end it: in
// chunked framing that is how replies are smuggled.
func (k *chunks) line(most int) ([]byte, error) {
	for looked := 0; ; {
		b := k.c.buf.b[k.read:k.c.end]
		if i := bytes.IndexByte(b[looked:], '\n'); i >= 0 {
			i += looked
			k.read += i + 1
			if i == 0 || b[i-1] != '\r' || bytes.IndexByte(b[:i-1], '\r') >= 0 {
				return nil, k.stop(malformed(Body, "line end in the chunked body: %s", quote(b[:i+1])))
			}
			return b[:i-1], nil
		}
		if len(b) > most {
			return nil, k.stop(malformed(Body, "line longer than %d bytes in the chunked body", most))
		}
		looked = len(b)
		if err := k.more(); err != nil {
			return nil, err
		}
	}
}

// next reads the line before a chunk and returns the chunk's size.
func (k *chunks) next() (int, error) {
	line, err := k.line(maxChunkLine)
	if err != nil {
		return 0, err
	}
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	size := 0
	for _, d := range digits {
		v := hexValue[d]
		if v == 0xff || size > math.MaxInt>>8 || len(digits) > 16 {
			return 0, k.stop(malformed(Body, "chunk size %s", quote(line)))
		}
		size = size<<4 | int(v)
	}
	if len(digits) == 0 {
		return 0, k.stop(malformed(Body, "chunk size %s", quote(line)))
	}
	// A server may send single bytes in chunks of their own, but no flood of
	// extensions with hardly any data.
	k.excess = max(k.excess+len(line)+4-16-2*size, 0)
	if k.excess > maxExcess {
		return 0, k.stop(malformed(Body, "the chunked body is mostly not data"))
	}
	before := int64(k.write-k.h.length) + k.r.Forgotten
	if most := k.req.MaxBody; most > 0 && before+int64(size) > most {
		return 0, k.stop(tooLong(k.req, sprint("a chunk of %d bytes behind %d", size, before)))
	}
	return size, nil
}

// data appends a chunk to the body.
func (k *chunks) data(size int) error {
	for size > 0 {
		b := k.c.buf.b
		n := min(size, k.c.end-k.read)
		if k.read != k.write {
			copy(b[k.write:], b[k.read:k.read+n])
		}
		k.write = k.c.forget(k.req, k.r, k.h, k.write+n)
		k.read += n
		if size -= n; size == 0 {
			break
		}
		if err := k.more(); err != nil {
			return err
		}
	}
	for k.c.end-k.read < 2 {
		if err := k.more(); err != nil {
			return err
		}
	}
	if b := k.c.buf.b[k.read:]; b[0] != '\r' || b[1] != '\n' {
		return k.stop(malformed(Body, "no line end behind a chunk: %s", quote(b[:k.c.end-k.read])))
	}
	k.read += 2
	return nil
}

// trailer reads the headers behind the last chunk and moves them behind the
// body, line by line.
func (k *chunks) trailer() error {
	k.body = k.write
	for {
		line, err := k.line(maxHead)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if k.write-k.body+len(line) > maxHead {
			return k.stop(malformed(Body, "trailer longer than %d KiB", maxHead>>10))
		}
		switch {
		case !isBlank(line[0]):
			if _, _, err := parseField(line); err != nil {
				return k.stop(err)
			}
		case k.write == k.body:
			return k.stop(malformed(Body, "blank before the first trailer"))
		case hasControl(line):
			return k.stop(malformed(Body, "control character in a trailer"))
		}
		b := k.c.buf.b
		k.write += copy(b[k.write:], line)
		k.write += copy(b[k.write:], "\r\n")
	}
	k.c.keep(k.r, k.h, k.body)
	k.r.Trailer = k.c.buf.b[k.body:k.write:k.write]
	return nil
}

var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()
