package http1

import (
	"net"
	"testing"
)

func BenchmarkParseHead(b *testing.B) {
	text := []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.27.1\r\nDate: Sun, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n" +
		"Content-Length: 13\r\nConnection: keep-alive\r\nCache-Control: no-cache, private\r\nX-Request-Id: 0123456789abcdef\r\n\r\n")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var req Request
	for b.Loop() {
		var r Reply
		var h head
		if err := parseHead(text, &req, &r, &h); err != nil || h.length != len(text) {
			b.Fatal(err, h.length)
		}
	}
}

func BenchmarkLastHead(b *testing.B) {
	text := []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.27.1\r\nDate: Sun, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n" +
		"Content-Length: 13\r\nConnection: keep-alive\r\nCache-Control: no-cache, private\r\nX-Request-Id: 0123456789abcdef\r\n\r\n")
	var req Request
	var r Reply
	var h head
	var l lastHead
	if err := parseHead(text, &req, &r, &h); err != nil {
		b.Fatal(err)
	}
	b.Run("keep", func(b *testing.B) {
		for b.Loop() {
			l.keep(text, &req, &r, &h)
		}
	})
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			if !l.repeated(text, &req, &r, &h) {
				b.Fatal("not known")
			}
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	reply := []byte("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!")
	s := sweeping(b)
	c := connect(b, s, serve(b, func(c net.Conn) {
		in := make([]byte, 4096)
		for {
			if _, err := c.Read(in); err != nil {
				return
			}
			if _, err := c.Write(reply); err != nil {
				return
			}
		}
	}))
	req := get(s)
	var r Reply
	b.ReportAllocs()
	for b.Loop() {
		req.Start = s.Now()
		if err := c.RoundTrip(req, &r); err != nil {
			b.Fatal(err)
		}
	}
}
