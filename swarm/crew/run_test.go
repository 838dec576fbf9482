package crew

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tload/stats"
	"tload/swarm"
)

// counter counts from the other side: how many users act and how many tasks
// were begun and ended.
type counter struct {
	users, most atomic.Int64
	begun       atomic.Int64
	ended       atomic.Int64
	aborted     atomic.Int64
}

// behaviour is a user whose tasks take that long, with that think time.
func (n *counter) behaviour(name string, task, wait time.Duration) *Behaviour {
	return &Behaviour{Behaviour: swarm.Behaviour{Name: name}, New: func(_ context.Context, u *User) Life {
		now := n.users.Add(1)
		for m := n.most.Load(); now > m && !n.most.CompareAndSwap(m, now); m = n.most.Load() {
		}
		return &counted{n: n, u: u, task: task, wait: wait}
	}}
}

// counted is a life of a counter's.
type counted struct {
	n          *counter
	u          *User
	task, wait time.Duration
	begun      bool
}

func (l *counted) Act(ctx context.Context, start Permit, ok, _ bool) (Next, time.Duration) {
	if !l.begun || !ok {
		l.begun = true
		return more(ok), 0
	}
	m := l.u.Sink.Meter(stats.Key{Class: stats.Request, Method: "TEST", Name: l.u.Behaviour.Name})
	l.n.begun.Add(1)
	l.u.Sink.Begin()
	x := stats.Sample{Took: l.task, Due: start.Due, Late: start.Late}
	select {
	case <-time.After(l.task):
		l.n.ended.Add(1)
	case <-ctx.Done():
		x.Kind = stats.Aborted
		l.n.aborted.Add(1)
	}
	l.u.Sink.Record(m, x)
	return Asks, l.wait
}

func more(ok bool) Next {
	if ok {
		return Asks
	}
	return Ends
}

func (l *counted) Close() { l.n.users.Add(-1) }

// acting is a life of one function.
type acting func()

func (f acting) Act(_ context.Context, _ Permit, ok, _ bool) (Next, time.Duration) {
	if ok {
		f()
	}
	return more(ok), 0
}

func (f acting) Close() {}

func run(t *testing.T, p swarm.Plan, list ...*Behaviour) *swarm.Controller {
	t.Helper()
	return runJob(t, p, Job{Behaviours: list})
}

func runJob(t *testing.T, p swarm.Plan, j Job) *swarm.Controller {
	t.Helper()
	c, err := Swarm(p, j)
	if err != nil {
		t.Fatal(err)
	}
	go c.Run(context.Background())
	return c
}

func TestRamp(t *testing.T) {
	for _, c := range []struct {
		name  string
		users int
		rate  float64
		steer func(*swarm.Controller)
		want  map[time.Duration]int64 // users at a time
	}{
		{"up", 10, 2, nil, map[time.Duration]int64{100 * time.Millisecond: 1, 600 * time.Millisecond: 2, 3100 * time.Millisecond: 7, 10 * time.Second: 10}},
		{"up by one a second", 3, 1, nil, map[time.Duration]int64{900 * time.Millisecond: 1, 1100 * time.Millisecond: 2, 5 * time.Second: 3}},
		{"very fast", 5000, 10000, nil, map[time.Duration]int64{100 * time.Millisecond: 1001, time.Second: 5000}},
		{"scaled during the ramp", 10, 2, func(c *swarm.Controller) {
			time.Sleep(1600 * time.Millisecond) // 4 users
			c.Scale(5, "test")
		}, map[time.Duration]int64{1700 * time.Millisecond: 4, 2100 * time.Millisecond: 5, 10 * time.Second: 5}},
		{"scaled often keeps the rate", 4, 1, func(c *swarm.Controller) {
			for i := range 20 {
				time.Sleep(100 * time.Millisecond)
				c.Scale(5+i, "test")
			}
		}, map[time.Duration]int64{2500 * time.Millisecond: 3, 3500 * time.Millisecond: 4}},
		{"down at the same rate", 6, 100, func(c *swarm.Controller) {
			time.Sleep(5 * time.Second)
			c.SetSpawnRate(2)
			c.Scale(2, "test")
		}, map[time.Duration]int64{4 * time.Second: 6, 6200 * time.Millisecond: 3, 20 * time.Second: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n counter
				ctl := run(t, swarm.Plan{Users: c.users, SpawnRate: c.rate, StopTimeout: time.Second}, n.behaviour("a", time.Millisecond, 10*time.Millisecond))
				start := time.Now()
				if c.steer != nil {
					go c.steer(ctl)
				}
				var times []time.Duration
				for at := range c.want {
					times = append(times, at)
				}
				slices.Sort(times)
				for _, at := range times {
					time.Sleep(at - time.Since(start))
					synctest.Wait()
					if got := n.users.Load(); got != c.want[at] {
						t.Errorf("users at %v: got %d, want %d", at, got, c.want[at])
					}
				}
				ctl.Stop("test")
				<-ctl.Done()
				if got, want := ctl.Snapshot().Total.Run.Requests, uint64(n.ended.Load()); got != want {
					t.Errorf("requests: got %d, the other side counted %d", got, want)
				}
			})
		})
	}
}

