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
// cookies and redirects. It is for the user's own goroutine.
type User struct {
	*Client

	user  *swarm.User // nil while a behaviour is only looked at
	kind  *kind
	log   *slog.Logger
	task  string
	count int // of tasks begun
	pace  pace

	plainHTTP *http.Client // nil until somebody asks for it
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
	return u.user.Rand
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
	defer u.user.Doing(swarm.InTask)
	if u.user.Wait(ctx, d) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return StopUser
}

// live acts as the user until it is to end.
func (u *User) live(ctx context.Context) {
	root := u.plan()
	if u.enter(ctx, root.set, "") != nil {
		return
	}
	err := u.walk(ctx, root)
	u.leave(ctx, root.set, "")
	if errors.Is(err, StopRun) {
		u.user.StopRun("behaviour")
	}
}

// plan has the author's New called on a goroutine of its own: what it needs of
// stack would stay with the user, who may be one of very many that only wait.
func (u *User) plan() *plan {
	type made struct {
		root  *plan
		err   error
		panic any
	}
	c := make(chan made, 1)
	go func() {
		var m made
		defer func() {
			m.panic = recover()
			c <- m
		}()
		m.root, m.err = u.kind.plan(u, nil)
	}()
	m := <-c
	if m.panic != nil {
		panic(m.panic)
	}
	if m.err != nil {
		panic(m.err)
	}
	return m.root
}

// enter runs a set's OnStart.
func (u *User) enter(ctx context.Context, s *Set, path string) error {
	if s.OnStart == nil {
		return nil
	}
	return u.hook(ctx, s.OnStart, path, "OnStart", swarm.Starting)
}

// leave runs a set's OnStop, also when the user was stopped hard: with a
// context of its own.
func (u *User) leave(ctx context.Context, s *Set, path string) {
	if s.OnStop == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.user.Grace())
	defer cancel()
	u.hook(ctx, s.OnStop, path, "OnStop", swarm.InTask)
}

func (u *User) hook(ctx context.Context, f func(context.Context) error, path, name string, doing uint32) error {
	if path != "" {
		name = path + "/" + name
	}
	u.user.Doing(doing)
	u.begin(name, swarm.Start{})
	err := u.guard(ctx, f)
	u.end(ctx, err)
	return err
}

// walk picks tasks until the set is left. It returns nil when it was left
// regularly, otherwise why the user or the run ends.
func (u *User) walk(ctx context.Context, p *plan) error {
	wait := p.set.Wait
	if wait == (Wait{}) {
		wait = u.kind.wait
	}
	for n := 0; ; n++ {
		turn := n
		if u.kind.run.once {
			if n == len(p.tasks) {
				return nil
			}
		} else if !p.set.Sequential {
			turn = p.pick(u.user.Rand)
		} else if turn = n % len(p.tasks); turn == 0 && n > 0 && p.set.Loops > 0 && n/len(p.tasks) >= p.set.Loops {
			return nil
		}
		if !u.kind.run.once && !p.set.Sequential && p.set.Loops > 0 && n >= p.set.Loops {
			return nil
		}
		err := u.step(ctx, &p.tasks[turn], wait)
		switch {
		case err == nil:
		case errors.Is(err, Interrupt):
			return nil
		case errors.Is(err, StopUser), errors.Is(err, StopRun):
			return err
		}
	}
}

func (p *plan) pick(r *rand.Rand) int {
	if len(p.tasks) == 1 {
		return 0
	}
	n := r.IntN(p.total)
	for i := range p.tasks {
		if n -= p.tasks[i].task.weight(); n < 0 {
			return i
		}
	}
	return len(p.tasks) - 1
}

// step does one task, or visits one nested set. Of the errors it returns only
// those that leave count; all others are recorded.
func (u *User) step(ctx context.Context, t *planned, wait Wait) error {
	if t.set != nil {
		return u.visit(ctx, t)
	}
	due := time.Time{}
	if !u.user.Open() {
		if wait.kind == paced {
			now := time.Now()
			due = u.pace.next(wait.a, now, u.user.Rand)
			if !u.user.Wait(ctx, due.Sub(now)) {
				return StopUser
			}
		} else if u.count > 0 && !u.user.Wait(ctx, wait.think(u.user.Rand)) {
			return StopUser
		}
	}
	start, ok := u.user.Next(ctx)
	if !ok {
		return StopUser
	}
	if !due.IsZero() {
		start = swarm.Start{Due: true, Late: max(time.Since(due), 0)}
	}
	meter := u.kind.meters[t.index]
	u.count++
	u.begin(t.name, start)
	began := u.sweeper.Now() // cheaper than time.Now, which also asks for the date
	err := u.guard(ctx, t.task.Run)
	sample := stats.Sample{Took: u.sweeper.Now() - began, Due: start.Due, Late: start.Late}
	leaves := errors.Is(err, Interrupt) || errors.Is(err, StopUser) || errors.Is(err, StopRun)
	switch {
	case err == nil || leaves:
	case ctx.Err() != nil:
		sample.Kind = stats.Aborted
	default:
		sample.Kind = stats.Error
	}
	u.user.Sink.Record(meter, sample)
	u.end(ctx, err)
	if leaves {
		return err
	}
	return nil
}

// visit enters a nested set, walks it and leaves it.
func (u *User) visit(ctx context.Context, t *planned) error {
	began := time.Now()
	sample := stats.Sample{}
	err := u.enter(ctx, t.task.Set, t.name)
	if err == nil {
		err = u.walk(ctx, t.set)
		u.leave(ctx, t.task.Set, t.name)
	} else {
		sample.Kind = stats.Error
		// A set that cannot be entered must not be tried in a tight loop: the
		// pause is the wait that its first task would have had.
		if !u.user.Wait(ctx, u.kind.wait.think(u.user.Rand)) {
			err = StopUser
		}
	}
	sample.Took = time.Since(began)
	u.user.Sink.Record(u.kind.meters[t.index], sample)
	return err
}

func (u *User) begin(task string, start swarm.Start) {
	u.task = task
	u.Client.doing(task, u.count, start.Due, start.Late)
}

// end accounts for what a task returned and gives its buffers back.
func (u *User) end(ctx context.Context, err error) {
	u.Client.release()
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
