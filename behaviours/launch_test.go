package behaviours_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/behaviours"
	"tload/behaviours/http1"
	"tload/stats"
	"tload/swarm"
)

// moody is a server that does to each path what can be done to a request.
func moody(t *testing.T) (url string, count func(path string) int) {
	var mu sync.Mutex
	seen := map[string]int{}
	raw := func(w http.ResponseWriter, text string) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprint(c, text)
			c.Close()
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path]++
		mu.Unlock()
		switch r.URL.Path {
		case "/fail":
			http.Error(w, "pool exhausted", 503)
		case "/big":
			fmt.Fprint(w, strings.Repeat("x", 200<<10))
		case "/pieces":
			for range 3 {
				fmt.Fprint(w, "piece")
				w.(http.Flusher).Flush()
			}
		case "/moved":
			http.Redirect(w, r, "/there", 302)
		case "/last":
			w.Header().Set("Connection", "close")
		case "/cut":
			raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		case "/gone":
			raw(w, "")
		case "/slow":
			<-r.Context().Done()
		default:
			fmt.Fprint(w, "ok")
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func(path string) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[path]
	}
}

// TestRequestTasksEqualTheServersCount holds that what goes wrong with requests
// that nobody's goroutine waits for is counted, once, and hits no other request.
func TestRequestTasksEqualTheServersCount(t *testing.T) {
	url, count := moody(t)
	var tasks []behaviours.Task
	kinds := map[string]stats.Kind{"/fail": stats.HTTP, "/cut": stats.Body, "/gone": stats.EOF, "/slow": stats.Timeout}
	for path, weight := range map[string]int{"/ok": 40, "/fail": 10, "/big": 5, "/pieces": 10, "/moved": 5, "/last": 5, "/cut": 5, "/gone": 5, "/slow": 1} {
		q := &behaviours.Request{Path: path}
		if path == "/slow" {
			q.Options = []behaviours.Option{behaviours.Timeout(30 * time.Millisecond)}
		}
		if path == "/ok" {
			q.Method, q.Body = "PUT", []byte("body")
		}
		tasks = append(tasks, behaviours.Task{Name: path, Weight: weight, Request: q})
	}
	for name, wait := range map[string]behaviours.Wait{"flat out": {}, "thinking": behaviours.Between(0, 4*time.Millisecond)} {
		t.Run(name, func(t *testing.T) {
			before := map[string]int{}
			for _, task := range tasks {
				before[task.Name] = count(task.Name)
			}
			there := count("/there")
			snap := drive(t, url, swarm.Plan{Users: 50, Iterations: 8000}, behaviours.Behaviour{Name: "b", Wait: wait, New: func(*behaviours.User) *behaviours.Set {
				return &behaviours.Set{Tasks: tasks}
			}})
			rows := map[string]stats.Row{}
			for _, r := range snap.Rows {
				rows[r.Key.Name] = r
			}
			for _, task := range tasks {
				got := rows[task.Name].Run
				sent := int(got.Requests) - unsent(snap, task.Name)
				// What timed out may be seen by the server only after that.
				want := count(task.Name) - before[task.Name]
				for end := time.Now().Add(5 * time.Second); want < sent && time.Now().Before(end); time.Sleep(time.Millisecond) {
					want = count(task.Name) - before[task.Name]
				}
				failures := 0
				if kinds[task.Name] != stats.OK {
					failures = int(got.Requests)
				}
				if sent != want || int(got.Failures) != failures {
					t.Errorf("%s: got %d requests, %d failed, %d sent; the server saw %d", task.Name, got.Requests, got.Failures, sent, want)
				}
			}
			if moved := int(rows["/moved"].Run.Requests); count("/there")-there != moved {
				t.Errorf("%d requests were redirected, %d arrived", moved, count("/there")-there)
			}
			for _, g := range snap.Groups {
				if want := kinds[g.Key.Key.Name]; g.Key.Kind != want {
					t.Errorf("%s: got a failure of kind %v, want %v: %s", g.Key.Key.Name, g.Key.Kind, want, g.Message)
				}
			}
			if snap.Total.Run.Requests != 8000 {
				t.Errorf("got %d requests, want 8000", snap.Total.Run.Requests)
			}
		})
	}
}

// unsent is how many of the requests say that their time was up before they were
// under way, as happens on a busy machine.
func unsent(snap *swarm.Snapshot, name string) int {
	n := uint64(0)
	for _, g := range snap.Groups {
		for _, v := range g.Variants {
			if g.Key.Key.Name == name && (strings.HasSuffix(v.Message, http1.Connecting.String()) || strings.HasSuffix(v.Message, http1.Sending.String())) {
				n += v.Count
			}
		}
	}
	return int(n)
}

