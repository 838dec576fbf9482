package crew

import (
	"sync"
	"time"
)

// clock wakes users who think, on one goroutine that does what they do then as
// long as that is brief: a timer and a goroutine for each would be most of the
// cost. There are several clocks, each for some of the users.
type clock struct {
	born time.Time
	act  func(*User) // in brief

	mu    sync.Mutex  // guards all below
	heap  []wakeUp    // number i is due no later than numbers 2i+1 and 2i+2
	stale int         // of those, users who have left
	timer *time.Timer // nil until the first user thinks
	end   chan struct{}
	ended bool
}

type wakeUp struct {
	due time.Duration // since born
	u   *User
}

// wake has the user act in d, unless it is no longer parked by then.
func (c *clock) wake(u *User, d time.Duration) {
	due := time.Since(c.born) + d
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	u.asleep = true
	c.heap = append(c.heap, wakeUp{due, u})
	if c.rise(len(c.heap)-1) > 0 {
		return
	}
	if c.timer != nil {
		c.timer.Reset(d)
		return
	}
	c.timer, c.end = time.NewTimer(d), make(chan struct{})
	go c.run()
}

// run wakes users when they are due, until close.
func (c *clock) run() {
	var due []*User
	for {
		select {
		case <-c.timer.C:
		case <-c.end:
			return
		}
		for due = c.take(due); len(due) > 0; due = c.take(due[:0]) {
			for i, u := range due {
				due[i] = nil
				if u.parked.CompareAndSwap(true, false) {
					c.act(u)
				}
			}
		}
	}
}

// take appends those who are due. If nobody is, the timer is set to the next.
func (c *clock) take(due []*User) []*User {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return due
	}
	now := time.Since(c.born)
	for len(c.heap) > 0 && c.heap[0].due <= now {
		due = append(due, c.first())
	}
	if len(due) == 0 && len(c.heap) > 0 {
		c.timer.Reset(c.heap[0].due - now)
	}
	return due
}

// forget is told of users who leave. Those who were stopped may be here still.
func (c *clock) forget(u *User) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !u.asleep {
		return
	}
	if c.stale++; c.stale <= len(c.heap)/2 {
		return
	}
	kept := c.heap[:0]
	for _, w := range c.heap {
		if w.u.stopped.Load() {
			w.u.asleep = false
		} else {
			kept = append(kept, w)
		}
	}
	clear(c.heap[len(kept):])
	c.heap, c.stale = kept, 0
	for i := len(kept)/2 - 1; i >= 0; i-- {
		c.sink(i)
	}
}

// close ends run. It is called once, when nobody is to be woken any more.
func (c *clock) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
		close(c.end)
	}
}

// first takes the first user out.
func (c *clock) first() *User {
	u, last := c.heap[0].u, len(c.heap)-1
	c.heap[0], c.heap[last] = c.heap[last], wakeUp{}
	c.heap = c.heap[:last]
	c.sink(0)
	u.asleep = false
	return u
}

// rise moves a user to before those who are due later, and says where to.
func (c *clock) rise(i int) int {
	w := c.heap[i]
	for i > 0 {
		up := (i - 1) / 2
		if c.heap[up].due <= w.due {
			break
		}
		c.heap[i] = c.heap[up]
		i = up
	}
	c.heap[i] = w
	return i
}

// sink moves a user to behind those who are due earlier.
func (c *clock) sink(i int) {
	if i >= len(c.heap) {
		return
	}
	w := c.heap[i]
	for {
		down := 2*i + 1
		if down+1 < len(c.heap) && c.heap[down+1].due < c.heap[down].due {
			down++
		}
		if down >= len(c.heap) || c.heap[down].due >= w.due {
			break
		}
		c.heap[i] = c.heap[down]
		i = down
	}
	c.heap[i] = w
}
