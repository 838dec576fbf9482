// Package nodetest holds a swarm.Node to what the interface says, whatever runs
// the users behind it. It polls with a deadline and needs no clock of its own, so
// that a node may live across a network.
package nodetest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
)

// Work is what the users of a node do under test: nothing but tasks, each one act
// of class Request, of Kinds behaviours that are called "0", "1" …
type Work struct {
	Kinds int
	Task  time.Duration // how long a task takes; it heeds the context
	Think time.Duration // between two tasks
	Tally *Tally
}

// Tally counts from the other side: what users did, told by themselves.
type Tally struct {
	Users   atomic.Int64 // there now
	Begun   atomic.Int64 // tasks
	Ended   atomic.Int64 // … that came to their end
	Aborted atomic.Int64 // … or were cancelled

	Asks atomic.Bool // a user that sees it asks for the end of the run, for the reason "enough"
}

// Run runs the tests. make is called for each of them, for a node of its own.
func Run(t *testing.T, make func(*testing.T, Work) swarm.Node) {
	for _, tt := range []struct {
		name string
		work Work
		test func(*testing.T, *bench)
	}{
		{"users come and go as they are assigned", Work{Kinds: 2, Task: time.Millisecond, Think: time.Millisecond}, levels},
		{"an old assignment is ignored, a repeated one does no harm", Work{Kinds: 1, Task: time.Millisecond, Think: time.Millisecond}, stale},
		{"a ramp keeps its rate", Work{Kinds: 1, Task: time.Millisecond, Think: 10 * time.Millisecond}, ramp},
		{"nothing begins in a pause", Work{Kinds: 1, Task: time.Millisecond, Think: time.Millisecond}, pause},
		{"tasks in hand end", Work{Kinds: 1, Task: 300 * time.Millisecond}, graceful},
		{"a hard stop cancels them", Work{Kinds: 1, Task: time.Hour}, hard},
		{"the quota is exact", Work{Kinds: 1, Task: time.Millisecond}, quota},
		{"a quota of none lets nobody begin", Work{Kinds: 1, Task: time.Millisecond}, noQuota},
		{"arrivals start when they are due", Work{Kinds: 1, Task: time.Millisecond}, arrivals},
		{"a user may ask for the end", Work{Kinds: 1, Task: time.Millisecond, Think: time.Millisecond}, asks},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.work.Tally = new(Tally)
			b := &bench{t: t, Tally: tt.work.Tally, node: make(t, tt.work), woken: newSignal()}
			b.want = swarm.Assignment{IDBase: 1, IDStep: 1, Quota: swarm.Unlimited, Users: slices.Repeat([]int{0}, tt.work.Kinds)}
			b.node.Begin(time.Now(), b.woken.send)
			defer b.end()
			tt.test(t, b)
		})
	}
}

// bench is one node under test, and its controller.
type bench struct {
	*Tally
	t     *testing.T
	node  swarm.Node
	want  swarm.Assignment
	woken signal
	sum   stats.Batch
	most  int // users, of all reports
}

type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) send() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// assign gives a new assignment, changed as said.
func (b *bench) assign(change func(*swarm.Assignment)) {
	b.want.Users = slices.Clone(b.want.Users)
	change(&b.want)
	b.want.Gen++
	b.node.Assign(b.want)
}

// take adds what happened to the sum.
func (b *bench) take() {
	b.node.Take(func(r *swarm.Report) {
		b.sum.Merge(r.Batch)
		b.most = max(b.most, r.Users)
	})
}

// patience is how long a node may take to do what it was told.
const patience = 20 * time.Second

// until waits for something that a node comes to by itself.
func (b *bench) until(what string, ok func(swarm.NodeStatus) bool) swarm.NodeStatus {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for look := time.NewTicker(2 * time.Millisecond); ; {
		if s := b.node.Status(); s.Gen == b.want.Gen && ok(s) {
			return s
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			b.t.Fatalf("%s: not within %v; status %+v", what, patience, b.node.Status())
		}
	}
}

