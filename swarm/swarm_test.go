package swarm

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestPlaceIsHouseMonotoneAndNearTheWeights(t *testing.T) {
	for _, weights := range [][]int{{1}, {3, 1}, {2, 1, 1}, {7, 5, 3, 1}, {100, 1}, {1, 1, 1, 1, 1}} {
		var list []*Behaviour
		total := 0
		for i, w := range weights {
			list = append(list, &Behaviour{Name: fmt.Sprint(i), Weight: w})
			total += w
		}
		last := make([]int, len(list))
		for n := range 500 {
			got := place(list, n)
			sum := 0
			for i, g := range got {
				sum += g
				ideal := float64(n*weights[i]) / float64(total)
				if g < last[i] {
					t.Fatalf("weights %v, %d users: behaviour %d went from %d to %d", weights, n, i, last[i], g)
				}
				if diff := float64(g) - ideal; diff > 1 || diff < -1 {
					t.Fatalf("weights %v, %d users: behaviour %d has %d, ideal %.2f", weights, n, i, g, ideal)
				}
			}
			if sum != n {
				t.Fatalf("weights %v: %d placed of %d", weights, sum, n)
			}
			last = got
		}
	}
}

func TestFixedNumbersComeFirst(t *testing.T) {
	list := []*Behaviour{{Name: "a", Weight: 1}, {Name: "b", Fixed: 3}, {Name: "c", Fixed: 2}}
	for n, want := range map[int][]int{0: {0, 0, 0}, 2: {0, 2, 0}, 4: {0, 3, 1}, 10: {5, 3, 2}} {
		if got := place(list, n); !slices.Equal(got, want) {
			t.Errorf("%d users: got %v, want %v", n, got, want)
		}
	}
}

func TestChecksOfAPlan(t *testing.T) {
	ok := []*Behaviour{{Name: "a"}}
	for _, c := range []struct {
		plan Plan
		want string
	}{
		{Plan{Users: 1}, "no behaviour"},
		{Plan{Behaviours: ok}, "at least 1"},
		{Plan{Behaviours: ok, Users: 10_000_000}, "at most"},
		{Plan{Behaviours: append(ok, ok...), Users: 1}, "two behaviours"},
		{Plan{Behaviours: ok, Users: 1, SpawnRate: -1}, "spawn rate"},
		{Plan{Behaviours: ok, Users: 1, SpawnRate: math.NaN()}, "spawn rate"},
		{Plan{Behaviours: ok, Users: 1, Rate: math.NaN()}, "rate"},
		{Plan{Behaviours: ok, Users: 1, Rate: math.Inf(1)}, "rate"},
	} {
		if _, err := New(c.plan); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

// TestNothingIsLostBetweenNodes holds that what the nodes are assigned adds up to
// what is wanted, and that none is asked for much more than another.
func TestNothingIsLostBetweenNodes(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 100} {
		for _, users := range [][]int{{0}, {1}, {5, 0, 3}, {1000, 1, 1, 1}} {
			list := assignments(n, users, Assignment{Spawn: 10, Arrivals: 5, Quota: 1001})
			sums, quota, spawn, arrivals := make([]int, len(users)), int64(0), 0.0, 0.0
			least, most := math.MaxInt, 0
			ids := map[int64]bool{}
			for _, a := range list {
				all := 0
				for i, k := range a.Users {
					sums[i] += k
					all += k
				}
				for k := range int64(all) {
					ids[a.IDBase+k*a.IDStep] = true
				}
				least, most = min(least, all), max(most, all)
				quota, spawn, arrivals = quota+a.Quota, spawn+a.Spawn, arrivals+a.Arrivals
			}
			total := 0
			for _, k := range users {
				total += k
			}
			if !slices.Equal(sums, users) || quota != 1001 || math.Abs(spawn-10) > 1e-9 || math.Abs(arrivals-5) > 1e-9 || len(ids) != total {
				t.Errorf("%v over %d: got %v, quota %d, spawn %g, arrivals %g, %d numbers", users, n, sums, quota, spawn, arrivals, len(ids))
			}
			if most-least > 1 {
				t.Errorf("%v over %d: from %d to %d users", users, n, least, most)
			}
		}
	}
	for _, a := range assignments(3, []int{1}, Assignment{Quota: Unlimited}) {
		if a.Quota != Unlimited {
			t.Errorf("quota: got %d, want none", a.Quota)
		}
	}
}