func TestStopInThreeWays(t *testing.T) {
	for _, c := range []struct {
		name      string
		task      time.Duration
		again     time.Duration // second stop, after the first
		took      time.Duration
		completed int64
		aborted   int64
	}{
		{"graceful: the task in hand ends", 3 * time.Second, 0, 2 * time.Second, 1, 0},
		{"the grace is over: the task is cut off", time.Minute, 0, 5 * time.Second, 0, 1},
		{"a second stop cuts the grace short", time.Minute, time.Second, time.Second, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n counter
				ctl := run(t, swarm.Plan{Users: 1, StopTimeout: 5 * time.Second}, n.behaviour("a", c.task, time.Hour))
				time.Sleep(time.Second)
				begin := time.Now()
				ctl.Stop("test")
				if c.again > 0 {
					time.Sleep(c.again)
					ctl.Stop("test")
				}
				<-ctl.Done()
				if got := time.Since(begin); got < c.took || got > c.took+10*time.Millisecond {
					t.Errorf("took %v, want %v", got, c.took)
				}
				s := ctl.Snapshot()
				if n.ended.Load() != c.completed || n.aborted.Load() != c.aborted {
					t.Errorf("tasks: %d ended, %d aborted; want %d and %d", n.ended.Load(), n.aborted.Load(), c.completed, c.aborted)
				}
				if s.Total.Run.Requests != uint64(c.completed) || s.Total.Run.Aborted != uint64(c.aborted) {
					t.Errorf("snapshot: %d requests, %d aborted; want %d and %d", s.Total.Run.Requests, s.Total.Run.Aborted, c.completed, c.aborted)
				}
				if s.State != swarm.Stopped || s.Running+s.Stopping != 0 || s.Reason != "test" || s.Err != nil {
					t.Errorf("state: got %v, %d+%d users, reason %q, error %v", s.State, s.Running, s.Stopping, s.Reason, s.Err)
				}
			})
		})
	}
}

func TestUsersThatIgnoreTheirContextAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		name := "listen"
		deaf := &Behaviour{Behaviour: swarm.Behaviour{Name: "deaf"}, New: func(_ context.Context, u *User) Life {
			return acting(func() { u.Task(&name); <-free })
		}}
		var log strings.Builder
		c, err := Swarm(swarm.Plan{Users: 3, SpawnRate: 100, StopTimeout: 2 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}, Job{Behaviours: []*Behaviour{deaf}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		err = c.Run(ctx)
		if err == nil || !strings.HasPrefix(err.Error(), "3 users did not stop") {
			t.Errorf("got error %v, want one about 3 users", err)
		}
		if got := time.Since(start); got > 6*time.Second {
			t.Errorf("took %v, want at most twice the grace", got)
		}
		if n := strings.Count(log.String(), "in listen"); n != 3 {
			t.Errorf("the log names the task %d times, want 3:\n%s", n, log.String())
		}
		close(free)
	})
}

func TestIterationsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 13, SpawnRate: 1000, Iterations: 1001, StopTimeout: time.Second}, n.behaviour("a", 7*time.Millisecond, time.Millisecond))
		<-c.Done()
		if got := n.ended.Load(); got != 1001 || c.Snapshot().Reason != "iterations" {
			t.Errorf("got %d tasks and reason %q, want 1001 and iterations", got, c.Snapshot().Reason)
		}
	})
}

func TestRunTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		start := time.Now()
		c := run(t, swarm.Plan{Users: 2, RunTime: 20 * time.Second, StopTimeout: time.Second}, n.behaviour("a", time.Millisecond, time.Second))
		<-c.Done()
		if got := time.Since(start); got < 20*time.Second || got > 20*time.Second+50*time.Millisecond {
			t.Errorf("ran %v, want 20 s", got)
		}
		if c.Snapshot().Reason != "run-time" {
			t.Errorf("reason: got %q", c.Snapshot().Reason)
		}
	})
}

// TestShortRun: of a run that is over before the first tick, what was done
// before the stop is not of the ramp down, and there were users.
func TestShortRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &counter{}
		c := run(t, swarm.Plan{Users: 4, SpawnRate: 1000, Iterations: 40, StopTimeout: time.Second}, n.behaviour("a", 10*time.Millisecond, 0))
		<-c.Done()
		s := c.Snapshot()
		if first := s.Segments[0]; first.Name != "steady 4" || first.Total.Requests < 36 {
			t.Errorf("the first segment: got %s with %d requests, want steady 4 with nearly all of 40", first.Name, first.Total.Requests)
		}
		if s.Rest.Sofar.Requests != 40 || s.Rest.Users != 4 {
			t.Errorf("the rest: got %d requests and %d users, want 40 and 4", s.Rest.Sofar.Requests, s.Rest.Users)
		}
	})
}

func TestPauseHoldsUsersAndKeepsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 5, SpawnRate: 100, StopTimeout: time.Second}, n.behaviour("a", time.Millisecond, 100*time.Millisecond))
		time.Sleep(2 * time.Second)
		c.Pause(true)
		time.Sleep(time.Second)
		before := n.begun.Load()
		time.Sleep(10 * time.Second)
		if got := n.begun.Load() - before; got != 0 {
			t.Errorf("%d tasks begun while paused", got)
		}
		if s := c.Snapshot(); s.State != swarm.Paused || s.Running != 5 || s.Doing.Paused != 5 || n.users.Load() != 5 {
			t.Errorf("paused: state %v, %d running, %d held", s.State, s.Running, s.Doing.Paused)
		}
		c.Pause(false)
		time.Sleep(time.Second)
		if n.begun.Load() == before {
			t.Error("no task begun after the pause")
		}
		c.Pause(true)
		time.Sleep(time.Second)
		c.Stop("test")
		<-c.Done()
	})
}

// TestArrivalsWhenTheTargetStandsStill holds corrected times against the
// computed truth: with one user whose task takes 3 s every hundredth time.
func TestArrivalsKeepTheirSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 50, Rate: 100, RunTime: 10 * time.Second, StopTimeout: time.Second}, n.behaviour("a", 5*time.Millisecond, 0))
		<-c.Done()
		s := c.Snapshot()
		if got := n.begun.Load(); got != 1000 {
			t.Errorf("tasks in 10 s at 100/s: got %d", got)
		}
		if s.Total.Run.Due != s.Total.Run.Requests || s.Total.Run.Late != 0 || s.Total.Run.Corrected.Count != s.Total.Run.Requests {
			t.Errorf("due %d, late %d of %d", s.Total.Run.Due, s.Total.Run.Late, s.Total.Run.Requests)
		}
	})
}

