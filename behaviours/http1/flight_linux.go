package http1

import "syscall"

// Startable says whether Start can be tried: nothing has gone wrong with the
// connection, and its last reply came in one piece. A connection whose replies
// take several is better off with somebody who waits for them.
func (c *Conn) Startable() bool {
	return c.used && !c.broken && !c.pieces && c.tls == nil && c.w.raw != nil && c.watched()
}

// Start is RoundTrip without the waiting: it begins the request and returns.
// then.Replied is called when there is something for Finish to do, perhaps
// before Start returns. Until then the request, the reply and their memory must
// stay as they are. If Start returns false there is no need to wait, and Finish
// is to be called at once. Only a request that goes out in one piece can be
// started: its Body must be no longer than 32 KiB.
//
// With during, the caller runs within Replied of this connection. The request
// is sent when the poller has looked at all the replies that are there, with
// those of others; see Reply.Sent.
func (c *Conn) Start(req *Request, r *Reply, then Waiter, during bool) bool {
	c.reset(r)
	c.req, c.r, c.then, c.lost = req, r, then, nil
	c.head = head{}
	c.w.out, c.w.box, c.w.short = append(req.Head, req.Body...), nil, false
	r.Out = int64(len(c.w.out))
	if !c.begin(req) {
		c.state.Store(cancelled)
		c.interrupt()
		return false
	}
	c.at.Store(departing)
	if during && req.Burst {
		c.poller.out = append(c.poller.out, c)
		return true
	}
	return c.takeOff()
}

// takeOff sends the request. It returns false if the connection is the
// caller's again, who then is to call Finish.
func (c *Conn) takeOff() bool {
	n, errno := c.w.write(c.w.fd)
	switch {
	case errno == 0 && n == len(c.w.out):
		c.w.out = nil
	case errno == 0 || errno == syscall.EAGAIN:
		c.w.out, c.w.short = c.w.out[max(n, 0):], true
		c.at.Store(grounded)
		return false
	default:
		c.lost = errno
		c.at.Store(grounded)
		return false
	}
	if c.missed.Load() && c.missed.Swap(false) && !c.w.silent() || !c.at.CompareAndSwap(departing, flying) { // what came may be the reply
		c.at.Store(grounded)
		return false
	}
	return !c.struck()
}

// struck takes a flying request back that was interrupted before it flew, when
// nobody could be told.
func (c *Conn) struck() bool {
	return c.state.Load() <= 0 && c.at.CompareAndSwap(flying, grounded)
}

// Finish is the rest of a RoundTrip that Start began.
func (c *Conn) Finish() error {
	req, r := c.req, c.r
	c.req, c.r, c.then = nil, nil, nil
	if c.w.short {
		c.stalled(r)
	}
	return c.settle(r, c.receive(req, r))
}

// whole says whether all of the reply is here, so that nobody need wait for the
// rest. If it says no the reply is as if nobody had looked.
func (c *Conn) whole() bool {
	b, h := c.buf.b[:c.end], &c.head
	if !c.buf.last.repeated(b, c.req, c.r, h) {
		if err := parseHead(b, c.req, c.r, h); err != nil || h.length == 0 {
			*h = head{}
			return false
		}
		c.buf.last.keep(b, c.req, c.r, h)
	}
	b = b[h.length:]
	done := false
	switch {
	case c.r.Status/100 == 1:
	case h.noBody:
		done = true
	case h.chunked:
		done = allChunks(b)
	default:
		done = c.r.Expected >= 0 && int64(len(b)) >= c.r.Expected
	}
	if !done {
		*h = head{}
		return false
	}
	c.r.Head = c.buf.b[:h.length]
	return true
}

// allChunks says whether b holds the whole of a chunked body. It says no of
// whatever is out of the ordinary.
func allChunks(b []byte) bool {
	for {
		size, n := 0, 0
		for ; n < len(b) && hexValue[b[n]] != 0xff; n++ {
			size = size<<4 | int(hexValue[b[n]])
		}
		if n == 0 || n > 7 || len(b) < n+2 || b[n] != '\r' || b[n+1] != '\n' {
			return false
		}
		b = b[n+2:]
		if len(b) < size+2 {
			return false
		}
		if size == 0 {
			return b[0] == '\r' && b[1] == '\n'
		}
		b = b[size+2:]
	}
}
