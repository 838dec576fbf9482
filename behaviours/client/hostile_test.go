package client

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tload/stats"
)

// hostile is a reply as no server should send it.
type hostile struct {
	name    string
	send    func(io.Writer)
	tls     bool
	cut     bool                       // TLS without its own end
	h2      http.HandlerFunc           // instead of send, over HTTP/2
	read    bool                       // author's code may look at the body; otherwise nobody does
	options func(*Options)             // nil: none
	check   func(r *Response) []Option // nil: none
	kind    stats.Kind
	text    string // part of the failure's
	most    int    // bytes of memory that a user may hold for it
}

// forever sends a piece again and again, until nobody takes it.
func forever(first, piece string) func(io.Writer) {
	return func(w io.Writer) {
		b := []byte(strings.Repeat(piece, max(1, 64<<10/len(piece))))
		_, err := io.WriteString(w, first)
		for err == nil {
			_, err = w.Write(b)
		}
	}
}

func once(text string) func(io.Writer) {
	return func(w io.Writer) { io.WriteString(w, text) }
}

// bomb is a gzip body of half a MiB that unpacks to 512 MiB.
var bomb = sync.OnceValue(func() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 512 {
		z.Write(zeros)
	}
	z.Close()
	return b.String()
})

// TestHostileReplies holds that each of them ends as the failure that it is, and
// how much memory it costs: the limits are stated with each, and the heap is
// measured while eight users get it at once.
func TestHostileReplies(t *testing.T) {
	const (
		// With what the server of this process holds, which is half of it.
		small = 512 << 10 // a head, a line, a buffer
		long  = 1792 << 10
		page  = "0123456789abcdef"
		chunk = "10\r\n" + page + "\r\n"
	)
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	limited := func(o *Options) { o.MaxBody = 4 << 20 }
	rows := []hostile{
		{name: "500 without end", send: forever("HTTP/1.1 500 No\r\n\r\n", page), kind: stats.Body, text: "longer than the limit of 16777216 bytes", most: long},
		{name: "500 in chunks without end", send: forever("HTTP/1.1 500 No\r\n"+chunked, chunk), kind: stats.Body, text: "longer than the limit", most: long},
		{name: "500 of 16 MB", send: forever("HTTP/1.1 500 No\r\nContent-Length: 16000000\r\n\r\n", page), kind: stats.HTTP, text: "500 No", most: long},
		{name: "500 without end, read by code", read: true, send: forever("HTTP/1.1 500 No\r\n\r\n", page), kind: stats.Body, text: "longer than the limit", most: long},
		{name: "500 without end over TLS", tls: true, send: forever("HTTP/1.1 500 No\r\n\r\n", page), kind: stats.Body, text: "longer than the limit", most: long},
		{name: "500 without end over HTTP/2", h2: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); forever("", page)(w) }, kind: stats.Body, text: "longer than the limit", most: 3 << 20},
		{name: "200 without end", send: forever("HTTP/1.1 200 OK\r\n\r\n", page), kind: stats.Body, text: "longer than the limit", most: long},
		{name: "200 without end over HTTP/2", h2: func(w http.ResponseWriter, r *http.Request) { forever("", page)(w) }, kind: stats.Body, text: "longer than the limit", most: 3 << 20},
		{name: "200 without end, read by code", read: true, options: limited, send: forever("HTTP/1.1 200 OK\r\n\r\n", page), kind: stats.Body, text: "longer than the limit of 4194304 bytes", most: 16 << 20},
		{name: "200 of 64 GB announced", send: once("HTTP/1.1 200 OK\r\nContent-Length: 64000000000\r\n\r\n"), kind: stats.Body, text: "64000000000 bytes announced", most: small},
		{name: "redirect without end", send: forever("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", page), read: true, kind: stats.Body, text: "longer than the limit", most: long},
		{name: "compressed bomb", read: true, options: limited,
			send:  once(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(bomb()), bomb())),
			check: func(r *Response) []Option { return []Option{BodyContains("x")} },
			kind:  stats.Check, text: "more than 4194304 bytes", most: 24 << 20},
		{name: "headers without end", send: forever("HTTP/1.1 200 OK\r\n", "X-Name: value\r\n"), kind: stats.Protocol, text: "headers longer than 64 KiB", most: small},
		{name: "one header without end", send: forever("HTTP/1.1 200 OK\r\nX-Name: ", page), kind: stats.Protocol, text: "headers longer than 64 KiB", most: small},
		{name: "256 KB of headers over HTTP/2", h2: func(w http.ResponseWriter, r *http.Request) {
			for i := range 32 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("v", 8000))
			}
		}, kind: stats.Protocol, text: "malformed reply", most: 2 << 20},
		{name: "status line without end", send: forever("HTTP/1.1 200 ", page), kind: stats.Protocol, text: "headers longer than 64 KiB", most: small},
		{name: "interim replies without end", send: forever("", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), kind: stats.Protocol, text: "more than 16 interim replies", most: small},
		{name: "trailer without end", send: forever("HTTP/1.1 200 OK\r\n"+chunked+"0\r\n", "X-Name: value\r\n"), kind: stats.Protocol, text: "trailer longer than 64 KiB", most: small},
		{name: "chunk extension without end", send: forever("HTTP/1.1 200 OK\r\n"+chunked+"10;", page), kind: stats.Protocol, text: "line longer than 4096 bytes", most: small},
		{name: "chunk extensions without end", send: forever("HTTP/1.1 200 OK\r\n"+chunked, "1;"+strings.Repeat("x", 1000)+"\r\ny\r\n"), kind: stats.Protocol, text: "mostly not data", most: small},
		{name: "no head", send: once("<html>hello</html>"), kind: stats.Protocol, text: `status line "<html>hello</html>"`, most: small},
		{name: "no head, and no end", send: func(w io.Writer) { io.WriteString(w, "220 ready"); io.Copy(io.Discard, w.(io.Reader)) }, kind: stats.Protocol, text: `status line "220 ready"`, most: small},
		{name: "half a head", send: once("HTTP/1.1 200 OK\r\nX-Na"), kind: stats.EOF, text: "closed the connection reading the headers", most: small},
		{name: "half a head that is wrong", send: func(w io.Writer) { once("H")(w); once("TTP/1.1 200 OK\r\nno colon\r\nX-Na")(w) }, kind: stats.Protocol, text: `"no colon"`, most: small},
		{name: "nothing", send: once(""), kind: stats.EOF, text: "closed the connection waiting for the first byte", most: small},
		{name: "to the close of TLS", tls: true, send: once("HTTP/1.1 200 OK\r\n\r\nall of it"), kind: stats.OK, most: small},
		{name: "to the close below TLS", tls: true, cut: true, send: once("HTTP/1.1 200 OK\r\n\r\nhalf of"), kind: stats.Body, text: "without TLS's close_notify, so the body may be cut short (7 bytes came)", most: small},
		{name: "all of a length, and a close below TLS", tls: true, cut: true, send: once("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall of it"), kind: stats.OK, most: small},
		{name: "all chunks, and a close below TLS", tls: true, cut: true, send: once("HTTP/1.1 200 OK\r\n" + chunked + "3\r\nall\r\n0\r\n\r\n"), kind: stats.OK, most: small},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { row.test(t) })
	}
}

