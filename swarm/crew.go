package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

	gate     atomic.Pointer[chan struct{}] // not nil while paused
	quota    atomic.Int64                  // iterations still to be claimed
	limited  bool
	arrivals *arrivals

	mu       sync.Mutex // guards all below
	level    []int      // as last assigned
	active   [][]*User  // per behaviour, in the order of their start
	stopping map[*User]struct{}
	nextID   int64
	scratch  []*User
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
	return c
}

// claim takes one iteration of the run's quota.
func (c *Crew) claim() bool { return !c.limited || c.quota.Add(-1) >= 0 }

// exhausted says that the quota is used up.
func (c *Crew) exhausted() bool { return c.limited && c.quota.Load() <= 0 }

// Assign makes the users of each behaviour as many as counts says: it starts
// what is missing and tells the newest of what is too many to stop after the
// task in hand. A user that ended by itself is not started again.
func (c *Crew) Assign(counts []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
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
		Rand: rand.New(rand.NewPCG(c.seed, uint64(c.nextID))),
		crew: c,
	}
	c.active[i] = append(c.active[i], u)
	go c.run(i, u)
}

func (c *Crew) run(i int, u *User) {
	defer c.leave(i, u)
	defer func() {
		if r := recover(); r != nil {
			c.panicked(u, r, debug.Stack())
		}
	}()
	u.Behaviour.Run(c.ctx, u)
}

// panicked counts a panic that came from outside of any task.
func (c *Crew) panicked(u *User, r any, stack []byte) {
	message := fmt.Sprint("panic: ", r)
	c.log.Error("user ended by a panic", "user", u.ID, "behaviour", u.Behaviour.Name, "panic", r, "stack", string(stack))
	key := stats.Key{Class: stats.Task, Method: u.Behaviour.Name, Name: "(user)"}
	u.Sink.Exception(key, stats.Panic, message, &stats.Exchange{
		When: time.Now(), Key: key, Kind: stats.Panic, Message: message,
		User: int(u.ID), Behaviour: u.Behaviour.Name,
		Response: stats.Part{Body: stack, Size: int64(len(stack)), Expected: -1},
	})
}

func (c *Crew) leave(i int, u *User) {
	c.mu.Lock()
	if _, told := c.stopping[u]; told {
		delete(c.stopping, u)
	} else {
		for j, a := range c.active[i] {
			if a == u {
				c.active[i] = append(c.active[i][:j], c.active[i][j+1:]...)
				break
			}
		}
	}
	last := c.count() == 0
	c.mu.Unlock()
	if last {
		c.left()
	}
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

// Status counts the users.
func (c *Crew) Status() CrewStatus {
	s := CrewStatus{Running: make([]int, len(c.behaviours))}
	c.mu.Lock()
	all := c.scratch[:0]
	for i, a := range c.active {
		s.Running[i] = len(a)
		s.Active += len(a)
		all = append(all, a...)
	}
	for u := range c.stopping {
		all = append(all, u)
	}
	s.Stopping = len(c.stopping)
	c.scratch = all
	c.mu.Unlock()
	for _, u := range all {
		switch u.doing.Load() {
		case Starting:
			s.Doing.Starting++
		case Waiting:
			s.Doing.Waiting++
		case InTask:
			s.Doing.InTask++
		case Held:
			s.Doing.Paused++
		}
	}
	clear(all)
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
	old := c.gate.Load()
	if on == (old != nil) {
		return
	}
	if on {
		gate := make(chan struct{})
		c.gate.Store(&gate)
		return
	}
	c.gate.Store(nil)
	close(*old)
}

// Stop tells every user to stop after the task in hand; hard also cancels what
// they wait for.
func (c *Crew) Stop(hard bool) {
	c.Assign(make([]int, len(c.behaviours)))
	if hard {
		c.kill()
	}
}

// Take moves what was recorded since the last Take into b.
func (c *Crew) Take(b *stats.Batch) { c.rec.Take(b) }
