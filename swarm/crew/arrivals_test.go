package crew

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tload/swarm"
)

func TestItsOwnLagIsNotTheTargets(t *testing.T) {
	q := newArrivals(time.Now().Add(-time.Second), swarm.Assignment{Quota: swarm.Unlimited}, 10, 0, nil)
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
	q := newArrivals(began, a, a.Arrivals, 0, nil)
	due := func(d time.Duration) int {
		q.release(at(d))
		return q.backlog()
	}
	if got := due(2500 * time.Millisecond); got != 3 { // at 0, 1 and 2 s
		t.Fatalf("at one a second: got %d, want 3", got)
	}
	a.Arrivals = 10
	q.assign(a, a.Arrivals, at(2500*time.Millisecond)) // the next one has half its wait before it: 50 ms
	for _, tt := range []struct {
		at   time.Duration
		want int
	}{{2549 * time.Millisecond, 3}, {2550 * time.Millisecond, 4}, {3500 * time.Millisecond, 13}} {
		if got := due(tt.at); got != tt.want {
			t.Errorf("at %v: got %d, want %d", tt.at, got, tt.want)
		}
	}
	a.Quota = 15
	q.assign(a, a.Arrivals, at(3500*time.Millisecond))
	if got := due(time.Minute); got != 15 {
		t.Errorf("with a quota of 15: got %d", got)
	}
}

// TestARateOfNoneAndBackAgain neither loses the arrival that is on its way nor makes one.
func TestARateOfNoneAndBackAgain(t *testing.T) {
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	a := swarm.Assignment{Arrivals: 2, Quota: swarm.Unlimited}
	q := newArrivals(began, a, a.Arrivals, 0, nil)
	q.release(at(1250 * time.Millisecond)) // at 0, 0.5 and 1 s; the next one has half its wait before it
	for _, rate := range []float64{0, 1e-300, 0, 4} {
		a.Arrivals = rate
		q.release(at(1250 * time.Millisecond))
		q.assign(a, a.Arrivals, at(1250*time.Millisecond))
		if next, _ := q.release(at(1250 * time.Millisecond)); rate < 1 && next.Before(at(24*365*time.Hour)) {
			t.Errorf("at %v a second one is due %v", rate, next)
		}
	}
	q.release(at(1374 * time.Millisecond))
	if got := q.backlog(); got != 3 {
		t.Errorf("got %d before the next one is due, want 3", got)
	}
	q.release(at(1375 * time.Millisecond))
	if got := q.backlog(); got != 4 {
		t.Errorf("got %d, want 4", got)
	}
}

// TestRandomArrivals are as many as asked for, and their number in a second is spread as
// a Poisson distribution's: by a chi-square test, with a seed that stays.
func TestRandomArrivals(t *testing.T) {
	began := time.Now()
	const mean, seconds = 4.0, 5000
	q := newArrivals(began, swarm.Assignment{Arrivals: mean, Quota: swarm.Unlimited, Poisson: true}, mean, 0, rand.New(rand.NewPCG(1, 2)))
	q.release(began.Add(seconds * time.Second))
	var in [seconds]int
	for _, d := range q.waiting {
		if i := int(d.Sub(began) / time.Second); i < seconds {
			in[i]++
		}
	}
	if n := len(q.waiting); math.Abs(float64(n)-mean*seconds) > 4*math.Sqrt(mean*seconds) {
		t.Errorf("got %d arrivals, want about %v", n, mean*seconds)
	}
	const bins = 11 // 0 to 9, and 10 or more
	var seen [bins]float64
	for _, n := range in {
		seen[min(n, bins-1)]++
	}
	p, rest, chi := math.Exp(-mean), 1.0, 0.0
	for k := range bins {
		want := p * seconds
		if k == bins-1 {
			want = rest * seconds
		}
		chi += (seen[k] - want) * (seen[k] - want) / want
		rest -= p
		p *= mean / float64(k+1)
	}
	// The 99.9th percentile of chi-square with 10 degrees of freedom.
	if chi > 29.6 {
		t.Errorf("chi-square %v: %v", chi, seen)
	}
}
