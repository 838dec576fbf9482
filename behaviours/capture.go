package behaviours

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"time"

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
		Request:   c.part(nil, k.body, int64(len(k.body))),
		Response:  c.part(reply.Head, reply.Body, reply.Expected),
		Hops:      k.hops,
		Surplus:   reply.Surplus,
		Took:      k.sample.Took,
		Late:      k.sample.Late,
		Phases:    k.phases,
	}
	if reply.Forgotten > 0 {
		x.Response.Size += reply.Forgotten
		x.Response.SHA256 = nil // that of a part would be taken for that of all
	}
	if c.out != nil {
		x.Request.Head = bytes.Clone(c.out.b)
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

// part copies one direction, of the body what is kept of it.
func (c *Client) part(head, body []byte, expected int64) stats.Part {
	p := stats.Part{Head: bytes.Clone(head), Size: int64(len(body)), Expected: expected}
	if len(body) > 0 {
		p.Body = bytes.Clone(body[:min(len(body), c.t.options.CaptureBody)])
		sum := sha256.Sum256(body)
		p.SHA256 = sum[:]
	}
	return p
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
