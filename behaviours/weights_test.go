package behaviours_test

import (
	"math"
	"testing"
	"time"

	"tload/behaviours"
	"tload/swarm"
)

// TestWeightsAreChangedLive, of tasks, of tasks in a nested set and of behaviours, as the
// server counts them.
func TestWeightsAreChangedLive(t *testing.T) {
	s := newServer(t)
	a := behaviours.Behaviour{Name: "A", Weight: 2, New: func(u *behaviours.User) *behaviours.Set {
		nested := &behaviours.Set{Loops: 4, Tasks: []behaviours.Task{{Name: "x", Run: get(u, "/x")}, {Name: "y", Run: get(u, "/y")}}}
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "a1", Run: get(u, "/a1")}, {Name: "a2", Run: get(u, "/a2")}, {Name: "in", Set: nested}}}
	}}
	b := behaviours.Behaviour{Name: "B", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Sequential: true, Tasks: []behaviours.Task{{Name: "b1", Run: get(u, "/b1")}, {Name: "b2", Run: get(u, "/b2")}}}
	}}
	c := controller(t, s.URL, swarm.Plan{Users: 9, RunTime: time.Minute, Seed: 7}, a, b)
	go c.Run(t.Context())
	const a1, a2, in, x, y = 0, 1, 2, 3, 4
	deadline := time.Now().Add(30 * time.Second)
	// next waits until as many more of a path were counted, and says how many more there
	// were of others meanwhile.
	next := func(path string, n int, others ...string) (more []int) {
		t.Helper()
		first := s.count(path)
		for _, o := range others {
			more = append(more, -s.count(o))
		}
		for s.count(path) < first+n {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not %d more in time", path, n)
			}
			time.Sleep(time.Millisecond)
		}
		for i, o := range others {
			more[i] += s.count(o)
		}
		return more
	}
	// none waits until a path is not asked for any more while another one is.
	none := func(path, while string) {
		t.Helper()
		for next(while, 200, path)[0] > 0 {
			if time.Now().After(deadline) {
				t.Fatalf("%s goes on", path)
			}
		}
	}
	next("/a1", 10)
	next("/b1", 10)

	c.SetWeight("A", a1, 0, "test")
	none("/a1", "/a2")
	c.SetWeight("A", x, 3, "test")
	next("/y", 100) // by then all users choose by it
	const n = 2000
	more := next("/y", n, "/x")
	// Of all that are chosen three in four are x: by how many there are of y their
	// number spreads as a negative binomial distribution.
	if got, want, sigma := float64(more[0]), 3.0*n, math.Sqrt(12.0*n); math.Abs(got-want) > 5*sigma {
		t.Errorf("/x: %v, want %v ± %.0f", got, want, 5*sigma)
	}
	// shown waits until the snapshots say so.
	shown := func(what string, ok func(list []swarm.BehaviourView) bool) {
		t.Helper()
		for list := c.Snapshot().Behaviours; len(list) == 0 || !ok(list); list = c.Snapshot().Behaviours {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the snapshot has %+v", what, list)
			}
			time.Sleep(time.Millisecond)
		}
	}
	shown("weights of tasks", func(list []swarm.BehaviourView) bool {
		v := list[0].Tasks
		return v[a1].Weight == 0 && v[a1].Want == 0 && v[a2].Want == 50 && v[x].Weight == 3 && v[x].Want == 75 && v[y].Want == 25
	})

	// What may not be is ignored: no set and no run without anything to do.
	c.SetWeight("B", 0, 5, "test")
	c.SetWeight("A", y, 0, "test")
	c.SetWeight("A", x, 0, "test")
	c.SetWeight("A", 17, 2, "test")
	c.SetWeight("nobody", -1, 2, "test")
	c.SetWeight("A", in, -3, "test")
	none("/y", "/x")

	c.SetWeight("B", -1, 0, "test")
	none("/b1", "/a2")
	c.SetWeight("A", -1, 0, "test")
	next("/a2", 200)
	shown("no B", func(list []swarm.BehaviourView) bool {
		return list[0].Running == 9 && list[1].Running == 0 && list[0].Weight == 2 && list[1].Weight == 0
	})
	c.SetWeight("B", -1, 7, "test")
	next("/b1", 50)
	shown("most B", func(list []swarm.BehaviourView) bool { return list[0].Running == 2 && list[1].Running == 7 })
	c.Stop("test")
	<-c.Done()
	changes := 0
	for _, x := range c.Snapshot().Changes {
		if x.Weight != "" {
			changes++
		}
	}
	if changes != 5 {
		t.Errorf("%d changes of weights, want 5: %+v", changes, c.Snapshot().Changes)
	}
}
