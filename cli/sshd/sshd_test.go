package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// newKey is a key, and its line in a file of keys.
func newKey(t *testing.T, comment string) (gossh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return k, strings.TrimSpace(string(gossh.MarshalAuthorizedKey(k.PublicKey()))) + " " + comment + "\n"
}

type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// house is a server with some keys.
type house struct {
	*Server
	addr, keys string
	log        logged
}

func open(t *testing.T, keys string, visit func(ctx context.Context, s *Session) int) *house {
	t.Helper()
	h := &house{keys: filepath.Join(t.TempDir(), "keys")}
	if err := os.WriteFile(h.keys, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	h.Server, err = New(Options{Keys: h.keys, HostKey: filepath.Join(t.TempDir(), "state", "host"), Log: slog.New(slog.NewTextHandler(&h.log, nil)), Patience: 300 * time.Millisecond, Most: 5, Visit: visit})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	h.Serve(l)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *house) dial(auth ...gossh.AuthMethod) (*gossh.Client, error) {
	return gossh.Dial("tcp", h.addr, &gossh.ClientConfig{User: "someone", Auth: auth, HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: 5 * time.Second})
}

// come is a connection that must be let in.
func (h *house) come(t *testing.T, k gossh.Signer) *gossh.Client {
	t.Helper()
	c, err := h.dial(gossh.PublicKeys(k))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestKeysLetIn(t *testing.T) {
	ann, annLine := newKey(t, "ann")
	bob, bobLine := newKey(t, "bob")
	eve, _ := newKey(t, "eve")
	h := open(t, "# the team\n\n"+annLine+"read-only "+bobLine, func(_ context.Context, s *Session) int {
		fmt.Fprintf(s.Out, "%s %v %q", s.Who, s.ReadOnly, s.Args)
		return 7
	})
	for _, tt := range []struct {
		key  gossh.Signer
		want string
	}{{ann, `ann false ["status" "--json"]`}, {bob, `bob true ["status" "--json"]`}} {
		s, err := h.come(t, tt.key).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Output("status --json")
		if code, ok := errors.AsType[*gossh.ExitError](err); !ok || code.ExitStatus() != 7 || string(out) != tt.want {
			t.Errorf("got %q, %v; want %q", out, err, tt.want)
		}
	}
	for name, auth := range map[string][]gossh.AuthMethod{
		"another key": {gossh.PublicKeys(eve)},
		"no key":      nil,
		"a password":  {gossh.Password("tload")},
		"questions":   {gossh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return []string{"x"}, nil })},
	} {
		if c, err := h.dial(auth...); err == nil {
			c.Close()
			t.Errorf("%s let somebody in", name)
		}
	}
	// A key that is taken out of the file opens nothing any more.
	os.WriteFile(h.keys, []byte(bobLine), 0o600)
	if c, err := h.dial(gossh.PublicKeys(ann)); err == nil {
		c.Close()
		t.Error("a key that is not in the file any more let somebody in")
	}
}

// TestNothingElseIsToBeHad: no forwarding either way, no files, no agent.
func TestNothingElseIsToBeHad(t *testing.T) {
	ann, line := newKey(t, "ann")
	h := open(t, line, func(ctx context.Context, s *Session) int {
		for _, e := range s.Env {
			if strings.HasPrefix(e, "LD_") || strings.HasPrefix(e, "PATH") {
				fmt.Fprint(s.Out, e)
			}
		}
		return 0
	})
	c := h.come(t, ann)
	if conn, err := c.Dial("tcp", h.addr); err == nil {
		conn.Close()
		t.Error("it forwards to a port")
	}
	if l, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
		t.Error("it forwards from a port")
	}
	if conn, err := c.Dial("unix", "/tmp/x"); err == nil {
		conn.Close()
		t.Error("it forwards to a socket")
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestSubsystem("sftp"); err == nil {
		t.Error("it has files")
	}
	s.Close()
	if s, err = c.NewSession(); err != nil {
		t.Fatal(err)
	}
	s.Setenv("LD_PRELOAD", "x")
	s.Setenv("PATH", "x")
	s.RequestPty("xterm", 24, 80, nil)
	if out, err := s.Output("x"); err != nil || len(out) > 0 {
		t.Errorf("a visitor's variables come through: %q, %v", out, err)
	}
}

