package client

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"
)

// TestAClosedTLSSessionIsSeen has a server that says goodbye within TLS and
// keeps the connection open.
func TestAClosedTLSSessionIsSeen(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	config := &tls.Config{Certificates: cert.TLS.Certificates}
	cert.Close()
	for name, goodbye := range map[string]bool{"open": false, "closed": true} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				c := tls.Server(nc, config)
				if _, err := c.Read(make([]byte, 4096)); err != nil {
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				if goodbye {
					c.CloseWrite()
				}
				io.Copy(io.Discard, nc)
			}()
			c, _ := newClient(t, Options{Host: "https://" + l.Addr().String(), Insecure: true})
			if _, err := c.Get(t.Context(), "/"); err != nil {
				t.Fatal(err)
			}
			later := c.sweeper.Now() + time.Second
			conn := c.routes[0].conn // nil if the end came with the reply
			usable := conn != nil && conn.Usable(later)
			for end := time.Now().Add(5 * time.Second); goodbye && usable && time.Now().Before(end); {
				usable = conn.Usable(later)
			}
			if usable == goodbye {
				t.Errorf("usable: got %v", usable)
			}
		})
	}
}