func (h *hostile) test(t *testing.T) {
	const users = 8
	o := Options{Host: h.serve(t), Insecure: true, HTTP2: h.h2 != nil, MaxBody: 16 << 20}
	if h.options != nil {
		h.options(&o)
	}
	transport, err := NewTransport(o)
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	rec := stats.NewRecorder(stats.Limits{})
	peak := peakHeap()
	var wg sync.WaitGroup
	for id := range users {
		wg.Go(func() {
			sink := rec.Sink()
			c := transport.Client(Who{Sink: &sink, ID: id, Base: context.Background()})
			defer c.close()
			c.unread = !h.read
			var opts []Option
			if h.check != nil {
				opts = h.check(c.resp)
			}
			_, err := c.Get(context.Background(), "/", opts...)
			if h.kind == stats.OK && err == nil {
				return
			}
			wantError(t, err, h.kind, h.text)
		})
	}
	wg.Wait()
	if per := peak() / users; per > h.most && !raceEnabled {
		t.Errorf("a user held %d KiB, want at most %d", per>>10, h.most>>10)
	} else {
		t.Logf("a user held %d KiB of %d", per>>10, h.most>>10)
	}
}

// serve is a server that sends the reply to each first request of a connection.
func (h *hostile) serve(t *testing.T) (url string) {
	cert := httptest.NewUnstartedServer(h.h2)
	cert.EnableHTTP2 = true
	cert.StartTLS()
	t.Cleanup(cert.Close)
	if h.h2 != nil {
		return cert.URL
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: cert.TLS.Certificates}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer nc.Close()
				c := nc
				if h.tls {
					c = tls.Server(nc, config)
				}
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					h.send(c)
				}
				if !h.cut {
					c.Close()
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	if h.tls {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// peakHeap measures, until the function it returns is called, by how much the heap
// that is in use grows at most.
func peakHeap() func() int {
	live := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	live()
	before := live()
	peak, done, over := before, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			peak = max(peak, live())
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	return func() int {
		close(done)
		<-over
		return peak - before
	}
}
