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
	store disk
	kept  func() int64
	wake  chan struct{}
	done  chan struct{}

	states map[string]workerState // on disk; the goroutine's own
	dealt  deals                  // …

	mu      sync.Mutex // guards all below
	pending []*pending
	writing []*pending // what the disk is at
}

// disk is what a keeper needs of a store.
type disk interface {
	due(now time.Time) bool
	begin(now time.Time, all []workerState, numbers deals) error
	write(p []byte, until int64) error
	forget(kept int64)
	renew() // a new file next time
	remove()
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
		k.pending, k.writing = nil, list
		k.mu.Unlock()
		err := k.keep(list)
		k.written(list, err)
		if (err != nil) != failing {
			failing = err != nil
			if failing {
				k.m.o.Log.Error("what workers tell cannot be kept on disk: if this master is killed now, it is lost", "error", err)
			} else {
				k.m.o.Log.Info("what workers tell is kept on disk again")
			}
		}
		if err == nil {
			k.store.forget(k.kept())
		}
	}
}

// written acknowledges what is on disk by now. What is not is tried again, but for
// what was acknowledged all the same: nobody sends that again, and it is not kept for
// a disk that is full for hours. The next file begins with how far each worker has
// told.
func (k *keeper) written(list []*pending, err error) {
	k.mu.Lock()
	k.writing = nil
	var rest, fresh []*pending
	for _, p := range list {
		switch {
		case err == nil && !p.acked:
			k.m.acknowledge(p)
			fresh = append(fresh, p)
		case err == nil:
		case p.acked:
			k.note(p)
		default:
			rest = append(rest, p)
		}
	}
	k.pending = append(rest, k.pending...)
	k.mu.Unlock()
	settled(fresh)
}

// settled has the controllers' side look at what was acknowledged.
func settled(list []*pending) {
	for _, p := range list {
		if p.w != nil && p.msg != nil {
			p.w.settle(p.state.Final)
		}
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
		k.store.renew()
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
		k.dealt.apply(*d)
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

// hurry acknowledges what has waited for the disk long enough. Of what waits behind a
// disk that hangs only how far each worker has told is kept from then on.
func (k *keeper) hurry(now time.Time) {
	k.mu.Lock()
	late := k.late(k.writing, now)
	waiting := k.late(k.pending, now)
	if len(waiting) > 0 {
		newest := map[string]int{}
		for i, p := range k.pending {
			if p.acked && p.b != nil {
				p.b = nil
			}
			if p.acked && p.quota == nil && p.deal == nil {
				newest[p.state.ID] = i
			}
		}
		rest := k.pending[:0]
		for i, p := range k.pending {
			if n, ok := newest[p.state.ID]; p.acked && p.quota == nil && p.deal == nil && ok && n != i {
				continue
			}
			rest = append(rest, p)
		}
		clear(k.pending[len(rest):])
		k.pending = rest
	}
	k.mu.Unlock()
	settled(late)
	settled(waiting)
}

// late acknowledges those in a list that have waited long enough, and returns them.
func (k *keeper) late(list []*pending, now time.Time) (out []*pending) {
	for _, p := range list {
		if !p.acked && now.Sub(p.since) > ackAnyway {
			k.m.acknowledge(p)
			out = append(out, p)
		}
	}
	return out
}
