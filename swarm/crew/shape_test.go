package crew

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tload/swarm"
	"tload/swarm/shape"
)

func shaped(t *testing.T, text string) *shape.Shape {
	t.Helper()
	s, err := shape.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestUsersFollowAShape and the run ends with it. By hand they do as they are told, until
// the shape has them again.
func TestUsersFollowAShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		s := shaped(t, "ramp 0 100 10s, hold 5s, spike 300 2s, step 50 2s x2, ramp 0 5s")
		c := run(t, swarm.Plan{Shape: s, Users: 300, SpawnRate: 10000, StopTimeout: time.Second}, n.behaviour("a", 10*time.Millisecond, 0))
		began := time.Now()
		at := func(d time.Duration) { time.Sleep(time.Until(began.Add(d))) }
		users := func(d time.Duration, want float64) {
			t.Helper()
			at(d)
			if got := float64(n.users.Load()); math.Abs(got-want) > 2 {
				t.Errorf("at %v there are %v users, want %v", d, got, want)
			}
		}
		for _, d := range []time.Duration{time.Second, 2600 * time.Millisecond, 5 * time.Second, 9900 * time.Millisecond, 14 * time.Second, 16 * time.Second, 18 * time.Second, 20 * time.Second} {
			level, _ := s.At(d)
			users(d, level)
		}
		c.Scale(7, "you")
		users(20500*time.Millisecond, 7)
		if s := c.Snapshot(); !s.ByHand || len(s.Shape) == 0 {
			t.Errorf("by hand: %v, with a shape of %d corners", s.ByHand, len(s.Shape))
		}
		c.FollowShape()
		users(21*time.Second+100*time.Millisecond, 200*4.9/5)
		<-c.Done()
		if took := time.Since(began); took < 26*time.Second || took > 27*time.Second || c.Snapshot().Reason != "shape" {
			t.Errorf("it ended after %v because of %q", took, c.Snapshot().Reason)
		}
		if got := n.most.Load(); got > 300 {
			t.Errorf("there were %d users", got)
		}
		if n := len(c.Snapshot().Changes); n > 6 {
			t.Errorf("%d changes: what a shape does is one", n)
		}
	})
}

// TestArrivalsFollowAShape start as many tasks as lie under it, from none on and back to
// none, also when somebody takes over for a while.
func TestArrivalsFollowAShape(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		steer      func(c *swarm.Controller)
		want       float64
	}{
		{"a ramp", "ramp 0 100 10s, hold 5s, ramp 0 10s", nil, 500 + 500 + 500},
		{"steps and spikes", "hold 10 4s, spike 500 1s, step 20 2s x3, hold 0 3s, hold 1000 1s", nil, 40 + 500 + 60 + 100 + 140 + 1000},
		{"a wave", "wave 0 100 4s x5", nil, 50 * 20},
		{"by hand", "hold 100 10s", func(c *swarm.Controller) {
			time.Sleep(2 * time.Second)
			c.SetRate(0, "you")
			time.Sleep(3 * time.Second)
			c.SetRate(300, "you")
			time.Sleep(time.Second)
			c.FollowShape()
		}, 200 + 300 + 400},
		{"a pause", "hold 100 10s", func(c *swarm.Controller) {
			time.Sleep(2 * time.Second)
			c.Pause(true)
			time.Sleep(3 * time.Second)
			c.Pause(false)
		}, 700},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n counter
				c := run(t, swarm.Plan{Shape: shaped(t, tt.text), Users: 100, Rate: 1, StopTimeout: time.Second}, n.behaviour("a", time.Millisecond, 0))
				if tt.steer != nil {
					go tt.steer(c)
				}
				<-c.Done()
				if got := float64(n.begun.Load()); math.Abs(got-tt.want) > 2 {
					t.Errorf("got %v task starts, want %v", got, tt.want)
				}
				s := c.Snapshot()
				if got := s.Total.Run; got.NotStarted > 0 || got.Requests != uint64(n.begun.Load()) || !s.Open {
					t.Errorf("requests %d, not started %d, open %v", got.Requests, got.NotStarted, s.Open)
				}
			})
		})
	}
}