// awake waits for a wake after which ok.
func (b *bench) awake(what string, ok func(swarm.NodeStatus) bool) {
	b.t.Helper()
	for late := time.After(patience); ; {
		if ok(b.node.Status()) {
			return
		}
		select {
		case <-b.woken:
		case <-late:
			b.t.Fatalf("%s: nobody was woken for it; status %+v", what, b.node.Status())
		}
	}
}

// end stops whoever is there, and holds the sum of all reports against the tally.
func (b *bench) end() {
	if b.want.Stop != swarm.Hard {
		b.assign(func(a *swarm.Assignment) { a.Stop = swarm.Hard })
	}
	b.awake("the end of all users, and all they did", func(s swarm.NodeStatus) bool { return s.Count() == 0 && !s.Owes })
	b.take()
	b.node.End()
	b.take()
	var d stats.Delta
	for key, row := range b.sum.Rows {
		if key.Class == stats.Request {
			d.Merge(row)
		}
	}
	if got, want := int64(d.OK.Count()), b.Ended.Load(); got != want {
		b.t.Errorf("reports hold %d tasks, the users did %d", got, want)
	}
	if got, want := int64(d.Aborted.Count()), b.Aborted.Load(); got != want {
		b.t.Errorf("reports hold %d aborted tasks, the users had %d", got, want)
	}
	if got := b.Users.Load(); got != 0 {
		b.t.Errorf("%d users are left behind", got)
	}
}

func users(n ...int) func(*swarm.Assignment) {
	return func(a *swarm.Assignment) { copy(a.Users, n) }
}

func running(n ...int) func(swarm.NodeStatus) bool {
	return func(s swarm.NodeStatus) bool { return slices.Equal(s.Running, n) && s.Stopping == 0 }
}

func levels(t *testing.T, b *bench) {
	for _, n := range [][]int{{3, 1}, {5, 0}, {0, 9}, {2, 2}, {0, 0}, {1, 1}} {
		b.assign(users(n...))
		s := b.until(fmt.Sprint(n), running(n...))
		if s.Active != n[0]+n[1] || s.Level != s.Active {
			t.Errorf("%v: status %+v", n, s)
		}
		b.until("users at work", func(swarm.NodeStatus) bool { return b.Users.Load() == int64(n[0]+n[1]) })
	}
	b.take()
	if b.most != 9 {
		t.Errorf("the most users: got %d, want 9", b.most)
	}
}

func stale(t *testing.T, b *bench) {
	b.assign(users(4))
	b.until("four users", running(4))
	old := b.want
	b.assign(users(2))
	b.until("two users", running(2))
	b.node.Assign(old)
	b.node.Assign(b.want)
	b.node.Assign(b.want)
	before := b.Begun.Load()
	b.until("more tasks", func(swarm.NodeStatus) bool { return b.Begun.Load() > before+20 })
	if s := b.node.Status(); !running(2)(s) {
		t.Errorf("got %v users, want 2", s.Running)
	}
}

func ramp(t *testing.T, b *bench) {
	start := time.Now()
	b.assign(func(a *swarm.Assignment) { a.Users[0], a.Spawn = 20, 40 })
	if s := b.node.Status(); s.Level > 1+int(time.Since(start).Seconds()*40) {
		t.Errorf("at once: got a level of %d", s.Level)
	}
	b.awake("the end of the ramp", func(s swarm.NodeStatus) bool { return s.Level == 20 })
	if took := time.Since(start); took < 470*time.Millisecond {
		t.Errorf("20 users at 40 a second after %v", took)
	}
}

