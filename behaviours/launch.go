package behaviours

import (
	"context"
	"time"

	"tload/behaviours/http1"
)

// A request that is a task of its own is sent, and its reply looked at, by
// whoever comes by, so that no goroutine waits for it: launch is the first half
// of Client.Do, land the second. What does not go as nearly always (a connection
// to be made, a reply in pieces, a redirect, an error) is waited for as by Do.

// startable says whether launch can be called for a request below the base URL.
func (c *Client) startable(ctx context.Context, now time.Duration) bool {
	if c.t.base == nil || c.who.Trace != nil || ctx.Done() != c.done {
		return false
	}
	conn := c.route(c.t.base).conn
	return conn != nil && conn.Startable() && conn.Usable(now)
}

// launch sends the request. If it returns true then is told when it is time to
// land; if false, that is now. during is http1.Conn.Start's.
func (c *Client) launch(q *Request, path string, then http1.Waiter, during bool) bool {
	c.unread = true
	k := c.prepare(q.method(), path, "", q.Body, q.Options)
	if k.err != nil {
		return false
	}
	route := c.address(k, q.Options)
	if route == nil || route.conn == nil {
		return false
	}
	k.conn, k.reused = route.conn, true
	return k.conn.Start(c.request(k), &c.resp.reply, then, during)
}

// land reads the reply to what was launched, judges and records it.
func (c *Client) land(ctx context.Context, opts []Option) (*Response, error) {
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
	return c.conclude(ctx, k, opts)
}

// redirected says whether landing means to follow a redirect.
func (c *Client) redirected() bool {
	return c.resp.reply.Status/100 == 3 && c.out.call.follow
}
