// Package crew runs the users of this process: it is the node that is always
// there.
//
// A Behaviour is one kind of user, and a Life what one user does: plain blocking
// code, on a goroutine that it is lent for as long as it acts. Not a goroutine
// per user: the stack of one that only waits would be most of what such a user
// costs.
//
// One goroutine of the crew's steps the ramp and hands out arrivals; the others
// are those that are lent, and one for each clock.
package crew

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/health"
)

// Behaviour is one kind of user, with what makes one.
type Behaviour struct {
	swarm.Behaviour

	// New makes the life of one user. ctx ends only at a hard stop.
	New func(ctx context.Context, u *User) Life

	// Weigh, if set, has users choose their next task by these weights, of its Tasks in
	// their order. It may be called at any time, and must not wait.
	Weigh func(weights []int)
}

// Job is what a crew has to know of a run before it begins.
type Job struct {
	Behaviours []*Behaviour
	Seed       uint64
	MaxWait    time.Duration // how long an arrival waits for a free user; 0: for ever
	Grace      time.Duration // how long tasks in hand have after a stop

	Samples int // failing exchanges kept per group; 0 means 32
	Names   int // rows of each class at most; 0 means 1,000

	// Sources, if set, is how many source addresses connections may have by now:
	// each has the system's local ports. It is called with each Take and must
	// not wait.
	Sources func() int

	// Requests, if set, is called for every request that ended, as
	// stats.Limits.Log is.
	Requests func(key stats.Key, x stats.Sample, message string)

	Log *slog.Logger // nil: nothing is logged
}

// Crew is the users of this process. It is a swarm.Node.
type Crew struct {
	job   Job
	rec   *stats.Recorder
	log   *slog.Logger
	grace time.Duration

	// The one context that is kept in a struct: all users share it, and it ends
	// only at the hard stop.
	ctx  context.Context
	kill context.CancelFunc

	pool     pool
	clocks   []clock
	starting atomic.Int64 // users before their first task
	sleeping atomic.Int64 // users that sleep in a task
	away     atomic.Int64 // users that wait in a task without a goroutine
	quota    quota
	arrivals *arrivals   // of those without a load of their own; nil where users decide; set before the first user starts
	own      []*arrivals // of each behaviour that has arrivals of its own; set with the others
	gate     gate
	roster   roster
	asks     atomic.Pointer[string] // why a user wants the run to end
	until    atomic.Int64           // on the run's clock, nanoseconds; past it nobody begins anything; 0: no end

	wake     func() // the controller
	poke     chan struct{}
	end      chan struct{}
	gone     chan struct{}
	began    time.Time
	health   *health.Monitor
	batch    stats.Batch
	second   int64 // of the last Take
	nextUser int64 // guarded by mu

	mu     sync.Mutex // guards all below
	now    swarm.Assignment
	path   path
	ramp   ramp
	mine   []int     // users of behaviours with a load of their own, which are not the path's
	paused time.Time // since when
}

// New makes a crew. It starts nothing.
func New(j Job) (*Crew, error) {
	for _, b := range j.Behaviours {
		if b.New == nil {
			return nil, fmt.Errorf("behaviour %q does nothing: it has no New", b.Name)
		}
	}
	if j.Log == nil {
		j.Log = slog.New(slog.DiscardHandler)
	}
	fixed := make([]bool, len(j.Behaviours))
	for i, b := range j.Behaviours {
		fixed[i] = b.Fixed > 0
	}
	c := &Crew{
		job: j, log: j.Log, grace: max(j.Grace, time.Second) * 9 / 10,
		rec:    stats.NewRecorder(stats.Limits{Names: j.Names, Samples: j.Samples, Log: j.Requests}),
		roster: newRoster(len(fixed)), path: newPath(fixed), own: make([]*arrivals, len(fixed)), mine: make([]int, len(fixed)), clocks: make([]clock, runtime.GOMAXPROCS(0)),
		poke: make(chan struct{}, 1), end: make(chan struct{}), gone: make(chan struct{}),
	}
	c.ctx, c.kill = context.WithCancel(context.Background())
	c.pool.act = func(u *User) { c.begin(u, false) }
	for i := range c.clocks {
		c.clocks[i].act = func(u *User) { c.begin(u, true) }
	}
	return c, nil
}

