package link_test

import (
	"context"
	"sync"
	"testing"
	"time"

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
					first, err := b.Numbers.Deal("rows.csv", n)
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
				if _, err := b.Numbers.Deal("rows.csv", 1<<40); err == nil {
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

// TestWhatAWorkerHadIsLentAgain once it has left.
func TestWhatAWorkerHadIsLentAgain(t *testing.T) {
	m, id, joined := master(t, nil)
	defer m.Close()
	work := func(ctx context.Context, lend func(link.Numbers)) (ended chan struct{}) {
		o := workerOptions(m, id, nodetest.Work{Kinds: 1, Tally: new(nodetest.Tally)})
		made := make(chan link.Numbers, 1)
		node := o.Make
		o.Make = func(b link.Brief) (swarm.Node, error) {
			made <- b.Numbers
			return node(b)
		}
		ended = make(chan struct{})
		go func() {
			defer close(ended)
			link.Work(ctx, o)
		}()
		r := one(t, "a worker", joined)
		r.Begin(time.Now(), func() {})
		r.Assign(swarm.Assignment{Gen: 1, Users: []int{0}, IDStep: 1, Quota: swarm.Unlimited})
		lend(one(t, "numbers", made))
		return ended
	}
	want := func(n link.Numbers, want int64) {
		t.Helper()
		if i, err := n.Lend("rows", 2); i != want || err != nil {
			t.Errorf("lent %d, %v, want %d", i, err, want)
		}
	}
	first, leave := context.WithCancel(t.Context())
	ended := work(first, func(n link.Numbers) {
		want(n, 0)
		want(n, 1)
		want(n, -1)
		if err := n.Return("rows", []int64{0}); err != nil {
			t.Error(err)
		}
		want(n, 0)
	})
	leave()
	one(t, "the end of the first", ended)
	second, leave := context.WithCancel(t.Context())
	ended = work(second, func(n link.Numbers) {
		// One whose goodbye was not heard is given up after ten seconds.
		for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if i, _ := n.Lend("rows", 2); i == 0 {
				want(n, 1)
				want(n, -1)
				return
			}
		}
		t.Error("what the first had is not lent to the second")
	})
	leave()
	one(t, "the end of the second", ended)
}
