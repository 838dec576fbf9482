package client

import (
	"bytes"
	"crypto/tls"
	"time"

	"tload/behaviours/http1"
	"tload/stats"
)

// capture copies the exchange that has just ended. It is called only for one
// that the store wants, so it may cost.
func (c *Client) capture(k *call, message string) *stats.Exchange {
	reply := &c.resp.reply
	x := &stats.Exchange{
		When:      time.Now().Add(k.start - c.sweeper.Now()),
		Key:       stats.Key{Class: stats.Request, Method: k.method, Name: k.name},
		Kind:      k.sample.Kind,
		Status:    k.sample.Status,
		Message:   message,
		User:      c.who.ID,
		Behaviour: c.who.Behaviour,
		Task:      c.task,
		Iteration: c.iteration,
		Request:   c.part(&http1.Reply{Head: c.sent(), Body: k.body, Expected: int64(len(k.body))}),
		Response:  c.part(reply),
		Hops:      k.hops,
		Surplus:   reply.Surplus,
		Took:      k.sample.Took,
		Late:      k.sample.Late,
		Phases:    k.phases,
	}
	if len(reply.Trailer) > 0 {
		// Where they were: behind the body, and said so.
		x.Response.Head = append(x.Response.Head[:len(x.Response.Head):len(x.Response.Head)], reply.Trailer...)
	}
	if k.origin != nil {
		x.URL = k.origin.url(requestTarget(x.Request.Head))
	}
	if k.conn != nil {
		x.Conn = stats.ConnInfo{Reused: k.reused, Local: k.conn.LocalAddr().String(), Remote: k.conn.RemoteAddr().String(), Proto: "HTTP/1.1"}
		if t := k.conn.TLS(); t != nil {
			x.Conn.TLS = tls.VersionName(t.ConnectionState().Version)
		}
	}
	if m := k.mux; m != nil {
		x.Conn = stats.ConnInfo{Reused: k.reused, Local: m.local, Remote: m.remote, Proto: m.proto, TLS: m.tls}
	}
	c.t.options.Masker.Learn(x)
	return x
}

// sent is the request's head as it was rendered.
func (c *Client) sent() []byte {
	if c.out == nil {
		return nil
	}
	return c.out.b
}

// part copies one direction, of the body what is kept of it.
func (c *Client) part(r *http1.Reply) stats.Part {
	p := stats.Part{Head: bytes.Clone(r.Head), Size: int64(len(r.Body)) + r.Forgotten, Expected: r.Expected}
	if p.Size > 0 {
		p.Body = bytes.Clone(r.Body[:min(len(r.Body), c.t.options.CaptureBody)])
		p.SHA256 = r.SHA256()
	}
	return p
}

// keeper is a client as the engine asks it what a long body is worth.
type keeper Client

// Keep implements http1.Keeper. What fails is for people, who read no more of it
// than is captured, and so is what nobody's code looks at; where a redirect is
// followed, nobody looks. Everything else may be read by the author's code.
func (x *keeper) Keep(r *http1.Reply) (most int, sum bool) {
	c := (*Client)(x)
	k := &c.out.call
	failing := r.Status >= 400 && !k.expect
	if !failing && !(r.Status/100 == 3 && k.follow) && (!c.unread || k.checks) {
		return -1, false
	}
	// A success is captured once in a while; to hash all of them would cost more
	// than to read them.
	row := call{method: k.method, name: k.name, named: k.named} // the call itself is named when it is measured
	sum = failing || k.expect || c.who.Trace != nil || c.who.Sink != nil && c.who.Sink.WantSuccess(c.meter(&row))
	return max(c.t.options.CaptureBody, lookAt), sum
}

// requestTarget is the path in a request line.
func requestTarget(head []byte) string {
	_, rest, _ := bytes.Cut(head, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	if len(target) > 0 && target[0] != '/' { // a whole URL, for a proxy
		_, target, _ = bytes.Cut(target, []byte("://"))
		target = target[max(bytes.IndexByte(target, '/'), 0):]
	}
	return string(target)
}
