package behaviours

import (
	"context"
	"runtime"
	"testing"
	"time"

	"tload/swarm"
	"tload/swarm/crew"
)

func idle(context.Context) error { return nil }

// start runs a plan of one behaviour and returns its controller.
func start(t testing.TB, p swarm.Plan, b Behaviour) *swarm.Controller {
	t.Helper()
	tr, err := NewTransport(Options{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	list, err := Bind(&Shared{Transport: tr}, []Behaviour{b})
	if err != nil {
		t.Fatal(err)
	}
	p.SpawnRate, p.StopTimeout = 1e6, 5*time.Second
	c, err := crew.Swarm(p, crew.Job{Behaviours: list})
	if err != nil {
		t.Fatal(err)
	}
	go c.Run(context.Background())
	return c
}

// BenchmarkTask is what a task costs besides what it does: picking it, its
// guard against panics, its row.
func BenchmarkTask(b *testing.B) {
	b.ReportAllocs()
	c := start(b, swarm.Plan{Users: 1, Iterations: int64(b.N)}, Behaviour{Name: "b", New: func(*User) *Set {
		return &Set{Tasks: []Task{{Name: "x", Run: idle, Weight: 2}, {Name: "y", Run: idle}}}
	}})
	b.ResetTimer()
	<-c.Done()
}

// TestAnIdleUserIsSmall holds the memory of a user that waits: it has no stack,
// but for those few of the users that acted at the same time.
func TestAnIdleUserIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const users, limit = 5000, 2560
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, stacks := used(), runtime.NumGoroutine()
	c := start(t, swarm.Plan{Users: users}, Behaviour{Name: "b", Wait: Constant(time.Hour), New: func(u *User) *Set {
		return &Set{Tasks: []Task{{Name: "x", Run: idle, Weight: 2}, {Name: "y", Run: idle}}}
	}})
	for end := time.Now().Add(20 * time.Second); c.Snapshot().Doing.Waiting < users; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d users wait", c.Snapshot().Doing.Waiting, users)
		}
	}
	per := int64(used()-before) / users
	stacks = runtime.NumGoroutine() - stacks
	c.Stop("test")
	<-c.Done()
	t.Logf("%d bytes a user, %d goroutines in all", per, stacks)
	if stacks > users/4 { // 1,024 are kept for whoever acts next
		t.Errorf("%d users wait on %d goroutines", users, stacks)
	}
	if per > limit {
		t.Errorf("an idle user takes %d bytes, want at most %d", per, limit)
	}
}
