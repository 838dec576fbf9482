// Package client is one simulated user's HTTP client, and what the clients of a
// run share: how requests are named, sent, followed, judged, recorded and
// captured.
//
//	t, err := client.NewTransport(client.Options{Host: "http://127.0.0.1:5000"})
//	defer t.Close()
//	c := t.Client(client.Who{Sink: &sink, ID: 1, Base: ctx})
//	defer (*client.Driver)(c).Close()
//	reply, err := c.Get(ctx, "/cart", client.BodyContains("total"))
//
// It knows nothing of tasks and sets; package behaviours does, and authors find
// the names of this package there. HTTP/1.1 goes through the engine of package
// http1; HTTP/2 and HTTP/3 go through net/http and quic-go and are part of this
// package: the same knot ties them to origins, redirects and captures.
package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
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
	cookie atomic.Pointer[cookies]  // nil until a server sets one
	header atomic.Pointer[[]Option] // of every request; nil until somebody sets one
	lanes  []*Client                // for requests of a batch beside this one's

	// The task in hand, for exchanges; due and late are for its first request.
	task      string
	iteration int
	due       bool
	unread    bool // nobody will look at the reply
	late      time.Duration
	now       time.Duration // a fresh reading of the clock for the next request, 0: there is none

	// The reply in hand, and the one before it, which says so when it is read.
	resp, before *Response
	first        Response

	using    atomic.Int32 // idle, busy or gone
	leave    atomic.Bool  // it is to be closed by whoever uses it
	given    bool         // the reply in hand, to somebody who may have it still
	unjudged bool         // the reply in hand is not judged yet
	launched bool         // the request in hand is the driver's, which waits for no reply

	lastFailure *failureText // nil until the first
	plain       *http.Client // nil until somebody asks for it
}

// Who is the user that a client belongs to.
type Who struct {
	Sink      *stats.Sink // nil: nothing is recorded
	ID        int
	Behaviour string
	// Base is the context whose end cuts requests off: the crew's hard stop. Who
	// has none is nobody, and can send nothing.
	Base context.Context
	// Log, if not nil, gets to know what is dropped of a reply.
	Log *slog.Logger
	// Trace, if set, is called with every exchange as it ends. It costs a copy
	// of each.
	Trace func(*stats.Exchange)
	// Careful has every reply say so when it is read too late, and not the one
	// before the last alone. It costs an allocation for each.
	Careful bool
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

// meterSlot is a row that was asked for: name is what its requests were given, by
// their author or else as a URL, row what that is called.
type meterSlot struct {
	method, name string
	named        bool
	row          string
	meter        *stats.Meter
}

// scratch is memory for a request under way, borrowed for as long.
type scratch struct {
	b    []byte // what was rendered
	call call
	req  http1.Request
	opts []Option // with those of the user
}

var scratches = sync.Pool{New: func() any { return &scratch{b: make([]byte, 0, 512)} }}

// Client returns the client of one user, whom a Driver drives.
func (t *Transport) Client(who Who) *Client {
	c := &Client{t: t, who: who}
	c.resp = &c.first
	if who.Base != nil {
		c.sweeper, c.done = t.watch(who.Base), who.Base.Done()
	}
	return c
}

// What a client is in.
const (
	idle = iota
	busy
	gone
)

// errInUse is what a request ends with that another goroutine's would have spoilt.
var errInUse = errors.New("this user is in a request already, on another goroutine or in a Check: a user acts on one goroutine at a time (Batch sends several requests at once)")

// errGone is that of a user that has left.
var errGone = errors.New("this user has left: a goroutine that it started goes on")

// take has the client for this goroutine alone, until give.
func (c *Client) take() error {
	switch {
	case c.using.CompareAndSwap(idle, busy):
		return nil
	case c.using.Load() == gone:
		return errGone
	}
	return errInUse
}

func (c *Client) give() {
	c.using.Store(idle)
	if c.leave.Load() {
		c.close()
	}
}

// refuse is the answer to who cannot have it. Nothing is recorded: the numbers are
// those of the goroutine that has it.
//
//go:noinline
func (c *Client) refuse(method, path string, err error) (*Response, error) {
	return new(Response), fmt.Errorf("%s %s: %w", method, c.t.options.Masker.URL(path), err)
}

// turn begins another reply. Who still reads the one before is told.
func (c *Client) turn() {
	switch last := c.resp; {
	case c.unread, !c.given && !c.who.Careful: // nobody has it
	case c.who.Careful:
		c.resp, last.stale = new(Response), true
	case c.before == nil:
		c.resp, c.before, last.stale = new(Response), last, true
	default:
		c.resp, c.before, last.stale = c.before, last, true
	}
	c.resp.stale, c.resp.verdict, c.given = false, nil, !c.unread
}

// release has the user hold as little as it can while it waits. A goroutine that it
// left behind in a request keeps what that needs.
func (c *Client) release() {
	if c.take() != nil {
		return
	}
	c.empty()
	c.give()
}

func (c *Client) empty() {
	for _, l := range c.lanes {
		l.empty()
	}
	c.settle()
	c.forget()
	c.before = nil
	if c.out != nil {
		c.out.b = c.out.b[:0]
		clear(c.out.opts)
		scratches.Put(c.out)
		c.out = nil
	}
}

// forget gives back what the last reply held.
func (c *Client) forget() {
	if c.holder != nil {
		c.holder.Release()
		c.holder = nil
	}
	c.resp.reply.Head, c.resp.reply.Body, c.resp.decoded = nil, nil, nil
	c.resp.stale, c.given = true, false
}

// close closes the connections, or has it done by who is still in a request.
func (c *Client) close() {
	c.leave.Store(true)
	if !c.using.CompareAndSwap(idle, gone) {
		return
	}
	c.empty()
	for _, l := range c.lanes {
		l.close()
	}
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
	return c.sendJSON(ctx, "POST", path, v, opts)
}

// PutJSON sends v as JSON.
func (c *Client) PutJSON(ctx context.Context, path string, v any, opts ...Option) (*Response, error) {
	return c.sendJSON(ctx, "PUT", path, v, opts)
}

// PatchJSON sends v as JSON.
func (c *Client) PatchJSON(ctx context.Context, path string, v any, opts ...Option) (*Response, error) {
	return c.sendJSON(ctx, "PATCH", path, v, opts)
}

func (c *Client) sendJSON(ctx context.Context, method, path string, v any, opts []Option) (*Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return new(Response), fmt.Errorf("%s %s: %w", method, path, err)
	}
	return c.send(ctx, method, path, "application/json", body, opts)
}

