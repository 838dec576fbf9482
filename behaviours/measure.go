package behaviours

import (
	"context"
	"errors"
	"time"

	"tload/stats"
)

// Measure times anything: one call, in the same rows, percentiles and errors as
// HTTP. kind is the protocol (tcp, grpc, sql …), name the row. If fn returns an
// error it is a failure of kind ERROR, with the payload that WithDetail gave it.
// Measure returns fn's error, marked as recorded, so that returning it from the
// task does not count it twice.
func (u *User) Measure(ctx context.Context, kind, name string, fn func(context.Context) error) error {
	sink := u.user.Sink
	m := sink.Meter(stats.Key{Class: stats.Request, Method: kind, Name: name})
	x := stats.Sample{Due: u.Client.due, Late: u.Client.late}
	u.Client.due, u.Client.late = false, 0
	sink.Begin()
	began := time.Now()
	err := u.guard(ctx, fn)
	x.Took = time.Since(began)
	switch {
	case err == nil:
		sink.Record(m, x)
		return nil
	case u.aborted(err):
		x.Kind = stats.Aborted
		sink.Record(m, x)
		return recordedError{err}
	}
	x.Kind = stats.Error
	var p *panicError
	if errors.Is(err, context.DeadlineExceeded) {
		x.Kind = stats.Timeout
	}
	if errors.As(err, &p) {
		sink.Record(m, x)
		return err // counted as an exception by the task's end
	}
	if w, ok := errors.AsType[*detailed](err); ok {
		x.Status = w.status
	}
	if keep := sink.Fail(m, x, err.Error()); keep.Wanted() {
		detail := detailOf(err)
		sink.Keep(keep, &stats.Exchange{
			When: time.Now().Add(-x.Took), Key: m.Key(), Kind: x.Kind, Status: x.Status, Message: err.Error(),
			User: int(u.ID()), Behaviour: u.kind.name, Task: u.task, Iteration: u.count,
			Response: stats.Part{Body: detail, Size: int64(len(detail)), Expected: -1},
			Took:     x.Took, Late: x.Late, Conn: stats.ConnInfo{Proto: kind},
		})
	}
	return recordedError{err}
}

// aborted says whether err comes from the hard stop of the run.
func (u *User) aborted(err error) bool { return u.user.Killed() && err != nil }

// Transaction times a group of requests as one row of its own kind. It fails
// if fn returns an error, which Transaction returns.
func (u *User) Transaction(ctx context.Context, name string, fn func(context.Context) error) error {
	m := u.user.Sink.Meter(stats.Key{Class: stats.Transaction, Name: name})
	began := time.Now()
	err := fn(ctx)
	x := stats.Sample{Took: time.Since(began)}
	switch {
	case err == nil, errors.Is(err, Interrupt), errors.Is(err, StopUser), errors.Is(err, StopRun):
	case u.aborted(err):
		x.Kind = stats.Aborted
	default:
		x.Kind = stats.Error
	}
	u.user.Sink.Record(m, x)
	return err
}

// WithDetail gives err a payload, which the errors view shows as the body.
func WithDetail(err error, detail []byte) error {
	if err == nil {
		return nil
	}
	return &detailed{err: err, detail: detail}
}

// WithStatus gives err the protocol's status code besides a payload.
func WithStatus(err error, status int, detail []byte) error {
	if err == nil {
		return nil
	}
	return &detailed{err: err, status: status, detail: detail}
}

type detailed struct {
	err    error
	status int
	detail []byte
}

func (d *detailed) Error() string { return d.err.Error() }
func (d *detailed) Unwrap() error { return d.err }

func detailOf(err error) []byte {
	if d, ok := errors.AsType[*detailed](err); ok {
		return d.detail
	}
	return nil
}

// recordedError is an error that is in the table already.
type recordedError struct{ error }

func (e recordedError) Unwrap() error { return e.error }

// isRecorded says whether the error is in the table already.
func isRecorded(err error) bool {
	if _, ok := errors.AsType[recordedError](err); ok {
		return true
	}
	_, ok := errors.AsType[*RequestError](err)
	return ok
}