// TestLaunchedRequestsSayHowTheyWent holds that the exchanges of requests that
// nobody waits for have what others have.
func TestLaunchedRequestsSayHowTheyWent(t *testing.T) {
	s := newServer(t)
	snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 8}, behaviours.Behaviour{Name: "b", New: func(*behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Request: &behaviours.Request{Path: "/fail"}}}}
	}})
	if len(snap.Groups) != 1 || len(snap.Groups[0].Samples) != 8 {
		t.Fatalf("got %d groups", len(snap.Groups))
	}
	for i, x := range snap.Groups[0].Samples {
		if x.Conn.Reused != (i > 0) || x.Conn.Remote != s.Listener.Addr().String() || x.Phases.FirstByte <= 0 || x.Phases.Connect > 0 != (i == 0) {
			t.Errorf("request %d: got %+v and %+v", i, x.Conn, x.Phases)
		}
	}
}

// TestLaunchedRequestsMayReconnect has a server that closes its connections behind
// a reply, without a word. What it cannot have seen is sent again; a reset tells
// nothing, and is one.
func TestLaunchedRequestsMayReconnect(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what the peer has seen can only be told on Linux")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var seen atomic.Int64
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				in := bufio.NewReader(nc)
				for range 2 {
					if _, err := http.ReadRequest(in); err != nil {
						break
					}
					seen.Add(1)
					io.WriteString(nc, "HTTP/1.1 204 No Content\r\n\r\n")
				}
				nc.Close()
			}()
		}
	}()
	snap := drive(t, "http://"+l.Addr().String(), swarm.Plan{Users: 4, Iterations: 4000}, behaviours.Behaviour{Name: "b", New: func(*behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Request: &behaviours.Request{Path: "/"}}}}
	}})
	resets := 0
	for _, g := range snap.Groups {
		if g.Key.Kind != stats.Reset {
			t.Errorf("%d times %s", g.Count, g.Message)
		}
		resets += int(g.Count)
	}
	run := snap.Total.Run
	if n := int(seen.Load()); int(run.Requests) != 4000 || n > 4000 || n < 4000-resets || run.Reconnects == 0 {
		t.Errorf("got %d requests, %d reset, %d reconnects; the server saw %d", run.Requests, resets, run.Reconnects, n)
	}
}

// TestAStopReachesRequestsInFlight holds that users who wait for a reply without
// a goroutine leave when their time is up.
func TestAStopReachesRequestsInFlight(t *testing.T) {
	s := newServer(t)
	began := time.Now()
	snap := drive(t, s.URL, swarm.Plan{Users: 100, RunTime: 300 * time.Millisecond, StopTimeout: 100 * time.Millisecond}, behaviours.Behaviour{Name: "b", New: func(*behaviours.User) *behaviours.Set {
		return &behaviours.Set{Sequential: true, Tasks: []behaviours.Task{{Request: &behaviours.Request{Path: "/x"}}, {Request: &behaviours.Request{Path: "/hang"}}}}
	}})
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v, want some 0.4 s", took)
	}
	run := snap.Total.Run
	if run.Requests+run.Aborted != 200 || run.Aborted != 100 || s.count("/hang") != 100 {
		t.Errorf("got %d requests and %d aborted, want 100 each; the server saw %d hang", run.Requests, run.Aborted, s.count("/hang"))
	}
}

// TestHooksHoldNobodyElseUp holds that what the author writes does not run where
// the replies of other users are looked at, though it comes between two requests
// that are.
func TestHooksHoldNobodyElseUp(t *testing.T) {
	s := newServer(t)
	var held atomic.Int64
	end := time.Now().Add(time.Second)
	patient := func(context.Context) error {
		for n := s.count("/others"); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if s.count("/others") > n+100 {
				held.Add(1)
				break
			}
		}
		return nil
	}
	x := behaviours.Task{Request: &behaviours.Request{Path: "/x"}}
	nested := &behaviours.Set{OnStart: patient, OnStop: patient, Loops: 1, Tasks: []behaviours.Task{x}}
	drive(t, s.URL, swarm.Plan{Users: 60, RunTime: time.Second},
		behaviours.Behaviour{Name: "hooked", New: func(*behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{x, {Name: "nested", Set: nested}}}
		}},
		behaviours.Behaviour{Name: "coded", New: func(*behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{x, {Name: "code", Run: patient}}}
		}},
		behaviours.Behaviour{Name: "others", New: func(*behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Request: &behaviours.Request{Path: "/others"}}}}
		}})
	if n := held.Load(); n < 50 {
		t.Errorf("only %d hooks have seen others get on", n)
	}
}
