package behaviours

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tload/behaviours/client"
	"tload/stats"
	"tload/swarm/crew"
)

// startable says whether the next task is a request that can be sent, and its
// reply be waited for, without a goroutine.
func (u *User) startable(ctx context.Context) bool {
	q := u.what.Request
	return q != nil && client.Launchable(q.method(), u.path, q.Body, q.Options) && u.driver().Ready(ctx, u.clock())
}

// clock is the time now. Of a user that did not wait, it is when its last task
// ended: a reading of the clock is a fair part of what a task costs.
func (u *User) clock() time.Duration {
	if u.ended == 0 {
		u.ended = u.driver().Now()
	}
	return u.ended
}

// begin is what comes before a task.
func (u *User) begin(start crew.Permit) {
	switch {
	case u.due.IsZero():
	case start.Held: // what the pause delayed is not late; the schedule begins anew
		start.Due = true
		u.pace = pace{}
	default:
		start.Due, start.Late = true, max(time.Since(u.due), 0)
	}
	u.count++
	u.user.Task(&u.next.name)
	u.doing(u.next.name, start)
	if start.Held {
		u.ended = 0
	}
	u.start, u.began = start, u.clock()
}

// do does a task and waits for it. Of the errors it returns only those that
// leave count, as themselves; all others are recorded.
func (u *User) do(ctx context.Context) error {
	if q := u.what.Request; q != nil && !client.RunsCode(q.Options) {
		end, err := u.driver().Do(ctx, u.began, q.method(), u.path, q.Body, q.Options)
		u.ended = end
		return u.done(ctx, err)
	}
	err := u.guard(ctx, u.run)
	u.ended = u.driver().Now()
	return u.done(ctx, err)
}

// land is the end of a task that was launched; see do.
func (u *User) land(ctx context.Context) error {
	end, err := u.driver().Land(ctx, u.what.Request.Options)
	u.ended = end
	return u.done(ctx, err)
}

// done records the task in hand.
func (u *User) done(ctx context.Context, err error) error {
	sample := stats.Sample{Took: u.ended - u.began, Due: u.start.Due, Late: u.start.Late}
	leaving := wayOut(err)
	switch {
	case err == nil || leaving != nil:
	case ctx.Err() != nil:
		sample.Kind = stats.Aborted
	default:
		sample.Kind = stats.Error
	}
	u.user.Sink.Record(u.kind.meters[u.next.index], sample)
	if err != nil {
		u.end(ctx, err)
	}
	return leaving
}

// run runs the task in hand, the author's code in it.
func (u *User) run(ctx context.Context) error {
	if q := u.what.Request; q != nil {
		_, err := u.Do(ctx, q.method(), u.path, q.Body, q.Options...)
		return err
	}
	return u.what.Run(ctx)
}

// wayOut is the sentinel that err is or wraps, nil if it is none.
func wayOut(err error) error {
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

// doing notes which task or hook is in hand.
func (u *User) doing(task string, start crew.Permit) {
	u.task = task
	u.driver().Doing(task, u.count, start.Due, start.Late)
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
	message = u.driver().Mask(message)
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
