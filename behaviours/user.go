package behaviours

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"tload/stats"
	"tload/swarm"
)

// User is one simulated user. It embeds the HTTP client with its connection,
// cookies and redirects. Its methods are for its tasks and hooks, on the
// goroutine that they are called on.
type User struct {
	*Client

	user  *swarm.User // nil while a behaviour is only looked at
	kind  *kind
	log   *slog.Logger
	task  string
	count int // of tasks begun
	pace  pace
	due   time.Time     // of the next task, with pacing
	ended time.Duration // when the last task did, on the sweeper's clock; 0 after a wait

	set   *Set // from New
	root  *plan
	sets  []visit  // that the user is in, outermost first
	first [1]visit // where sets begins: nearly all users are in one
	next  *planned // the task that leave was asked for; nil at first
	what  *Task    // its

	plainHTTP *http.Client // nil until somebody asks for it
}

// visit is a user's stay in a set.
type visit struct {
	set   *Set
	plan  *plan
	step  *planned // that led here; nil at the top
	picks int
	began time.Duration // on the sweeper's clock
}

// ID is the user's number, unique in the swarm, from 1; 0 while a behaviour's
// tasks are only looked at.
func (u *User) ID() int64 {
	if u.user == nil {
		return 0
	}
	return u.user.ID
}

// Rand is a source of random numbers of the user's own. With --seed it repeats.
func (u *User) Rand() *rand.Rand {
	if u.user == nil {
		return rand.New(rand.NewPCG(0, 0))
	}
	return &u.user.Rand
}

// Log writes to the run's log, which the logs screen shows.
func (u *User) Log() *slog.Logger {
	if u.log == nil {
		u.log = u.kind.run.Log.With("behaviour", u.kind.name, "user", u.ID())
	}
	return u.log
}

// Sleep waits for d inside a task. It returns early, with the reason, when the
// user is to stop or ctx ends.
func (u *User) Sleep(ctx context.Context, d time.Duration) error {
	if u.user == nil {
		return nil
	}
	if u.user.Sleep(ctx, d) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return StopUser
}

// skipped stands for a task where a set could not be entered.
var skipped planned

// life is a User as the swarm knows it, so that authors do not see its methods.
type life User

// Act implements swarm.Life: it does the task that leave was given for and
// picks the next, through the sets on the way.
func (l *life) Act(ctx context.Context, leave swarm.Leave, ok bool) (think time.Duration, more bool) {
	u := (*User)(l)
	switch {
	case u.next == nil:
		if err := u.enter(ctx, u.set, ""); err != nil {
			u.quit(ctx, err)
			return 0, false
		}
		u.sets = append(u.first[:0], visit{set: u.set, plan: u.root})
	case !ok:
		u.quit(ctx, StopUser)
	case u.next != &skipped:
		switch err := u.do(ctx, u.next, leave); err {
		case nil:
		case Interrupt:
			u.exit(ctx)
		default:
			u.quit(ctx, err)
		}
	}
	for len(u.sets) > 0 {
		here := &u.sets[len(u.sets)-1]
		t := u.pick(here)
		here.picks++
		switch {
		case t == nil:
			u.exit(ctx)
			continue
		case t.set == nil:
			u.next, u.what = t, &here.set.Tasks[t.at]
		case u.visit(ctx, here.set.Tasks[t.at].Set, t):
			continue
		default:
			// A set that cannot be entered must not be tried in a tight loop,
			// nor without leave: it takes the place of a task.
			u.next = &skipped
		}
		think = u.think(here.set)
		if think > 0 || u.user.Open() {
			// Only a user that waits gives its buffers back.
			u.Client.release()
			u.ended = 0
		}
		return think, true
	}
	return 0, false
}

// Close implements swarm.Life.
func (l *life) Close() {
	l.Client.close()
	if l.plainHTTP != nil {
		l.plainHTTP.CloseIdleConnections()
	}
}

