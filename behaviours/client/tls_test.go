package client

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
)

// TestFailuresOverTLS holds that failures are told apart as without TLS, that
// what had come is kept, and that nothing is sent twice that is not idempotent, or
// that the server is known to have read.
func TestFailuresOverTLS(t *testing.T) {
	half := func(c *tls.Conn) *net.TCPConn {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		time.Sleep(20 * time.Millisecond) // it must not be overtaken by what comes next
		return c.NetConn().(*net.TCPConn)
	}
	for name, tt := range map[string]struct {
		answer func(*tls.Conn) // to the second request of a connection
		kind   stats.Kind
		text   string
		body   string // kept
	}{
		"reset at once": {func(c *tls.Conn) {
			c.NetConn().(*net.TCPConn).SetLinger(0)
			c.NetConn().Close()
		}, stats.Reset, "the server reset the connection waiting for the first byte", ""},
		"reset in the body": {func(c *tls.Conn) {
			half(c).SetLinger(0)
			c.NetConn().Close()
		}, stats.Reset, "the server reset the connection reading the body (4 of 100 bytes came)", "half"},
		"closed at once":  {func(c *tls.Conn) { c.Close() }, stats.EOF, "the server closed the connection waiting for the first byte", ""},
		"cut off":         {func(c *tls.Conn) { c.NetConn().Close() }, stats.EOF, "the server closed the connection waiting for the first byte", ""},
		"cut short":       {func(c *tls.Conn) { half(c); c.Close() }, stats.Body, "(4 of 100 bytes came)", "half"},
		"broken off":      {func(c *tls.Conn) { half(c).Close() }, stats.Body, "(4 of 100 bytes came)", "half"},
		"hangs":           {func(*tls.Conn) {}, stats.Timeout, "timed out after 200ms waiting for the first byte", ""},
		"hangs in a body": {func(c *tls.Conn) { half(c) }, stats.Timeout, "timed out after 200ms reading the body (4 of 100 bytes came)", "half"},
		"nonsense":        {func(c *tls.Conn) { io.WriteString(c, "what?\r\n\r\n") }, stats.Protocol, `malformed reply: status line "what?"`, ""},
		"no TLS any more": {func(c *tls.Conn) { io.WriteString(c.NetConn(), "HTTP/1.1 200 OK\r\n\r\n") }, stats.TLS, "TLS failed waiting for the first byte", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen atomic.Int64
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if seen.Add(1) == 1 {
					return
				}
				nc, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer nc.Close()
				tt.answer(nc.(*tls.Conn))
				io.Copy(io.Discard, nc)
			}))
			defer srv.Close()
			c, rec := newClient(t, Options{Host: srv.URL, Insecure: true, Timeout: 200 * time.Millisecond})
			if _, err := c.Get(t.Context(), "/"); err != nil {
				t.Fatal(err)
			}
			method := "GET"
			if tt.kind == stats.Reset {
				method = "POST"
			}
			_, err := c.Do(t.Context(), method, "/", nil)
			wantError(t, err, tt.kind, tt.text)
			if got := string(take(rec).groups[0].Samples[0].Response.Body); got != tt.body {
				t.Errorf("kept %q, want %q", got, tt.body)
			}
			if n := seen.Load(); n != 2 {
				t.Errorf("the server saw %d requests of 2", n)
			}
		})
	}
}
