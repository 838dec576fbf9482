package crew

import (
	"fmt"
	"runtime/debug"
	"time"

	"tload/stats"
)

// begin has a user act that was not away.
func (c *Crew) begin(u *User, brief bool) {
	if c.act(u, brief) {
		c.away.Add(1)
	}
}

// act has a user act until it waits or ends, and says whether it is away. With
// brief it does not wait for what the user does.
func (c *Crew) act(u *User, brief bool) (away bool) {
	ended, cut := true, true
	defer func() {
		if ended {
			c.part(u)
		}
	}()
	defer func() {
		if r := recover(); r != nil {
			c.panicked(u, fmt.Sprint("panic: ", r), debug.Stack())
		} else if cut {
			c.panicked(u, "a task ended its goroutine (runtime.Goexit, as t.FailNow does): return an error instead", nil)
			if u.started {
				u.life.Act(c.ctx, Permit{}, false, false)
			}
		}
	}()
	if u.life == nil {
		u.life = u.Behaviour.New(c.ctx, u)
		u.ok, u.busy = true, true
	}
	for {
		if !u.busy {
			start, ok, here := c.permit(u)
			if !here { // nor is the user ours any more
				ended, cut = false, false
				return false
			}
			u.start, u.ok, u.busy = start, ok, true
		}
		next, think := u.life.Act(c.ctx, u.start, u.ok, brief)
		switch next {
		case Away: // it may be acting elsewhere already
			ended, cut = false, false
			return true
		case Stays:
			ended, cut = false, false
			c.pool.lend(u)
			return false
		}
		if !u.started {
			u.started = true
			c.starting.Add(-1)
		}
		if next == Ends {
			cut = false
			return false
		}
		u.busy = false
		if think > 0 && u.arrivals == nil && u.think(think) {
			ended, cut = false, false
			return false
		}
	}
}

// permit lets a user begin one more task. ok is false when the user is to end:
// it is stopping, or the quota is used up. here is false when it has to wait for
// that, because the run is paused or no arrival is due: the user is parked then.
func (c *Crew) permit(u *User) (start Permit, ok, here bool) {
	q := u.arrivals
	// An arrival that was due before the stop, with this user free for it, is
	// its last task.
	last := !u.due.IsZero() && !u.Killed()
	if u.Stopping() && !last || c.over() {
		if q != nil {
			q.forget(u)
		}
		return start, false, true
	}
	if c.gate.shut.Load() && c.gate.hold(u) {
		return start, false, false
	}
	start.Held, u.held = u.held, false
	if q != nil {
		if start.Held && !u.due.IsZero() {
			u.due = time.Now() // it was held with this arrival in hand
		}
		if u.due.IsZero() && q.next(u) {
			return start, false, false
		}
		if u.due.IsZero() {
			return start, false, true
		}
		start.Due, start.Late = true, max(time.Since(u.due), 0)
	}
	if ok = (last || !u.Stopping()) && c.quota.claim(); !ok && q != nil {
		q.forget(u)
	}
	u.due = time.Time{}
	u.worked = u.worked || ok
	return start, ok, true
}

// panicked counts what ended a user otherwise than by its own decision: a panic
// that came from outside of any task.
func (c *Crew) panicked(u *User, message string, stack []byte) {
	c.log.Error("user ended", "user", u.ID, "behaviour", u.Behaviour.Name, "reason", message, "stack", string(stack))
	key := stats.Key{Class: stats.Task, Method: u.Behaviour.Name, Name: "(user)"}
	u.Sink.Exception(key, stats.Panic, message, &stats.Exchange{
		When: time.Now(), Key: key, Kind: stats.Panic, Message: message,
		User: int(u.ID), Behaviour: u.Behaviour.Name,
		Response: stats.Part{Body: stack, Size: int64(len(stack)), Expected: -1},
	})
}

// part takes leave of a user that has come to its end.
func (c *Crew) part(u *User) {
	u.clock.forget(u)
	if !u.started {
		c.starting.Add(-1)
	}
	if u.life != nil {
		u.life.Close()
	}
	// Arrivals go on: another takes its place.
	if c.roster.end(u, u.arrivals != nil && u.worked) {
		c.wake()
	}
}
