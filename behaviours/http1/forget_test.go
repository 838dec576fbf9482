package http1

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"testing"

	"tload/stats"
)

// keeping is a Keeper with one answer.
type keeping struct {
	most int
	sum  bool
}

func (k keeping) Keep(*Reply) (int, bool) { return k.most, k.sum }

// TestForgotten holds that of a long body that nobody looks at no more is kept
// than has to be, that all of it is counted, and goes through the hash if that is
// wanted, and that it is limited all the same.
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
					keep      Keeper
					most      int64
					cut       int // of the reply
					kind      stats.Kind
					text      string
					forgotten bool
				}{
					{keep: keeping{kept, false}, forgotten: true},
					{keep: keeping{kept, true}, forgotten: true},
					{keep: keeping{200_000, true}, forgotten: true},
					{keep: keeping{0, true}, forgotten: true},
					{keep: nil},
					{keep: keeping{-1, true}},
					{keep: keeping{kept, true}, most: 4 << 20, kind: stats.Body, text: "longer than the limit", forgotten: name != "length"},
					{keep: keeping{kept, true}, cut: 3 << 20, kind: stats.Body, text: "bytes came", forgotten: true},
				} {
					if tt.cut > 0 && name == "close" {
						continue // that is how it ends
					}
					reply := "HTTP/1.1 200 OK\r\n" + framed
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
					req.Keeper, req.MaxBody = tt.keep, tt.most
					for range 2 {
						check(t, do(c, req, &r), tt.kind, tt.text)
						if k, _ := tt.keep.(keeping); !bytes.HasPrefix(body, r.Body) || tt.forgotten && len(r.Body) != k.most {
							t.Fatalf("%+v: kept %d bytes, or others", tt, len(r.Body))
						}
						came := sha256.Sum256(body[:int64(len(r.Body))+r.Forgotten])
						if k, _ := tt.keep.(keeping); !bytes.Equal(r.SHA256(), came[:]) && (k.sum || !tt.forgotten) {
							t.Errorf("%+v: another hash: %x", tt, r.SHA256())
						}
						if got := int64(len(r.Body)) + r.Forgotten; tt.kind == stats.OK && got != size {
							t.Errorf("%+v: %d bytes in all", tt, got)
						}
						if (r.Forgotten > 0) != tt.forgotten {
							t.Errorf("%+v: %d bytes forgotten", tt, r.Forgotten)
						}
						if tt.forgotten && len(c.buf.b) > 1<<20 {
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
