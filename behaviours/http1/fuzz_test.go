package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Where this parser differs from net/http's on purpose. In every row it
// refuses what net/http lets pass: a load tester is there to find out.
//
//	what comes                              net/http          here, because
//	Content-Length and Transfer-Encoding    ignores length    refused: it is how replies are smuggled (RFC 9112, 6.1, allows it)
//	HTTP/0.9, HTTP/2.0 … in a status line   parsed            refused: this is HTTP/1.x
//	status "+20", "-99", below 100          parsed by Atoi    refused: three digits (RFC 9112, 4)
//	a blank in or behind a header's name    kept in the name  refused (RFC 9112, 5.1)
//	an empty header name                    skipped           refused
//	"Transfer-Encoding:" in HTTP/1.0        ignored           the same, but together with a length refused
//	Trailer: names framing headers          refused           ignored: trailers are only shown
//	bare LF at the end of a trailer         sometimes         refused, as in all chunked framing
//	headers longer than 64 KiB              read              refused
//	more bytes than an int in a chunk       waits for them    refused
//	interim replies                         one at a time     skipped, up to 16
//
// differs says that the reply has one of these.
func differs(b []byte) bool {
	head := b
	if i := endOfHead(b); i > 0 {
		head = b[:i]
	}
	if len(head) > maxHead {
		return true
	}
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	proto, status, _ := bytes.Cut(trimEOL(line), []byte(" "))
	status = bytes.TrimLeft(status, " ")
	if !bytes.HasPrefix(proto, []byte("HTTP/1.")) || len(status) < 3 || status[0] < '1' || status[0] > '9' ||
		status[1] < '0' || status[1] > '9' || status[2] < '0' || status[2] > '9' {
		return true
	}
	length, encoding := false, false
	for l := range bytes.Lines(rest) {
		name, _, _ := bytes.Cut(l, []byte(":"))
		if len(name) == 0 || bytes.ContainsAny(name, " \t") && !isBlank(l[0]) || strings.EqualFold(string(name), "Trailer") {
			return true
		}
		length = length || strings.EqualFold(string(name), "Content-Length")
		encoding = encoding || strings.EqualFold(string(name), "Transfer-Encoding")
	}
	if length && encoding {
		return true
	}
	if behind := b[len(head):]; status[0] == '1' && !bytes.HasPrefix(status, []byte("101")) && len(behind) > 0 {
		_, behind, _ = bytes.Cut(behind, []byte("\n"))
		return len(behind) > 0 && differs(behind)
	}
	return false
}

// endOfHead is where the empty line begins, 0 if there is none.
func endOfHead(b []byte) int {
	for i := range b {
		if b[i] == '\n' && (bytes.HasPrefix(b[i+1:], []byte("\n")) || bytes.HasPrefix(b[i+1:], []byte("\r\n"))) {
			return i + 1
		}
	}
	return 0
}

// outcome is a reply as either parser read it.
type outcome struct {
	failed  bool
	status  int
	body    string
	headers []string
	close   bool
}

func standard(b []byte, method string) (outcome, *bufio.Reader) {
	br := bufio.NewReaderSize(bytes.NewReader(b), 1<<20)
	for range maxInterim + 1 {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return outcome{failed: true}, nil
		}
		if res.StatusCode/100 == 1 && res.StatusCode != 101 {
			continue
		}
		// The transport closes a connection that has no other end of the body.
		o := outcome{status: res.StatusCode, close: res.Close}
		body, err := io.ReadAll(res.Body)
		o.body, o.failed = string(body), err != nil
		for n, vs := range res.Header {
			for _, v := range vs {
				o.headers = append(o.headers, strings.ToLower(n)+": "+v)
			}
		}
		slices.Sort(o.headers)
		return o, br
	}
	return outcome{failed: true}, nil
}

// bytesConn is a connection from which b comes and then its end, in pieces.
type bytesConn struct {
	net.Conn
	b     []byte
	piece int
	asked int // how often
}

func (c *bytesConn) Read(p []byte) (int, error) {
	c.asked++
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(c.piece, len(c.b))])
	c.b = c.b[n:]
	return n, nil
}

func (c *bytesConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *bytesConn) Close() error                     { return nil }
func (c *bytesConn) SetDeadline(time.Time) error      { return nil }
func (c *bytesConn) SetReadDeadline(time.Time) error  { return nil }
func (c *bytesConn) SetWriteDeadline(time.Time) error { return nil }

func ours(b []byte, method string, piece int) (outcome, Reply) {
	s := NewSweeper()
	c := NewConn(&bytesConn{b: bytes.Clone(b), piece: piece}, s)
	defer c.Close()
	defer c.Release() // the next one gets the buffer, with its last head
	var r Reply
	err := c.RoundTrip(&Request{Head: []byte("GET / HTTP/1.1\r\n\r\n"), HeadOnly: method == "HEAD", Start: s.Now()}, &r)
	o := outcome{failed: err != nil, status: r.Status, body: string(r.Body), close: !r.KeepAlive && r.Surplus == 0}
	for n, v := range r.Headers {
		// net/http takes these out of the headers.
		if foldEqual(n, "transfer-encoding") || foldEqual(n, "connection") && hasToken(v, "close") {
			continue
		}
		o.headers = append(o.headers, strings.ToLower(string(n))+": "+string(v))
	}
	slices.Sort(o.headers)
	return o, r
}

func FuzzReply(f *testing.F) {
	for _, b := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0 200 OK\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\nA: b\r\n c\r\n\r\nmore",
		"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 2\n\nhi",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\nstuff",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000005\r\nhello\r\n0\r\n\r\n",
	} {
		f.Add([]byte(b), false)
		f.Add([]byte(b), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, head bool) {
		if len(b) > 1<<16 {
			return
		}
		method, other := "GET", "HEAD"
		if head {
			method, other = other, method
		}
		got, reply := ours(b, method, never)
		// The pieces in which it comes make no difference.
		if pieces, _ := ours(b, method, 1); pieces.failed != got.failed || pieces.status != got.status ||
			!got.failed && pieces.body != got.body || !got.failed && !slices.Equal(pieces.headers, got.headers) {
			t.Errorf("in pieces: got %+v, at once %+v", pieces, got)
		}
		// Nor does what was read before.
		ours(b, other, never)
		for range 2 {
			if again, _ := ours(b, method, never); again.failed != got.failed || again.status != got.status || again.close != got.close ||
				again.body != got.body || !slices.Equal(again.headers, got.headers) {
				t.Errorf("again: got %+v, at first %+v", again, got)
			}
		}
		if len(reply.Body)+len(reply.Head) > len(b) {
			t.Errorf("%d bytes of head and %d of body from %d", len(reply.Head), len(reply.Body), len(b))
		}
		want, _ := standard(b, method)
		if differs(b) {
			return
		}
		if want.failed && !got.failed {
			t.Errorf("net/http refuses what was read as %+v", got)
		}
		if got.failed {
			if !want.failed && !excused(reply) {
				t.Errorf("refused, net/http reads %+v", want)
			}
			return
		}
		if want.failed {
			return
		}
		if got.status != want.status || got.body != want.body {
			t.Errorf("got %d %q, net/http %d %q", got.status, got.body, want.status, want.body)
		}
		if reply.Surplus == 0 && got.status != 101 && got.close != want.close {
			t.Errorf("close: got %v, net/http %v", got.close, want.close)
		}
	})
}

// excused says that a refusal is one that the table has, where that can only
// be told from the reply: in the chunks and the trailer, or too many interim
// replies.
func excused(r Reply) bool { return r.Chunked || r.Status/100 == 1 }
