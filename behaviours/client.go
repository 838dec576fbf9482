package behaviours

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"tload/behaviours/http1"
	"tload/stats"
)

// Client is a user's HTTP client. Each method sends one request, reads the
// whole reply and records it. Unlike net/http's it is for one goroutine at a
// time, keeps one connection to each server, and hands out replies that are
// valid until the next request.
//
// Every method returns a Response, never nil; its Status is 0 if none came.
// The error is not nil if the request failed: no reply, a status of 400 or
// above (unless Expect says otherwise), or a Check that said no. It is a
// *RequestError and is counted already: returning it from a task does not
// count it twice.
type Client struct {
	t       *Transport
	who     Who
	sweeper *http1.Sweeper
	done    <-chan struct{} // of who.Base

	routes []route // where there are connections to; nearly always one
	holder *http1.Conn
	out    *scratch // the request that was last rendered
	meters [4]meterSlot
	slot   uint8
	cookie *cookies // nil until a server sets one

	// The task in hand, for exchanges; due and late are for its first request.
	task      string
	iteration int
	due       bool
	late      time.Duration

	req  http1.Request
	resp Response

	lastFailure struct {
		status             int
		reason, said, text string
	}
}

// Who is the user that a client belongs to.
type Who struct {
	Sink      *stats.Sink // nil: nothing is recorded
	ID        int
	Behaviour string
	// Base is the context whose end cuts requests off: the crew's hard stop.
	Base context.Context
	// Trace, if set, is called with every exchange as it ends. It costs a copy
	// of each.
	Trace func(*stats.Exchange)
}

// RequestError is a request that failed. It has been recorded.
type RequestError struct {
	Kind    stats.Kind
	Method  string
	Name    string // of the row
	Status  int    // 0 if no reply came
	Message string
	Err     error // what lies underneath, nil for a status
}

// Error is "GET /cart: 503 Service Unavailable".
func (e *RequestError) Error() string { return e.Method + " " + e.Name + ": " + e.Message }

// Unwrap is what lies underneath.
func (e *RequestError) Unwrap() error { return e.Err }

// route is a connection to a server.
type route struct {
	o       *origin
	conn    *http1.Conn
	mux     *mux // instead of conn, for HTTP/2 and HTTP/3
	session *session
}

type meterSlot struct {
	method, name string
	meter        *stats.Meter
}

// scratch is memory for a request under way, borrowed for as long: for what was
// rendered, and for a call, which on the user's stack would make all stacks
// twice as large.
type scratch struct {
	b    []byte
	call call
}

var scratches = sync.Pool{New: func() any { return &scratch{b: make([]byte, 0, 512)} }}

// Client returns the client of one user. The user's loop tells it what task
// is in hand, calls Release before it waits, and Retire at the end.
func (t *Transport) Client(who Who) *Client {
	return &Client{t: t, who: who, sweeper: t.watch(who.Base), done: who.Base.Done()}
}

// Release gives back what the last reply held. The Response is invalid then.
func (t *Transport) Release(c *Client) { c.release() }

// Retire closes the client's connections.
func (t *Transport) Retire(c *Client) { c.close() }

// doing says which task is in hand and how late its start was, if it was due
// at some time.
func (c *Client) doing(task string, iteration int, due bool, late time.Duration) {
	c.task, c.iteration, c.due, c.late = task, iteration, due, late
}

func (c *Client) release() {
	if c.holder != nil {
		c.holder.Release()
		c.holder = nil
	}
	if c.out != nil {
		c.out.b = c.out.b[:0]
		scratches.Put(c.out)
		c.out = nil
	}
	c.resp.reply.Head, c.resp.reply.Body, c.resp.decoded = nil, nil, nil
}

func (c *Client) close() {
	c.release()
	for i := range c.routes {
		c.routes[i].drop()
	}
	c.routes = nil
}

func (r *route) drop() {
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
	if r.mux != nil {
		r.mux.close()
		r.mux = nil
	}
}

// Get sends a GET for a path below the base URL, or for a whole URL.
func (c *Client) Get(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return c.send(ctx, "GET", path, "", nil, opts)
}

// Post sends body, which must not change until Post returns.
func (c *Client) Post(ctx context.Context, path, contentType string, body []byte, opts ...Option) (*Response, error) {
	return c.send(ctx, "POST", path, contentType, body, opts)
}

// PostForm sends the values as a form.
func (c *Client) PostForm(ctx context.Context, path string, values url.Values, opts ...Option) (*Response, error) {
	return c.send(ctx, "POST", path, "application/x-www-form-urlencoded", []byte(values.Encode()), opts)
}

// PostJSON sends v as JSON.
func (c *Client) PostJSON(ctx context.Context, path string, v any, opts ...Option) (*Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		c.resp = Response{}
		return &c.resp, fmt.Errorf("POST %s: %w", path, err)
	}
	return c.send(ctx, "POST", path, "application/json", body, opts)
}

