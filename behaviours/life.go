package behaviours

import (
	"context"
	"errors"
	"math/rand/v2"
	"sort"
	"time"

	"tload/stats"
	"tload/swarm/crew"
)

// visit is a user's stay in a set.
type visit struct {
	set     *Set
	outline *outline
	step    *planned // that led here; nil at the top
	picks   int
	began   time.Duration // on the sweeper's clock
}

// skipped stands for a task where a set could not be entered.
var skipped planned

// stage is where in Act a user is. It is not asking only when Act has returned
// before its end.
type stage uint8

const (
	asking  stage = iota
	waiting       // for the reply to a request that was started
	picking
)

// life is a User as the crew knows it, so that authors do not see its methods.
type life User

// Act implements crew.Life: it does the task that the permit is for and
// picks the next, through the sets on the way. In brief it does only what runs
// nothing of the author's.
func (l *life) Act(ctx context.Context, start crew.Permit, ok, brief bool) (next crew.Next, think time.Duration) {
	u := (*User)(l)
	u.fresh = brief && (u.fresh || u.stage == waiting)
	var err error
	switch {
	case !ok:
		if brief {
			return crew.Stays, 0
		}
		err = StopUser
	case u.stage == picking:
	case u.stage == waiting:
		err = u.land(ctx)
	case u.next == nil:
		if err = u.enter(ctx, u.set, ""); err == nil {
			u.sets = append(u.first[:0], visit{set: u.set, outline: u.root})
		}
	case u.next == &skipped:
	case u.startable(ctx):
		u.begin(start)
		u.stage = waiting
		if q := u.what.Request; u.driver().Launch(u.began, q.method(), u.path, q.Body, q.Options, l, u.fresh) {
			return crew.Away, 0
		}
		if brief {
			return crew.Stays, 0
		}
		err = u.land(ctx)
	case brief:
		return crew.Stays, 0
	default:
		u.begin(start)
		err = u.do(ctx)
	}
	switch {
	case err == Interrupt && u.next != nil:
		u.exit(ctx)
	case err != nil:
		u.quit(ctx, err)
	}
	if brief && !u.flat() {
		u.stage = picking
		return crew.Stays, 0
	}
	u.stage = asking
	return u.pickNext(ctx)
}

// flat says whether picking the next task leads neither out of the user's set
// nor into another, and so runs nothing of the author's.
func (u *User) flat() bool {
	if len(u.sets) == 0 {
		return false
	}
	here := &u.sets[len(u.sets)-1]
	return here.set.Loops == 0 && !here.outline.deep && !u.kind.run.once
}

// pickNext finds the next task to ask a permit for.
func (u *User) pickNext(ctx context.Context) (next crew.Next, think time.Duration) {
	for len(u.sets) > 0 {
		here := &u.sets[len(u.sets)-1]
		t, nth := u.pick(here)
		here.picks++
		switch {
		case t == nil:
			u.exit(ctx)
			continue
		case t.set == nil:
			u.next, u.what = t, &here.set.Tasks[t.at]
			if q := u.what.Request; q != nil {
				u.path = q.path(u.which(q, nth))
			}
		case u.visit(ctx, here.set.Tasks[t.at].Set, t):
			continue
		default:
			// A set that cannot be entered must not be tried in a tight loop,
			// nor without a permit: it takes the place of a task.
			u.next = &skipped
		}
		think = u.think(here.set)
		if think > 0 || u.user.Open() {
			// Only a user that waits gives its buffers back.
			u.driver().Release()
			u.ended, u.fresh = 0, false
		}
		return crew.Asks, think
	}
	return crew.Ends, 0
}

// Replied implements http1.Waiter.
func (l *life) Replied(whole bool) {
	u := (*User)(l)
	u.user.Resume(whole && !u.driver().Redirected())
}

// Close implements crew.Life.
func (l *life) Close() {
	u := (*User)(l)
	u.driver().Close()
	for _, d := range u.feeds {
		d.giveBack(u)
	}
}

// exit leaves the innermost set.
func (u *User) exit(ctx context.Context) {
	last := len(u.sets) - 1
	v := u.sets[last]
	u.sets = u.sets[:last]
	if v.step == nil {
		u.stopped(ctx, v.set, "")
		return
	}
	u.stopped(ctx, v.set, v.step.name)
	u.user.Sink.Record(u.kind.meters[v.step.index], stats.Sample{Took: u.driver().Now() - v.began})
}

