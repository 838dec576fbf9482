package crew

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAPathGoesOnlyForward holds that no step goes away from the end, that those
// who are too many go before others come, and that a path ends where it is to.
func TestAPathGoesOnlyForward(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		n := 1 + rnd.IntN(5)
		fixed, to := make([]bool, n), make([]int, n)
		for i := range fixed {
			fixed[i] = rnd.IntN(3) == 0
		}
		p := newPath(fixed)
		for range 3 {
			for i := range to {
				to[i] = rnd.IntN(12)
			}
			p.aim(to)
			came := false
			for left := p.left(); left > 0; left-- {
				before := slices.Clone(p.now)
				p.walk(1)
				if p.left() != left-1 {
					t.Fatalf("from %v to %v: a step from %v to %v", p.from, to, before, p.now)
				}
				if up := p.level() > sum(before); came && !up {
					t.Fatalf("from %v to %v: somebody goes after others came", p.from, to)
				} else {
					came = up
				}
				if rnd.IntN(20) == 0 {
					break // another end before this one is reached
				}
			}
		}
		p.aim(to)
		p.walk(1000)
		if !slices.Equal(p.now, to) {
			t.Fatalf("got %v, want %v", p.now, to)
		}
	}
}

func sum(list []int) (n int) {
	for _, k := range list {
		n += k
	}
	return n
}

func TestAPathKeepsTheShares(t *testing.T) {
	p := newPath([]bool{false, true, false})
	p.aim([]int{30, 3, 10})
	var up [][]int
	for range 43 {
		p.walk(1)
		up = append(up, slices.Clone(p.now))
	}
	if !slices.Equal(up[2], []int{0, 3, 0}) {
		t.Errorf("the first three: got %v, want the fixed ones", up[2])
	}
	for i, now := range up[3:] {
		if ideal := float64(i+1) * 0.75; float64(now[0]) > ideal+1 || float64(now[0]) < ideal-1 {
			t.Errorf("after %d more: got %v, want about %.1f of the first", i+1, now, ideal)
		}
	}
	p.aim([]int{0, 0, 0})
	for i := 41; i >= 0; i-- {
		p.walk(1)
		if !slices.Equal(p.now, up[i]) {
			t.Fatalf("on the way down: got %v, want %v as on the way up", p.now, up[i])
		}
	}
}

func BenchmarkAMillionUsersComeAndGo(b *testing.B) {
	for b.Loop() {
		p := newPath(make([]bool, 10))
		p.aim([]int{1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5})
		p.walk(1e6)
		p.aim(make([]int, 10))
		p.walk(1e6)
	}
}
