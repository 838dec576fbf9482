package crew

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tload/stats"
)

// User is one simulated user of a crew, as its behaviour sees it. Its methods
// are for the goroutine on which the user acts, except where they say otherwise.
type User struct {
	ID        int64 // unique in the swarm, from 1
	Behaviour *Behaviour
	Sink      stats.Sink
	Rand      rand.Rand // seeded from the run's seed and the ID
	seed      rand.PCG

	crew     *Crew
	arrivals *arrivals   // that it is there for; nil where it decides
	kind     int         // of Crew.behaviours
	life     Life        // nil until the user acts for the first time
	stopped  atomic.Bool // told to stop after the task in hand
	// parked says that the user waits and holds no goroutine. Whoever makes
	// it false again owns the user, and must have it act.
	parked  atomic.Bool
	start   Permit                 // as last given, and whether it was
	ok      bool                   //
	busy    bool                   // it has not come to its end
	started bool                   // came to its first task
	held    bool                   // was parked by a pause
	worked  bool                   // was permitted a task
	due     time.Time              // of the arrival that ended that
	clock   *clock                 // wakes it from thinking
	asleep  bool                   // it is in there; guarded by the clock's mu
	task    atomic.Pointer[string] // in hand, for those who ask why a user does not end
	quit    chan struct{}          // nil until a task sleeps; guarded by the roster's mu
	sleeper *time.Timer            // for tasks that sleep
}

// Life is what one user does, cut where it waits between tasks: that is where
// a user holds no goroutine, so nothing that belongs to one stays. The calls
// come one after the other, but not from one goroutine.
type Life interface {
	// Act does what comes next: at first what precedes the first task, and
	// then, with each permit that is given, one task; ok is false when the user
	// is to end, so that what is left is its goodbye. If brief is true, Act is
	// called by a goroutine that must not wait. With Asks it returns how long
	// the user thinks before it asks for a permit again. ctx ends only at a hard
	// stop.
	Act(ctx context.Context, start Permit, ok, brief bool) (next Next, think time.Duration)
	// Close gives back what the user holds. It is called once, however the
	// life ended.
	Close()
}

// Next is what a user does after Act.
type Next uint8

const (
	Asks  Next = iota // for a permit to begin a task
	Ends              // its life is over
	Away              // it waits in a task; who has what it waits for calls Resume
	Stays             // what comes next may wait: Act is to be called again, as it was, not in brief
)

// Permit is what a user is told when it may begin one task.
type Permit struct {
	Due  bool          // the start had a schedule: an arrival rate
	Late time.Duration // how far behind it the start is
	Held bool          // the user was paused before it
}

// Resume has a user act that was Away. It returns at once, and with brief when
// the user has done what it can without waiting. Any goroutine may call it.
func (u *User) Resume(brief bool) {
	c := u.crew
	if !brief {
		c.away.Add(-1)
		c.pool.lend(u)
	} else if !c.act(u, true) {
		c.away.Add(-1)
	}
}

// Task says which task is in hand. The string must stay as it is.
func (u *User) Task(name *string) {
	if u.task.Load() != name {
		u.task.Store(name)
	}
}

// Stopping says whether the user is to stop after the task in hand.
func (u *User) Stopping() bool { return u.stopped.Load() }

// Open says whether starts come from an arrival rate, so that think time is
// not waited for.
func (u *User) Open() bool { return u.arrivals != nil }

// Sleep waits for d inside a task and returns false as soon as the user is to
// stop, or ctx ends.
func (u *User) Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return !u.Stopping() && ctx.Err() == nil
	}
	u.crew.sleeping.Add(1)
	defer u.crew.sleeping.Add(-1)
	if u.sleeper == nil {
		u.sleeper = time.NewTimer(d)
	} else {
		u.sleeper.Reset(d)
	}
	select {
	case <-u.sleeper.C:
		return !u.Stopping()
	case <-u.quitting():
	case <-ctx.Done():
	}
	u.sleeper.Stop()
	return false
}

// quitting is a channel that is closed when the user is to stop.
func (u *User) quitting() <-chan struct{} {
	if u.quit == nil { // nobody else writes it
		u.crew.roster.mu.Lock()
		defer u.crew.roster.mu.Unlock()
		u.quit = make(chan struct{})
		if u.stopped.Load() {
			close(u.quit)
		}
	}
	return u.quit
}

// stop tells the user to stop. The roster's mu is held.
func (u *User) stop() {
	u.stopped.Store(true)
	if u.quit != nil {
		close(u.quit)
	}
	u.wake()
}

// wake has the user act, if it is parked. Any goroutine may call it.
func (u *User) wake() {
	if u.parked.CompareAndSwap(true, false) {
		u.crew.pool.lend(u)
	}
}

// park gives the user up to whoever wakes it: its clock, the end of a pause, an
// arrival, or its stop. The waker must have been seen to under a lock that it
// takes, or be seen to by until. If park returns true the user may be acting
// elsewhere already; if false it is to stop, and acts on here.
func (u *User) park(until func()) bool {
	u.parked.Store(true)
	if until != nil {
		until()
	}
	// A stop that came before the user was parked has not woken it.
	return !u.stopped.Load() || !u.parked.CompareAndSwap(true, false)
}

// think parks the user for d.
func (u *User) think(d time.Duration) bool {
	return u.park(func() { u.clock.wake(u, d) })
}

// StopRun ends the whole run, gracefully. It returns at once.
func (u *User) StopRun(reason string) {
	u.crew.asks.CompareAndSwap(nil, &reason)
	u.crew.wake()
}

// Killed says whether the run was stopped hard.
func (u *User) Killed() bool { return u.crew.ctx.Err() != nil }

// Grace is how long a user may take to say goodbye after it was stopped.
func (u *User) Grace() time.Duration { return u.crew.grace }
