package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tload/stats"
)

// tick is how often samples are taken and a snapshot is published. Ticks stand
// at whole quarters of a second of the run, so that seconds close on time.
const tick = 250 * time.Millisecond

// Controller owns a run. Run is its one goroutine; every other method may be
// called from any goroutine and returns at once.
type Controller struct {
	plan     Plan
	rec      *stats.Recorder
	ledger   *stats.Ledger
	crew     *Crew
	health   *health
	log      *slog.Logger
	snapshot atomic.Pointer[Snapshot]
	done     chan struct{}

	wake chan struct{} // has room for one; mail is waiting
	mu   sync.Mutex    // guards mail
	mail []func()

	// All below belong to the loop.
	started   time.Time
	startWall time.Time
	state     State
	reason    string
	err       error
	target    int
	rate      float64 // users per second
	ramp      ramp
	peak      int // most users that ever ran
	most      int // … since the last tick
	groups    int // error groups that were logged
	paused    bool
	pausedAt  time.Time
	pool      int       // with an arrival rate: how many users there may be
	stopAt    time.Time // when the grace ends; zero while running
	hard      bool
	changes   []Change
	batch     stats.Batch
	steady    bool
	endedSelf bool
}

// New makes a controller for a plan. It starts nothing.
func New(p Plan) (*Controller, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.SpawnRate == 0 {
		p.SpawnRate = 1
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	c := &Controller{
		plan: p, log: p.Log, rate: p.SpawnRate,
		rec:    stats.NewRecorder(stats.Limits{Names: p.Names, Samples: p.Samples, Log: p.Requests}),
		ledger: stats.NewLedger(p.Samples, p.Memory),
		done:   make(chan struct{}), wake: make(chan struct{}, 1),
	}
	c.ledger.Tap = p.Tap
	c.crew = newCrew(&c.plan, c.rec, func(reason string) { c.Stop(reason) }, c.poke)
	c.snapshot.Store(&Snapshot{Snapshot: c.ledger.Snapshot(), Host: p.Host, RunID: p.RunID, Seed: p.Seed, RunTime: p.RunTime, Rate: p.Rate, SpawnRate: p.SpawnRate, Taken: time.Now()})
	return c, nil
}

// Recorder is where the users of this run record.
func (c *Controller) Recorder() *stats.Recorder { return c.rec }

// Snapshot is the newest one; it is never nil.
func (c *Controller) Snapshot() *Snapshot { return c.snapshot.Load() }

// Done is closed when the run is over and its last snapshot is published.
func (c *Controller) Done() <-chan struct{} { return c.done }

// do has f called on the loop. After the end of the run it never is.
func (c *Controller) do(f func()) {
	c.mu.Lock()
	c.mail = append(c.mail, f)
	c.mu.Unlock()
	c.poke()
}

func (c *Controller) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Scale asks for that many users; who says why, for the list of changes. The
// number of running users follows at the spawn rate.
func (c *Controller) Scale(users int, who string) {
	c.do(func() { c.scale(min(max(users, 0), MaxUsers), who) })
}

// SetSpawnRate makes the number of users follow at that many per second.
func (c *Controller) SetSpawnRate(perSecond float64) {
	if perSecond <= 0 {
		return
	}
	c.do(func() {
		if c.rate != perSecond {
			c.log.Info("spawn rate", "from", c.rate, "to", perSecond)
			c.rate = perSecond
			c.ramp.restart(time.Now())
		}
	})
}

// Pause holds the users before their next task, or lets them go on. Sessions
// and connections stay.
func (c *Controller) Pause(on bool) {
	c.do(func() {
		if c.stopAt.IsZero() && c.paused != on {
			now := time.Now()
			if c.paused = on; on {
				c.pausedAt = now
			} else if q := c.crew.arrivals; q != nil {
				q.resume(now.Sub(c.pausedAt), now)
			}
			c.crew.Pause(on)
			c.log.Info("paused", "on", on)
		}
	})
}

// Stop ends the run: users finish the task in hand within the grace. A second
// call cuts the grace short. reason is a word or two for the reports.
func (c *Controller) Stop(reason string) {
	c.do(func() {
		if c.stopAt.IsZero() {
			c.stop(reason)
		} else if !c.hard {
			c.log.Warn("grace cut short", "by", reason)
			c.stopAt = time.Now()
		}
	})
}

// Reset begins a segment of that name, and the shown numbers, again. The old
// segment is kept.
func (c *Controller) Reset(name string) {
	c.do(func() {
		c.log.Info("the numbers begin again", "segment", name)
		c.ledger.Reset(name)
	})
}

// Mark names this moment, for charts and reports.
func (c *Controller) Mark(name string) {
	c.do(func() {
		c.log.Info("mark", "name", name)
		c.ledger.Mark(name)
	})
}

// History is the points of one row's charts, oldest first. Unlike the other
// methods it waits for the loop; it returns nil when ctx or the run ends first.
func (c *Controller) History(ctx context.Context, key stats.Key) []stats.Second {
	out := make(chan []stats.Second, 1)
	c.do(func() { out <- c.ledger.History(key) })
	select {
	case s := <-out:
		return s
	case <-c.done:
		return c.ledger.History(key) // the loop is gone; nobody writes any more
	case <-ctx.Done():
		return nil
	}
}

// Histograms calls yield with each row's whole-run delta, the total first under
// a zero key. It is for reports: it must be called after Done is closed.
func (c *Controller) Histograms(yield func(stats.Key, *stats.Delta) bool) {
	<-c.done
	c.ledger.Histograms(yield)
}

// Run starts the users and steers them until the run is over: by its run time,
// its iterations, Stop, or the end of ctx, which is a Stop for the reason
// "signal". It returns after the last user has left and the last snapshot is
// published. The error says how many users would not leave within twice the
// grace; they are then given up.
func (c *Controller) Run(ctx context.Context) error {
	c.begin()
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := ctx.Done()
	next := c.started.Add(tick)
	for {
		select {
		case <-ended:
			ended = nil
			c.Stop("signal")
			continue
		case <-c.wake:
		case <-timer.C:
		}
		c.readMail()
		now := time.Now()
		c.check(now)
		wake := c.step(now)
		if c.over(now) {
			break
		}
		if !now.Before(next) {
			c.publish(now)
			next = c.started.Add(now.Sub(c.started)/tick*tick + tick)
		}
		if wake.IsZero() || next.Before(wake) {
			wake = next
		}
		timer.Reset(time.Until(wake))
	}
	c.crew.close()
	c.state = Stopped
	c.health.end()
	c.publish(time.Now())
	close(c.done)
	return c.err
}

func (c *Controller) readMail() {
	c.mu.Lock()
	mail := c.mail
	c.mail = nil
	c.mu.Unlock()
	for _, f := range mail {
		f()
	}
}

func (c *Controller) begin() {
	c.started = time.Now()
	c.startWall = c.started
	c.state = Spawning
	c.health = newHealth(c.started)
	c.log.Info("run", "host", c.plan.Host, "run", c.plan.RunID, "seed", c.plan.Seed)
	if c.plan.Rate > 0 {
		c.crew.arrivals = newArrivals(&c.plan, c.started)
		c.log.Info("open model", "rate", c.plan.Rate, "users at most", c.plan.Users)
		c.pool = c.plan.Users
		c.rate = max(c.rate, float64(c.plan.Users)*10) // the pool grows as fast as it is needed
		c.scale(min(c.plan.Users, 1+int(c.plan.Rate/100)), "start")
		return
	}
	c.scale(c.plan.Users, "start")
}

// elapsed is the run's clock.
func (c *Controller) elapsed(now time.Time) time.Duration { return now.Sub(c.started) }

func (c *Controller) scale(users int, who string) {
	if who != "start" && who != "stop" {
		c.pool = users
	}
	if !c.stopAt.IsZero() && who != "stop" || users == c.target && who != "start" {
		return
	}
	now := time.Now()
	change := Change{At: c.elapsed(now), Wall: c.startWall.Add(c.elapsed(now)), From: c.target, To: users, Rate: c.rate, Who: who}
	if n := len(c.changes); n > 0 && who == "you" && c.changes[n-1].Who == who && change.At-c.changes[n-1].At < 2*time.Second && (users > c.target) == (c.target > c.changes[n-1].From) {
		// Keys pressed in a row are one change.
		change.From, change.At, change.Wall = c.changes[n-1].From, c.changes[n-1].At, c.changes[n-1].Wall
		c.changes = c.changes[: n-1 : n-1]
	}
	c.changes = append(c.changes[:len(c.changes):len(c.changes)], change)
	if len(c.changes) > 1000 {
		c.changes = c.changes[len(c.changes)-500:]
	}
	c.log.Info("users", "from", c.target, "to", users, "rate", c.rate, "who", who)
	c.ramp.aim(users, c.rate, now)
	if c.steady && who != "stop" {
		c.ledger.Segment(fmt.Sprintf("ramp to %d", users))
	}
	c.target, c.steady = users, false
}

// stop begins the end of the run: all users at once, whatever the spawn rate.
func (c *Controller) stop(reason string) {
	now := time.Now()
	c.reason, c.state = reason, Stopping
	c.stopAt = now.Add(c.plan.StopTimeout)
	c.log.Info("stopping", "reason", reason, "grace", c.plan.StopTimeout)
	if c.target > 0 {
		most := c.most
		c.publish(now) // what was done until now is not of the ramp down
		c.most = most  // … but its users were there in this tick
		c.scale(0, "stop")
		c.ledger.Segment("ramp down")
	}
	c.ramp.jump(0, now)
	if q := c.crew.arrivals; q != nil {
		if !c.paused {
			q.release(now) // what was due by now is counted
		}
		q.close()
	}
	c.crew.Stop(false)
	c.crew.Pause(false)
}

// check looks whether something is due that ends the run.
func (c *Controller) check(now time.Time) {
	switch {
	case c.stopAt.IsZero():
		if c.plan.RunTime > 0 && c.elapsed(now) >= c.plan.RunTime {
			c.stop("run-time")
		} else if c.crew.exhausted() {
			c.stop("iterations")
		} else if c.endedSelf {
			c.stop("users-ended")
		}
	case !c.hard && !now.Before(c.stopAt):
		c.hard = true
		c.crew.Stop(true)
		c.stopAt = now.Add(max(c.plan.StopTimeout, time.Second))
	}
}

// step moves the users along the ramp and says when it wants to be called
// again; zero: not before the next tick.
func (c *Controller) step(now time.Time) (next time.Time) {
	if !c.stopAt.IsZero() {
		return c.stopAt
	}
	if q := c.crew.arrivals; q != nil && !c.paused {
		due, backlog := q.release(now)
		if _, idle, _ := peek(q); backlog > 0 && idle == 0 && c.target < c.pool {
			// The pool grows by what is missing, to at most -u.
			c.target = min(c.pool, c.target+min(backlog, 100))
			c.ramp.jump(c.target, now)
		}
		next = due
	}
	level, more := c.ramp.at(now)
	c.crew.Assign(place(c.plan.Behaviours, level))
	active := c.crew.Active()
	c.peak, c.most = max(c.peak, active), max(c.most, active)
	if level == c.target && !c.steady {
		c.steady = true
		if c.target > 0 {
			c.ledger.Segment(fmt.Sprintf("steady %d", c.target))
			c.log.Info("all users running", "users", c.target)
		}
	}
	if !more.IsZero() && (next.IsZero() || more.Before(next)) {
		next = more
	}
	if c.plan.RunTime > 0 {
		if end := c.started.Add(c.plan.RunTime); next.IsZero() || end.Before(next) {
			next = end
		}
	}
	return next
}

func peek(q *arrivals) (backlog, idle int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) - q.head, len(q.idle), q.dropped
}