// TestWithoutKeysThereIsNoServer, and what is wrong in a file of keys is said with its line.
func TestWithoutKeysThereIsNoServer(t *testing.T) {
	_, line := newKey(t, "ann")
	for _, tt := range []struct{ text, want string }{
		{"", "no keys in it"},
		{"# nobody\n\n", "no keys in it"},
		{line + "ssh-ed25519 nonsense\n", "line 2"},
		{`command="sh" ` + line, "not known here"},
	} {
		path := filepath.Join(t.TempDir(), "keys")
		os.WriteFile(path, []byte(tt.text), 0o600)
		if _, err := New(Options{Keys: path, HostKey: filepath.Join(t.TempDir(), "host")}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
	if _, err := New(Options{HostKey: filepath.Join(t.TempDir(), "host")}); err == nil {
		t.Error("without a file of keys there is a server")
	}
	if _, err := New(Options{Keys: "/nowhere", HostKey: filepath.Join(t.TempDir(), "host")}); err == nil {
		t.Error("without the file there is a server")
	}
}

// TestTheHostKeyIsKept, for its owner alone.
func TestTheHostKeyIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "host")
	a, err := hostKey(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hostKey(path)
	if err != nil || !bytes.Equal(a.PublicKey().Marshal(), b.PublicKey().Marshal()) {
		t.Errorf("another key the second time: %v", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// TestAPanicIsOneSessionsOwn, and not told to the visitor.
func TestAPanicIsOneSessionsOwn(t *testing.T) {
	ann, line := newKey(t, "ann")
	stay := make(chan struct{})
	h := open(t, line, func(ctx context.Context, s *Session) int {
		if len(s.Args) > 0 {
			panic("no such shelf")
		}
		<-stay
		fmt.Fprint(s.Out, "still here")
		return 0
	})
	c := h.come(t, ann)
	first, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	first.Stdout = &out
	if err := first.Shell(); err != nil {
		t.Fatal(err)
	}
	second, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	said, err := second.CombinedOutput("boom")
	if err == nil || strings.Contains(string(said), "goroutine") || !strings.Contains(string(said), "this session has failed") {
		t.Errorf("%v\n%s", err, said)
	}
	close(stay)
	if err := first.Wait(); err != nil || out.String() != "still here" {
		t.Errorf("the other session: %q, %v", out.String(), err)
	}
	if !strings.Contains(h.log.String(), "no such shelf") {
		t.Errorf("the panic is not logged:\n%s", h.log.String())
	}
}

// TestWhoTakesNothingIsCutOff, and the server goes on for others.
func TestWhoTakesNothingIsCutOff(t *testing.T) {
	ann, line := newKey(t, "ann")
	ended := make(chan error, 10)
	h := open(t, line, func(ctx context.Context, s *Session) int {
		if len(s.Args) > 0 {
			return 0
		}
		for {
			if _, err := s.Out.Write(make([]byte, 32<<10)); err != nil {
				ended <- err
				return 1
			}
		}
	})
	s, err := h.come(t, ann).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe() // nobody reads
	defer r.Close()
	s.Stdout = w
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("a visitor who takes nothing is still there")
	}
	other, err := h.come(t, ann).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Run("x"); err != nil {
		t.Error(err)
	}
}

// TestThereIsRoomForSoMany and no more.
func TestThereIsRoomForSoMany(t *testing.T) {
	ann, line := newKey(t, "ann")
	stay := make(chan struct{})
	defer close(stay)
	h := open(t, line, func(ctx context.Context, s *Session) int {
		select {
		case <-stay:
		case <-ctx.Done():
		}
		return 0
	})
	c := h.come(t, ann)
	for range 5 {
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Shell(); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(5 * time.Second); h.Here() < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d are here", h.Here())
		}
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.CombinedOutput("x"); err == nil || !strings.Contains(string(out), "no more are let in") {
		t.Errorf("%v, %s", err, out)
	}
}
