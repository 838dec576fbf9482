package client

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"tload/stats"
)

// TestAUserIsSmall holds what a user's client and its connection take while it
// waits. It holds no goroutine then, so its stack is not counted.
func TestAUserIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const users, most = 1000, 2560
	transport, err := NewTransport(Options{Host: serverElsewhere(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	rec := stats.NewRecorder(stats.Limits{})
	base := context.Background()
	var waiting []*Client
	add := func(n int) {
		for range n {
			sink := rec.Sink()
			c := transport.Client(Who{Sink: &sink, ID: len(waiting), Base: base})
			t.Cleanup(c.close)
			for range 3 {
				if _, err := c.Get(base, "/"); err != nil {
					t.Fatal(err)
				}
				c.release()
			}
			waiting = append(waiting, c)
		}
	}
	add(10) // what all users share
	before := inUse()
	add(users)
	per := (int(inUse()) - int(before)) / users
	t.Logf("a user costs %d bytes", per)
	if per > most {
		t.Errorf("a user costs %d bytes, want at most %d", per, most)
	}
	runtime.KeepAlive(waiting)
}

// serverElsewhere starts a server in a process of its own, whose memory is not
// the users', and returns its URL.
func serverElsewhere(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), "SERVE_ELSEWHERE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			return url
		}
	}
	t.Fatal("the server did not start")
	return ""
}

// TestServeElsewhere is that server. It ends with its standard input.
func TestServeElsewhere(t *testing.T) {
	if os.Getenv("SERVE_ELSEWHERE") == "" {
		t.Skip("it is the server of TestAUserIsSmall")
	}
	fmt.Println("serving", rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"))
	io.Copy(io.Discard, os.Stdin)
}

// inUse is the memory of the heap.
func inUse() uint64 {
	for range 2 { // what a pool holds goes at the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