// Swarm makes a controller whose one node is a crew: a run in this process. What
// plan and job both say is taken from the plan.
func Swarm(p swarm.Plan, j Job) (*swarm.Controller, error) {
	p.Behaviours = Kinds(j.Behaviours)
	j.Seed, j.Grace, j.Samples, j.Log = p.Seed, p.StopTimeout, p.Samples, p.Log
	c, err := New(j)
	if err != nil {
		return nil, err
	}
	return swarm.New(p, c)
}

// Kinds is what the controller knows of the behaviours of a crew.
func Kinds(list []*Behaviour) []*swarm.Behaviour {
	out := make([]*swarm.Behaviour, len(list))
	for i, b := range list {
		out[i] = &b.Behaviour
	}
	return out
}

// Begin starts the crew's clock and goroutines, which End ends.
func (c *Crew) Begin(at time.Time, wake func()) {
	c.began, c.wake = at, wake
	c.health = health.Watch(at)
	for i := range c.clocks {
		c.clocks[i].born = at
	}
	go c.steer()
}

// End gives up what is left.
func (c *Crew) End() {
	close(c.end)
	<-c.gone
	c.kill()
	for i := range c.clocks {
		c.clocks[i].close()
	}
	c.pool.close()
	c.health.End()
}

// Assign follows an assignment. The first step of a ramp is made before it
// returns.
func (c *Crew) Assign(a swarm.Assignment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Gen <= c.now.Gen {
		return
	}
	now := time.Now()
	first := c.now.Gen == 0
	was := c.now
	c.now = a
	if was.Stop < a.Stop {
		c.stop(a.Stop, now)
	}
	if a.Stop != swarm.GoOn {
		return
	}
	c.quota.most.Store(a.Quota)
	for i, w := range a.Weights[:min(len(a.Weights), len(c.job.Behaviours))] {
		b := c.job.Behaviours[i]
		if b.Weigh != nil && len(w) == len(b.Tasks) && (i >= len(was.Weights) || !slices.Equal(w, was.Weights[i])) {
			b.Weigh(w)
		}
	}
	if first {
		c.schedule(a)
	}
	if a.Paused == c.paused.IsZero() {
		c.pause(a.Paused, now)
	}
	if q := c.arrivals; q != nil && !first {
		if c.paused.IsZero() {
			q.release(now)
		}
		q.assign(a, a.Arrivals, now)
	}
	users := slices.Clone(a.Users)
	for i, b := range c.job.Behaviours {
		if b.Own != nil {
			users[i] = 0
			c.assignOwn(i, a, was, now)
		}
	}
	if !c.path.at(users) || a.Spawn != was.Spawn {
		c.path.aim(users)
		c.ramp.aim(a.Spawn, now)
		switch {
		case c.arrivals == nil:
		case first:
			c.path.walk(1 + int(a.Arrivals/100)) // and then as they are needed
		default:
			c.path.fall()
		}
	}
	c.step(now)
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// schedule makes the arrivals, if there are to be any.
func (c *Crew) schedule(a swarm.Assignment) {
	make := func(rate float64, nth int) *arrivals {
		random := rand.New(rand.NewPCG(c.job.Seed, uint64(a.IDBase)+uint64(nth)<<32))
		return newArrivals(c.began, a, rate, c.job.MaxWait, random)
	}
	if a.Open {
		c.arrivals = make(a.Arrivals, 0)
	}
	for i, b := range c.job.Behaviours {
		if b.Arrivals {
			c.own[i] = make(0, i+1)
		}
	}
}

// assignOwn has a behaviour with a load of its own do as is assigned: its users are there
// at once, or come as its arrivals need them.
func (c *Crew) assignOwn(i int, a, was swarm.Assignment, now time.Time) {
	q := c.own[i]
	if q == nil {
		c.mine[i] = a.Users[i]
		return
	}
	rate, before := 0.0, 0.0
	if i < len(a.Rates) {
		rate = a.Rates[i]
	}
	if i < len(was.Rates) {
		before = was.Rates[i]
	}
	if c.paused.IsZero() {
		q.release(now)
	}
	q.assign(a, rate, now)
	if before == 0 && rate > 0 {
		c.mine[i] = max(c.mine[i], 1+int(rate/100)) // and then as they are needed
	}
	if c.mine[i] = min(c.mine[i], a.Users[i]); a.Users[i] == 0 {
		q.drop()
	}
}

// queues are all arrivals that there are.
func (c *Crew) queues(yield func(q *arrivals) bool) {
	if c.arrivals != nil && !yield(c.arrivals) {
		return
	}
	for _, q := range c.own {
		if q != nil && !yield(q) {
			return
		}
	}
}

// stop tells every user to stop after the task in hand; a hard one also cancels
// what they wait for.
func (c *Crew) stop(kind swarm.StopKind, now time.Time) {
	for q := range c.queues {
		if c.paused.IsZero() {
			q.release(now) // what was due by now is counted
		}
		q.close()
	}
	clear(c.mine)
	c.path.aim(make([]int, len(c.path.to)))
	c.path.fall()
	c.roster.set(c.path.now, nil)
	c.gate.open(now, 0)
	if kind == swarm.Hard {
		c.kill()
	}
}

// pause holds users before their next task, or lets them go on. Sessions and
// connections stay.
func (c *Crew) pause(on bool, now time.Time) {
	if on {
		c.paused = now
		c.gate.close()
		return
	}
	for q := range c.queues {
		q.resume(now.Sub(c.paused))
	}
	c.paused = time.Time{}
	c.gate.open(now, c.reunion())
}

// slowestReunion is how long it takes at most until all users go on after a pause.
const slowestReunion = 10 * time.Second

// reunion is how long it takes until all users that are held go on: they come back at
// the spawn rate, as they came. Arrivals have their own times.
func (c *Crew) reunion() time.Duration {
	if c.arrivals != nil {
		return 0
	}
	if c.now.Spawn <= 0 {
		return time.Second
	}
	seconds := float64(c.gate.holding()) / c.now.Spawn
	return time.Duration(min(seconds, slowestReunion.Seconds()) * float64(time.Second))
}

// steer steps the ramp and hands out arrivals, until End.
func (c *Crew) steer() {
	defer close(c.gone)
	const idle = time.Hour
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-c.poke:
		case <-timer.C:
		case <-c.end:
			return
		}
		c.mu.Lock()
		next := c.step(time.Now())
		c.mu.Unlock()
		if next.IsZero() {
			timer.Reset(idle)
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// step starts and stops the users that are due to, and says when it wants to be
// called again; zero: not before something happens.
func (c *Crew) step(now time.Time) (next time.Time) {
	if c.now.Stop != swarm.GoOn {
		return next
	}
	before := c.path.left()
	if q := c.arrivals; q == nil {
		var steps int
		steps, next = c.ramp.due(before, now)
		c.path.walk(steps)
	} else if c.paused.IsZero() {
		var missing int
		next, missing = q.release(c.within(now))
		// There come as many as are missing, to at most what was assigned.
		c.path.walk(min(missing, 100))
	}
	counts := slices.Clone(c.path.now)
	for i, q := range c.own {
		if q != nil && c.paused.IsZero() {
			due, missing := q.release(c.within(now))
			next = sooner(next, due)
			c.mine[i] = min(c.mine[i]+min(missing, 100), c.now.Users[i])
		}
		counts[i] += c.mine[i]
	}
	next = sooner(next, c.gate.step(now))
	c.roster.set(counts, c.start)
	if before > 0 && c.path.left() == 0 {
		c.wake()
	}
	return next
}

// sooner is the first of two moments; a zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// start makes a user. The crew's and the roster's mu are held.
func (c *Crew) start(kind int) *User {
	c.nextUser++
	u := &User{
		ID: c.now.IDBase + (c.nextUser-1)*c.now.IDStep, Behaviour: c.job.Behaviours[kind], Sink: c.rec.Sink(),
		crew: c, kind: kind, clock: &c.clocks[c.nextUser%int64(len(c.clocks))],
	}
	if u.arrivals = c.arrivals; u.Behaviour.Own != nil {
		u.arrivals = c.own[kind]
	}
	u.seed.Seed(c.job.Seed, uint64(u.ID))
	u.Rand = *rand.New(&u.seed)
	c.starting.Add(1)
	c.pool.lend(u)
	return u
}

// Until lets nobody begin a task past that time of the run; 0 is no end. It may be
// called from any goroutine. A crew whose process was frozen begins nothing when it
// thaws, before it is told of a later time.
func (c *Crew) Until(at time.Duration) { c.until.Store(int64(at)) }

// within is now, or when the crew's time was over.
func (c *Crew) within(now time.Time) time.Time {
	if at := c.until.Load(); at > 0 {
		if end := c.began.Add(time.Duration(at)); end.Before(now) {
			return end
		}
	}
	return now
}

// over says that the crew's time is.
func (c *Crew) over() bool {
	at := c.until.Load()
	return at > 0 && int64(time.Since(c.began)) > at
}

// Status counts the users. What they do is told from what they hold: users who
// act, a goroutine, unless they are away; all others wait.
func (c *Crew) Status() swarm.NodeStatus {
	c.mu.Lock()
	s := swarm.NodeStatus{Gen: c.now.Gen, Level: c.path.level(), Capacity: runtime.GOMAXPROCS(0)}
	stop := c.now.Stop
	c.mu.Unlock()
	s.Running, s.Stopping, s.Short = c.roster.running()
	for _, n := range s.Running {
		s.Active += n
	}
	d := &s.Doing
	d.Starting = int(c.starting.Load())
	d.Paused = c.gate.holding()
	d.InTask = max(c.pool.acting()+int(c.away.Load())-d.Starting-int(c.sleeping.Load()), 0)
	d.Waiting = max(s.Active+s.Stopping-d.Starting-d.Paused-d.InTask, 0)
	for q := range c.queues {
		s.Backlog += q.backlog()
	}
	s.Exhausted, s.Claimed = c.quota.used(), c.quota.claimed.Load()
	if why := c.asks.Load(); why != nil {
		s.Reason = *why
	}
	if stop == swarm.Hard {
		s.Left = c.roster.left(20)
	}
	return s
}

// Far says that a crew tells of the time since the last take.
func (c *Crew) Far() bool { return false }

// notStarted is the row of arrivals that never started: it belongs to no
// endpoint, since no task was picked.
var notStarted = stats.Key{Class: stats.Request, Method: "", Name: "(not started)"}

// Take yields one report, of all since the last one.
func (c *Crew) Take(yield func(*swarm.Report)) {
	now := time.Now()
	c.rec.Take(&c.batch)
	t := health.Traffic{InFlight: c.batch.InFlight, Sources: 1}
	for q := range c.queues {
		dropped, lag := q.take()
		if t.OwnLag = max(t.OwnLag, lag); dropped > 0 {
			c.batch.Row(notStarted).NotStarted += dropped
		}
	}
	if c.job.Sources != nil {
		t.Sources = c.job.Sources()
	}
	for _, d := range c.batch.Rows {
		t.Dialled += d.Dialled
		t.Sent += d.Requests()
		t.Stalled += d.Stalled
	}
	h, fresh := c.health.Sample(now, t)
	if second := int64(now.Sub(c.began) / time.Second); second > c.second {
		c.second = second
		c.rec.WantSuccesses()
	}
	yield(&swarm.Report{Batch: &c.batch, Second: swarm.Since, Users: c.roster.peak(), Health: h, Suspect: fresh && !h.OK})
}
