package behaviours_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/behaviours"
	"tload/stats"
	"tload/swarm"
	"tload/swarm/crew"
)

// server counts what it is asked, by path.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	paths map[string]int
}

func newServer(t *testing.T) *server {
	s := &server{paths: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.paths[r.URL.Path]++
		s.mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, "/fail"):
			w.WriteHeader(503)
			fmt.Fprint(w, `{"error":"pool exhausted"}`)
		case strings.HasPrefix(r.URL.Path, "/hang"):
			<-r.Context().Done()
		default:
			fmt.Fprint(w, "ok")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths[path]
}

// drive runs behaviours to the end of the plan and returns the last snapshot.
func drive(t *testing.T, host string, p swarm.Plan, list ...behaviours.Behaviour) *swarm.Snapshot {
	t.Helper()
	c := controller(t, host, p, list...)
	if err := c.Run(t.Context()); err != nil {
		t.Error(err)
	}
	return c.Snapshot()
}

// controller is one of a run that has not begun.
func controller(t *testing.T, host string, p swarm.Plan, list ...behaviours.Behaviour) *swarm.Controller {
	t.Helper()
	tr, err := behaviours.NewTransport(behaviours.Options{Host: host, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	bound, err := behaviours.Bind(&behaviours.Shared{Transport: tr}, list)
	if err != nil {
		t.Fatal(err)
	}
	if p.RunTime == 0 && p.Iterations == 0 {
		p.RunTime = 20 * time.Second
	}
	if p.SpawnRate == 0 {
		p.SpawnRate = 10000
	}
	if p.StopTimeout == 0 {
		p.StopTimeout = 5 * time.Second
	}
	c, err := crew.Swarm(p, crew.Job{Behaviours: bound})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(u *behaviours.User, path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := u.Get(ctx, path)
		return err
	}
}

func TestTotalsEqualTheServers(t *testing.T) {
	s := newServer(t)
	snap := drive(t, s.URL, swarm.Plan{Users: 20, Iterations: 5000}, behaviours.Behaviour{Name: "a", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "x", Run: get(u, "/x"), Weight: 3}, {Name: "fail", Run: get(u, "/fail")}}}
	}})
	x, fail := s.count("/x"), s.count("/fail")
	total := snap.Total.Run
	if total.Requests != 5000 || int(total.Requests) != x+fail || int(total.Failures) != fail || total.Status(503) != uint64(fail) {
		t.Errorf("got %d requests, %d failures; the server counted %d, %d", total.Requests, total.Failures, x+fail, fail)
	}
	if len(snap.Groups) != 1 || snap.Groups[0].Count != uint64(fail) {
		t.Fatalf("groups: got %v, want one with %d", snap.Groups, fail)
	}
	kept := snap.Groups[0].Samples
	if len(kept) == 0 || string(kept[0].Response.Body) != `{"error":"pool exhausted"}` || !strings.Contains(string(kept[0].Response.Head), "503 Service Unavailable") {
		t.Errorf("kept: got %d samples, first %+v", len(kept), kept[0])
	}
	var tasks uint64
	for _, r := range snap.Tasks {
		tasks += r.Run.Requests
		if r.Key.Name == "fail" && r.Run.Failures != uint64(fail) {
			t.Errorf("task fail: got %d failures, want %d", r.Run.Failures, fail)
		}
	}
	if tasks != 5000 {
		t.Errorf("tasks: got %d, want 5000", tasks)
	}
}

func TestWeightsAreWithinFourSigma(t *testing.T) {
	s := newServer(t)
	const n = 10000
	drive(t, s.URL, swarm.Plan{Users: 10, Iterations: n, Seed: 7}, behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "a", Run: get(u, "/a"), Weight: 2}, {Name: "b", Run: get(u, "/b")}}}
	}})
	want, sigma := n*2.0/3, math.Sqrt(n*2.0/9)
	if got := float64(s.count("/a")); math.Abs(got-want) > 4*sigma {
		t.Errorf("/a: got %v of %d, want %.0f ± %.0f", got, n, want, 4*sigma)
	}
}

func TestEveryUserStartsOnceAndStopsOnce(t *testing.T) {
	for _, hard := range []bool{false, true} {
		t.Run(fmt.Sprint("hard stop ", hard), func(t *testing.T) {
			s := newServer(t)
			path, grace := "/work", 5*time.Second
			if hard {
				path, grace = "/hang", 50*time.Millisecond
			}
			begin := time.Now()
			snap := drive(t, s.URL, swarm.Plan{Users: 30, RunTime: time.Second, StopTimeout: grace}, behaviours.Behaviour{
				Wait: behaviours.Constant(time.Millisecond),
				New: func(u *behaviours.User) *behaviours.Set {
					return &behaviours.Set{
						OnStart: get(u, "/login"), OnStop: get(u, "/logout"),
						Tasks: []behaviours.Task{{Name: "work", Run: get(u, path)}},
					}
				},
			})
			if in, out := s.count("/login"), s.count("/logout"); in != 30 || out != 30 {
				t.Errorf("login %d times, logout %d times; want 30 each", in, out)
			}
			if hard {
				if snap.Total.Run.Aborted != 30 {
					t.Errorf("aborted: got %d, want 30", snap.Total.Run.Aborted)
				}
				if took := time.Since(begin); took > 3*time.Second {
					t.Errorf("took %v to leave hung requests", took)
				}
			}
			if got, want := snap.Total.Run.Requests+snap.Total.Run.Aborted, uint64(s.count("/login")+s.count("/logout")+s.count(path)); got != want {
				t.Errorf("requests: got %d, the server counted %d", got, want)
			}
		})
	}
}

