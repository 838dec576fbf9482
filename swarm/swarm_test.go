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
