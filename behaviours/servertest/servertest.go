//go:build unix

// Package servertest gives tests real servers that count: the truth that our
// numbers are held against.
package servertest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Counting starts an HTTP server that answers "foo" and counts requests by
// method and path, such as "GET /cart".
func Counting(t *testing.T) (url string, count func(string) int) {
	var mu sync.Mutex
	seen := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method+" "+r.URL.Path]++
		mu.Unlock()
		w.Write([]byte("foo"))
	}))
	t.Cleanup(s.Close)
	return s.URL, func(what string) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[what]
	}
}

// Need skips a test that needs a program that is not here, or fails it under
// REQUIRE_TOOLS.
func Need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		missing(t, tool)
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("REQUIRE_TOOLS") != "" {
		t.Fatalf("%s is needed and not here", what)
	}
	t.Skipf("%s is needed: install it to run this test", what)
}

// answers waits until something listens there.
func answers(t *testing.T, what, addr string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v", what, err)
		}
	}
}

// Redis starts a redis-server of the test's own and returns its address once it
// answers. Without Redis here the test is skipped, or fails under REQUIRE_TOOLS.
func Redis(t *testing.T) string {
	Need(t, "redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	addr := "127.0.0.1:" + port
	answers(t, "redis-server", addr)
	return addr
}

// Postgres starts a PostgreSQL of the test's own and returns its URL once it
// answers. Without PostgreSQL here the test is skipped, or fails under REQUIRE_TOOLS.
func Postgres(t *testing.T) string {
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(bins) == 0 {
		missing(t, "PostgreSQL")
	}
	bin := filepath.Dir(slices.Max(bins))
	dir, err := os.MkdirTemp("", "tload-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// It refuses to run as root.
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("no user postgres to run it as")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.SysProcAttr, c.Dir = attr, dir
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := command("postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir, "-F")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGQUIT); cmd.Wait() })
	answers(t, "PostgreSQL", "127.0.0.1:"+port)
	return fmt.Sprintf("postgres://tester@127.0.0.1:%s/postgres?sslmode=disable", port)
}
