package swarm

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tload/stats"
)

// User is one simulated user of a crew, as its behaviour sees it. Its methods
// are for the user's own goroutine, except where they say otherwise.
type User struct {
	ID        int64 // unique in the swarm, from 1
	Behaviour *Behaviour
	Sink      *stats.Sink
	Rand      *rand.Rand // seeded from the run's seed and the ID

	crew    *Crew
	stopped atomic.Bool // told to stop after the task in hand
	doing   atomic.Uint32
	task    atomic.Pointer[string]     // in hand, for those who ask why a user does not end
	timer   atomic.Pointer[time.Timer] // nil until the first wait
	quit    chan struct{}              // nil until somebody asks; guarded by the crew's mu
}

// What a user does, for User.Doing.
const (
	Starting uint32 = iota
	Waiting
	InTask
	Held // paused
)

// Doing says what the user does from now on: Starting, Waiting or InTask.
func (u *User) Doing(what uint32) { u.doing.Store(what) }

// Task says which task is in hand. The string must stay as it is.
func (u *User) Task(name *string) { u.task.Store(name) }

// Quit returns a channel that is closed when the user is to stop after the task
// in hand.
func (u *User) Quit() <-chan struct{} {
	u.crew.mu.Lock()
	defer u.crew.mu.Unlock()
	if u.quit == nil {
		u.quit = make(chan struct{})
		if u.stopped.Load() {
			close(u.quit)
		}
	}
	return u.quit
}

// Stopping says whether the user is to stop after the task in hand.
func (u *User) Stopping() bool { return u.stopped.Load() }

// stop tells the user to stop. A user that waits is woken through its own
// timer, so that waiting takes one channel and not a select over several: very
// many users wait at once. The crew's mu is held.
func (u *User) stop() {
	u.stopped.Store(true)
	if t := u.timer.Load(); t != nil {
		t.Reset(0)
	}
	if u.quit != nil {
		close(u.quit)
	}
}

// Start is leave to begin one task.
type Start struct {
	Due  bool          // the start had a schedule: an arrival rate
	Late time.Duration // how far behind it the start is
	Held bool          // the user was paused before it
}

// Next asks for leave to start one more task and waits while the run is paused
// or, with an arrival rate, until an arrival is due for this user. ok is false
// when the user is to end: it is stopping, ctx ended, or the run's iterations
// are used up.
func (u *User) Next(ctx context.Context) (s Start, ok bool) {
	if u.Stopping() || ctx.Err() != nil {
		return s, false
	}
	if gate := u.crew.gate.Load(); gate != nil {
		if !u.hold(ctx, *gate) {
			return s, false
		}
		s.Held = true
	}
	if q := u.crew.arrivals; q != nil {
		u.Doing(Waiting)
		due, got := q.next(ctx, u.Quit())
		if !got {
			return s, false
		}
		s.Due, s.Late = true, max(time.Since(due), 0)
	}
	if !u.crew.claim() {
		return s, false
	}
	u.Doing(InTask)
	return s, true
}

func (u *User) hold(ctx context.Context, gate chan struct{}) bool {
	u.Doing(Held)
	defer u.Doing(Waiting)
	select {
	case <-gate:
		return true
	case <-u.Quit():
	case <-ctx.Done():
	}
	return false
}

// Open says whether starts come from an arrival rate, so that think time is
// not waited for.
func (u *User) Open() bool { return u.crew.arrivals != nil }

// Wait sleeps for d and returns false as soon as the user is to stop.
func (u *User) Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return !u.Stopping() && ctx.Err() == nil
	}
	u.Doing(Waiting)
	t := u.timer.Load()
	if t == nil {
		t = time.NewTimer(d)
		u.timer.Store(t)
	} else {
		t.Reset(d)
	}
	// stop may have come before the timer was set: then it is seen here.
	if u.Stopping() {
		t.Stop()
		return false
	}
	// At a hard stop users are told to stop before the crew's context ends, so
	// that context need not be watched.
	if done := ctx.Done(); done != u.crew.ctx.Done() {
		return u.waitOr(t, done)
	}
	<-t.C
	return !u.Stopping()
}

//go:noinline
func (u *User) waitOr(t *time.Timer, done <-chan struct{}) bool {
	select {
	case <-t.C:
		return !u.Stopping()
	case <-done:
		t.Stop()
		return false
	}
}

// StopRun ends the whole run, gracefully. It returns at once.
func (u *User) StopRun(reason string) { u.crew.stopRun(reason) }

// Killed says whether the run was stopped hard.
func (u *User) Killed() bool { return u.crew.ctx.Err() != nil }

// Grace is how long a user may take to say goodbye after it was stopped.
func (u *User) Grace() time.Duration { return u.crew.grace }
