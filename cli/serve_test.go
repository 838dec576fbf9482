//go:build unix

package cli

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"tload/cli/control"
	"tload/cli/demo"
)

// viewer is a screen over ssh: what has come, without the codes in it.
type viewer struct {
	t    *testing.T
	s    *gossh.Session
	in   interface{ Write([]byte) (int, error) }
	mu   sync.Mutex
	text bytes.Buffer
}

var codes = regexp.MustCompile(`\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>]`)

func (v *viewer) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.text.Write(b)
}

func (v *viewer) seen() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return codes.ReplaceAllString(v.text.String(), "")
}

// see waits until all of that has been drawn since the last call.
func (v *viewer) see(parts ...string) {
	v.t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, missing := v.seen(), ""
		for _, p := range parts {
			if !strings.Contains(text, p) {
				missing = p
			}
		}
		if missing == "" {
			v.mu.Lock()
			v.text.Reset()
			v.mu.Unlock()
			return
		}
		if time.Now().After(end) {
			v.t.Fatalf("no %q in\n%s", missing, text)
		}
	}
}

// TestAServedRunIsDrivenOverSSH by who may, seen by who may look, and by nobody else; its
// screens have the whole failing response, and follow the size of the window.
func TestAServedRunIsDrivenOverSSH(t *testing.T) {
	t.Parallel()
	a := beside(t)
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if out, code := a.run("--detach", "--host="+target.URL, "/ok", "/fail", "-u", "2", "-r", "100", "-t", "300s", "--out", "run"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	run := a.status()
	defer func() {
		a.run("stop")
		a.until("end of the process", func() bool { return gone(run.PID) })
	}()
	signer := func(comment, option string) (gossh.Signer, string) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k, err := gossh.NewSignerFromKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return k, option + strings.TrimSpace(string(gossh.MarshalAuthorizedKey(k.PublicKey()))) + " " + comment + "\n"
	}
	ann, annLine := signer("ann", "")
	bob, bobLine := signer("bob", "read-only ")
	eve, _ := signer("eve", "")
	keys := filepath.Join(a.state, "keys")
	os.WriteFile(keys, []byte(annLine+bobLine), 0o600)

	if out, code := a.run("serve", "--ssh", "127.0.0.1:0"); code != exitMisuse || !strings.Contains(out, "--authorized-keys") {
		t.Errorf("without keys: exit code %d\n%s", code, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	server := exec.Command(a.bin, "serve", "run", "--ssh", addr, "--authorized-keys", keys)
	server.Env, server.Dir = append(os.Environ(), "XDG_STATE_HOME="+a.state), a.state
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer func() {
		server.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("serve: %v\n%s", err, said.String())
			}
		case <-time.After(10 * time.Second):
			server.Process.Kill()
			t.Error("serve does not end")
		}
	}()
	dial := func(k gossh.Signer) (c *gossh.Client, err error) {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			c, err = gossh.Dial("tcp", addr, &gossh.ClientConfig{User: "x", Auth: []gossh.AuthMethod{gossh.PublicKeys(k)}, HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: 5 * time.Second})
			if err == nil || strings.Contains(err.Error(), "unable to authenticate") || time.Now().After(end) {
				return c, err
			}
		}
	}
	command := func(k gossh.Signer, line string) (string, error) {
		c, err := dial(k)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.CombinedOutput(line)
		return string(out), err
	}
	look := func(k gossh.Signer) *viewer {
		c, err := dial(k)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		v := &viewer{t: t, s: s}
		s.Stdout = v
		if v.in, err = s.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := s.RequestPty("xterm-256color", 45, 160, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Shell(); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if c, err := dial(eve); err == nil {
		c.Close()
		t.Fatal("a key that is not in the file let somebody in")
	}
	a.until("two users", func() bool { return a.status().Users == 2 })
	out, err := command(bob, "status --json")
	var s control.Status
	if err != nil || json.Unmarshal([]byte(out), &s) != nil || s.Users != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := command(bob, "users +1"); err == nil || !strings.Contains(out, "only looks on") {
		t.Errorf("who looks on has changed it: %v\n%s", err, out)
	}
	if out, err := command(ann, "rm -rf /"); err == nil || !strings.Contains(out, "not known here") {
		t.Errorf("%v\n%s", err, out)
	}

	drives, looks := look(ann), look(bob)
	for _, v := range []*viewer{drives, looks} {
		v.see("RUNNING", "/fail", "ENDPOINTS")
	}
	fmt.Fprint(looks.in, "+")
	looks.see("only looks on")
	fmt.Fprint(drives.in, "+")
	a.until("third user", func() bool { return a.status().Users == 3 })
	fmt.Fprint(looks.in, "5")
	looks.see("2 → 3", "(ann)")
	if out, err := command(ann, "users 6"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	a.until("six users", func() bool { return a.status().Users == 6 })
	fmt.Fprint(drives.in, "4")
	drives.see("PREVIEW")
	fmt.Fprint(drives.in, "\r")
	drives.see("SAMPLES")
	fmt.Fprint(drives.in, "\r")
	drives.see("503", target.Nonce())
	if err := drives.s.WindowChange(24, 80); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(drives.in, "1")
	drives.see("1 Dash", "2 Stats")
	fmt.Fprint(drives.in, "q")
	if err := drives.s.Wait(); err != nil {
		t.Errorf("who has left: %v", err)
	}
	if s := a.status(); s.State != "RUNNING" {
		t.Errorf("who leaves ends the run: %s", s.State)
	}
	if out, err := command(ann, "stop"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	looks.see("STOPPED")
}
