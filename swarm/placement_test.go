package swarm

import (
	"math/rand/v2"
	"testing"
)

// TestSpreadHoldsItsSums walks through joins, losses and ramps: every behaviour has its
// total and every node its share; a ramp up and a loss stop nobody, a join no more than
// must move, and a ramp down hardly more than must go.
func TestSpreadHoldsItsSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const events = 20_000
	var capacity []int
	var have [][]int
	var list []*Behaviour
	target, stopped, least := 0, 0, 0
	for e := range events {
		if e%500 == 0 { // another swarm
			list = nil
			for range 1 + r.IntN(5) {
				b := &Behaviour{Weight: 1 + r.IntN(10)}
				if r.IntN(4) == 0 {
					b.Fixed = 1 + r.IntN(8)
				}
				list = append(list, b)
			}
			capacity, have = []int{1 + r.IntN(16)}, [][]int{make([]int, len(list))}
			target = r.IntN(400)
		}
		up, join, lost := false, false, false
		switch k := r.IntN(4); {
		case k == 0 && len(have) < 20:
			capacity, have, join = append(capacity, 1+r.IntN(16)), append(have, make([]int, len(list))), true
		case k == 1 && len(have) > 1:
			i := r.IntN(len(have))
			capacity = append(capacity[:i:i], capacity[i+1:]...)
			have = append(have[:i:i], have[i+1:]...)
			lost = true
		default:
			was := target
			target = r.IntN(400)
			up = target >= was
		}
		totals := place(list, target)
		size := sizes(capacity, sum(totals))
		got := spread(have, capacity, totals)
		column := make([]int, len(list))
		stops, tooMany, users := 0, 0, 0
		for i, row := range got {
			if sum(row) != size[i] {
				t.Fatalf("event %d: node %d has %d users, its share is %d", e, i, sum(row), size[i])
			}
			for b, n := range row {
				if n < 0 {
					t.Fatalf("event %d: %d users", e, n)
				}
				column[b] += n
				stops += max(have[i][b]-n, 0)
			}
			tooMany += max(sum(have[i])-size[i], 0)
			users += sum(have[i])
		}
		surplus := 0
		for b, n := range column {
			if n != totals[b] {
				t.Fatalf("event %d: behaviour %d has %d users, want %d", e, b, n, totals[b])
			}
			had := 0
			for i := range have {
				had += have[i][b]
			}
			surplus += max(had-n, 0)
		}
		bound := max(tooMany, surplus)
		switch {
		case (up || lost) && bound == 0 && stops > 0, join && stops > bound:
			t.Fatalf("event %d: %d users stop, %d must (up %v, join %v, lost %v)", e, stops, bound, up, join, lost)
		case !up && !lost && !join:
			stopped, least = stopped+stops, least+bound
		}
		have = got
	}
	if least == 0 || float64(stopped) > 1.02*float64(least) {
		t.Errorf("ramps down stop %d users, %d must go: want hardly more", stopped, least)
	}
	t.Logf("ramps down stop %d users, %d must go", stopped, least)
}

// BenchmarkPlacement places a million users of eight behaviours on a thousand nodes,
// from nothing, and after the loss of one of them.
func BenchmarkPlacement(b *testing.B) {
	const nodes, users = 1000, 1_000_000
	var list []*Behaviour
	for i := range 8 {
		list = append(list, &Behaviour{Weight: 1 + i*i})
	}
	capacity, none := make([]int, nodes), make([][]int, nodes)
	for i := range capacity {
		capacity[i], none[i] = 1+i%64, make([]int, len(list))
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			spread(none, capacity, place(list, users))
		}
	})
	have := spread(none, capacity, place(list, users))
	b.Run("one lost", func(b *testing.B) {
		for b.Loop() {
			spread(have[1:], capacity[1:], place(list, users))
		}
	})
}