// over says that no user is left, or that those left are given up.
func (c *Controller) over(now time.Time) bool {
	left := c.crew.Count()
	gone := left == 0
	if c.stopAt.IsZero() {
		// All users ended by themselves. Not with a target of 0: somebody may
		// want them back.
		if gone && c.steady && c.target > 0 && !c.crew.Short() {
			c.endedSelf = true
			c.poke()
		}
		return false
	}
	if gone {
		return true
	}
	if c.hard && !now.Before(c.stopAt) {
		c.err = fmt.Errorf("%d %s did not stop within twice the grace of %v: a task ignores its context", left, plural(left, "user"), c.plan.StopTimeout)
		for _, who := range c.crew.Remaining(20) {
			c.log.Error("user does not end: its task ignores its context", "user", who)
		}
		return true
	}
	return false
}

// publish takes the samples, folds them and publishes a snapshot.
func (c *Controller) publish(now time.Time) {
	status := c.crew.Status()
	c.peak = max(c.peak, status.Active)
	c.crew.Take(&c.batch)
	backlog := 0
	if q := c.crew.arrivals; q != nil {
		var dropped uint64
		if backlog, _, dropped = q.counts(); dropped > 0 {
			c.batch.Row(arrivalKey).NotStarted += dropped
		}
	}
	elapsed := c.elapsed(now)
	tr := traffic{inFlight: c.batch.InFlight, sources: 1}
	if c.plan.Sources != nil {
		tr.sources = c.plan.Sources()
	}
	for _, d := range c.batch.Rows {
		tr.dialled += d.Dialled
		tr.sent += d.Requests()
		tr.stalled += d.Stalled
	}
	health := c.health.sample(now, tr, c.crew.arrivals.ownLag)
	// A tick in which users ended had them until then.
	running := max(status.Active, c.most)
	c.most = status.Active
	users := stats.Users{Running: running, Target: c.target, Suspect: c.health.fresh && !health.OK}
	if c.plan.OnBatch != nil {
		c.plan.OnBatch(&c.batch, elapsed, users)
	}
	second := c.ledger.Second()
	c.ledger.Fold(&c.batch, elapsed, users)
	if c.ledger.Second() != second {
		c.rec.WantSuccesses()
	}
	s := &Snapshot{
		Snapshot: c.ledger.Snapshot(), Taken: now, State: c.shownState(), Reason: c.reason, Err: c.err,
		Host: c.plan.Host, RunID: c.plan.RunID, Seed: c.plan.Seed, Started: c.startWall, RunTime: c.plan.RunTime, Rate: c.plan.Rate,
		Target: c.target, SpawnRate: c.rate, Running: status.Active, Stopping: status.Stopping, Peak: c.peak, Backlog: backlog,
		Doing: status.Doing, Changes: c.changes, Health: health,
	}
	c.logGroups(s.Groups)
	s.Health.Late = s.Total.Window.LatePercent()
	s.Doing.InRequest = s.InFlight
	s.Behaviours = behaviourViews(c.plan.Behaviours, status, place(c.plan.Behaviours, c.target), s.Snapshot)
	s.Nodes = []NodeView{{Name: "local", State: "running", Users: status.Active, RPS: s.Total.Window.RPS, Health: s.Health}}
	c.snapshot.Store(s)
}

// logGroups says once of each group of failures that it has begun.
func (c *Controller) logGroups(list []*stats.Group) {
	newest := c.groups
	for _, g := range list {
		if g.ID > c.groups {
			newest = max(newest, g.ID)
			c.log.Warn("new error group", "kind", g.Key.Kind.String(), "status", g.Key.Status,
				"endpoint", strings.TrimSpace(g.Key.Key.Method+" "+g.Key.Key.Name), "message", g.Message)
		}
	}
	c.groups = newest
}

// arrivalKey is the row of arrivals that never started: it belongs to no
// endpoint, since no task was picked.
var arrivalKey = stats.Key{Class: stats.Request, Method: "", Name: "(not started)"}

func (c *Controller) shownState() State {
	switch {
	case c.state == Spawning || c.state == Running:
		if c.paused {
			return Paused
		}
		if c.steady {
			return Running
		}
		return Spawning
	}
	return c.state
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
