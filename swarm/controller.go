package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tload/stats"
	"tload/stats/capacity"
	"tload/swarm/shape"
)

// tick is how often samples are taken and a snapshot is published. Ticks stand
// at whole quarters of a second of the run, so that seconds close on time.
const tick = 250 * time.Millisecond

// Controller owns a run: what is wanted, of which nodes, and what came of it.
// Run is its one goroutine; every other method may be called from any goroutine
// and returns at once.
type Controller struct {
	plan     Plan
	ledger   *stats.Ledger
	log      *slog.Logger
	snapshot atomic.Pointer[Snapshot]
	done     chan struct{}

	wake chan struct{} // has room for one; mail is waiting, or a node's status has changed
	mu   sync.Mutex    // guards mail
	mail []func()

	// All below belong to the loop.
	nodes     members
	gather    gather    // of nodes that tell by seconds
	born      time.Time // when Run began
	started   time.Time // when the run did: all nodes that were waited for are there
	state     State
	reason    string
	err       error
	want      Assignment // of all nodes together, but for its users
	invite    string     // how nodes join; "" where none does
	waits     bool       // a node is not assigned all of it yet
	target    int
	level     int     // users that the nodes' ramps, or arrivals, asked for
	rate      float64 // users per second
	arrivals  float64 // of the open model, per second
	shape     []shape.Point
	byHand    bool      // somebody has taken over from the shape or the search
	stride    float64   // users per second, in which the search changes them
	own       own       // what behaviours ask for by themselves
	ownNow    int       // … so many users, as of the last look
	peak      int       // most users that ever ran
	most      int       // … since the last tick
	groups    int       // error groups that were logged
	stopAt    time.Time // when the grace ends; zero while running
	changes   []Change
	steady    bool
	end       time.Duration // of the run, on its clock; 0: none, or not known yet
	endedSelf bool
	warm      bool // the warm-up is over
}

// New makes a controller for a plan, of nodes that run its users. It starts
// nothing.
func New(p Plan, nodes ...Node) (*Controller, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.SpawnRate == 0 {
		p.SpawnRate = 1
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	p.Behaviours = copies(p.Behaviours)
	if p.driven() {
		p.Users = 0
	}
	c := &Controller{
		plan: p, log: p.Log, rate: p.SpawnRate, arrivals: p.Rate, nodes: members{behaviours: p.Behaviours},
		ledger: stats.NewLedger(p.Samples, p.Memory),
		done:   make(chan struct{}), wake: make(chan struct{}, 1), own: newOwn(p.Behaviours),
	}
	if p.Past != nil {
		c.goOn(p.Past)
	}
	if p.Shape != nil {
		c.shape = shape.Thin(p.Shape.Points(), maxCorners)
	}
	for _, n := range nodes {
		c.join(n, "", "local")
	}
	c.ledger.Tap = p.Tap
	s := &Snapshot{Snapshot: c.ledger.Snapshot(), Host: p.Host, RunID: p.RunID, Seed: p.Seed, RunTime: p.RunTime, Open: p.Rate > 0, Rate: p.Rate, SpawnRate: c.rate, Taken: time.Now()}
	if p.Past != nil {
		p.Past.show(s)
	}
	c.snapshot.Store(s)
	return c, nil
}

// maxCorners is how many of a shape's corners are shown: a snapshot is made four times a
// second, and kept on disk.
const maxCorners = 100

// Invite has the snapshots say how a node may join.
func (c *Controller) Invite(line string) {
	c.do(func() { c.invite = line })
}

// Join adds a node, which is given its share of the users from then on. The id tells
// it from all others, the name is for those who look. After the end of the run the
// node is not heard.
func (c *Controller) Join(n Node, id, name string) {
	c.do(func() {
		c.join(n, id, name)
		if !c.started.IsZero() {
			c.assign()
		}
	})
}

func (c *Controller) join(n Node, id, name string) {
	m := c.nodes.add(n, id, name, c.started, c.poke)
	if past := c.plan.Past; past != nil {
		m.told = past.Told(id)
		if c.started.IsZero() {
			m.awaited = time.Now().Add(reunion)
		}
	}
}

// goOn takes up a run that another controller began.
func (c *Controller) goOn(past *Past) {
	c.ledger, c.changes, c.peak, c.rate = past.Ledger, past.Changes, past.Peak, past.SpawnRate
	c.arrivals = past.Arrivals
	c.weigh(past.Weights)
	c.warm = past.Ledger.Snapshot().Apart > 0
	for _, g := range past.Ledger.Snapshot().Groups {
		c.groups = max(c.groups, g.ID)
	}
	c.plan.Expect = 0
	c.gather.first = past.First
}

// show puts into a snapshot what was the case: who goes on after this one, if it is
// killed before it has begun, must find it there.
func (p *Past) show(s *Snapshot) {
	s.Started, s.Target, s.Peak, s.Changes = p.Started, p.Target, p.Peak, p.Changes
	switch s.State = Spawning; {
	case p.Stop != "":
		s.State, s.Reason = Stopping, p.Stop
	case p.Paused:
		s.State = Paused
	}
}

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
	c.do(func() {
		if c.own.all {
			c.log.Warn("the users stay as they are: every behaviour has a load of its own")
			return
		}
		c.byHand = c.byHand || c.follows() && !c.open()
		c.scale(min(max(users, 0), MaxUsers), who)
	})
}

