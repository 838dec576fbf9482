package crew

import (
	"testing"
	"time"

	"tload/swarm"
)

func TestItsOwnLagIsNotTheTargets(t *testing.T) {
	q := newArrivals(time.Now().Add(-time.Second), swarm.Assignment{Arrivals: 10, Quota: swarm.Unlimited}, 0)
	lag := func() time.Duration {
		_, lag := q.take()
		return lag
	}
	if lag() != 0 {
		t.Error("lag before anything was released")
	}
	// Nobody is free: what is late then is the target's.
	q.release(time.Now())
	if got := lag(); got != 0 {
		t.Errorf("nobody was free: got a lag of %v, want none", got)
	}
	q.waiting, q.head = nil, 0
	c, err := New(Job{})
	if err != nil {
		t.Fatal(err)
	}
	c.pool.act = func(*User) {}
	free := &User{crew: c}
	free.parked.Store(true)
	q.idle = append(q.idle, free)
	q.release(time.Now().Add(500 * time.Millisecond))
	if got := lag(); got < 300*time.Millisecond {
		t.Errorf("a free user was kept waiting: got a lag of %v, want about half a second", got)
	}
}

// TestTheRateChangesInMidFlight counts what is due before and after: the arrival
// that is on its way keeps the part of its wait that is left.
func TestTheRateChangesInMidFlight(t *testing.T) {
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	a := swarm.Assignment{Arrivals: 1, Quota: swarm.Unlimited}
	q := newArrivals(began, a, 0)
	due := func(d time.Duration) int {
		q.release(at(d))
		return q.backlog()
	}
	if got := due(2500 * time.Millisecond); got != 3 { // at 0, 1 and 2 s
		t.Fatalf("at one a second: got %d, want 3", got)
	}
	a.Arrivals = 10
	q.assign(a, at(2500*time.Millisecond)) // the next one has half its wait before it: 50 ms
	for _, tt := range []struct {
		at   time.Duration
		want int
	}{{2549 * time.Millisecond, 3}, {2550 * time.Millisecond, 4}, {3500 * time.Millisecond, 13}} {
		if got := due(tt.at); got != tt.want {
			t.Errorf("at %v: got %d, want %d", tt.at, got, tt.want)
		}
	}
	a.Quota = 15
	q.assign(a, at(3500*time.Millisecond))
	if got := due(time.Minute); got != 15 {
		t.Errorf("with a quota of 15: got %d", got)
	}
}
