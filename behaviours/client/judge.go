package client

import (
	"fmt"

	"tload/stats"
)

// judge decides whether the request has failed, records it, and hands over
// its exchange if that is wanted.
func (c *Client) judge(k *call, opts []Option) error {
	r := c.resp
	kind, message := stats.OK, ""
	var cause error
	switch {
	case k.err != nil:
		kind, message, cause = k.err.Kind, k.err.Text, k.err
	case !c.expected(k, opts):
		kind, message = stats.HTTP, c.failedText(r)
		if r.Status < 400 {
			message += ", which was not expected"
		}
	default:
		if cause = c.check(k, opts); cause != nil {
			kind, message = stats.Check, cause.Error()
		}
	}
	if kind != stats.OK {
		message = c.masked(k, message)
	}
	k.sample.Kind, k.sample.Status, k.sample.Took = kind, r.Status, r.Took
	if k.caught && k.err == nil {
		r.verdict, c.unjudged = &verdict{kind: kind, message: message, method: k.method, name: c.t.options.Masker.Name(k.name)}, true
	} else {
		c.record(k, message)
	}
	if kind == stats.OK {
		return nil
	}
	return &RequestError{Kind: kind, Method: k.method, Name: k.name, Status: r.Status, Message: message, Err: cause}
}

// verdict is what the author's code thinks of a reply.
type verdict struct {
	kind         stats.Kind
	message      string
	method, name string
}

// Fail makes a request that was sent with CatchResponse a failure of kind CHECK with that
// text, and returns it as an error that a task may return: it is counted once.
func (r *Response) Fail(message string) error {
	v := r.judged()
	v.kind, v.message = stats.Check, message
	return &RequestError{Kind: v.kind, Method: v.method, Name: v.name, Status: r.Status, Message: message}
}

// Pass makes a request that was sent with CatchResponse a success, whatever its status.
func (r *Response) Pass() {
	v := r.judged()
	v.kind, v.message = stats.OK, ""
}

func (r *Response) judged() *verdict {
	r.fresh()
	if r.verdict == nil {
		panic("this request is counted already: it leaves the verdict to Fail and Pass if it is sent with CatchResponse()")
	}
	return r.verdict
}

// settle counts the request in hand as its author has judged it.
func (c *Client) settle() {
	if !c.unjudged {
		return
	}
	c.unjudged = false
	k, v := &c.out.call, c.resp.verdict
	c.resp.verdict = nil
	if v.kind != stats.OK {
		v.message = c.masked(k, v.message)
	}
	k.sample.Kind = v.kind
	c.record(k, v.message)
}

// check looks at the reply as the options say. A request whose check panics is
// recorded all the same, for the server has counted it; the task's end tells of
// the panic, an error of the task's own.
func (c *Client) check(k *call, opts []Option) error {
	returned := false
	defer func() {
		if !returned {
			k.sample.Kind, k.sample.Status, k.sample.Took = stats.Panic, c.resp.Status, c.resp.Took
			c.record(k, "the check panicked")
		}
	}()
	err := c.resp.check(opts)
	returned = true
	return err
}

func (c *Client) expected(k *call, opts []Option) bool {
	if !k.expect {
		return c.resp.Status < 400
	}
	for i := range opts {
		if opts[i].what == optExpect && opts[i].expects(c.resp.Status) {
			return true
		}
	}
	return false
}

// masked is the text of a failure without what is secret: a target likes to
// repeat what it was sent. The last one is kept, as failedText's is.
func (c *Client) masked(k *call, message string) string {
	m := c.t.options.Masker
	if !m.Masks() {
		return message
	}
	if c.lastFailure == nil {
		c.lastFailure = new(failureText)
	}
	l := c.lastFailure
	if l.whole != message || l.masked == "" {
		c.learn(k)
		l.whole, l.masked = message, m.Text(message)
	}
	return l.masked
}

// learn takes note of the secrets in the request. Those of every request to its
// server are known already.
func (c *Client) learn(k *call) {
	m := c.t.options.Masker
	switch {
	case len(k.body) > 0:
		m.Learn(&stats.Exchange{Request: stats.Part{Head: c.out.b, Body: k.body}})
	case k.own || c.cookie.Load() != nil:
		m.Head(c.out.b)
	default:
		m.URL(k.path)
	}
}

// record counts the request in its row.
func (c *Client) record(k *call, message string) {
	var m *stats.Meter
	sink := c.who.Sink
	if sink != nil {
		m = c.meter(k)
	} else if !k.named {
		k.name, k.named = c.t.options.Masker.Name(k.name), true
	}
	if c.who.Trace != nil {
		c.who.Trace(c.capture(k, message))
	}
	if sink == nil {
		return
	}
	switch {
	case k.sample.Kind.Failed():
		if keep := sink.Fail(m, k.sample, message); keep.Wanted() {
			sink.Keep(keep, c.capture(k, message))
		}
	default:
		sink.Record(m, k.sample)
		if k.sample.Kind == stats.OK && sink.WantSuccess(m) {
			sink.KeepSuccess(m, c.capture(k, ""))
		}
	}
}

// meter is the row's meter; the last few are at hand, for to ask takes a lock. A
// name that is a URL gives way to what may be shown of it.
func (c *Client) meter(k *call) *stats.Meter {
	for i := range c.meters {
		if s := &c.meters[i]; s.name == k.name && s.method == k.method && s.named == k.named && s.meter != nil {
			k.name, k.named = s.row, true
			return s.meter
		}
	}
	s := meterSlot{method: k.method, name: k.name, named: k.named, row: k.name}
	if !k.named {
		s.row = c.t.options.Masker.Name(k.name)
	}
	s.meter = c.who.Sink.Meter(stats.Key{Class: stats.Request, Method: k.method, Name: s.row})
	k.name, k.named = s.row, true
	c.meters[c.slot] = s
	c.slot = (c.slot + 1) % uint8(len(c.meters))
	return s.meter
}

func (c *Client) statusText(status int) string {
	if status < len(c.t.status) {
		return c.t.status[status]
	}
	return fmt.Sprint(status)
}