// exit leaves the innermost set.
func (u *User) exit(ctx context.Context) {
	last := len(u.sets) - 1
	v := u.sets[last]
	u.sets = u.sets[:last]
	if v.step == nil {
		u.leave(ctx, v.set, "")
		return
	}
	u.leave(ctx, v.set, v.step.name)
	u.user.Sink.Record(u.kind.meters[v.step.index], stats.Sample{Took: u.sweeper.Now() - v.began})
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

// leave runs a set's OnStop, also when the user was stopped hard: with a
// context of its own.
func (u *User) leave(ctx context.Context, s *Set, path string) {
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
	u.begin(name, swarm.Leave{})
	err := u.guard(ctx, f)
	u.end(ctx, err)
	return err
}

// pick is the next task of a visit, nil when the visit is over.
func (u *User) pick(v *visit) *planned {
	loops, tasks, n := v.set.Loops, v.plan.tasks, v.picks
	switch {
	case u.kind.run.once:
		if n == len(tasks) {
			return nil
		}
		return &tasks[n]
	case v.set.Sequential:
		if loops > 0 && n >= loops*len(tasks) {
			return nil
		}
		return &tasks[n%len(tasks)]
	case loops > 0 && n >= loops:
		return nil
	}
	return &tasks[v.plan.pick(u.Rand())]
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
	return wait.think(&u.user.Rand)
}

func (p *plan) pick(r *rand.Rand) int {
	if len(p.tasks) == 1 {
		return 0
	}
	n := r.IntN(p.total)
	for i := range p.tasks {
		if n -= p.tasks[i].weight; n < 0 {
			return i
		}
	}
	return len(p.tasks) - 1
}

// do does one task. Of the errors it returns only those that leave count, as
// themselves; all others are recorded.
func (u *User) do(ctx context.Context, t *planned, start swarm.Leave) error {
	switch {
	case u.due.IsZero():
	case start.Held: // what the pause delayed is not late; the schedule begins anew
		start.Due = true
		u.pace = pace{}
	default:
		start.Due, start.Late = true, max(time.Since(u.due), 0)
	}
	meter := u.kind.meters[t.index]
	u.count++
	u.user.Task(&t.name)
	u.begin(t.name, start)
	// Of a user that did not wait, the last task's end is this one's beginning:
	// a reading of the clock is a fair part of what a task costs.
	began := u.ended
	if began == 0 || start.Held {
		began = u.sweeper.Now()
	}
	var err error
	if q := u.what.Request; q != nil && !q.foreign() {
		u.Client.now = began
		_, err = u.Do(ctx, q.method(), q.Path, q.Body, q.Options...)
		u.ended = u.resp.reply.End
		u.Client.forget() // nobody looks at the reply: the next user's gets the same memory
	} else {
		err = u.guard(ctx, u.run)
		u.ended = u.sweeper.Now()
	}
	sample := stats.Sample{Took: u.ended - began, Due: start.Due, Late: start.Late}
	leaving := leaves(err)
	switch {
	case err == nil || leaving != nil:
	case ctx.Err() != nil:
		sample.Kind = stats.Aborted
	default:
		sample.Kind = stats.Error
	}
	u.user.Sink.Record(meter, sample)
	if err != nil {
		u.end(ctx, err)
	}
	return leaving
}

// run runs the task in hand, the author's code in it.
func (u *User) run(ctx context.Context) error {
	if q := u.what.Request; q != nil {
		_, err := u.Do(ctx, q.method(), q.Path, q.Body, q.Options...)
		return err
	}
	return u.what.Run(ctx)
}

// leaves is the sentinel that err is or wraps, nil if it is none.
func leaves(err error) error {
	if err == nil {
		return nil
	}
	for _, s := range [...]error{Interrupt, StopUser, StopRun} {
		if errors.Is(err, s) {
			return s
		}
	}
	return nil
}

// visit enters a nested set. It returns false if its OnStart failed.
func (u *User) visit(ctx context.Context, s *Set, t *planned) bool {
	v := visit{set: s, plan: t.set, step: t, began: u.sweeper.Now()}
	err := u.enter(ctx, s, t.name)
	if err == nil {
		u.sets = append(u.sets, v)
		return true
	}
	u.user.Sink.Record(u.kind.meters[t.index], stats.Sample{Took: u.sweeper.Now() - v.began, Kind: stats.Error})
	if leaving := leaves(err); leaving != nil && leaving != Interrupt {
		u.quit(ctx, leaving)
		return true
	}
	u.count++
	return false
}

func (u *User) begin(task string, start swarm.Leave) {
	u.task = task
	u.Client.doing(task, u.count, start.Due, start.Late)
}

// end accounts for what a task returned.
func (u *User) end(ctx context.Context, err error) {
	switch {
	case err == nil, errors.Is(err, Interrupt), errors.Is(err, StopUser), errors.Is(err, StopRun):
	case ctx.Err() != nil: // cut off by the end of the run
	case isRecorded(err):
	default:
		var p *panicError
		if errors.As(err, &p) {
			u.exception(stats.Panic, p.Error(), p.stack)
			u.Log().Error("panic in a task", "task", u.task, "panic", p.value)
			return
		}
		u.exception(stats.Error, err.Error(), detailOf(err))
	}
}

// exception counts a failure of the behaviour itself.
func (u *User) exception(kind stats.Kind, message string, detail []byte) {
	key := stats.Key{Class: stats.Task, Method: u.kind.name, Name: u.task}
	u.user.Sink.Exception(key, kind, message, &stats.Exchange{
		When: time.Now(), Key: key, Kind: kind, Message: message,
		User: int(u.user.ID), Behaviour: u.kind.name, Task: u.task, Iteration: u.count,
		Response: stats.Part{Body: detail, Size: int64(len(detail)), Expected: -1},
	})
}

type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprint("panic: ", p.value) }

// guard calls f and turns its panic into an error.
func (u *User) guard(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{r, debug.Stack()}
		}
	}()
	return f(ctx)
}
