package http1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tload/stats"
)

// serve accepts connections on loopback and hands each to a goroutine that is
// waited for.
func serve(t testing.TB, handle func(net.Conn)) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr()
}

// sweeping is a sweeper that runs as long as the test.
func sweeping(t testing.TB) *Sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	s := NewSweeper()
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

func connect(t testing.TB, s *Sweeper, addr net.Addr) *Conn {
	t.Helper()
	nc, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c := NewConn(nc, s)
	t.Cleanup(func() { c.Close() })
	return c
}

const getHead = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func get(s *Sweeper) *Request {
	return &Request{Head: []byte(getHead), Start: s.Now(), Timeout: 5 * time.Second, MaxBody: 1 << 20}
}

// readHead reads one request without a body.
func readRequest(c net.Conn) bool {
	b := make([]byte, 4096)
	n := 0
	for {
		m, err := c.Read(b[n:])
		n += m
		if strings.HasSuffix(string(b[:n]), "\r\n\r\n") {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// scripted answers each request of a connection with the next of the
// replies, in pieces of that many bytes, and closes after the last.
func scripted(pieces int, replies ...string) func(net.Conn) {
	return func(c net.Conn) {
		for _, reply := range replies {
			if !readRequest(c) {
				return
			}
			for len(reply) > 0 {
				n := min(pieces, len(reply))
				if _, err := io.WriteString(c, reply[:n]); err != nil {
					return
				}
				reply = reply[n:]
			}
		}
	}
}

const never = 1 << 30

// trip is a request and the reply to it.
type trip func(*Conn, *Request, *Reply) error

// inBothWays runs a test with requests that are waited for, and with those that
// are started and finished.
func inBothWays(t *testing.T, test func(*testing.T, trip)) {
	t.Run("waited for", func(t *testing.T) { test(t, (*Conn).RoundTrip) })
	t.Run("started", func(t *testing.T) { test(t, started(t)) })
}

func TestReplies(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		tests := []struct {
			name, reply string
			head        bool // the request is HEAD

			status    int
			body      string
			keepAlive bool
			surplus   int
			kind      stats.Kind
			text      string // part of the error
		}{
			{name: "content length", reply: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello", keepAlive: true},
			{name: "no reason", reply: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", status: 200, keepAlive: true},
			{name: "bare LF", reply: "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", status: 200, body: "hi", keepAlive: true},
			{name: "length twice the same", reply: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi", keepAlive: true},
			{name: "lengths that differ", reply: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", status: 200, kind: stats.Protocol, text: "two lengths"},
			{name: "length with a sign", reply: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", status: 200, kind: stats.Protocol, text: "Content-Length"},
			{name: "length beyond int64", reply: "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", status: 200, kind: stats.Protocol, text: "Content-Length"},
			{name: "length over the limit", reply: "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", status: 200, kind: stats.Body, text: "limit of 1048576"},
			{name: "chunked", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", status: 200, body: "hello", keepAlive: true},
			{name: "chunk extensions", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nhel\r\n2 ; c=\"d\"\r\nlo\r\n0;end\r\n\r\n", status: 200, body: "hello", keepAlive: true},
			{name: "trailer", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nExpires: never\r\nX: y\r\n\r\n", status: 200, body: "hello", keepAlive: true},
			{name: "bad chunk size", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", status: 200, body: "hello", kind: stats.Protocol, text: `chunk size "zz"`},
			{name: "empty chunk size", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n", status: 200, kind: stats.Protocol, text: "chunk size"},
			{name: "no line end behind a chunk", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", status: 200, body: "he", kind: stats.Protocol, text: `behind a chunk: "ll`},
			{name: "bare LF in chunks", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhe\r\n0\r\n\r\n", status: 200, kind: stats.Protocol, text: "line end in the chunked body"},
			{name: "huge chunk", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", status: 200, kind: stats.Protocol, text: "chunk size"},
			{name: "chunks over the limit", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n100000\r\n", status: 200, body: "he", kind: stats.Body, text: "limit"},
			{name: "mostly extensions", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\na\r\n", 5), status: 200, body: "aaaa", kind: stats.Protocol, text: "mostly not data"},
			{name: "chunk line without end", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 70<<10), status: 200, kind: stats.Protocol, text: "line longer than 4096 bytes"},
			{name: "long trailer", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 2000), status: 200, kind: stats.Protocol, text: "trailer longer than 64 KiB"},
			{name: "chunked twice", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 200, kind: stats.Protocol, text: "more than one"},
			{name: "length and chunked", reply: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 200, kind: stats.Protocol, text: "smuggled"},
			{name: "another transfer coding", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", status: 200, kind: stats.Protocol, text: "only chunked"},
			{name: "until close", reply: "HTTP/1.1 200 OK\r\n\r\nall of it", status: 200, body: "all of it"},
			{name: "HTTP/1.0", reply: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi"},
			{name: "HTTP/1.0 keep-alive", reply: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi", keepAlive: true},
			{name: "HTTP/1.0 has no chunks", reply: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi", status: 200, body: "2\r\nhi"},
			{name: "connection close", reply: "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi"},
			{name: "HEAD", head: true, reply: "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", status: 200, keepAlive: true},
			{name: "HEAD chunked", head: true, reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", status: 200, keepAlive: true},
			{name: "204", reply: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, keepAlive: true},
			{name: "304 with length", reply: "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", status: 304, keepAlive: true},
			{name: "interim replies", reply: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi", keepAlive: true},
			{name: "as many interim replies as may be", reply: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxInterim) + "HTTP/1.1 204 No Content\r\n\r\n", status: 204, keepAlive: true},
			{name: "interim replies without end", reply: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 20), kind: stats.Protocol, text: "interim"},
			{name: "upgrade", reply: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", status: 101},
			{name: "folded header", reply: "HTTP/1.1 200 OK\r\nContent-Length:\r\n  2\r\nX: a\r\n\tb\r\n\r\nhi", status: 200, body: "hi", keepAlive: true},
			{name: "surplus", reply: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi, you", status: 200, body: "hi", surplus: 5},
			{name: "surplus behind 204", reply: "HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", status: 204, surplus: 19},
			{name: "surplus behind chunks", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore", status: 200, surplus: 4},

			{name: "not HTTP", reply: "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", kind: stats.Protocol, text: `status line "S`},
			{name: "HTTP/2 preface", reply: "HTTP/2.0 200 OK\r\n\r\n", kind: stats.Protocol, text: "status line"},
			{name: "status of two digits", reply: "HTTP/1.1 20 OK\r\n\r\n", kind: stats.Protocol, text: "status line"},
			{name: "status of four digits", reply: "HTTP/1.1 2000 OK\r\n\r\n", kind: stats.Protocol, text: "status line"},
			{name: "status below 100", reply: "HTTP/1.1 099 OK\r\n\r\n", kind: stats.Protocol, text: "status line"},
			{name: "status with a sign", reply: "HTTP/1.1 +20 OK\r\n\r\n", kind: stats.Protocol, text: "status line"},
			{name: "no colon", reply: "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", status: 200, kind: stats.Protocol, text: `header line "nonsense"`},
			{name: "blank before the colon", reply: "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", status: 200, kind: stats.Protocol, text: "blank in or behind"},
			{name: "blank before the first header", reply: "HTTP/1.1 200 OK\r\n X: y\r\n\r\n", status: 200, kind: stats.Protocol, text: "blank before"},
			{name: "NUL in a header", reply: "HTTP/1.1 200 OK\r\nX: a long value \x00 here\r\n\r\n", status: 200, kind: stats.Protocol, text: "control character"},
			{name: "headers of 64 KiB", reply: longReply(maxHead), status: 200, keepAlive: true},
			{name: "headers longer than 64 KiB, with their end", reply: longReply(maxHead + 1), status: 200, kind: stats.Protocol, text: "longer than 64 KiB"},
			{name: "headers without end", reply: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 2000), status: 200, kind: stats.Protocol, text: "longer than 64 KiB"},
			{name: "one header without end", reply: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 70<<10), status: 200, kind: stats.Protocol, text: "longer than 64 KiB"},

			{name: "nothing", kind: stats.EOF, text: "closed the connection waiting for the first byte"},
			{name: "cut in the headers", reply: "HTTP/1.1 200 OK\r\nContent-", status: 200, kind: stats.EOF, text: "reading the headers"},
			{name: "cut in the body", reply: "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello", status: 200, body: "hello", kind: stats.Body, text: "5 of 20 bytes came"},
			{name: "cut in a chunk", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", status: 200, body: "hel", kind: stats.Body, text: "3 bytes came"},
			{name: "cut in the trailer", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\nX: y\r\n", status: 200, body: "hel", kind: stats.Body, text: "3 bytes came"},
		}
		s := sweeping(t)
		for _, tt := range tests {
			for _, pieces := range []int{never, 7, 1} {
				if pieces == 1 && len(tt.reply) > 1000 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d", tt.name, pieces), func(t *testing.T) {
					c := connect(t, s, serve(t, scripted(pieces, tt.reply)))
					req := get(s)
					req.HeadOnly = tt.head
					var r Reply
					err := trip(c, req, &r)
					check(t, err, tt.kind, tt.text)
					if r.Status != tt.status {
						t.Errorf("status: got %d, want %d", r.Status, tt.status)
					}
					if err == nil && !bytes.HasPrefix(r.Head, []byte("HTTP/1.")) {
						t.Errorf("head: got %q", r.Head)
					}
					if string(r.Body) != tt.body {
						t.Errorf("body: got %q, want %q", r.Body, tt.body)
					}
					if r.KeepAlive != tt.keepAlive && pieces == never {
						t.Errorf("keep-alive: got %v, want %v", r.KeepAlive, tt.keepAlive)
					}
					if pieces == never && r.Surplus != tt.surplus {
						t.Errorf("surplus: got %d, want %d", r.Surplus, tt.surplus)
					}
					// Interim replies are dropped as they are read.
					if err != nil && tt.text != "interim" && (!strings.HasPrefix(tt.reply, string(r.Head)) || len(r.Head) == 0 && tt.reply != "") {
						t.Errorf("head kept: got %q of %q", r.Head, tt.reply)
					}
				})
			}
		}
	})
}

// longReply is a reply without a body, of n bytes.
func longReply(n int) string {
	const line, rest = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ", "\r\n\r\n"
	return line + strings.Repeat("x", n-len(line)-len(rest)) + rest
}

// check compares an error with a kind and a part of its text.
func check(t *testing.T, err error, kind stats.Kind, text string) {
	t.Helper()
	var e *Error
	switch {
	case kind == stats.OK && err != nil:
		t.Fatalf("got %v, want no error", err)
	case kind == stats.OK:
	case !errors.As(err, &e):
		t.Fatalf("got %v, want an *Error of kind %v", err, kind)
	case e.Kind != kind:
		t.Errorf("kind: got %v (%v), want %v", e.Kind, e, kind)
	case !strings.Contains(e.Text, text):
		t.Errorf("text: got %q, want it to contain %q", e.Text, text)
	}
}

// TestABodyWithoutEndHasOne holds that a body of which no length is known is read
// no further than the limit.
func TestABodyWithoutEndHasOne(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		c := connect(t, s, serve(t, func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for {
				if _, err := io.WriteString(c, "0123456789"); err != nil {
					return
				}
			}
		}))
		req, r := get(s), Reply{}
		req.MaxBody = 100 << 10
		check(t, trip(c, req, &r), stats.Body, "longer than the limit of 102400 bytes: and no end of it")
		if n := int64(len(r.Body)); n <= req.MaxBody || n > 8*req.MaxBody || r.KeepAlive || !bytes.HasPrefix(r.Body, []byte("0123456789")) {
			t.Errorf("got %d bytes, keep-alive %v", n, r.KeepAlive)
		}
	})
}

// TestAHeadThatComesAgain holds that a head which is known is read as it was
// when it was not.
func TestAHeadThatComesAgain(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		const (
			plain    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\nContent-Encoding: x\r\n\r\n"
			longer   = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
			smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
		)
		s := sweeping(t)
		c := connect(t, s, serve(t, scripted(never, plain+"hi", plain+"ho", plain, longer+strings.Repeat("x", 20), plain+"he", smuggled, smuggled+"0\r\n\r\n")))
		for i, want := range []struct {
			head bool
			body string
			kind stats.Kind
		}{{body: "hi"}, {body: "ho"}, {head: true}, {body: strings.Repeat("x", 20)}, {body: "he"}, {head: true}, {kind: stats.Protocol}} {
			req := get(s)
			req.HeadOnly = want.head
			var r Reply
			check(t, trip(c, req, &r), want.kind, "")
			if string(r.Body) != want.body || r.Status != 200 || r.Cookies != (i < 3 || i == 4) || r.Encoded != r.Cookies {
				t.Errorf("reply %d: got %+v", i, r)
			}
		}
		// The third time it was known, not parsed.
		var r Reply
		var h head
		l := lastHead{}
		req := get(s)
		if parseHead([]byte(plain), req, &r, &h); l.repeated([]byte(plain), req, &r, &h) {
			t.Error("known before it was kept")
		}
		l.keep([]byte(plain), req, &r, &h)
		var r2 Reply
		var h2 head
		if !l.repeated([]byte(plain+"hi"), req, &r2, &h2) || h2.length != len(plain) || r2.Expected != 2 || !r2.Cookies || !r2.Encoded || r2.Status != 200 {
			t.Errorf("known: got %+v and %+v", r2, h2)
		}
		if l.repeated([]byte(plain[:len(plain)-1]), req, &r2, &h2) {
			t.Error("half a head is known")
		}
	})
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}
