package cli

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tload/behaviours"
	"tload/swarm"
	"tload/swarm/crew"
)

// TestFaultUsersComeAndGo: from few to many and back, again and again. As many are
// connected as there are users, and neither goroutines nor files nor memory stay
// behind. FAULTS=all walks the whole way: 5,000 users, fifty times.
func TestFaultUsersComeAndGo(t *testing.T) {
	few, many, times := 10, 1000, 10
	switch os.Getenv("FAULTS") {
	case "":
		t.Skip("set FAULTS=1 to run it")
	case "all":
		many, times = 5000, 50
	}
	if limit := raiseFileLimit(); limit > 0 && limit < 2*many+200 {
		t.Skipf("%d files are needed, and there may be %d", 2*many+200, limit)
	}
	var connected, served atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.Add(1) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			connected.Add(1)
		case http.StateClosed, http.StateHijacked:
			connected.Add(-1)
		}
	}
	server.Start()
	defer server.Close()

	tr, err := behaviours.NewTransport(behaviours.Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	bound, err := behaviours.Bind(&behaviours.Shared{Transport: tr}, []behaviours.Behaviour{{
		Name: "visitor", Wait: behaviours.Between(200*time.Millisecond, 300*time.Millisecond),
		New: func(*behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "front", Request: &behaviours.Request{Path: "/"}}}}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := crew.Swarm(swarm.Plan{Users: few, SpawnRate: 1e6, StopTimeout: 10 * time.Second}, crew.Job{Behaviours: bound})
	if err != nil {
		t.Fatal(err)
	}
	go c.Run(t.Context())
	reach := func(users int) {
		t.Helper()
		c.Scale(users, "test")
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			s := c.Snapshot()
			if s.Running == users && s.Stopping == 0 && connected.Load() == int64(users) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d users wanted: %d run, %d stop, %d are connected", users, s.Running, s.Stopping, connected.Load())
			}
		}
	}
	type left struct {
		goroutines, files int
		heap              uint64
	}
	look := func() (l left) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		files, _ := os.ReadDir("/proc/self/fd")
		return left{runtime.NumGoroutine(), len(files), m.HeapAlloc}
	}
	reach(few)
	reach(many)
	reach(few)
	first := look()
	for range times - 1 {
		reach(many)
		reach(few)
	}
	last := look()
	t.Logf("after the first time %+v, after %d %+v; %d requests", first, times, last, served.Load())
	if last.goroutines > first.goroutines+50 || last.files > first.files+20 || last.heap > first.heap+first.heap/4+4<<20 {
		t.Errorf("something stays behind: %+v after the first time, %+v after %d", first, last, times)
	}
	c.Stop("test")
	<-c.Done()
	if got, want := int64(c.Snapshot().Total.Run.Requests+c.Snapshot().Total.Run.Aborted), served.Load(); got != want {
		t.Errorf("%d requests, the server counted %d", got, want)
	}
	for deadline := time.Now().Add(10 * time.Second); connected.Load() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d are still connected", connected.Load())
		}
	}
}
