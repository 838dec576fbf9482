package link_test

import (
	"context"
	"sync"
	"testing"

	"tload/swarm"
	"tload/swarm/link"
	"tload/swarm/nodetest"
)

// TestNumbersAreDealtOnce has two workers ask for numbers at the same time, and a
// master that goes on after another one.
func TestNumbersAreDealtOnce(t *testing.T) {
	dir := t.TempDir()
	seen := map[int64]bool{}
	round := func(change func(*link.MasterOptions)) {
		m, id, _ := master(t, func(o *link.MasterOptions) {
			o.Store, o.Kept = dir, func() int64 { return 0 }
			change(o)
		})
		ctx, leave := context.WithCancel(t.Context())
		var mu sync.Mutex
		var wait sync.WaitGroup
		for range 2 {
			o := workerOptions(m, id, nodetest.Work{Kinds: 1, Tally: new(nodetest.Tally)})
			dealt := make(chan struct{})
			node := o.Make
			o.Make = func(b link.Brief) (swarm.Node, error) {
				defer close(dealt)
				for i := range int64(50) {
					n := 1 + i%3
					first, err := b.Deal("rows.csv", n)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					for k := first; k < first+n; k++ {
						if seen[k] {
							t.Errorf("%d is dealt twice", k)
						}
						seen[k] = true
					}
					mu.Unlock()
				}
				if _, err := b.Deal("rows.csv", 1<<40); err == nil {
					t.Error("numbers without end are dealt")
				}
				return node(b)
			}
			wait.Go(func() { link.Work(ctx, o) })
			one(t, "numbers", dealt)
		}
		leave()
		wait.Wait()
		m.Close()
	}
	round(func(*link.MasterOptions) {})
	// Close has taken the store of a run that is over away: numbers begin again.
	clear(seen)
	round(func(*link.MasterOptions) {})
	if len(seen) != 2*99 {
		t.Errorf("%d numbers were dealt, want %d", len(seen), 2*99)
	}
}
