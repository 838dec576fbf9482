package client

import (
	"context"
	"errors"
	"math"
	"time"

	"tload/behaviours/http1"
	"tload/stats"
)

// call is a request under way.
type call struct {
	method, name string // of the row
	named        bool   // by the author; else the name is the URL, until record masks it
	verb         string // of the request in hand: a redirect may change it
	first        *origin
	origin       *origin
	prefix, path string // the request's target, to be escaped
	contentType  string
	body         []byte
	timeout      time.Duration
	follow       bool
	expect       bool // there is an Expect
	checks       bool // there is an option that looks at the body
	caught       bool // its author judges it
	foreign      bool // a redirect has left the first origin
	own          bool // it has headers of its own
	cookied      bool // it has its Cookie header, or is to have none

	start   time.Duration
	sample  stats.Sample
	phases  stats.Phases
	hops    []stats.Hop
	conn    *http1.Conn
	mux     *mux
	reused  bool
	wait    bool // for 100 Continue
	closing bool // it says Connection: close
	err     *http1.Error
}

// send is every request: settings, sending, following, judging, recording.
func (c *Client) send(ctx context.Context, method, path, contentType string, body []byte, opts []Option) (*Response, error) {
	if err := c.take(); err != nil {
		return c.refuse(method, path, err)
	}
	defer c.give()
	return c.sendTaken(ctx, method, path, contentType, body, opts)
}

// sendTaken is send by who has the client.
func (c *Client) sendTaken(ctx context.Context, method, path, contentType string, body []byte, opts []Option) (*Response, error) {
	k := c.prepare(method, path, contentType, body, opts)
	if k.err == nil {
		c.once(ctx, k, opts)
	}
	return c.conclude(ctx, k, opts)
}

// prepare is what comes before a request.
func (c *Client) prepare(method, path, contentType string, body []byte, opts []Option) *call {
	if c.unjudged {
		c.settle()
	}
	if c.out == nil {
		c.out = scratches.Get().(*scratch)
	}
	k := &c.out.call
	*k = call{}
	k.method, k.name, k.verb, k.contentType, k.body = method, path, method, contentType, body
	k.timeout, k.follow = c.t.options.Timeout, !c.t.options.NoFollow
	for i := range opts {
		switch o := &opts[i]; o.what {
		case optName:
			k.name, k.named = o.a, true
		case optTimeout:
			k.timeout = o.d
		case optNoRedirect:
			k.follow = false
		case optExpect:
			k.expect = true
		case optCheck, optContains, optJSONPath:
			k.checks = true
		case optCatch:
			k.caught = !c.unread
		}
	}
	k.sample.Due, k.sample.Late = c.due, c.late
	c.due, c.late = false, 0
	if c.who.Sink != nil {
		c.who.Sink.Begin()
	}
	k.start, c.now = c.now, 0
	if k.start == 0 {
		k.start = c.sweeper.Now()
	}
	c.turn()
	r := c.resp
	r.limit, r.decoded, r.failure = c.t.options.MaxBody, nil, nil
	k.err = c.locate(k, path)
	if k.err != nil {
		c.noReply()
	}
	return k
}

// conclude is what comes after the reply: redirects, judging, recording.
func (c *Client) conclude(ctx context.Context, k *call, opts []Option) (*Response, error) {
	r := c.resp
	for k.err == nil && k.follow && r.Status/100 == 3 && c.redirect(k, opts) {
		if k.err == nil {
			c.once(ctx, k, opts)
		}
	}
	if k.err != nil && len(k.err.Head) > 0 {
		r.reply.Head, r.reply.Body = k.err.Head, k.err.Body
	}
	r.Took = max(r.reply.End-k.start, 0)
	r.Timing = k.phases
	return r, c.judge(k, opts)
}

// once sends the request once and reads the reply into c.resp, with the one
// exception that a kept connection may turn out to be closed.
func (c *Client) once(ctx context.Context, k *call, opts []Option) {
	k.conn, k.mux = nil, nil
	if c.t.options.HTTP2 || c.t.options.HTTP3 {
		c.onceMux(ctx, k, opts)
	} else if route := c.address(k, opts); route != nil {
		c.exchange(ctx, k, route)
	}
}

// address renders the request and finds its way; nil if it cannot be sent.
func (c *Client) address(k *call, opts []Option) *route {
	c.resp.Status = 0
	if k.err = c.render(k, opts); k.err != nil {
		c.noReply()
		return nil
	}
	route := c.route(k.origin)
	if c.holder != nil && c.holder != route.conn {
		c.holder.Release()
		c.holder = nil
	}
	now := k.start
	if k.origin.secure && len(k.body) > inlineBody {
		now = math.MaxInt64 // look in any case: TLS may have read the end, and such a body is sent before it says so
	}
	if route.conn != nil && !route.conn.Usable(now) {
		route.drop()
		k.sample.Reconnect = true
	}
	return route
}

func (c *Client) exchange(ctx context.Context, k *call, route *route) {
	for {
		k.reused = route.conn != nil
		if route.conn == nil {
			if c.connect(ctx, k, route); k.err != nil {
				c.noReply()
				return
			}
		}
		k.conn = route.conn
		k.err = c.roundTrip(ctx, k)
		if !k.stale() {
			break
		}
		route.drop()
		k.sample.Reconnect = true
	}
	c.arrived(k, route)
}

