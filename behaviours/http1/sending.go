package http1

import (
	"errors"
	"io"
	"os"
	"time"
)

// write sends what does not fit the kernel's buffer, or may not, from a
// goroutine of its own, so that a server that answers before it has read
// everything is heard. RoundTrip waits for it.
func (c *Conn) write(a, b []byte) {
	done := make(chan struct{})
	c.writing = done
	c.w.attach()
	var to io.Writer = c.w.Conn
	if c.tls != nil {
		c.w.flush() // an error comes back at the next write
		c.w.direct = true
		to = c.tls
	}
	go func() {
		n, err := to.Write(a)
		if err == nil && len(b) > 0 {
			var m int
			m, err = to.Write(b)
			n += m
		}
		c.written, c.writeErr, c.unwrit = c.sweeper.Now(), err, len(a)+len(b)-n
		close(done)
	}()
}

// endWrite waits for the writer. If the reply came before it was done nobody
// wants the rest; but it may only not have said yet that it is.
func (c *Conn) endWrite(r *Reply) {
	if !c.broken {
		grace := time.NewTimer(writeGrace)
		select {
		case <-c.writing:
		case <-grace.C:
		}
		grace.Stop()
	}
	if c.unsent(r) {
		c.broken = true
		c.w.SetWriteDeadline(time.Unix(1, 0))
		<-c.writing
	}
	// What was written after the reply was none of its time.
	r.Written = min(c.written, r.End)
	r.Out -= int64(c.unwrit)
	c.writing, c.w.direct = nil, false
}

// stalled has the rest of a request sent that did not fit at once.
func (c *Conn) stalled(r *Reply) {
	r.Stalled = true
	c.write(c.w.out, nil)
	c.w.out = nil
}

// whatWriting is the error of the writer, if it had one, otherwise err: a reset is
// told once, to who asks first, and then looks like an end to the other.
func (c *Conn) whatWriting(err error) error {
	c.w.SetWriteDeadline(time.Unix(1, 0)) // if it was not told of anything
	<-c.writing
	if c.writeErr == nil || errors.Is(c.writeErr, os.ErrDeadlineExceeded) {
		return err
	}
	return c.writeErr
}

// untouched says whether the kernel took no byte of the request. A writer that
// was stopped halfway is no such case: the server may have begun with it.
func (c *Conn) untouched(r *Reply) bool {
	if c.writing == nil {
		return c.left(r) == r.Out
	}
	select {
	case <-c.writing:
		return int64(c.unwrit) == r.Out
	default:
		return false
	}
}

// left is how many bytes of a request without a writer were not sent. TLS keeps
// all of it until it reads, and does not come to that if it has read the end of
// the session already, together with the reply before. What TLS says later, an
// alert, may be kept as well.
func (c *Conn) left(r *Reply) int64 {
	if c.tls != nil && c.w.held > 0 && !c.w.gone {
		return r.Out
	}
	return int64(len(c.w.out))
}

// unsent says whether part of the request is still here.
func (c *Conn) unsent(r *Reply) bool {
	if c.writing == nil {
		return c.left(r) > 0
	}
	select {
	case <-c.writing:
		return c.writeErr != nil
	default:
		return true
	}
}