// TestTheRateIsDrivenLive: what is asked for in each second is what was started and what
// was not.
func TestTheRateIsDrivenLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 20, Rate: 100, RunTime: 9 * time.Second, StopTimeout: time.Second}, n.behaviour("a", time.Millisecond, 0))
		for i, rate := range []float64{100, 250, 0, 30} {
			if i > 0 {
				c.SetRate(rate, "you")
			}
			time.Sleep(2 * time.Second)
		}
		if got := c.Snapshot().Rate; got != 30 {
			t.Errorf("the rate is %v", got)
		}
		c.SetRate(math.NaN(), "you")
		c.SetRate(-1, "you")
		<-c.Done()
		want := map[int]uint64{0: 100, 1: 100, 2: 250, 3: 250, 4: 0, 5: 0, 6: 30, 7: 30, 8: 30}
		for _, s := range c.Snapshot().Seconds {
			if got, w := s.Due+s.NotStarted, want[int(s.At/time.Second)]; got > w+1 || got+1 < w {
				t.Errorf("second %v: %d, want %d", s.At, got, w)
			}
		}
		var changes []swarm.Change
		for _, x := range c.Snapshot().Changes {
			if x.Arrivals {
				changes = append(changes, x)
			}
		}
		if len(changes) != 3 || changes[1].From != 250 || changes[1].To != 0 {
			t.Errorf("changes: %+v", changes)
		}
	})
}

// TestUsersGoOnOneAfterTheOther when a pause ends, at the spawn rate.
func TestUsersGoOnOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 100, SpawnRate: 50, StopTimeout: time.Second}, n.behaviour("a", 10*time.Millisecond, 0))
		time.Sleep(3 * time.Second)
		c.Pause(true)
		time.Sleep(time.Second)
		c.Pause(false)
		for _, tt := range []struct {
			after time.Duration
			held  int
		}{{300 * time.Millisecond, 85}, {time.Second, 50}, {1900 * time.Millisecond, 5}, {2500 * time.Millisecond, 0}} {
			time.Sleep(tt.after)
			if got := c.Snapshot().Doing.Paused; got < tt.held-14 || got > tt.held+14 {
				t.Errorf("%v after the pause %d are held, want about %d", tt.after, got, tt.held)
			}
			c.Pause(true) // and whoever has gone on is held with the others
			time.Sleep(time.Second)
			if got := c.Snapshot().Doing.Paused; got != 100 {
				t.Errorf("%d are held, want all", got)
			}
			c.Pause(false)
		}
		time.Sleep(3 * time.Second)
		c.Stop("test")
		<-c.Done()
	})
}

// TestTheRunTimeCountsFromTheSteadyState, users or arrivals, and nobody is cut short.
func TestTheRunTimeCountsFromTheSteadyState(t *testing.T) {
	for _, rate := range []float64{0, 100} {
		synctest.Test(t, func(t *testing.T) {
			var n counter
			c := run(t, swarm.Plan{Users: 50, SpawnRate: 10, Rate: rate, RunTime: 3 * time.Second, FromSteady: true, StopTimeout: time.Second},
				n.behaviour("a", 10*time.Millisecond, 0))
			began := time.Now()
			<-c.Done()
			want := 3 * time.Second
			if rate == 0 {
				want += 4900 * time.Millisecond // the first of fifty comes at once
			}
			if took := time.Since(began); took < want-100*time.Millisecond || took > want+500*time.Millisecond || c.Snapshot().Reason != "run-time" {
				t.Errorf("rate %v: it took %v, want %v; ended by %q", rate, took, want, c.Snapshot().Reason)
			}
			if rate > 0 && n.begun.Load() != 300 {
				t.Errorf("got %d task starts, want 300", n.begun.Load())
			}
		})
	}
}
