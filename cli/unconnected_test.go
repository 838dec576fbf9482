package cli

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os/exec"
	"testing"
)

// TestNoConnectionEverStood holds that a run on which no request could be sent is
// told apart from one whose requests failed, in whatever way the handshake fails.
func TestNoConnectionEverStood(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	config := &tls.Config{Certificates: cert.TLS.Certificates}
	cert.Close()
	hang := func(nc net.Conn) { io.Copy(io.Discard, nc) }
	for _, tt := range []struct {
		name  string
		serve func(net.Conn)
		args  []string
		code  int
	}{
		{"no handshake in time", hang, []string{"--timeout", "300ms"}, exitBroken},
		{"no handshake in time to connect", hang, []string{"--connect-timeout", "300ms"}, exitBroken},
		{"no handshake before the end", hang, []string{"--stop-timeout", "100ms"}, exitBroken},
		{"no handshake for HTTP/2", hang, []string{"--timeout", "300ms", "--http2"}, exitBroken},
		{"the handshake is closed", func(net.Conn) {}, nil, exitBroken},
		{"a handshake and no reply", func(nc net.Conn) { hang(tls.Server(nc, config)) }, []string{"--timeout", "300ms"}, exitOK},
		{"a handshake and no reply before the end", func(nc net.Conn) { hang(tls.Server(nc, config)) }, []string{"--stop-timeout", "100ms"}, exitOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					nc, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer nc.Close()
						tt.serve(nc)
					}()
				}
			}()
			args := append([]string{"--host=https://" + l.Addr().String(), "--insecure", "-u", "2", "-t", "1s", "--no-out"}, tt.args...)
			_, out, err := load(t, t.TempDir(), "", args...)
			code := 0
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, out)
			}
		})
	}
}