func TestNestedSetsAreEnteredAndLeft(t *testing.T) {
	s := newServer(t)
	drive(t, s.URL, swarm.Plan{Users: 5, Iterations: 3000}, behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Name: "top", Run: get(u, "/top")},
			{Set: &behaviours.Set{Name: "forum", OnStart: get(u, "/enter"), OnStop: get(u, "/exit"), Tasks: []behaviours.Task{
				{Name: "read", Run: get(u, "/read"), Weight: 5},
				{Name: "leave", Run: func(context.Context) error { return behaviours.Interrupt }},
			}}},
			{Set: &behaviours.Set{Name: "order", Sequential: true, Loops: 2, Tasks: []behaviours.Task{
				{Name: "first", Run: get(u, "/first")}, {Name: "second", Run: get(u, "/second")},
			}}},
		}}
	}})
	if s.count("/enter") == 0 || s.count("/enter") != s.count("/exit") {
		t.Errorf("entered %d times, left %d times", s.count("/enter"), s.count("/exit"))
	}
	if d := s.count("/first") - s.count("/second"); s.count("/first") == 0 || d < 0 || d > 5 {
		t.Errorf("in turn: %d first, %d second", s.count("/first"), s.count("/second"))
	}
	if s.count("/top") == 0 || s.count("/read") < s.count("/enter") {
		t.Errorf("top %d, read %d, entered %d", s.count("/top"), s.count("/read"), s.count("/enter"))
	}
}

func TestSentinelsAndErrors(t *testing.T) {
	s := newServer(t)
	one := func(run func(u *behaviours.User, ctx context.Context) error) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "b", Wait: behaviours.Constant(time.Millisecond), New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error { return run(u, ctx) }}}}
		}}
	}
	t.Run("StopUser ends the users and so the run", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 3}, one(func(*behaviours.User, context.Context) error { return behaviours.StopUser }))
		if snap.Reason != "users-ended" || snap.Tasks[0].Run.Requests != 3 {
			t.Errorf("got reason %q after %d tasks", snap.Reason, snap.Tasks[0].Run.Requests)
		}
	})
	t.Run("StopRun ends the run", func(t *testing.T) {
		var n atomic.Int64
		snap := drive(t, s.URL, swarm.Plan{Users: 3}, one(func(*behaviours.User, context.Context) error {
			if n.Add(1) == 20 {
				return behaviours.StopRun
			}
			return nil
		}))
		if snap.Reason != "behaviour" {
			t.Errorf("got reason %q", snap.Reason)
		}
	})
	t.Run("a panic is an exception and the user goes on", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 10}, one(func(*behaviours.User, context.Context) error { panic("index out of range") }))
		if len(snap.Groups) != 1 || snap.Groups[0].Key.Kind != stats.Panic || snap.Groups[0].Count != 10 || !snap.Groups[0].Exception() {
			t.Fatalf("got groups %+v", snap.Groups)
		}
		if body := string(snap.Groups[0].Samples[0].Response.Body); !strings.Contains(body, "life_test.go") {
			t.Errorf("the stack does not name the place: %s", body)
		}
	})
	t.Run("an error of the task's own is counted once", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 10}, one(func(*behaviours.User, context.Context) error { return errors.New("no such thing") }))
		if len(snap.Groups) != 1 || snap.Groups[0].Key.Kind != stats.Error || snap.Groups[0].Count != 10 {
			t.Errorf("got groups %+v", snap.Groups)
		}
	})
	t.Run("a failed request that is returned is counted once", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 10}, one(func(u *behaviours.User, ctx context.Context) error {
			_, err := u.Get(ctx, "/fail")
			return fmt.Errorf("shopping: %w", err)
		}))
		if len(snap.Groups) != 1 || snap.Groups[0].Count != 10 || snap.Total.Run.Failures != 10 {
			t.Errorf("got groups %+v", snap.Groups)
		}
	})
	t.Run("Measure is a row like any other", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 10}, one(func(u *behaviours.User, ctx context.Context) error {
			return u.Measure(ctx, "tcp", "ping", func(context.Context) error {
				return behaviours.WithDetail(errors.New("bad frame"), []byte{1, 2, 3})
			})
		}))
		if len(snap.Rows) != 1 || snap.Rows[0].Key.Method != "tcp" || snap.Rows[0].Run.Failures != 10 {
			t.Errorf("got rows %+v", snap.Rows)
		}
		if len(snap.Groups) != 1 || string(snap.Groups[0].Samples[0].Response.Body) != "\x01\x02\x03" {
			t.Errorf("got groups %+v", snap.Groups)
		}
	})
	t.Run("a failing OnStart skips a nested set, which takes an iteration", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 10}, behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Sequential: true, Tasks: []behaviours.Task{{Name: "top", Run: get(u, "/outside")}, {Set: &behaviours.Set{
				Name: "inner", OnStart: get(u, "/fail"), OnStop: get(u, "/inside"), Tasks: []behaviours.Task{{Name: "t", Run: get(u, "/inside")}},
			}}}}
		}})
		if s.count("/outside") != 5 || s.count("/inside") != 0 || snap.Total.Run.Failures != 5 || snap.Reason != "iterations" {
			t.Errorf("got %d tasks, %d inside, %d failures, ended by %s", s.count("/outside"), s.count("/inside"), snap.Total.Run.Failures, snap.Reason)
		}
	})
	t.Run("StopRun of an OnStart ends the run", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 3, RunTime: 20 * time.Second}, behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{OnStart: func(context.Context) error {
				if u.ID() == 2 {
					return behaviours.StopRun
				}
				return nil
			}, Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error { return u.Sleep(ctx, time.Hour) }}}}
		}})
		if snap.Reason != "behaviour" {
			t.Errorf("got reason %q", snap.Reason)
		}
	})
	t.Run("a task that ends its goroutine is said, and OnStop runs", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 2}, behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{OnStop: get(u, "/bye"), Tasks: []behaviours.Task{{Name: "t", Run: func(context.Context) error { runtime.Goexit(); return nil }}}}
		}})
		if s.count("/bye") != 2 || len(snap.Groups) != 1 || snap.Groups[0].Count != 2 {
			t.Errorf("%d goodbyes, groups %+v", s.count("/bye"), snap.Groups)
		}
	})
	t.Run("a failing OnStart ends the user", func(t *testing.T) {
		snap := drive(t, s.URL, swarm.Plan{Users: 2}, behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{OnStart: get(u, "/fail"), Tasks: []behaviours.Task{{Name: "never", Run: get(u, "/never")}}}
		}})
		if s.count("/never") != 0 || snap.Reason != "users-ended" || snap.Total.Run.Failures != 2 {
			t.Errorf("got %d tasks, reason %q, %d failures", s.count("/never"), snap.Reason, snap.Total.Run.Failures)
		}
	})
}

