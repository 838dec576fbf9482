package crew

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tload/swarm"
)

// mixed are behaviours of every kind of load, each counted by one of the counters.
func mixed(t *testing.T, n *[5]counter) []*Behaviour {
	visitor, night, ramped, clocked, fixed := n[0].behaviour("visitor", 10*time.Millisecond, 0), n[1].behaviour("night", 10*time.Millisecond, 0),
		n[2].behaviour("ramped", 10*time.Millisecond, 0), n[3].behaviour("clocked", 100*time.Millisecond, 0), n[4].behaviour("fixed", 10*time.Millisecond, 0)
	visitor.Weight = 3
	night.Weight, night.Start, night.End = 1, 5*time.Second, 15*time.Second
	ramped.Own, ramped.Start = shaped(t, "ramp 0 40 4s, hold 40 4s"), 2*time.Second
	clocked.Own, clocked.Arrivals, clocked.Fixed, clocked.Start = shaped(t, "ramp 0 100 10s, hold 100 5s"), true, 50, 3*time.Second
	fixed.Fixed, fixed.Start = 4, 10*time.Second
	return []*Behaviour{visitor, night, ramped, clocked, fixed}
}

// TestBehavioursComeAndGo at their times, beside each other and each with the load that it
// says: by weight, in a fixed number, so many users, so many arrivals a second. Over two
// nodes the sums are the same.
func TestBehavioursComeAndGo(t *testing.T) {
	for _, nodes := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			var n [5]counter
			list := mixed(t, &n)
			plan := swarm.Plan{Behaviours: Kinds(list), Users: 20, SpawnRate: 1000, RunTime: 20 * time.Second, StopTimeout: time.Second}
			var crews []swarm.Node
			for range nodes {
				c, err := New(Job{Behaviours: list, Grace: time.Second})
				if err != nil {
					t.Fatal(err)
				}
				crews = append(crews, c)
			}
			c, err := swarm.New(plan, crews...)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			go c.Run(context.Background())
			for _, tt := range []struct {
				at   time.Duration
				want [5]float64 // of clocked: tasks begun
			}{
				{time.Second, [5]float64{20, 0, 0, 0, 0}},
				{4 * time.Second, [5]float64{20, 0, 20, 5, 0}},
				{8 * time.Second, [5]float64{15, 5, 40, 125, 0}},
				{9500 * time.Millisecond, [5]float64{15, 5, 40, 211, 0}},
				{12 * time.Second, [5]float64{12, 4, 0, 405, 4}},
				{16 * time.Second, [5]float64{16, 0, 0, 800, 4}},
				{19 * time.Second, [5]float64{16, 0, 0, 1000, 4}},
			} {
				time.Sleep(time.Until(began.Add(tt.at)))
				for i, want := range tt.want {
					got := float64(n[i].users.Load())
					if i == 3 {
						got = float64(n[i].begun.Load())
					}
					if math.Abs(got-want) > 2 {
						t.Errorf("%d nodes, at %v: of %s there are %v, want %v", nodes, tt.at, list[i].Name, got, want)
					}
				}
				s := c.Snapshot()
				users := 0
				for i, b := range s.Behaviours {
					users += b.Running
					if own := i == 2 || i == 3; b.Own != own {
						t.Errorf("%s has a load of its own: %v", b.Name, b.Own)
					}
				}
				if s.Running != users || s.Target != 20 {
					t.Errorf("%d nodes, at %v: %d users run, %d of all behaviours; the target is %d", nodes, tt.at, s.Running, users, s.Target)
				}
			}
			<-c.Done()
			s := c.Snapshot()
			if took := time.Since(began); s.Reason != "run-time" || took > 22*time.Second {
				t.Errorf("it ended after %v because of %q", took, s.Reason)
			}
			if got := n[3].most.Load(); got > 50 {
				t.Errorf("arrivals had %d users, of 50", got)
			}
			var begun uint64
			for i := range n {
				begun += uint64(n[i].begun.Load())
			}
			if got := s.Total.Run; got.Requests != begun || got.NotStarted > 0 {
				t.Errorf("%d nodes: requests %d, begun %d, not started %d", nodes, got.Requests, begun, got.NotStarted)
			}
		})
	}
}

// TestARunEndsWithTheLastOwnLoad when no behaviour is left that could do anything, and
// nobody adds users to such a run.
func TestARunEndsWithTheLastOwnLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n [5]counter
		list := mixed(t, &n)[2:4]
		c := run(t, swarm.Plan{Users: 1, StopTimeout: time.Second}, list...)
		began := time.Now()
		time.Sleep(time.Second)
		c.Scale(100, "you")
		<-c.Done()
		if took, s := time.Since(began), c.Snapshot(); took < 18*time.Second || took > 19*time.Second || s.Reason != "shape" || !s.Driven() {
			t.Errorf("it ended after %v because of %q, driven %v", took, s.Reason, s.Driven())
		}
		if got := n[2].most.Load(); got != 40 {
			t.Errorf("there were %d users, want 40", got)
		}
		if got := n[3].begun.Load(); math.Abs(float64(got)-1000) > 2 {
			t.Errorf("%d tasks began, want 1000", got)
		}
	})
}

// TestOwnArrivalsWaitForTheirOwnUsers: where those are too few, the backlog is of theirs
// alone, and what has waited too long is counted as never started.
func TestOwnArrivalsWaitForTheirOwnUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow, free counter
		a, b := slow.behaviour("slow", time.Second, 0), free.behaviour("free", 10*time.Millisecond, 0)
		a.Own, a.Arrivals, a.Fixed = shaped(t, "hold 20 10s"), true, 5
		c, err := Swarm(swarm.Plan{Users: 3, SpawnRate: 100, RunTime: 12 * time.Second, StopTimeout: 2 * time.Second}, Job{Behaviours: []*Behaviour{a, b}, MaxWait: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		go c.Run(context.Background())
		time.Sleep(5 * time.Second)
		if got := c.Snapshot().Backlog; got < 36 || got > 41 {
			t.Errorf("%d arrivals wait, want two seconds' worth", got)
		}
		<-c.Done()
		s := c.Snapshot().Total.Run
		if got := slow.most.Load(); got != 5 {
			t.Errorf("%d users, want 5", got)
		}
		if all := uint64(slow.begun.Load()) + s.NotStarted; all < 199 || all > 201 {
			t.Errorf("%d began and %d did not: want 200", slow.begun.Load(), s.NotStarted)
		}
		if free.begun.Load() < 3000 {
			t.Errorf("the others began %d tasks: they wait for nobody", free.begun.Load())
		}
	})
}
