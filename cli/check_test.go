package cli

import (
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// checked is what `tload check` prints about a server, and its exit code.
func checked(t *testing.T, args ...string) (said string, code int) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &program{stdin: os.Stdin, stdout: out, stderr: out}
	code = p.check(context.Background(), args)
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b), code
}

func TestCheckShowsTheTextOfAPackedBody(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, `{"so":"it goes","password":"hunter2"}`)
		z.Close()
	}))
	defer srv.Close()
	said, code := checked(t, "--host="+srv.URL, "/")
	if code != exitOK || !strings.Contains(said, `< {"so":"it goes","password":"***"}`) || !strings.Contains(said, "(gzip ") {
		t.Errorf("exit code %d and\n%s", code, said)
	}
	if strings.Contains(said, "hunter2") || strings.Contains(said, "no text") {
		t.Errorf("got\n%s", said)
	}
}

func TestCheckShowsBytesNobodyAskedFor(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		tail := ""
		if r.URL.Path == "/more" {
			tail = ", you"
		}
		fmt.Fprintf(conn.(*net.TCPConn), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi%s", tail)
	}))
	defer srv.Close()
	if said, code := checked(t, "--host="+srv.URL, "/more"); code != exitOK || !strings.Contains(said, "! 5 bytes came behind the reply") {
		t.Errorf("exit code %d and\n%s", code, said)
	}
	if said, _ := checked(t, "--host="+srv.URL, "/"); strings.Contains(said, "behind the reply") {
		t.Errorf("of a proper reply: got\n%s", said)
	}
}

func TestASocketAsArgumentIsTheHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	var mu sync.Mutex
	var seen []string
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.URL.Path)
	})}
	go srv.Serve(l)
	defer srv.Close()
	for _, c := range []struct{ args, want []string }{
		{[]string{"unix:" + path}, []string{"/"}},
		{[]string{"unix:" + path, "/a", "/b"}, []string{"/a", "/b"}},
		{[]string{"--host=unix:" + path, "unix:" + path, "/a"}, []string{"/a"}},
	} {
		said, code := checked(t, c.args...)
		mu.Lock()
		if code != exitOK || !slices.Equal(seen, c.want) {
			t.Errorf("%v: exit code %d, the server saw %v, want %v\n%s", c.args, code, seen, c.want, said)
		}
		seen = nil
		mu.Unlock()
	}
	if said, code := checked(t, "unix:"+path, "unix:/other"); code != exitMisuse || !strings.Contains(said, "one host is expected") {
		t.Errorf("two sockets: exit code %d and %q", code, said)
	}
}
