package cli

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
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
			go acceptAll(l, tt.serve)
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

// acceptAll serves every connection, and closes it, until the listener is closed.
func acceptAll(l net.Listener, serve func(net.Conn)) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			serve(nc)
		}()
	}
}

// TestATargetThatWasNeverThere ends a run that would go on for an hour, and not one
// that is told to wait.
func TestATargetThatWasNeverThere(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, tt := range []struct {
		name, exit string
		args       []string
	}{
		{"a run of an hour", "unreachable", []string{"-t", "1h"}},
		{"arrivals", "unreachable", []string{"-t", "1h", "--rate", "20"}},
		{"told to wait", "run-time", []string{"-t", "7s", "--keep-going"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go acceptAll(l, func(net.Conn) {})
			s, out, err := load(t, t.TempDir(), "", append([]string{"--host=https://" + l.Addr().String(), "-u", "2", "--no-out"}, tt.args...)...)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitBroken || s.Exit != tt.exit {
				t.Errorf("got %v and an end by %q, want exit code %d and %q\n%s", err, s.Exit, exitBroken, tt.exit, out)
			}
		})
	}
}

// TestAProgramWithoutAHost runs: what its users do may need none, or one of another
// protocol, which is not probed.
func TestAProgramWithoutAHost(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	bin := filepath.Join(t.TempDir(), "prints")
	if out, err := exec.Command("go", "build", "-o", bin, "./testdata/prints").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct{ host, want string }{
		{"", "Printer, 1 user at 1/s"},
		{"postgres://me:Secret123@127.0.0.1:9/db", "postgres://me:***@127.0.0.1:9/db, 1 user at 1/s"},
	} {
		args := []string{"--headless", "-t", "1s", "--no-out"}
		if tt.host != "" {
			args = append(args, "--host="+tt.host)
		}
		out, err := exec.Command(bin, args...).CombinedOutput()
		for _, want := range []string{tt.want, "ended by its run time", "there is no host to ask"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q: %v, no %q in\n%s", tt.host, err, want, out)
			}
		}
		if strings.Contains(string(out), "Secret123") {
			t.Errorf("%q: the password is shown:\n%s", tt.host, out)
		}
	}
}