// quit leaves all sets, because of err.
func (u *User) quit(ctx context.Context, err error) {
	for len(u.sets) > 0 {
		u.exit(ctx)
	}
	if errors.Is(err, StopRun) {
		u.user.StopRun("behaviour")
	}
}

// enter runs a set's OnStart.
func (u *User) enter(ctx context.Context, s *Set, path string) error {
	if s.OnStart == nil {
		return nil
	}
	return u.hook(ctx, s.OnStart, path, "OnStart")
}

// stopped runs a set's OnStop, also when the user was stopped hard: with a
// context of its own.
func (u *User) stopped(ctx context.Context, s *Set, path string) {
	if s.OnStop == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.user.Grace())
	defer cancel()
	u.hook(ctx, s.OnStop, path, "OnStop")
}

func (u *User) hook(ctx context.Context, f func(context.Context) error, path, name string) error {
	if path != "" {
		name = path + "/" + name
	}
	u.ended = 0
	u.user.Task(&name)
	u.doing(name, crew.Permit{})
	err := u.guard(ctx, f)
	u.end(ctx, err)
	return err
}

// pick is the next task of a visit, nil when the visit is over. Where each is
// done once, nth is which of its requests.
func (u *User) pick(v *visit) (t *planned, nth int) {
	loops, tasks, n := v.set.Loops, v.outline.tasks, v.picks
	switch {
	case u.kind.run.once:
		i := sort.SearchInts(v.outline.once, n+1)
		if i == len(tasks) {
			return nil, 0
		}
		return &tasks[i], v.set.Tasks[tasks[i].at].times() - (v.outline.once[i] - n)
	case v.set.Sequential:
		if loops > 0 && n >= loops*len(tasks) {
			return nil, 0
		}
		return &tasks[n%len(tasks)], 0
	case loops > 0 && n >= loops:
		return nil, 0
	}
	if w := u.kind.weights.Load(); w != nil {
		return &tasks[v.outline.weigh(*w, u.Rand())], 0
	}
	return &tasks[v.outline.pick(u.Rand())], 0
}

// which of its requests a task sends: any, or in turn where each is sent once.
func (u *User) which(q *Request, nth int) int {
	if n := len(q.Paths); n > 1 && !u.kind.run.once {
		return u.user.Rand.IntN(n)
	}
	return nth
}

// think is how long to wait before the next task. With pacing it also notes
// when that task is due.
func (u *User) think(s *Set) time.Duration {
	u.due = time.Time{}
	if u.user.Open() {
		return 0 // arrivals decide
	}
	wait := &s.Wait
	if wait.kind == noWait {
		wait = &u.kind.wait
	}
	switch {
	case wait.kind == paced:
		now := time.Now()
		u.due = u.pace.next(wait.a, now, &u.user.Rand)
		return u.due.Sub(now)
	case u.count == 0:
		return 0
	}
	return wait.think(u)
}

func (p *outline) pick(r *rand.Rand) int {
	if len(p.tasks) == 1 {
		return 0
	}
	n := r.IntN(p.upTo[len(p.upTo)-1])
	if len(p.tasks) > 16 {
		return sort.SearchInts(p.upTo, n+1)
	}
	for i := range p.tasks {
		if n < p.upTo[i] {
			return i
		}
	}
	return len(p.tasks) - 1
}

// weigh is pick by weights that somebody has changed, by index of the task.
func (p *outline) weigh(weights []int, r *rand.Rand) int {
	total := 0
	for i := range p.tasks {
		total += weights[p.tasks[i].index]
	}
	if total <= 0 { // never: the last one of a set keeps its weight
		return p.pick(r)
	}
	n := r.IntN(total)
	for i := range p.tasks {
		if n -= weights[p.tasks[i].index]; n < 0 {
			return i
		}
	}
	return len(p.tasks) - 1
}

// visit enters a nested set. It returns false if its OnStart failed.
func (u *User) visit(ctx context.Context, s *Set, t *planned) bool {
	v := visit{set: s, outline: t.set, step: t, began: u.driver().Now()}
	err := u.enter(ctx, s, t.name)
	if err == nil {
		u.sets = append(u.sets, v)
		return true
	}
	u.user.Sink.Record(u.kind.meters[t.index], stats.Sample{Took: u.driver().Now() - v.began, Kind: stats.Error})
	if leaving := wayOut(err); leaving != nil && leaving != Interrupt {
		u.quit(ctx, leaving)
		return true
	}
	u.count++
	return false
}