// stale says whether the request is to be sent again: the server closed or reset
// a kept connection before a byte of the reply and is not known to have read the
// request. That happens once, over a new connection, and is counted as a reconnect.
// What is not idempotent is only sent again if no byte of it was sent: nobody can
// say whether it was done, so it fails (RFC 9110, 9.2.2).
func (k *call) stale() bool {
	return k.err != nil && k.err.Stale && (k.err.Unsent || idempotent(k.verb))
}

// arrived accounts for the reply.
func (c *Client) arrived(k *call, route *route) {
	c.holder = k.conn
	reply := &c.resp.reply
	c.resp.Status = reply.Status
	k.sample.In += reply.In
	k.sample.Out += reply.Out
	if !reply.KeepAlive || c.t.options.NoKeepalive || k.closing {
		route.drop() // RFC 9112, 9.6: who says close must close, whatever the server says
	}
	k.sample.Stalled = k.sample.Stalled || reply.Stalled
	if reply.Cookies {
		c.storeCookies(k)
	}
}

// noReply is the response to a request that was never sent.
//
//go:noinline
func (c *Client) noReply() {
	r := &c.resp.reply
	*r = http1.Reply{}
	c.resp.Status, r.Expected, r.End = 0, -1, c.sweeper.Now()
}

// request is the request as the connection wants it.
func (c *Client) request(k *call) *http1.Request {
	q := &c.out.req
	q.Head, q.Body, q.HeadOnly, q.Continue = c.out.b, k.body, k.verb == "HEAD", k.wait
	q.Start, q.Timeout, q.MaxBody, q.Cancellable = k.start, k.timeout, c.t.options.MaxBody, true
	q.Keeper = (*keeper)(c)
	// Only a request that nothing has gone before may wait for others: its
	// start is when it is sent. Neither may one that was due: it would be late.
	q.Burst = !k.sample.Dialled && !k.sample.Due && !k.sample.Reconnect && len(k.hops) == 0
	return q
}

// roundTrip is one exchange over a connection that is there.
func (c *Client) roundTrip(ctx context.Context, k *call) *http1.Error {
	q, reply := c.request(k), &c.resp.reply
	done := ctx.Done()
	sent := k.start
	if k.sample.Dialled || len(k.hops) > 0 {
		sent = c.sweeper.Now()
	}
	var err error
	if done == c.done || done == nil {
		err = k.conn.RoundTrip(q, reply)
	} else {
		q.Done, q.Cancellable = done, false
		stop := context.AfterFunc(ctx, k.conn.Interrupt)
		err = k.conn.RoundTrip(q, reply)
		if !stop() {
			reply.KeepAlive = false // the interruption may still be to come
		}
	}
	return c.received(ctx, k, sent, err)
}

// received understands what came of a request that was sent at that time.
func (c *Client) received(ctx context.Context, k *call, sent time.Duration, err error) *http1.Error {
	q, reply := &c.out.req, &c.resp.reply
	q.Head, q.Body, q.Done = nil, nil, nil
	if reply.Sent > 0 {
		k.start, sent = reply.Sent, reply.Sent
	}
	if reply.Written > 0 {
		k.phases.Write = reply.Written - sent
		sent = reply.Written
	}
	k.phases.FirstByte = max(reply.FirstByte-sent, 0)
	k.phases.Body = reply.End - max(reply.FirstByte, sent)
	if err == nil {
		return nil
	}
	e := err.(*http1.Error)
	if e.Kind == stats.Aborted && errors.Is(ctx.Err(), context.DeadlineExceeded) && c.who.Base.Err() == nil {
		return &http1.Error{Kind: stats.Timeout, Phase: e.Phase, Err: ctx.Err(), Text: "timed out by the task's context " + e.Phase.String()}
	}
	return e
}

// connect opens the route's connection. It is not part of once for the sake of
// once's frame, which every request has on its stack.
//
//go:noinline
func (c *Client) connect(ctx context.Context, k *call, r *route) {
	if ctx.Done() == nil {
		ctx = c.who.Base
	}
	ctx, cancel := c.dialContext(ctx, k)
	defer cancel()
	c.t.tried.Store(true)
	d := c.dial(ctx, k.origin)
	k.phases.DNS, k.phases.Connect, k.phases.TLS = d.phases.DNS, d.phases.Connect, d.phases.TLS
	if k.err = d.err; d.err != nil {
		return
	}
	r.conn = d.conn
	c.t.stood.Store(true)
	k.sample.Dialled = true
	k.sample.Handshake = k.sample.Handshake || d.conn.TLS() != nil
}

// dialContext ends when the time that the request has left is over, or
// --connect-timeout.
func (c *Client) dialContext(ctx context.Context, k *call) (context.Context, context.CancelFunc) {
	after := c.t.options.ConnectTimeout
	left := after
	if k.timeout > 0 && k.start+k.timeout-c.sweeper.Now() < left {
		after, left = k.timeout, k.start+k.timeout-c.sweeper.Now()
	}
	return context.WithTimeoutCause(ctx, left, &dialTimeout{after})
}

// idempotent methods may be sent again when a kept connection was closed.
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}