// Put sends body, which must not change until Put returns.
func (c *Client) Put(ctx context.Context, path, contentType string, body []byte, opts ...Option) (*Response, error) {
	return c.send(ctx, "PUT", path, contentType, body, opts)
}

// Patch sends body, which must not change until Patch returns.
func (c *Client) Patch(ctx context.Context, path, contentType string, body []byte, opts ...Option) (*Response, error) {
	return c.send(ctx, "PATCH", path, contentType, body, opts)
}

// Delete sends a DELETE without a body; Do sends one with it.
func (c *Client) Delete(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return c.send(ctx, "DELETE", path, "", nil, opts)
}

// Do sends a request of any method. The body may be nil; a content type is
// given by Header.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, opts ...Option) (*Response, error) {
	if err := c.take(); err != nil {
		return c.refuse(method, path, err)
	}
	defer c.give()
	return c.doTaken(ctx, method, path, body, opts)
}

// doTaken is Do by who has the client.
func (c *Client) doTaken(ctx context.Context, method, path string, body []byte, opts []Option) (*Response, error) {
	if !httpguts.ValidHeaderFieldName(method) { // both are tokens
		return c.badMethod(method)
	}
	return c.sendTaken(ctx, method, path, "", body, opts)
}

//go:noinline
func (c *Client) badMethod(method string) (*Response, error) {
	c.noReply()
	c.now = 0
	return c.resp, fmt.Errorf("bad method %q (try GET)", method)
}

// locate finds out where a path or URL leads to.
func (c *Client) locate(k *call, path string) *http1.Error {
	if path == "" || path[0] == '/' || path[0] == '?' {
		if c.t.base == nil {
			return refused("%s: there is no host to ask (try --host=http://localhost:5000)", c.t.options.Masker.URL(path))
		}
		k.origin, k.prefix, k.path = c.t.base, c.t.prefix, path
	} else {
		u, err := url.Parse(path)
		if err == nil {
			err = checkOrigin(u)
		}
		switch {
		case err != nil:
			return refused("bad URL %q: %v (a path begins with /)", c.t.options.Masker.Name(path), masked(c.t.options.Masker, path, err))
		case u.Scheme == "unix":
			return refused("a unix: URL can only be the --host")
		}
		k.origin, k.path = c.t.origin(u), target(path, u)
	}
	k.first = k.origin
	return nil
}

// target is what of a whole URL stands in the request line: as it was written, as of a path,
// unless a line cannot hold that.
func target(text string, u *url.URL) string {
	_, rest, ok := strings.Cut(text, "://")
	i := strings.IndexAny(rest, "/?#")
	if !ok || i < 0 {
		return u.RequestURI()
	}
	rest, _, _ = strings.Cut(rest[i:], "#")
	if rest == "" || rest[0] != '/' || strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return u.RequestURI()
	}
	return rest
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
