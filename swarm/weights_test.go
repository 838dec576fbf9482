package swarm

import (
	"reflect"
	"testing"
	"time"

	"tload/stats"
)

// TestWeightsOfARunThatGoesOn are those that it had, and what is not like then stays as
// it is.
func TestWeightsOfARunThatGoesOn(t *testing.T) {
	kinds := []*Behaviour{
		{Name: "a", Tasks: []TaskInfo{{Name: "x", Weight: 1, Want: 50}, {Name: "y", Weight: 1, Want: 50}}},
		{Name: "b", Weight: 2, Tasks: []TaskInfo{{Name: "turn"}, {Name: "turn/in", Depth: 1, Weight: 4, Want: 100}}},
		{Name: "c", Fixed: 3},
	}
	c, err := New(Plan{Behaviours: kinds, Users: 1, Past: &Past{
		Ledger: stats.NewLedger(0, 0), Started: time.Now(),
		Weights: []BehaviourView{
			{Name: "b", Weight: 0, Tasks: []TaskView{{Name: "turn", Turn: true}, {Name: "turn/in", Depth: 1, Weight: 4}, {Name: "more", Weight: 1}}},
			{Name: "a", Weight: 5, Tasks: []TaskView{{Name: "x", Weight: 0}, {Name: "other", Weight: 7}}},
			{Name: "c", Weight: 9, Fixed: 3}, {Name: "d", Weight: 3},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := c.plan.Behaviours
	if got[0].weight() != 5 || got[1].weight() != 0 || got[2].Weight != 0 {
		t.Errorf("weights %d, %d and %d, want 5, 0 and 0", got[0].weight(), got[1].weight(), got[2].Weight)
	}
	if want := [][]int{{0, 1}, {0, 4}, nil}; !reflect.DeepEqual(c.want.Weights, want) {
		t.Errorf("of tasks %v, want %v", c.want.Weights, want)
	}
	if got[0].Tasks[1].Want != 100 || kinds[0].Tasks[0].Weight != 1 || kinds[1].Weight != 2 {
		t.Errorf("the plan's own are changed, or what is expected is not: %+v, %+v", got[0], kinds[0])
	}
	if users := place(got, 13); !reflect.DeepEqual(users, []int{10, 0, 3}) {
		t.Errorf("13 users are %v", users)
	}
}