func pause(t *testing.T, b *bench) {
	b.assign(users(5))
	b.until("work", func(swarm.NodeStatus) bool { return b.Begun.Load() > 20 })
	b.assign(func(a *swarm.Assignment) { a.Paused = true })
	b.until("all are held", func(s swarm.NodeStatus) bool { return s.Doing.Paused == 5 })
	before := b.Begun.Load()
	time.Sleep(50 * time.Millisecond)
	if got := b.Begun.Load(); got != before {
		t.Errorf("%d tasks begun in a pause", got-before)
	}
	if s := b.node.Status(); s.Active != 5 || b.Users.Load() != 5 {
		t.Errorf("in a pause: %d users, want 5", s.Active)
	}
	b.assign(func(a *swarm.Assignment) { a.Paused = false })
	b.until("work after the pause", func(swarm.NodeStatus) bool { return b.Begun.Load() > before+20 })
}

func graceful(t *testing.T, b *bench) {
	b.assign(users(3))
	b.until("three tasks", func(swarm.NodeStatus) bool { return b.Begun.Load() == 3 })
	b.assign(func(a *swarm.Assignment) { a.Stop = swarm.Graceful })
	b.awake("the last user has left", func(s swarm.NodeStatus) bool { return s.Count() == 0 })
	if got := b.Ended.Load(); got != 3 || b.Begun.Load() != 3 {
		t.Errorf("%d of %d tasks came to their end, want 3 of 3", got, b.Begun.Load())
	}
}

func hard(t *testing.T, b *bench) {
	b.assign(users(3))
	b.until("three tasks", func(swarm.NodeStatus) bool { return b.Begun.Load() == 3 })
	b.assign(func(a *swarm.Assignment) { a.Stop = swarm.Graceful })
	if s := b.until("the stop", func(s swarm.NodeStatus) bool { return s.Stopping == 3 }); s.Active != 0 {
		t.Errorf("status %+v, want nobody active", s)
	}
	b.assign(func(a *swarm.Assignment) { a.Stop = swarm.Hard })
	b.awake("the last user has left", func(s swarm.NodeStatus) bool { return s.Count() == 0 })
	if got := b.Aborted.Load(); got != 3 {
		t.Errorf("%d tasks were cancelled, want 3", got)
	}
}

func quota(t *testing.T, b *bench) {
	b.assign(func(a *swarm.Assignment) { a.Users[0], a.Quota = 7, 50 })
	b.until("the quota", func(s swarm.NodeStatus) bool { return s.Exhausted })
	b.assign(func(a *swarm.Assignment) { a.Quota = 101 })
	b.assign(func(a *swarm.Assignment) { a.Users[0] = 0 })
	b.until("nobody", running(0))
	b.assign(func(a *swarm.Assignment) { a.Users[0] = 7 })
	b.until("the higher quota", func(s swarm.NodeStatus) bool { return s.Exhausted && s.Count() == 0 })
	if got := b.Ended.Load(); got != 101 {
		t.Errorf("%d tasks, want 101", got)
	}
}

func noQuota(t *testing.T, b *bench) {
	b.assign(func(a *swarm.Assignment) { a.Users[0], a.Quota = 3, 0 })
	b.until("nothing to do", func(s swarm.NodeStatus) bool { return s.Exhausted && s.Count() == 0 })
	if got := b.Begun.Load(); got != 0 {
		t.Errorf("%d tasks, want none", got)
	}
}

func arrivals(t *testing.T, b *bench) {
	b.assign(func(a *swarm.Assignment) {
		a.Users[0], a.Open, a.Arrivals, a.Until = 10, true, 200, 500*time.Millisecond
	})
	b.until("all that is due", func(swarm.NodeStatus) bool { return b.Ended.Load() >= 100 })
	b.assign(func(a *swarm.Assignment) { a.Stop = swarm.Graceful })
	b.awake("the last user has left", func(s swarm.NodeStatus) bool { return s.Count() == 0 })
	if got := b.Ended.Load(); got != 100 {
		t.Errorf("%d tasks in half a second at 200 a second, want 100", got)
	}
}

func asks(t *testing.T, b *bench) {
	b.assign(users(2))
	b.until("work", func(swarm.NodeStatus) bool { return b.Begun.Load() > 5 })
	b.Asks.Store(true)
	b.awake("the wish", func(s swarm.NodeStatus) bool { return s.Reason == "enough" })
}
