package client

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"tload/behaviours/http1"
	"tload/stats"
)

// Driver is a Client as whoever drives its user knows it, so that authors do not
// see these methods:
//
//	d := (*client.Driver)(c)
//	defer d.Close()
//
// A request that is a task of its own is sent, and its reply looked at, by
// whoever comes by, so that no goroutine waits for it: Launch is the first half
// of Client.Do, Land the second. What does not go as nearly always (a connection
// to be made, a reply in pieces, a redirect, an error) is waited for as by Do.
type Driver Client

// Doing says which task is in hand, for exchanges, and how late its start was,
// if it was due at some time, for its first request.
func (d *Driver) Doing(task string, iteration int, due bool, late time.Duration) {
	if c := (*Client)(d); c.take() == nil { // else a goroutine of another task is in its request
		c.settle()
		d.task, d.iteration, d.due, d.late = task, iteration, due, late
		c.give()
	}
}

// TakeLate is what Doing said of the start, for who measures something else than
// a request. It is told once.
func (d *Driver) TakeLate() (due bool, late time.Duration) {
	if c := (*Client)(d); c.take() == nil {
		due, late = d.due, d.late
		d.due, d.late = false, 0
		c.give()
	}
	return due, late
}

// Now is the time on the clock that requests are timed by.
func (d *Driver) Now() time.Duration { return d.sweeper.Now() }

// Do is Client.Do of a request at whose reply nobody looks. now is a fresh
// reading of the clock, end when the reply was there.
func (d *Driver) Do(ctx context.Context, now time.Duration, method, path string, body []byte, opts []Option) (end time.Duration, err error) {
	c := (*Client)(d)
	if err := c.take(); err != nil {
		return c.sweeper.Now(), err
	}
	defer c.give()
	c.now, c.unread = now, true
	if !httpguts.ValidHeaderFieldName(method) {
		_, err = c.badMethod(method)
		return c.unlooked(), err
	}
	k := c.prepare(method, path, "", body, opts)
	if k.err == nil {
		c.once(ctx, k, opts)
	}
	_, err = c.conclude(ctx, k, opts)
	return c.unlooked(), err
}

// unlooked ends a request at whose reply nobody looks: the next user's gets the
// same memory.
func (c *Client) unlooked() time.Duration {
	c.unread = false
	c.forget()
	return c.resp.reply.End
}

// RunsCode says whether one of the options is code of the author's.
func RunsCode(opts []Option) bool {
	return slices.ContainsFunc(opts, func(o Option) bool { return o.check != nil })
}

// Launchable says whether such a request can be sent by who does not wait for
// anything: in one piece, to where the user is connected to.
func Launchable(method, path string, body []byte, opts []Option) bool {
	return httpguts.ValidHeaderFieldName(method) && (path == "" || path[0] == '/' || path[0] == '?') && len(body) <= inlineBody &&
		!slices.ContainsFunc(opts, func(o Option) bool {
			return o.check != nil || o.what == optHeader && strings.EqualFold(o.a, "Expect")
		})
}

// Ready says whether a request that is launchable can be launched now.
func (d *Driver) Ready(ctx context.Context, now time.Duration) bool {
	c := (*Client)(d)
	if c.t.base == nil || c.who.Trace != nil || ctx.Done() != c.done || c.take() != nil {
		return false
	}
	defer c.give()
	if c.wants("Expect") {
		return false
	}
	conn := c.route(c.t.base).conn
	return conn != nil && conn.Startable() && conn.Usable(now)
}

// Launch sends the request. If it returns true then is told when it is time to
// land; if false, that is now. now is as Do has it, during http1.Conn.Start's.
func (d *Driver) Launch(now time.Duration, method, path string, body []byte, opts []Option, then http1.Waiter, during bool) bool {
	c := (*Client)(d)
	if c.launched = c.take() == nil; !c.launched {
		return false
	}
	c.now, c.unread = now, true
	k := c.prepare(method, path, "", body, opts)
	if k.err != nil {
		return false
	}
	route := c.address(k, opts)
	if route == nil || route.conn == nil {
		return false
	}
	k.conn, k.reused = route.conn, true
	return k.conn.Start(c.request(k), &c.resp.reply, then, during)
}

// Redirected says whether landing means to follow a redirect.
func (d *Driver) Redirected() bool {
	return d.launched && d.resp.reply.Status/100 == 3 && d.out.call.follow
}

// Land reads the reply to what was launched, judges and records it. It returns
// what Do does.
func (d *Driver) Land(ctx context.Context, opts []Option) (end time.Duration, err error) {
	c := (*Client)(d)
	if !c.launched {
		return c.sweeper.Now(), errInUse
	}
	c.launched = false
	defer c.give()
	k := &c.out.call
	switch {
	case k.err != nil:
	case k.conn == nil: // it was found closed at the last moment
		c.once(ctx, k, opts)
	default:
		route := c.route(k.origin)
		k.err = c.received(ctx, k, k.start, k.conn.Finish())
		if k.stale() {
			route.drop()
			k.sample.Reconnect = true
			c.exchange(ctx, k, route)
		} else {
			c.arrived(k, route)
		}
	}
	_, err = c.conclude(ctx, k, opts)
	return c.unlooked(), err
}

// Release gives back what the last reply held, for as long as the user waits.
// The Response is invalid then.
func (d *Driver) Release() { (*Client)(d).release() }

// Close closes the client's connections.
func (d *Driver) Close() {
	(*Client)(d).close()
	if d.plain != nil {
		d.plain.CloseIdleConnections()
	}
}

// Mask is a text without what is secret.
func (d *Driver) Mask(text string) string { return d.t.options.Masker.Text(text) }

// Part is a direction of an exchange that is no HTTP, with as much of b as
// --capture-body allows.
func (d *Driver) Part(b []byte) stats.Part {
	return stats.Part{Body: bytes.Clone(b[:min(len(b), d.t.options.CaptureBody)]), Size: int64(len(b)), Expected: -1}
}
