package behaviours

import (
	"fmt"

	"tload/stats"
)

// judge decides whether the request has failed, records it, and hands over
// its exchange if that is wanted.
func (c *Client) judge(k *call, opts []Option) error {
	r := &c.resp
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
	k.sample.Kind, k.sample.Status, k.sample.Took = kind, r.Status, r.Took
	c.record(k, message)
	if kind == stats.OK {
		return nil
	}
	return &RequestError{Kind: kind, Method: k.method, Name: k.name, Status: r.Status, Message: message, Err: cause}
}

// check looks at the reply as the options say. A request whose check panics is
// recorded all the same, for the server has counted it; the task's end tells of
// the panic.
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

// record counts the request in its row.
func (c *Client) record(k *call, message string) {
	if c.who.Trace != nil {
		c.who.Trace(c.capture(k, message))
	}
	sink := c.who.Sink
	if sink == nil {
		return
	}
	m := c.meter(k.method, k.name)
	switch {
	case k.sample.Kind == stats.Panic: // it is an exception's
		sink.Record(m, k.sample)
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

// meter is the row's meter; the last few are at hand, for to ask takes a lock.
func (c *Client) meter(method, name string) *stats.Meter {
	for i := range c.meters {
		if s := &c.meters[i]; s.name == name && s.method == method && s.meter != nil {
			return s.meter
		}
	}
	m := c.who.Sink.Meter(stats.Key{Class: stats.Request, Method: method, Name: name})
	c.meters[c.slot] = meterSlot{method, name, m}
	c.slot = (c.slot + 1) % uint8(len(c.meters))
	return m
}

func (c *Client) statusText(status int) string {
	if status < len(c.t.status) {
		return c.t.status[status]
	}
	return fmt.Sprint(status)
}