func TestPacingKnowsItsLateness(t *testing.T) {
	s := newServer(t)
	snap := drive(t, s.URL, swarm.Plan{Users: 4, RunTime: 2 * time.Second}, behaviours.Behaviour{
		Wait: behaviours.Throughput(20),
		New: func(u *behaviours.User) *behaviours.Set {
			first := true
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
				if first {
					first = false
					u.Sleep(ctx, 500*time.Millisecond)
				}
				_, err := u.Get(ctx, "/paced")
				return err
			}}}}
		},
	})
	total := snap.Total.Run
	if total.Due != total.Requests || total.Late < 4*5 {
		t.Errorf("due %d of %d, late %d; want all due and those after the pause late", total.Due, total.Requests, total.Late)
	}
	if got := s.count("/paced"); got < 4*30 || got > 4*41 {
		t.Errorf("requests: got %d, want about %d", got, 4*40)
	}
	if total.Corrected.Max < 300*time.Millisecond || total.OK.P50 > 100*time.Millisecond {
		t.Errorf("corrected max %v, service p50 %v", total.Corrected.Max, total.OK.P50)
	}
}

func TestWhatIsWrongWithABehaviourIsSaid(t *testing.T) {
	tr, err := behaviours.NewTransport(behaviours.Options{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	ok := func(context.Context) error { return nil }
	set := func(s *behaviours.Set) func(*behaviours.User) *behaviours.Set {
		return func(*behaviours.User) *behaviours.Set { return s }
	}
	self := &behaviours.Set{}
	self.Tasks = []behaviours.Task{{Set: self}}
	for _, c := range []struct {
		want string
		b    behaviours.Behaviour
	}{
		{"has no New", behaviours.Behaviour{Name: "b"}},
		{"returned no Set", behaviours.Behaviour{New: set(nil)}},
		{"has no tasks", behaviours.Behaviour{New: set(&behaviours.Set{})}},
		{"neither Run nor Request nor Set", behaviours.Behaviour{New: set(&behaviours.Set{Tasks: []behaviours.Task{{}}})}},
		{"more than one of Run, Request and Set", behaviours.Behaviour{New: set(&behaviours.Set{Tasks: []behaviours.Task{{Run: ok, Set: &behaviours.Set{}}}})}},
		{"weight -1", behaviours.Behaviour{New: set(&behaviours.Set{Tasks: []behaviours.Task{{Run: ok, Weight: -1}}})}},
		{"holds itself", behaviours.Behaviour{New: set(self)}},
		{"New panicked", behaviours.Behaviour{New: func(*behaviours.User) *behaviours.Set { panic("x") }}},
	} {
		_, err := behaviours.Bind(&behaviours.Shared{Transport: tr}, []behaviours.Behaviour{c.b})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