// TestNoArrivalIsDueBeyondTheEnd: what would be due when the run is over, or
// past its iterations, was never to start.
func TestNoArrivalIsDueBeyondTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rate       float64
		runTime    time.Duration
		iterations int64
		task       time.Duration
		maxWait    time.Duration
		users      int

		begun, notStarted int64
	}{
		{"a whole number of intervals", 10, 2 * time.Second, 0, time.Millisecond, 0, 10, 20, 0},
		{"an interval that is no whole number", 0.1, 30 * time.Second, 0, time.Millisecond, 0, 1, 3, 0},
		{"one more is due before the end", 10, 2050 * time.Millisecond, 0, time.Millisecond, 0, 10, 21, 0},
		{"due as the run ends, and a user is free", 1e5, 10 * time.Millisecond, 0, time.Microsecond, 0, 2000, 1000, 0},
		{"what waits at the end had been due", 10, 2 * time.Second, 0, 1500 * time.Millisecond, 0, 1, 2, 18},
		{"iterations", 10, 0, 7, time.Second, 0, 100, 7, 0},
		{"iterations, one at a time", 10, 0, 7, time.Second, 0, 1, 7, 0},
		{"iterations, and others are dropped", 10, 0, 3, time.Second, 500 * time.Millisecond, 1, 3, -1},
		{"the run time ends before the iterations", 10, time.Second, 100, time.Millisecond, 0, 10, 10, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n counter
				c := runJob(t, swarm.Plan{
					Users: tt.users, Rate: tt.rate, RunTime: tt.runTime, Iterations: tt.iterations, StopTimeout: 5 * time.Second,
				}, Job{Behaviours: []*Behaviour{n.behaviour("a", tt.task, 0)}, MaxWait: tt.maxWait})
				<-c.Done()
				s := c.Snapshot().Total.Run
				if got := n.begun.Load(); got != tt.begun || s.Requests != uint64(got) {
					t.Errorf("begun: got %d and %d requests, want %d", got, s.Requests, tt.begun)
				}
				if got := int64(s.NotStarted); tt.notStarted >= 0 && got != tt.notStarted || tt.notStarted < 0 && got == 0 {
					t.Errorf("not started: got %d, want %d", got, tt.notStarted)
				}
			})
		})
	}
}

func TestArrivalsBacklogIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		// One user does one task a second; ten are due.
		c := run(t, swarm.Plan{Users: 1, Rate: 10, RunTime: 10 * time.Second, StopTimeout: 5 * time.Second}, n.behaviour("a", time.Second, 0))
		<-c.Done()
		s := c.Snapshot().Total.Run
		if got := s.Requests + s.NotStarted; got != 100 {
			t.Errorf("requests %d + not started %d: want 100", s.Requests, s.NotStarted)
		}
		if s.Requests < 10 || s.Requests > 11 {
			t.Errorf("requests: got %d, want 10", s.Requests)
		}
		if s.Corrected.Max < 8*time.Second {
			t.Errorf("corrected max: got %v, want about 10 s", s.Corrected.Max)
		}
	})
}

func TestArrivalsReplaceUsersThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		once := n.behaviour("a", 5*time.Millisecond, 0)
		endless := once.New
		once.New = func(ctx context.Context, u *User) Life { return &oneTask{Life: endless(ctx, u)} }
		c := run(t, swarm.Plan{Users: 400, Rate: 50, RunTime: 5 * time.Second, StopTimeout: time.Second}, once)
		<-c.Done()
		if got := n.begun.Load(); got < 249 || got > 251 || c.Snapshot().Reason != "run-time" {
			t.Errorf("got %d tasks and reason %q, want 250 and run-time", got, c.Snapshot().Reason)
		}
	})
}

// oneTask is a life that ends after one task.
type oneTask struct {
	Life
	acts int
}

func (o *oneTask) Act(ctx context.Context, start Permit, ok, brief bool) (Next, time.Duration) {
	next, think := o.Life.Act(ctx, start, ok, brief)
	if o.acts++; o.acts >= 2 {
		next = Ends
	}
	return next, think
}

func TestFewerUsersThanArrivalsWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 50, Rate: 1000, StopTimeout: time.Second}, n.behaviour("a", 100*time.Millisecond, 0))
		time.Sleep(2 * time.Second)
		if got := n.users.Load(); got != 50 {
			t.Errorf("%d users, want all 50", got)
		}
		c.Scale(5, "you")
		time.Sleep(2 * time.Second)
		if got := n.users.Load(); got != 5 {
			t.Errorf("%d users, want the 5 that were asked for", got)
		}
		c.Stop("test")
		<-c.Done()
	})
}

func TestNoMoreUsersThanArrivalsWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 50, Rate: 100, StopTimeout: time.Second}, n.behaviour("a", 10*time.Millisecond, 0))
		for _, most := range []int{50, 40, 200, 300} {
			c.Scale(most, "you")
			time.Sleep(2 * time.Second)
			if got := n.users.Load(); got < 1 || got > 20 {
				t.Errorf("%d users of at most %d, want the few that are needed", got, most)
			}
			time.Sleep(2 * time.Second)
		}
		c.Stop("test")
		<-c.Done()
	})
}

func TestAPauseIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 1, Rate: 20, StopTimeout: 5 * time.Second}, n.behaviour("a", 100*time.Millisecond, 0))
		const part = 975 * time.Millisecond // in which 20 arrivals are due, and none at its end
		time.Sleep(part)
		c.Pause(true)
		time.Sleep(30 * time.Second)
		c.Pause(false)
		time.Sleep(part)
		c.Stop("test")
		<-c.Done()
		if s := c.Snapshot().Total.Run; s.Corrected.Max > 2500*time.Millisecond || s.Requests+s.NotStarted != 40 {
			t.Errorf("corrected max %v, %d requests and %d not started; want about 1 s and 40", s.Corrected.Max, s.Requests, s.NotStarted)
		}
	})
}

func TestGoexitEndsOnlyThatUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		bad := &Behaviour{Behaviour: swarm.Behaviour{Name: "bad", Fixed: 1}, New: func(context.Context, *User) Life { return acting(runtime.Goexit) }}
		c := run(t, swarm.Plan{Users: 3, SpawnRate: 100, StopTimeout: time.Second}, bad, n.behaviour("good", time.Millisecond, time.Second))
		time.Sleep(5 * time.Second)
		s := c.Snapshot()
		if s.Running != 2 || len(s.Groups) != 1 || s.Groups[0].Key.Kind != stats.Panic || !strings.Contains(s.Groups[0].Message, "Goexit") {
			t.Errorf("got %d running and groups %v", s.Running, s.Groups)
		}
		c.Stop("test")
		<-c.Done()
	})
}

func TestMaxWaitDropsArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := runJob(t, swarm.Plan{Users: 1, Rate: 10, RunTime: 10 * time.Second, StopTimeout: 5 * time.Second},
			Job{Behaviours: []*Behaviour{n.behaviour("a", time.Second, 0)}, MaxWait: 500 * time.Millisecond})
		<-c.Done()
		s := c.Snapshot().Total.Run
		if s.Corrected.Max > 1600*time.Millisecond {
			t.Errorf("corrected max: got %v, want at most 1.5 s", s.Corrected.Max)
		}
		if got := s.Requests + s.NotStarted; got != 100 {
			t.Errorf("requests %d + not started %d: want 100", s.Requests, s.NotStarted)
		}
	})
}

func TestPanicInABehaviourEndsOnlyThatUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		bad := &Behaviour{Behaviour: swarm.Behaviour{Name: "bad", Fixed: 1}, New: func(context.Context, *User) Life { return acting(func() { panic("broken") }) }}
		c := run(t, swarm.Plan{Users: 3, SpawnRate: 100, StopTimeout: time.Second}, bad, n.behaviour("good", time.Millisecond, time.Second))
		time.Sleep(5 * time.Second)
		s := c.Snapshot()
		if s.Running != 2 || len(s.Groups) != 1 || s.Groups[0].Key.Kind != stats.Panic || !strings.Contains(s.Groups[0].Message, "broken") {
			t.Errorf("got %d running and groups %v", s.Running, s.Groups)
		}
		c.Stop("test")
		<-c.Done()
	})
}

func TestABehaviourNeedsNew(t *testing.T) {
	_, err := Swarm(swarm.Plan{Users: 1}, Job{Behaviours: []*Behaviour{{Behaviour: swarm.Behaviour{Name: "x"}}}})
	if err == nil || !strings.Contains(err.Error(), "no New") {
		t.Errorf("got %v, want an error with no New", err)
	}
}

// TestTheSpawnRateChangesOnTheWay: users who are on their way come at the new
// rate, and not earlier for its having changed.
func TestTheSpawnRateChangesOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n counter
		c := run(t, swarm.Plan{Users: 100, SpawnRate: 1, StopTimeout: time.Second}, n.behaviour("a", time.Millisecond, time.Second))
		time.Sleep(2500 * time.Millisecond)
		c.SetSpawnRate(10)
		time.Sleep(time.Millisecond)
		if got := n.users.Load(); got != 4 {
			t.Errorf("at the change: got %d users, want 4", got)
		}
		time.Sleep(time.Second)
		if got := n.users.Load(); got != 14 {
			t.Errorf("a second later: got %d users, want 14", got)
		}
		c.Stop("test")
		<-c.Done()
	})
}