// Do sends a request of any method. The body may be nil; a content type is
// given by Header.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, opts ...Option) (*Response, error) {
	if !httpguts.ValidHeaderFieldName(method) { // both are tokens
		return c.badMethod(method)
	}
	return c.send(ctx, method, path, "", body, opts)
}

//go:noinline
func (c *Client) badMethod(method string) (*Response, error) {
	c.noReply()
	return &c.resp, fmt.Errorf("bad method %q (try GET)", method)
}

// call is a request under way.
type call struct {
	method, name string // of the row
	verb         string // of the request in hand: a redirect may change it
	first        *origin
	origin       *origin
	prefix, path string // the request's target, to be escaped
	contentType  string
	body         []byte
	timeout      time.Duration
	follow       bool
	expect       bool // there is an Expect
	foreign      bool // a redirect has left the first origin

	start  time.Duration
	sample stats.Sample
	phases stats.Phases
	hops   []stats.Hop
	conn   *http1.Conn
	mux    *mux
	reused bool
	wait   bool // for 100 Continue
	err    *http1.Error
}

// send is every request: settings, sending, following, judging, recording.
func (c *Client) send(ctx context.Context, method, path, contentType string, body []byte, opts []Option) (*Response, error) {
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
			k.name = o.a
		case optTimeout:
			k.timeout = o.d
		case optNoRedirect:
			k.follow = false
		case optExpect:
			k.expect = true
		}
	}
	k.sample.Due, k.sample.Late = c.due, c.late
	c.due, c.late = false, 0
	if c.who.Sink != nil {
		c.who.Sink.Begin()
	}
	k.start = c.sweeper.Now()
	r := &c.resp
	r.limit, r.decoded, r.failure = c.t.options.MaxBody, nil, nil
	k.err = c.locate(k, path)
	if k.err != nil {
		c.noReply()
	}
	for {
		if k.err == nil {
			c.once(ctx, k, opts)
		}
		if k.err != nil || !k.follow || r.Status/100 != 3 || !c.redirect(k, opts) {
			break
		}
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
		return
	}
	c.resp.Status = 0
	if k.err = c.render(k, opts); k.err != nil {
		c.noReply()
		return
	}
	route := c.route(k.origin)
	if c.holder != nil && c.holder != route.conn {
		c.holder.Release()
		c.holder = nil
	}
	if route.conn != nil && !route.conn.Usable(k.start) {
		route.drop()
		k.sample.Reconnect = true
	}
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
		if k.err == nil || !k.err.Stale || k.sample.Reconnect || !idempotent(k.verb) {
			break
		}
		// RFC 9112, 9.3.1: the server closed a kept connection before it
		// could have seen the request.
		route.drop()
		k.sample.Reconnect = true
	}
	c.holder = k.conn
	reply := &c.resp.reply
	c.resp.Status = reply.Status
	k.sample.In += reply.In
	k.sample.Out += reply.Out
	if !reply.KeepAlive {
		route.drop()
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

// roundTrip is one exchange over a connection that is there.
func (c *Client) roundTrip(ctx context.Context, k *call) *http1.Error {
	q := &c.req
	q.Head, q.Body, q.HeadOnly, q.Continue = c.out.b, k.body, k.verb == "HEAD", k.wait
	q.Start, q.Timeout, q.MaxBody, q.Cancellable = k.start, k.timeout, c.t.options.MaxBody, false
	reply := &c.resp.reply
	done := ctx.Done()
	sent := k.start
	if k.sample.Dialled || len(k.hops) > 0 {
		sent = c.sweeper.Now()
	}
	var err error
	if done == c.done || done == nil {
		c.req.Cancellable = true
		err = k.conn.RoundTrip(&c.req, reply)
	} else {
		c.req.Done = done
		stop := context.AfterFunc(ctx, k.conn.Interrupt)
		err = k.conn.RoundTrip(&c.req, reply)
		if !stop() {
			reply.KeepAlive = false // the interruption may still be to come
		}
	}
	c.req.Head, c.req.Body, c.req.Done = nil, nil, nil
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
	d := c.dial(ctx, k.origin)
	k.phases.DNS, k.phases.Connect, k.phases.TLS = d.phases.DNS, d.phases.Connect, d.phases.TLS
	if k.err = d.err; d.err != nil {
		return
	}
	r.conn = d.conn
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

// locate finds out where a path or URL leads to.
func (c *Client) locate(k *call, path string) *http1.Error {
	if path == "" || path[0] == '/' || path[0] == '?' {
		if c.t.base == nil {
			return refused("%s: there is no host to ask (try --host=http://localhost:5000)", path)
		}
		k.origin, k.prefix, k.path = c.t.base, c.t.prefix, path
	} else {
		u, err := url.Parse(path)
		if err == nil {
			err = checkOrigin(u)
		}
		switch {
		case err != nil:
			return refused("bad URL %q: %v (a path begins with /)", path, plain(err))
		case u.Scheme == "unix":
			return refused("a unix: URL can only be the --host")
		}
		k.origin, k.path = c.t.origin(u), u.RequestURI()
	}
	k.first = k.origin
	return nil
}

// refused is a request that was not sent for what it says.
func refused(format string, a ...any) *http1.Error {
	return &http1.Error{Kind: stats.Error, Phase: http1.Sending, Text: fmt.Sprintf(format, a...)}
}

// maxRoutes is how many servers a user stays connected to.
const maxRoutes = 8

func (c *Client) route(o *origin) *route {
	for i := range c.routes {
		if c.routes[i].o == o {
			return &c.routes[i]
		}
	}
	if len(c.routes) == maxRoutes {
		c.routes[0].drop()
		c.routes = append(c.routes[:0], c.routes[1:]...)
	}
	c.routes = append(c.routes, route{o: o})
	return &c.routes[len(c.routes)-1]
}

// render writes the request line and the headers into c.out.
func (c *Client) render(k *call, opts []Option) *http1.Error {
	b := append(c.out.b[:0], k.verb...)
	b = append(b, ' ')
	o := k.origin
	if c.t.proxy != nil && !o.secure && o.unix == "" && !c.t.options.HTTP2 {
		b = append(b, "http://"...)
		b = append(b, o.header...)
	}
	b = append(b, k.prefix...)
	if k.path == "" || k.path[0] != '/' {
		b = append(b, '/')
	}
	b = appendTarget(b, k.path)
	switch {
	case c.t.options.HTTP2:
		b = append(b, " HTTP/2.0\r\n"...)
	case c.t.options.HTTP3:
		b = append(b, " HTTP/3.0\r\n"...)
	default:
		b = append(b, " HTTP/1.1\r\n"...)
	}
	own := false
	for i := range opts {
		own = own || opts[i].what == optHeader
	}
	k.wait = false
	if !own && !k.foreign {
		b = append(b, o.block...)
	} else {
		var err *http1.Error
		if b, err = c.renderFields(b, k, opts); err != nil {
			return err
		}
	}
	if c.cookie != nil {
		b = c.cookie.append(b, k)
	}
	if k.contentType != "" {
		b = appendField(b, "Content-Type", k.contentType)
	}
	if len(k.body) > 0 || k.verb == "POST" || k.verb == "PUT" || k.verb == "PATCH" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(k.body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if len(k.body) <= inlineBody {
		b = slices.Grow(b, len(k.body)) // the engine sends it in one piece
	}
	c.out.b = b
	return nil
}

// inlineBody is up to what size a body goes behind its headers.
const inlineBody = 32 << 10

// renderFields writes the headers of a request that has some of its own, or
// that a redirect has led away from where it was meant to go.
func (c *Client) renderFields(b []byte, k *call, opts []Option) ([]byte, *http1.Error) {
	for _, f := range k.origin.fields {
		if !overridden(opts, f.Name) && !(k.foreign && private(f.Name)) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	for i := range opts {
		o := &opts[i]
		if o.what != optHeader || o.b == "" || k.foreign && (private(o.a) || strings.EqualFold(o.a, "Host")) {
			continue
		}
		if err := checkHeader(o.a, o.b); err != nil {
			return b, refused("%v", err)
		}
		switch {
		case strings.EqualFold(o.a, "Content-Length") || strings.EqualFold(o.a, "Transfer-Encoding"):
			return b, refused("header %s is the client's to set: it follows from the body", o.a)
		case strings.EqualFold(o.a, "Content-Type"):
			k.contentType = ""
			if len(k.body) == 0 && len(k.hops) > 0 {
				continue // the redirect has dropped the body
			}
		case strings.EqualFold(o.a, "Expect") && strings.EqualFold(o.b, "100-continue"):
			k.wait = true
		}
		b = appendField(b, o.a, o.b)
	}
	if k.foreign && overridden(opts, "Host") {
		b = appendField(b, "Host", k.origin.header)
	}
	return b, nil
}

func overridden(opts []Option, name string) bool {
	for i := range opts {
		if opts[i].what == optHeader && strings.EqualFold(opts[i].a, name) {
			return true
		}
	}
	return false
}

// private headers are not for another server than the one they were given for.
func private(name string) bool {
	return strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Cookie") ||
		strings.EqualFold(name, "Www-Authenticate") || strings.EqualFold(name, "Cookie2")
}

// session is a user's TLS session with one server: a user that comes back
// resumes, a new user does a full handshake as a new visitor would.
type session struct {
	mu sync.Mutex
	s  *tls.ClientSessionState
}

func (s *session) Get(string) (*tls.ClientSessionState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s, s.s != nil
}

func (s *session) Put(_ string, state *tls.ClientSessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s = state
}

// tlsConfig is the configuration for one connection of this user.
func (c *Client) tlsConfig(o *origin, protocol string) *tls.Config {
	config := c.t.tls.Clone()
	config.ServerName = o.host
	config.NextProtos = []string{protocol}
	config.ClientSessionCache = c.session(o)
	return config
}

func (c *Client) session(o *origin) *session {
	r := c.route(o)
	if r.session == nil {
		r.session = new(session)
	}
	return r.session
}
