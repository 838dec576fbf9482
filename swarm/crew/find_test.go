package crew

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tload/stats"
	"tload/stats/capacity"
	"tload/stats/report"
	"tload/swarm"
)

// server has some places and takes its time at random, as an M/M/c queue does.
type server struct {
	places chan struct{}
	mean   time.Duration
	served atomic.Int64
}

// behaviour is a user who asks it again and again.
func (s *server) behaviour() *Behaviour {
	return &Behaviour{Behaviour: swarm.Behaviour{Name: "a"}, New: func(_ context.Context, u *User) Life { return &asking{s: s, u: u} }}
}

type asking struct {
	s     *server
	u     *User
	begun bool
}

func (l *asking) Act(ctx context.Context, start Permit, ok, _ bool) (Next, time.Duration) {
	if !l.begun || !ok {
		l.begun = true
		return more(ok), 0
	}
	began := time.Now()
	l.u.Sink.Begin()
	x := stats.Sample{Due: start.Due, Late: start.Late}
	select {
	case l.s.places <- struct{}{}:
		time.Sleep(time.Duration(rand.ExpFloat64() * float64(l.s.mean)))
		<-l.s.places
		l.s.served.Add(1)
	case <-ctx.Done():
		x.Kind = stats.Aborted
	}
	x.Took = time.Since(began)
	l.u.Sink.Record(l.u.Sink.Meter(stats.Key{Class: stats.Request, Method: "TEST", Name: "a"}), x)
	return Asks, 0
}

func (l *asking) Close() {}

// within is the 95th percentile of the times of that many users who ask without a
// pause: there are as many departures before each as there are more of them than places.
func (s *server) within(users int) time.Duration {
	var list []float64
	for range 50_000 {
		took := rand.ExpFloat64()
		for range users - cap(s.places) {
			took += rand.ExpFloat64() / float64(cap(s.places))
		}
		list = append(list, took)
	}
	slices.Sort(list)
	return time.Duration(list[len(list)*95/100] * float64(s.mean))
}

func search(t *testing.T, text string, unit string, from, most float64) *capacity.Search {
	t.Helper()
	goals, err := report.ParseGoals(text, unit != "users")
	if err != nil {
		t.Fatal(err)
	}
	return capacity.New(goals, unit, from, most)
}

// TestTheHighestLoadIsFound by users and by arrivals, and the run ends with it. Whoever
// takes it over for a while, or holds it, is not in its numbers.
func TestTheHighestLoadIsFound(t *testing.T) {
	limit := 100 * time.Millisecond
	most := 10
	s := &server{places: make(chan struct{}, 10), mean: 20 * time.Millisecond}
	for s.within(most+1) < limit {
		most++
	}
	for _, tt := range []struct {
		name  string
		plan  swarm.Plan
		want  float64
		steer func(*swarm.Controller)
	}{
		{"users", swarm.Plan{Find: search(t, "p95<100ms", "users", 1, 500)}, float64(most), nil},
		// 500/s leave: what lies above 455/s waits too long, by Erlang's formulas.
		{"arrivals", swarm.Plan{Find: search(t, "p95<100ms", "arrivals/s", 50, 1e6), Rate: 50, Poisson: true}, 455, nil},
		{"taken over", swarm.Plan{Find: search(t, "p95<100ms", "users", 1, 500)}, float64(most), func(c *swarm.Controller) {
			for range 5 {
				time.Sleep(20 * time.Second)
				c.Scale(300, "you")
				time.Sleep(5 * time.Second)
				c.FollowShape()
				time.Sleep(20 * time.Second)
				c.Pause(true)
				time.Sleep(5 * time.Second)
				c.Pause(false)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{places: make(chan struct{}, 10), mean: 20 * time.Millisecond}
				tt.plan.Users, tt.plan.SpawnRate, tt.plan.StopTimeout = 500, 1, 10*time.Second
				c := run(t, tt.plan, s.behaviour())
				if tt.steer != nil {
					go tt.steer(c)
				}
				<-c.Done()
				got := c.Snapshot()
				if f := got.Find; !f.Found || math.Abs(f.Level/tt.want-1) > 0.05 || got.Reason != "search" {
					t.Errorf("got %v, want %v; ended by %q", f, tt.want, got.Reason)
					for _, x := range f.Steps {
						t.Logf("%+v", x)
					}
				}
				if n := got.Total.Run.Requests; n != uint64(s.served.Load()) {
					t.Errorf("%d requests, served %d", n, s.served.Load())
				}
			})
		})
	}
}
