package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tload/stats"
)

// Crew is the users of this process. All its methods return at once; Assign,
// Stop and Take are the controller's.
type Crew struct {
	behaviours []*Behaviour
	rec        *stats.Recorder
	seed       uint64
	grace      time.Duration
	log        *slog.Logger
	stopRun    func(reason string)
	left       func() // called, on some goroutine, when the last user has left

	// The one context that is kept in a struct: all users share it, and it ends
	// only at the hard stop.
	ctx  context.Context
	kill context.CancelFunc

	pool     pool
	clocks   []clock
	starting atomic.Int64 // users before their first task
	sleeping atomic.Int64 // users that sleep in a task
	away     atomic.Int64 // users that wait in a task without a goroutine
	quota    atomic.Int64 // iterations still to be claimed
	limited  bool
	arrivals *arrivals
	gate     gate

	mu       sync.Mutex // guards all below
	want     []int      // as last assigned
	level    []int      // how many were started of them
	active   [][]*User  // per behaviour, in the order of their start
	stopping map[*User]struct{}
	nextID   int64
}

func newCrew(p *Plan, rec *stats.Recorder, stopRun func(string), left func()) *Crew {
	c := &Crew{
		behaviours: p.Behaviours, rec: rec, seed: p.Seed, log: p.Log,
		grace: max(p.StopTimeout, time.Second) * 9 / 10, stopRun: stopRun, left: left,
		limited: p.Iterations > 0,
		level:   make([]int, len(p.Behaviours)), active: make([][]*User, len(p.Behaviours)), stopping: map[*User]struct{}{},
	}
	c.quota.Store(p.Iterations)
	c.ctx, c.kill = context.WithCancel(context.Background())
	c.pool.act = func(u *User) { c.begin(u, false) }
	c.clocks = make([]clock, runtime.GOMAXPROCS(0))
	for i := range c.clocks {
		c.clocks[i].born = time.Now()
		c.clocks[i].act = func(u *User) { c.begin(u, true) }
	}
	return c
}

// claim takes one iteration of the run's quota.
func (c *Crew) claim() bool { return !c.limited || c.quota.Add(-1) >= 0 }

// exhausted says that the quota is used up.
func (c *Crew) exhausted() bool { return c.limited && c.quota.Load() <= 0 }

// Assign makes the users of each behaviour as many as counts says: it starts
// what is missing and tells the newest of what is too many to stop after the
// task in hand. A user that ended by itself is not started again, except after
// work with an arrival rate. The crew keeps counts.
func (c *Crew) Assign(counts []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want = counts
	for i, want := range counts {
		for ; c.level[i] < want; c.level[i]++ {
			c.start(i)
		}
		for n := len(c.active[i]); n > want; n-- {
			u := c.active[i][n-1]
			c.active[i] = c.active[i][:n-1]
			c.stopping[u] = struct{}{}
			u.stop()
		}
		c.level[i] = want
	}
}

func (c *Crew) start(i int) {
	c.nextID++
	u := &User{
		ID: c.nextID, Behaviour: c.behaviours[i], Sink: c.rec.Sink(),
		crew: c, kind: i, clock: &c.clocks[c.nextID%int64(len(c.clocks))],
	}
	u.seed.Seed(c.seed, uint64(c.nextID))
	u.Rand = *rand.New(&u.seed)
	c.active[i] = append(c.active[i], u)
	c.starting.Add(1)
	c.pool.lend(u)
}

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
			c.leave(u)
		}
	}()
	defer func() {
		if r := recover(); r != nil {
			c.panicked(u, fmt.Sprint("panic: ", r), debug.Stack())
		} else if cut {
			c.panicked(u, "a task ended its goroutine (runtime.Goexit, as t.FailNow does): return an error instead", nil)
			if u.started {
				u.life.Act(c.ctx, Leave{}, false, false)
			}
		}
	}()
	if u.life == nil {
		u.life = u.Behaviour.New(c.ctx, u)
		u.ok, u.busy = true, true
	}
	for {
		if !u.busy {
			leave, ok, here := c.permit(u)
			if !here { // nor is the user ours any more
				ended, cut = false, false
				return false
			}
			u.leave, u.ok, u.busy = leave, ok, true
		}
		next, think := u.life.Act(c.ctx, u.leave, u.ok, brief)
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
		if think > 0 && c.arrivals == nil && u.think(think) {
			ended, cut = false, false
			return false
		}
	}
}