// SetRate asks for that many arrivals a second, in the open model; who says why, for the
// list of changes. What is no such number is ignored.
func (c *Controller) SetRate(perSecond float64, who string) {
	if !(perSecond >= 0) || perSecond > MaxRate {
		return
	}
	c.do(func() {
		if c.open() {
			c.byHand = c.byHand || c.follows()
			c.setRate(perSecond, who)
		}
	})
}

// SetSpawnRate makes the number of users follow at that many per second. What is
// no such number is ignored.
func (c *Controller) SetSpawnRate(perSecond float64) {
	if !(perSecond > 0) || math.IsInf(perSecond, 0) {
		return
	}
	c.do(func() {
		if c.rate != perSecond {
			c.log.Info("spawn rate", "from", c.rate, "to", perSecond)
			c.rate = perSecond
			c.assign()
		}
	})
}

// Pause holds the users before their next task, or lets them go on. Sessions
// and connections stay.
func (c *Controller) Pause(on bool) {
	c.do(func() {
		if c.stopAt.IsZero() && c.want.Paused != on {
			c.want.Paused = on
			c.assign()
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
		} else if c.want.Stop != Hard {
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
	c.born = time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := ctx.Done()
	var next time.Time
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
		if c.started.IsZero() && (len(c.nodes.list) >= c.plan.Expect || !c.stopAt.IsZero()) {
			c.begin()
			next = c.started.Add(tick)
		}
		now := time.Now()
		c.follow(now)
		c.search(now)
		status := c.nodes.look()
		if c.nodes.changed || c.waits {
			c.assign()
			status = c.nodes.look() // of what was assigned just now nobody has used up anything
		}
		c.look(status)
		c.check(now, status)
		if c.over(now, status) {
			break
		}
		if !now.Before(next) {
			c.publish(now)
			c.most = 0
			from := c.clock()
			next = from.Add(now.Sub(from)/tick*tick + tick)
		}
		c.followOwn(now) // whose marks stand where the second begins
		timer.Reset(time.Until(c.due(next)))
	}
	for _, m := range c.nodes.list {
		m.node.End()
	}
	c.state = Stopped
	c.err = errors.Join(c.err, c.nodes.faults())
	c.publish(time.Now())
	close(c.done)
	return c.err
}

// clock is when the run's clock stood at 0, or what stands for it before.
func (c *Controller) clock() time.Time {
	if c.started.IsZero() {
		return c.born
	}
	return c.started
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
	c.state = Spawning
	if !c.plan.FromSteady {
		c.end = c.plan.RunTime
	}
	c.want = Assignment{Weights: c.want.Weights, Until: c.end, Open: c.open(), Poisson: c.plan.Poisson, Quota: Unlimited}
	if c.plan.Iterations > 0 {
		c.want.Quota = c.plan.Iterations
	}
	past := c.plan.Past
	if past != nil {
		// By the wall clock, the only one that both masters know.
		c.started = c.started.Add(-max(c.started.Sub(past.Started), time.Duration(past.First)*time.Second))
		c.want.Paused = past.Paused
	}
	c.reckonOwn(c.elapsed(time.Now()))
	for _, m := range c.nodes.list {
		m.begin(c.started, c.poke)
	}
	c.log.Info("run", "host", c.plan.Host, "run", c.plan.RunID, "seed", c.plan.Seed)
	if c.open() {
		c.log.Info("open model", "rate", c.plan.Rate, "users at most", c.plan.Users)
	}
	if past != nil {
		away := c.elapsed(time.Now()) - time.Duration(past.First)*time.Second
		c.log.Warn("the run goes on, its master was away", "for", away.Round(time.Second), "users", past.Target)
		c.ledger.Mark("master back")
		c.target = past.Target
		c.assign()
		if past.Stop != "" {
			c.stop(past.Stop)
		}
		return
	}
	if c.follows() {
		first := 0.0
		if f := c.plan.Find; f != nil {
			first, _ = f.Next(capacity.Moment{})
		} else {
			first = c.plan.Shape.Mean(0, tick)
		}
		if c.open() {
			c.arrivals = first
		} else {
			c.plan.Users = level(first)
		}
	}
	c.scale(c.plan.Users, "start")
}

// setRate changes the arrivals from now on.
func (c *Controller) setRate(perSecond float64, who string) {
	if !c.stopAt.IsZero() || perSecond == c.arrivals {
		return
	}
	c.changed(Change{From: c.arrivals, To: perSecond, Arrivals: true, Who: who})
	if who != "shape" {
		c.log.Info("arrivals", "from", c.arrivals, "to", perSecond, "who", who)
		c.ledger.Segment(fmt.Sprintf("%g/s", perSecond))
	}
	c.arrivals = perSecond
	c.assign()
}

// changed adds to the list of changes. Those of a shape are one, and keys pressed in a
// row are.
func (c *Controller) changed(x Change) {
	now := time.Now()
	x.At = c.elapsed(now)
	x.Wall = c.started.Add(x.At)
	if n := len(c.changes); n > 0 {
		last := &c.changes[n-1]
		row := x.Who == "you" && x.At-last.At < 2*time.Second && (x.To > x.From) == (x.From > last.From)
		if last.Who == x.Who && last.Arrivals == x.Arrivals && last.Weight == x.Weight && (row || x.Who == "shape") {
			x.From, x.At, x.Wall = last.From, last.At, last.Wall
			c.changes = c.changes[: n-1 : n-1]
		}
	}
	c.changes = append(c.changes[:len(c.changes):len(c.changes)], x)
	if len(c.changes) > 1000 {
		c.changes = c.changes[len(c.changes)-500:]
	}
}

// open says that starts come from an arrival rate: how many users there are,
// within what they were scaled to, is the nodes' decision.
func (c *Controller) open() bool { return c.plan.Rate > 0 }

// assign tells the nodes what is wanted of them now.
func (c *Controller) assign() {
	if c.started.IsZero() {
		return
	}
	c.want.Spawn, c.want.Since, c.want.Arrivals = c.rate, c.elapsed(time.Now()), c.arrivals
	if c.follows() && !c.byHand {
		c.want.Spawn = c.stride // a shape says how fast: at once
	}
	c.want.Rates = c.own.rates
	if c.want.Stop != GoOn {
		c.want.Rates = nil
	}
	c.waits = c.nodes.assign(c.want, c.totals())
}

// elapsed is the run's clock.
func (c *Controller) elapsed(now time.Time) time.Duration {
	if c.started.IsZero() {
		return 0
	}
	return now.Sub(c.started)
}

func (c *Controller) scale(users int, who string) {
	if !c.stopAt.IsZero() && who != "stop" || users == c.target && who != "start" {
		return
	}
	rate := c.rate
	if who == "search" {
		rate = c.stride
	}
	c.changed(Change{From: float64(c.target), To: float64(users), Rate: rate, Who: who})
	if who == "shape" {
		c.target, c.steady = users, false
		c.assign()
		return
	}
	c.log.Info("users", "from", c.target, "to", users, "rate", rate, "who", who)
	if c.steady && who != "stop" {
		c.ledger.Segment(fmt.Sprintf("ramp to %d", users))
	}
	c.target, c.steady = users, false
	c.assign()
}

// stop begins the end of the run: all users at once, whatever the spawn rate.
func (c *Controller) stop(reason string) {
	now := time.Now()
	c.reason, c.state = reason, Stopping
	c.stopAt = now.Add(c.plan.StopTimeout)
	c.log.Info("stopping", "reason", reason, "grace", c.plan.StopTimeout)
	c.want.Stop, c.want.Paused = Graceful, false
	if c.plan.Find != nil {
		c.plan.Find.End("the run was stopped before, by " + reason)
	}
	if c.target == 0 && !c.own.some {
		c.assign()
		return
	}
	c.publish(now) // what was done until now is not of the ramp down
	if c.target == 0 {
		c.assign()
	} else {
		c.scale(0, "stop")
	}
	c.ledger.Segment("ramp down")
}

// look notes where the users are on their way to the target.
func (c *Controller) look(s NodeStatus) {
	c.level, c.ownNow = s.Level, c.ownUsers(s)
	if !c.stopAt.IsZero() || s.Gen == 0 || c.waits || c.started.IsZero() {
		return
	}
	if (c.open() || s.Level == c.target) && !c.steady {
		c.steady = true
		if c.plan.FromSteady && c.end == 0 && c.plan.RunTime > 0 {
			c.end = c.elapsed(time.Now()) + c.plan.RunTime
			c.want.Until = c.end
			c.assign()
		}
		if s.Level > 0 && (c.plan.Shape == nil || c.byHand) {
			c.ledger.Segment(fmt.Sprintf("steady %d", s.Level))
			if n := sharing(c.plan.Behaviours, s.Running); n < s.Level && !c.open() {
				c.log.Warn("all users were started, and some have ended by themselves", "running", n, "of", s.Level)
			} else {
				c.log.Info("all users running", "users", s.Level)
			}
		}
	}
}

// shownTarget is how many users there are to be, as far as is known.
func (c *Controller) shownTarget() int {
	if c.open() {
		return c.level
	}
	return c.target
}

// check looks whether something is due that ends the run.
func (c *Controller) check(now time.Time, s NodeStatus) {
	switch {
	case c.started.IsZero():
	case c.stopAt.IsZero():
		switch {
		case c.end > 0 && c.elapsed(now) >= c.end:
			c.stop("run-time")
		case s.Exhausted && s.Gen != 0 && !c.waits:
			c.stop("iterations")
		case s.Reason != "":
			c.stop(s.Reason)
		case c.endedSelf:
			c.stop("users-ended")
		}
	case c.want.Stop != Hard && !now.Before(c.stopAt):
		c.want.Stop = Hard
		c.assign()
		c.stopAt = now.Add(max(c.plan.StopTimeout, time.Second))
	}
}

// due is when something has to be done at the latest.
func (c *Controller) due(next time.Time) time.Time {
	end := c.stopAt
	if end.IsZero() && c.end > 0 {
		end = c.started.Add(c.end)
	}
	if !end.IsZero() && end.Before(next) {
		return end
	}
	return next
}

// over says that no user is left, or that those left are given up.
func (c *Controller) over(now time.Time, s NodeStatus) bool {
	left := s.Count()
	if c.started.IsZero() {
		return false
	}
	if c.stopAt.IsZero() {
		// All users ended by themselves. Not with a target of 0: somebody may
		// want them back.
		if left == 0 && c.steady && c.target > 0 && !c.own.awaits(c.plan.Behaviours) && !s.Short && !c.waits && len(c.nodes.live()) > 0 {
			c.endedSelf = true
			c.poke()
		}
		return false
	}
	if left == 0 && !s.Owes {
		return true
	}
	if c.want.Stop == Hard && !now.Before(c.stopAt) {
		if left > 0 {
			c.err = fmt.Errorf("%d %s did not stop within twice the grace of %v: a task ignores its context", left, plural(left, "user"), c.plan.StopTimeout)
		} else {
			c.err = errors.New("not all workers have told all that their users did: the totals lack their last seconds")
		}
		for _, who := range s.Left {
			c.log.Error("user does not end: its task ignores its context", "user", who)
		}
		return true
	}
	return false
}

// publish takes what happened, folds it, and publishes a snapshot.
func (c *Controller) publish(now time.Time) {
	elapsed := c.elapsed(now)
	told := int64(elapsed / time.Second)
	far, news := false, false
	for _, m := range c.nodes.list {
		m.node.Take(func(r *Report) {
			m.view.Health = r.Health
			if r.Second == Since {
				c.fold(r.Batch, elapsed, r.users())
				return
			}
			m.told, m.view.RPS = r.Second+1, float64(requests(r.Batch))
			news = news || r.Second < c.gather.first
			c.gather.add(r, c.ledger.Late)
		})
		if m.node.Far() {
			far = true
			told = min(told, m.owes(int64(elapsed/time.Second)))
		}
	}
	first := c.gather.first
	switch {
	case far && c.state == Stopped:
		c.gather.close(told, c.fold)
		c.gather.rest(elapsed, c.fold)
	case far || c.plan.Expect > 0:
		c.gather.close(told, c.fold)
	}
	if news || c.gather.first > first {
		c.ledger.Told(c.gather.first, c.nodes.behind(c.gather.first))
	}
	c.view(now)
}

func (r *Report) users() stats.Users { return stats.Users{Running: r.Users, Suspect: r.Suspect} }

func requests(b *stats.Batch) (n uint64) {
	for key, d := range b.Rows {
		if key.Class == stats.Request {
			n += d.Requests()
		}
	}
	return n
}

// fold adds a batch that ends at that time of the run to the ledger.
func (c *Controller) fold(b *stats.Batch, now time.Duration, users stats.Users) {
	users.Target = c.shownTarget() + c.ownNow
	// A tick in which users ended had them until then.
	c.most = max(c.most, users.Running)
	users.Running = c.most
	c.peak = max(c.peak, users.Running)
	if c.plan.OnBatch != nil {
		c.plan.OnBatch(b, now, users)
	}
	if c.plan.Find != nil {
		c.plan.Find.Add(b, now, users.Suspect)
	}
	c.ledger.Fold(b, now, users)
	if w := c.plan.WarmUp; w > 0 && now >= w && !c.warm {
		c.warm = true
		c.log.Info("warm-up over: the numbers begin again", "after", w)
		c.ledger.Apart("warm-up")
	}
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

func (c *Controller) shownState() State {
	switch {
	case c.state == Spawning || c.state == Running:
		if c.want.Paused {
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
