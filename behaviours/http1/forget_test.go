package http1

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"

	"tload/stats"
)

// TestForgotten holds that of a long body that nobody looks at no more is kept
// than has to be, that all of it is counted, and that it is limited all the same.
func TestForgotten(t *testing.T) {
	const size, kept = 5 << 20, 1000
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i % 251)
	}
	var chunked bytes.Buffer
	for b := body; len(b) > 0; b = b[min(len(b), 70_000):] {
		n := min(len(b), 70_000)
		fmt.Fprintf(&chunked, "%x\r\n%s\r\n", n, b[:n])
	}
	chunked.WriteString("0\r\nX-Behind: it\r\n\r\n")
	framings := map[string]string{
		"length":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", size, body),
		"chunked": "Transfer-Encoding: chunked\r\n\r\n" + chunked.String(),
		"close":   "Connection: close\r\n\r\n" + string(body),
	}
	for name, framed := range framings {
		t.Run(name, func(t *testing.T) {
			inBothWays(t, func(t *testing.T, do trip) {
				for _, tt := range []struct {
					status, keep int
					most         int64
					cut          int // of the reply
					kind         stats.Kind
					text         string
					forgotten    bool
				}{
					{status: 200, keep: kept, forgotten: true},
					{status: 200, keep: 0},
					{status: 500, keep: kept},
					{status: 200, keep: kept, most: 4 << 20, kind: stats.Body, text: "longer than the limit", forgotten: name != "length"},
					{status: 200, keep: kept, cut: 3 << 20, kind: stats.Body, text: "bytes came", forgotten: true},
				} {
					if tt.cut > 0 && name == "close" {
						continue // that is how it ends
					}
					reply := fmt.Sprintf("HTTP/1.1 %d OK\r\n%s", tt.status, framed)
					s := sweeping(t)
					c := connect(t, s, serve(t, func(nc net.Conn) {
						for readRequest(nc) {
							io.WriteString(nc, reply[:len(reply)-tt.cut])
							if tt.cut > 0 || name == "close" {
								return
							}
						}
					}))
					req, r := get(s), Reply{}
					req.Keep, req.MaxBody = tt.keep, tt.most
					for range 2 {
						check(t, do(c, req, &r), tt.kind, tt.text)
						if !bytes.HasPrefix(body, r.Body) || len(r.Body) < kept && tt.forgotten {
							t.Fatalf("%+v: kept %d bytes, or others", tt, len(r.Body))
						}
						if got := int64(len(r.Body)) + r.Forgotten; tt.kind == stats.OK && got != size {
							t.Errorf("%+v: %d bytes in all", tt, got)
						}
						if (r.Forgotten > 0) != tt.forgotten {
							t.Errorf("%+v: %d bytes forgotten", tt, r.Forgotten)
						}
						if tt.forgotten && len(c.buf.b) > 2<<20 {
							t.Errorf("%+v: a buffer of %d bytes", tt, len(c.buf.b))
						}
						if r.Surplus > 0 || tt.kind == stats.OK && r.KeepAlive != (name != "close") {
							t.Errorf("%+v: surplus %d, keep alive %v", tt, r.Surplus, r.KeepAlive)
						}
						if name == "chunked" && tt.kind == stats.OK && string(r.Trailer) != "X-Behind: it\r\n" {
							t.Errorf("%+v: trailer %q", tt, r.Trailer)
						}
						if !r.KeepAlive {
							break
						}
						c.Release()
						req.Start = s.Now()
					}
					c.Close()
				}
			})
		})
	}
}