// permit gives a user leave to begin one more task. ok is false when the user
// is to end: it is stopping, or the run's iterations are used up. here is
// false when leave has to be waited for, because the run is paused or no
// arrival is due: the user is parked then.
func (c *Crew) permit(u *User) (leave Leave, ok, here bool) {
	q := c.arrivals
	// An arrival that was due before the stop, with this user free for it, is
	// its last task.
	last := !u.due.IsZero() && !u.Killed()
	if u.Stopping() && !last {
		if q != nil {
			q.forget(u)
		}
		return leave, false, true
	}
	if c.gate.shut.Load() && c.gate.hold(u) {
		return leave, false, false
	}
	leave.Held, u.held = u.held, false
	if q != nil {
		if leave.Held && !u.due.IsZero() {
			u.due = time.Now() // it was held with this arrival in hand
		}
		if u.due.IsZero() && q.next(u) {
			return leave, false, false
		}
		if u.due.IsZero() {
			return leave, false, true
		}
		leave.Due, leave.Late = true, max(time.Since(u.due), 0)
	}
	if ok = (last || !u.Stopping()) && c.claim(); !ok && q != nil {
		q.forget(u)
	}
	u.due = time.Time{}
	u.worked = u.worked || ok
	return leave, ok, true
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

func (c *Crew) leave(u *User) {
	u.clock.forget(u)
	if !u.started {
		c.starting.Add(-1)
	}
	if u.life != nil {
		u.life.Close()
	}
	c.mu.Lock()
	if _, told := c.stopping[u]; told {
		delete(c.stopping, u)
	} else {
		if c.arrivals != nil && u.worked {
			c.level[u.kind]-- // arrivals go on: another takes its place
		}
		a := &c.active[u.kind]
		if i := slices.Index(*a, u); i >= 0 {
			*a = slices.Delete(*a, i, i+1)
		}
	}
	last := c.count() == 0
	c.mu.Unlock()
	if last {
		c.left()
	}
}

// Short says whether a user that ended by itself is to be replaced.
func (c *Crew) Short() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, want := range c.want {
		if c.level[i] < want {
			return true
		}
	}
	return false
}

// Active is how many users there are that were not told to stop.
func (c *Crew) Active() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count() - len(c.stopping)
}

// Count is how many users there are, those told to stop among them.
func (c *Crew) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count()
}

func (c *Crew) count() int {
	n := len(c.stopping)
	for _, a := range c.active {
		n += len(a)
	}
	return n
}

// Remaining says of up to n users that are still there what they are doing.
func (c *Crew) Remaining(n int) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for u := range c.stopping {
		if len(out) == n {
			break
		}
		task := "no task"
		if t := u.task.Load(); t != nil {
			task = *t
		}
		out = append(out, fmt.Sprintf("%s %d in %s", u.Behaviour.Name, u.ID, task))
	}
	slices.Sort(out)
	return out
}

// Status counts the users. What they do is told from what they hold: users who
// act, a goroutine, unless they are away; all others wait.
func (c *Crew) Status() CrewStatus {
	s := CrewStatus{Running: make([]int, len(c.behaviours))}
	c.mu.Lock()
	for i, a := range c.active {
		s.Running[i] = len(a)
		s.Active += len(a)
	}
	s.Stopping = len(c.stopping)
	c.mu.Unlock()
	d := &s.Doing
	d.Starting = int(c.starting.Load())
	d.Paused = c.gate.holding()
	d.InTask = max(c.pool.acting()+int(c.away.Load())-d.Starting-int(c.sleeping.Load()), 0)
	d.Waiting = max(s.Active+s.Stopping-d.Starting-d.Paused-d.InTask, 0)
	return s
}

// CrewStatus is how many users there are and what they do.
type CrewStatus struct {
	Running  []int // per behaviour, those told to stop not among them
	Active   int   // the sum of Running
	Stopping int
	Doing    Doing
}

// Pause holds users before their next task, or lets them go on.
func (c *Crew) Pause(on bool) {
	if on {
		c.gate.close()
	} else {
		c.gate.open()
	}
}

// Stop tells every user to stop after the task in hand; hard also cancels what
// they wait for.
func (c *Crew) Stop(hard bool) {
	c.Assign(make([]int, len(c.behaviours)))
	if hard {
		c.kill()
	}
}

// close gives up what is left, once the run is over.
func (c *Crew) close() {
	c.kill()
	for i := range c.clocks {
		c.clocks[i].close()
	}
	c.pool.close()
}

// Take moves what was recorded since the last Take into b.
func (c *Crew) Take(b *stats.Batch) { c.rec.Take(b) }
