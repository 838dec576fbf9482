package behaviours

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"tload/stats"
)

// Measure times anything: one call, in the same rows, percentiles and errors as
// HTTP. kind is the protocol (tcp, grpc, sql …), name the row. If fn returns an
// error it is a failure, of a kind told from the error (TIMEOUT, RESET, CONNECT
// …, otherwise ERROR), with the payload that WithDetail gave it. Measure returns
// fn's error, marked as recorded, so that returning it from the task does not
// count it twice.
func (u *User) Measure(ctx context.Context, kind, name string, fn func(context.Context) error) error {
	return u.MeasureCall(ctx, kind, name, func(ctx context.Context, _ *Call) error { return fn(ctx) })
}

// Call is what a measured function can say about itself. All of it is
// optional; the byte slices are copied if the call fails, and only then.
type Call struct {
	Request, Response []byte     // what was sent and what came, for the errors view
	In, Out           int64      // bytes on the wire
	Status            int        // the protocol's status code
	Kind              stats.Kind // of the failure, where the error does not tell
	Dialled           bool
	Local, Remote     string
}

// MeasureCall is Measure for a function that says more about the call.
func (u *User) MeasureCall(ctx context.Context, kind, name string, fn func(context.Context, *Call) error) error {
	sink := u.user.Sink
	m := sink.Meter(stats.Key{Class: stats.Request, Method: kind, Name: name})
	var x stats.Sample
	x.Due, x.Late = u.driver().TakeLate()
	sink.Begin()
	var call Call
	began := time.Now()
	err := u.guard(ctx, func(ctx context.Context) error { return fn(ctx, &call) })
	x.Took = time.Since(began)
	x.In, x.Out, x.Status, x.Dialled = call.In, call.Out, call.Status, call.Dialled
	switch {
	case err == nil:
		sink.Record(m, x)
		return nil
	case u.aborted(err):
		x.Kind = stats.Aborted
		sink.Record(m, x)
		return recordedError{err}
	}
	_, panicked := errors.AsType[*panicError](err)
	switch x.Kind = call.Kind; {
	case panicked:
		x.Kind = stats.Panic
	case x.Kind == stats.OK:
		x.Kind = kindOf(err)
	}
	detail := call.Response
	if d, ok := errors.AsType[*detailed](err); ok {
		detail = d.detail
		if d.status != 0 {
			x.Status = d.status
		}
	}
	message := u.driver().Mask(err.Error())
	if keep := sink.Fail(m, x, message); keep.Wanted() {
		sink.Keep(keep, &stats.Exchange{
			When: time.Now().Add(-x.Took), Key: m.Key(), Kind: x.Kind, Status: x.Status, Message: message,
			User: int(u.ID()), Behaviour: u.kind.name, Task: u.task, Iteration: u.count,
			Request: u.driver().Part(call.Request), Response: u.driver().Part(detail), Took: x.Took, Late: x.Late,
			Conn: stats.ConnInfo{Proto: kind, Reused: !call.Dialled, Local: call.Local, Remote: call.Remote},
		})
	}
	if panicked {
		return err // the task's end tells of it too, an error of the task's own
	}
	return recordedError{err}
}

// kindOf tells from an error how a call failed.
func kindOf(err error) stats.Kind {
	var (
		dns     *net.DNSError
		timeout interface{ Timeout() bool }
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
	)
	switch {
	case errors.As(err, &dns):
		return stats.DNS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return stats.Timeout
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert):
		return stats.TLS
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return stats.Connect
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return stats.Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return stats.EOF
	}
	return stats.Error
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
