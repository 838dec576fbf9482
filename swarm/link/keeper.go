package link

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// keeper brings what workers tell to disk before it is acknowledged. A disk that
// does not take it is not waited for: the load must not depend on one. What is then
// acknowledged all the same is in memory alone, which is said.
type keeper struct {
	m     *Master
	store *store
	kept  func() int64
	wake  chan struct{}
	done  chan struct{}

	states map[string]workerState // on disk; the goroutine's own
	dealt  map[string]int64       // … numbers given out

	mu      sync.Mutex // guards all below
	pending []*pending
}

// pending is something that is to be on disk. A delta has an acknowledgement that
// waits for it.
type pending struct {
	state workerState // with it
	b     []byte      // nil for a word about the worker
	quota *int64      // … which is this: the rest of state does not count
	deal  *dealt      // numbers instead: there is no state
	until int64       // its seconds are before this one
	since time.Time
	acked bool

	w   *Remote
	msg *nats.Msg
}

// ackAnyway is how long a disk may take.
const ackAnyway = 2 * time.Second

func (k *keeper) add(p *pending) {
	p.since = time.Now()
	k.mu.Lock()
	k.pending = append(k.pending, p)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run is the keeper's goroutine, which ends with the master.
func (k *keeper) run() {
	defer close(k.done)
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	failing := false
	for last := false; !last; {
		select {
		case <-k.wake:
			if failing {
				continue // once a second is enough
			}
		case <-retry.C:
		case <-k.m.gone:
			last = true
		}
		k.mu.Lock()
		list := k.pending
		k.mu.Unlock()
		err := k.keep(list)
		if (err != nil) != failing {
			failing = err != nil
			if failing {
				k.m.o.Log.Error("what workers tell cannot be kept on disk: if this master is killed now, it is lost", "error", err)
			} else {
				k.m.o.Log.Info("what workers tell is kept on disk again")
			}
		}
		if err == nil {
			k.acknowledge(list)
			k.store.forget(k.kept())
			continue
		}
		// What nobody sends again is not kept for a disk that is full for hours. The
		// next file begins with how far each worker has told.
		k.mu.Lock()
		rest := k.pending[:0:0]
		for _, p := range k.pending {
			if p.acked {
				k.note(p)
			} else {
				rest = append(rest, p)
			}
		}
		k.pending = rest
		k.mu.Unlock()
	}
}

func (k *keeper) keep(list []*pending) error {
	if now := time.Now(); k.store.due(now) {
		all := make([]workerState, 0, len(k.states))
		for _, s := range k.states {
			all = append(all, s)
		}
		if err := k.store.begin(now, all, k.dealt); err != nil {
			return err
		}
	}
	var b []byte
	var until int64
	next := map[string]workerState{} // of those in the list
	for _, p := range list {
		if p.deal != nil {
			b = appendJSON(b, dealRecord, p.deal)
			continue
		}
		s, ok := next[p.state.ID]
		if !ok {
			s = k.states[p.state.ID]
		}
		s = p.after(s)
		next[p.state.ID] = s
		if p.b != nil {
			b = appendDelta(b, p.state.ID, p.b)
			until = max(until, p.until)
		} else {
			b = appendWorker(b, s)
		}
	}
	if len(b) == 0 {
		return nil
	}
	if err := k.store.write(b, until); err != nil {
		k.store.made = time.Time{} // a new file next time
		return err
	}
	for _, p := range list {
		k.note(p)
	}
	return nil
}

// note remembers how far a worker has told.
func (k *keeper) note(p *pending) {
	if d := p.deal; d != nil {
		k.dealt[d.What] = max(k.dealt[d.What], d.First+d.N)
		return
	}
	k.states[p.state.ID] = p.after(k.states[p.state.ID])
}

// after is how far a worker has told with this, which was there before.
func (p *pending) after(before workerState) workerState {
	s := p.state
	switch {
	case p.quota != nil:
		before.ID, before.Issue, before.Quota = s.ID, s.Issue, *p.quota
		return before
	case p.b != nil:
		s.Quota = before.Quota
	}
	return s
}

// acknowledge answers what is on disk by now.
func (k *keeper) acknowledge(list []*pending) {
	k.mu.Lock()
	k.pending = append([]*pending(nil), k.pending[len(list):]...)
	for _, p := range list {
		k.m.acknowledge(p)
	}
	k.mu.Unlock()
	for _, p := range list {
		if p.b != nil {
			p.w.settle(p.state.Final)
		}
	}
}

// hurry acknowledges what has waited for the disk long enough.
func (k *keeper) hurry(now time.Time) {
	var late []*pending
	k.mu.Lock()
	for _, p := range k.pending {
		if !p.acked && now.Sub(p.since) > ackAnyway {
			k.m.acknowledge(p)
			late = append(late, p)
		}
	}
	k.mu.Unlock()
	for _, p := range late {
		if p.b != nil {
			p.w.settle(p.state.Final)
		}
	}
}
