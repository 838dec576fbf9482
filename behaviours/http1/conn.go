package http1

import (
	"crypto/tls"
	"errors"
	"hash"
	"io"
	"math"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"tload/stats"
)

// Conn is one connection to a server, used by one goroutine at a time.
type Conn struct {
	w       *wire
	tls     *tls.Conn // over w; nil without TLS
	sweeper *Sweeper
	box     *outbox
	poller  *poller
	flight
	index   int   // in the sweeper's list, its to use
	pending int64 // the state when the sweeper last looked for a missed end

	// state is idle, or the deadline of the request under way, or why it
	// was interrupted; see Sweeper.
	state atomic.Int64

	buf      *buffer // the reply so far; nil between requests
	end      int     // how much of buf is filled
	class    int8    // the size of buffer that the last reply took
	used     bool    // a reply has come over this connection
	broken   bool    // no further request may use it
	closed   bool
	last     time.Duration
	head     head          // of the reply under way
	reads    int           // for it
	writing  chan struct{} // closed by the writer goroutine, if there is one; see write
	written  time.Duration // when it ended, and how: set before that
	writeErr error
	unwrit   int // of what it was given
}

// Request is one request, rendered. Its memory is the caller's and must stay
// as it is until RoundTrip returns; RoundTrip may use the spare capacity of
// Head.
type Request struct {
	Head []byte // request line and headers, with the empty line
	Body []byte
	// HeadOnly says that the method is HEAD: the reply has no body whatever
	// its headers say.
	HeadOnly bool
	// Continue says that Head asks for "100 Continue": the body is sent when
	// the server says so, or after a second of silence, and not at all if the
	// final reply comes first.
	Continue bool

	Start       time.Duration // now, by the sweeper's clock
	Burst       bool          // it may be sent a little later, together with those of others: see Reply.Sent
	Timeout     time.Duration // for the whole exchange; 0 is none
	Cancellable bool          // Sweeper.Cancel applies
	// Done, if not nil, is what Interrupt is tied to: if it is closed already
	// the request fails before anything is sent.
	Done    <-chan struct{}
	MaxBody int64 // a longer body is a failure; 0 is no limit
	// Keeper, if not nil, says how much of a long body is to be kept.
	Keeper Keeper
}

// Keeper says what a body is worth that is too long to be kept for nothing.
type Keeper interface {
	// Keep is asked once, when the head and more than a little of the body is
	// there, or announced. most is how many bytes somebody may look at, below 0
	// all: what is behind them is read, counted and forgotten if it is much, see
	// Reply.Forgotten. sum says that somebody may ask for the SHA-256 of all of it,
	// see Reply.SHA256.
	Keep(r *Reply) (most int, sum bool)
}

// Reply is one reply as it came. Head, Body and Trailer point into the
// connection's buffer: they are valid until Release, or the next RoundTrip.
// After an error it holds what had arrived.
type Reply struct {
	Status int
	Minor  int    // of HTTP/1.Minor
	Head   []byte // status line and headers with their line ends, the empty line included
	Body   []byte // transfer coding removed
	// Trailer are the header lines behind a chunked body.
	Trailer  []byte
	Expected int64 // the length that was announced, -1 if none was
	// KeepAlive says that the connection can take another request.
	KeepAlive bool
	// Surplus is how many bytes came behind the reply that nobody asked for.
	// The connection is not used again then.
	Surplus int
	// Forgotten is how many bytes of the body came behind those in Body and were
	// not kept.
	Forgotten int64
	sum       hash.Hash // of a body of which some is forgotten, nil if nobody wants it
	Chunked   bool
	Cookies   bool // there is a Set-Cookie header
	// Stalled says that the request did not fit the send queue at once.
	Stalled bool
	Encoded bool // there is a Content-Encoding header

	In, Out int64 // bytes read and written, interim replies included
	// By the sweeper's clock. Sent is 0 unless the request waited for others,
	// and then when it was sent. Written is 0 when the kernel took the request
	// in one piece, which takes no time worth a reading of the clock.
	Sent, Written, FirstByte, End time.Duration
}

// Limits and thresholds.
const (
	maxHead    = 64 << 10 // of a reply, and of the trailer
	maxInterim = 16       // 1xx replies before the final one
	// inline is how long a body can be to be copied behind its headers and
	// go out in one write with them.
	inline       = 32 << 10
	continueWait = time.Second
	writeGrace   = 5 * time.Millisecond
	// idleCheck is after which time unused a connection is looked at before
	// it is used: one system call more for a user that waits, none for one
	// that does not. A request must not go over a connection that is known to
	// be dead, nor meet what a server sends to one that it gives up, a 408.
	// Watched connections (see poller) need no look.
	idleCheck = 20 * time.Millisecond
)

var errEOF = io.EOF

// NewConn makes a Conn of an open connection, which it owns from then on.
func NewConn(nc net.Conn, s *Sweeper) *Conn {
	c := &Conn{sweeper: s}
	c.w = newWire(nc, &c.state)
	s.add(c)
	return c
}

// NewTLSConn makes a Conn that speaks TLS over an open connection, which it
// owns from then on. The handshake is the caller's to do, by
// TLS().HandshakeContext; its stack is deep, so not on a user's goroutine.
func NewTLSConn(nc net.Conn, s *Sweeper, config *tls.Config) *Conn {
	c := &Conn{sweeper: s}
	c.w = newWire(nc, &c.state)
	c.tls = tls.Client(c.w, config)
	s.add(c)
	return c
}

// TLS is the TLS connection, nil if there is none.
func (c *Conn) TLS() *tls.Conn { return c.tls }

// LocalAddr is the address on this side.
func (c *Conn) LocalAddr() net.Addr { return c.w.LocalAddr() }

// RemoteAddr is the address on the other side.
func (c *Conn) RemoteAddr() net.Addr { return c.w.RemoteAddr() }

// Used says whether a reply has come over this connection.
func (c *Conn) Used() bool { return c.used }

// Usable says whether another request can be sent. For a connection that was
// not used for a while it looks whether the server has closed it, or has sent
// what nobody asked for; of one that is watched that is known.
func (c *Conn) Usable(now time.Duration) bool {
	switch {
	case c.broken:
		return false
	case c.number > 0:
		if !c.moved.Load() || !c.moved.Swap(false) {
			return true
		}
	case now-c.last < idleCheck || !c.used:
		return true
	}
	open, pending := c.w.alive()
	if c.tls == nil {
		c.broken = !open || pending
	} else {
		c.broken = !open || c.tlsEnded(pending)
	}
	return !c.broken
}

// tlsEnded reads what has come over TLS, which the TLS connection may have in
// its own buffer, and says whether it was the end, or data that nobody asked
// for. It may also be nothing, or a session ticket.
func (c *Conn) tlsEnded(pending bool) bool {
	deadline := time.Unix(1, 0) // reads that buffer and nothing else
	if pending {
		deadline = time.Now().Add(time.Millisecond)
	}
	c.w.SetReadDeadline(deadline)
	var b [1]byte
	n, err := c.tls.Read(b[:])
	c.w.SetReadDeadline(time.Time{})
	return n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)
}

// Release ends the validity of the last reply and gives its memory back.
func (c *Conn) Release() {
	if c.buf != nil {
		c.buf.giveBack()
		c.buf, c.end = nil, 0
	}
}

// Close closes the connection, once: another time its file may be somebody
// else's. The last reply stays valid until Release. It is not for stopping a
// RoundTrip under way: that is Interrupt's.
func (c *Conn) Close() error {
	if c.closed {
		return net.ErrClosed
	}
	c.closed, c.broken = true, true
	c.poller.forget(c)
	c.sweeper.remove(c)
	return c.w.Close()
}

// Interrupt makes the RoundTrip under way, if there is one, fail as aborted.
// Any goroutine may call it.
func (c *Conn) Interrupt() {
	for v := c.state.Load(); v > 0; v = c.state.Load() {
		if c.state.CompareAndSwap(v, cancelled) {
			c.interrupt()
			return
		}
	}
}

// interrupt wakes whatever waits on the connection. The state says why.
func (c *Conn) interrupt() {
	c.w.SetDeadline(time.Unix(1, 0))
	if c.at.CompareAndSwap(flying, grounded) {
		c.then.Replied(false)
	}
}

// RoundTrip sends the request and reads the whole reply to it. An error is
// an *Error; the reply then holds what had come.
func (c *Conn) RoundTrip(req *Request, r *Reply) error {
	c.reset(r)
	var err error
	if c.begin(req) {
		err = c.exchange(req, r)
	} else {
		err = Aborted(Sending)
	}
	return c.settle(r, err)
}

// reset is what comes before every request.
func (c *Conn) reset(r *Reply) {
	*r = Reply{Expected: -1}
	c.reads, c.end, c.w.sent, c.w.gone = 0, 0, 0, false
}

// settle is what comes after every reply, and after what there is of one.
func (c *Conn) settle(r *Reply, err error) error {
	r.End, r.Sent = c.sweeper.Now(), c.w.sent
	if c.writing != nil {
		c.endWrite(r)
	}
	if n := c.left(r); n > 0 {
		r.Out -= n
		c.broken = true
	}
	c.last = r.End
	if c.state.Swap(idle) <= 0 || err != nil {
		c.broken = true
	} else {
		c.used = true
	}
	if r.FirstByte == 0 && c.reads > 0 {
		r.FirstByte = r.End
	}
	if c.broken || r.Surplus > 0 {
		c.broken, r.KeepAlive = true, false
	}
	c.pieces = c.reads > 1
	return err
}

// begin makes the request interruptible.
func (c *Conn) begin(req *Request) bool {
	due := time.Duration(math.MaxInt64 >> 1)
	if req.Timeout > 0 {
		due = req.Start + req.Timeout
	}
	v := int64(due) << 1
	if req.Cancellable {
		v |= 1
	}
	c.state.Store(v)
	if req.Timeout > 0 {
		c.sweeper.expect(due, req.Timeout)
	}
	if req.Done != nil {
		select {
		case <-req.Done:
			return false
		default:
		}
	}
	return !req.Cancellable || !c.sweeper.cancelled.Load()
}

// exchange is RoundTrip without its frame.
func (c *Conn) exchange(req *Request, r *Reply) error {
	out, rest := req.Head, req.Body
	wait := req.Continue && len(rest) > 0
	if len(rest) > 0 && len(rest) <= inline && !wait {
		out, rest = append(out, rest...), nil
	}
	r.Out = int64(len(out))
	switch {
	case len(rest) > 0 && !wait:
		r.Out += int64(len(rest))
		c.write(out, rest)
	case c.tls != nil:
		if _, err := c.tls.Write(out); err != nil {
			return c.failed(req, r, nil, err)
		}
	default:
		c.w.out, c.w.box = out, nil
		if req.Burst && c.box.busy(req.Start) {
			c.w.box = c.box
		}
	}
	c.head = head{}
	if wait {
		if err := c.awaitContinue(req, r, &c.head); err != nil {
			return err
		}
	}
	return c.receive(req, r)
}

// receive reads the reply, or what is still missing of it.
func (c *Conn) receive(req *Request, r *Reply) error {
	h := &c.head
	for n := 0; h.length == 0; n++ {
		if n > maxInterim {
			return malformed(Headers, "more than %d interim replies", maxInterim)
		}
		if err := c.readHead(req, r, h); err != nil {
			return err
		}
		if r.Status/100 == 1 && r.Status != 101 {
			c.dropHead(r, h)
		}
	}
	return c.readBody(req, r, h)
}

// awaitContinue sends the body when the server asks for it.
func (c *Conn) awaitContinue(req *Request, r *Reply, h *head) error {
	c.w.attach()
	c.w.nudged.Store(false) // this deadline is meant
	c.w.SetReadDeadline(time.Now().Add(continueWait))
	err := c.readHead(req, r, h)
	c.w.SetReadDeadline(time.Time{})
	if c.state.Load() <= 0 {
		c.interrupt() // it may have struck before the deadline was taken away
	}
	switch {
	case err != nil && errors.Is(err, os.ErrDeadlineExceeded) && c.state.Load() > 0:
	case err != nil:
		return err
	case r.Status/100 == 1 && r.Status != 101:
		c.dropHead(r, h)
	default: // it has the answer: the body stays here, and so must the connection
		c.broken = true
		return nil
	}
	r.Out += int64(len(req.Body))
	c.write(req.Body, nil)
	return nil
}

// fill waits for more bytes of the reply and appends them to the buffer, in
// which there is room. The first fill sends the request.
func (c *Conn) fill(r *Reply) error {
	if c.reads == 1 {
		r.FirstByte = c.sweeper.Now()
	}
	var n int
	var err error
	switch {
	case c.lost != nil:
		err, c.lost = c.lost, nil
		return err
	case c.tls != nil:
		if c.buf == nil {
			c.buf = lend(c.class)
		}
		n, err = c.tls.Read(c.buf.b[c.end:])
		if n > 0 && c.w.held > 0 && c.used { // nobody has asked for it yet
			return errEOF
		}
	default:
		var to []byte // nil: into a buffer that is lent when there is something to read
		if c.buf != nil {
			to = c.buf.b[c.end:]
		}
		n, err = c.w.read(to, c.class)
		if c.w.short && err == nil {
			if c.state.Load() <= 0 {
				c.interrupt() // the outbox's word for it may have covered this one
			}
			c.stalled(r)
			n, err = c.w.read(to, c.class)
		}
		if c.buf == nil {
			c.buf, c.w.lent = c.w.lent, nil
		}
	}
	c.end += n
	r.In += int64(n)
	if n > 0 {
		c.reads++
		if err == errEOF { // TLS tells of its end together with the last bytes
			c.broken = true
		}
		return nil
	}
	if err == nil {
		err = errEOF
	}
	return err
}

// room makes room for n more bytes behind those in the buffer.
func (c *Conn) room(n int) {
	if c.buf == nil || c.end+n <= len(c.buf.b) {
		return
	}
	bigger := lendSize(c.end + n)
	copy(bigger.b, c.buf.b[:c.end])
	c.buf.giveBack()
	c.buf = bigger
	c.class = min(bigger.class, unpooled-1)
}

// Gone says whether that is how a connection fails of which the peer wants to hear
// no more.
func Gone(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && (errno == syscall.ECONNRESET || errno == syscall.EPIPE || errno == syscall.ECONNABORTED)
}

// failed makes an Error of what fill said, according to where it happened.
// h is nil before the headers are complete.
func (c *Conn) failed(req *Request, r *Reply, h *head, err error) error {
	phase, detail := Body, ""
	if err == errEOF && c.writing != nil {
		err = c.whatWriting(err)
	}
	switch {
	case c.unsent(r):
		phase = Sending
	case r.In == 0:
		phase = Waiting
	case h == nil:
		phase = Headers
	case r.Expected >= 0:
		detail = sprint(" (%d of %d bytes came)", int64(len(r.Body))+r.Forgotten, r.Expected)
	default:
		detail = sprint(" (%d bytes came)", int64(len(r.Body))+r.Forgotten)
	}
	switch c.state.Load() {
	case timedOut:
		return TimedOut(phase, req.Timeout, detail)
	case cancelled:
		return Aborted(phase)
	}
	e := &Error{Phase: phase, Err: err}
	var errno syscall.Errno
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind, e.Text = stats.EOF, "the server closed the connection "+phase.String()+detail
		if phase == Body {
			e.Kind = stats.Body
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.Kind, e.Text = stats.Timeout, "timed out "+phase.String()+detail
	case errors.As(err, &errno):
		e.Kind = stats.Reset
		if Gone(err) {
			e.Text = "the server reset the connection " + phase.String() + detail
		} else {
			e.Text = "the connection broke " + phase.String() + detail + ": " + errno.Error()
		}
	case c.tls != nil:
		e.Kind, e.Text = stats.TLS, "TLS failed "+phase.String()+detail+": "+err.Error()
	default:
		e.Kind, e.Text = stats.Reset, "the connection broke "+phase.String()+detail+": "+err.Error()
	}
	if c.used && r.In == 0 && (e.Kind == stats.EOF || Gone(err)) {
		e.Unsent = c.untouched(r)
		e.Stale = e.Unsent || e.Kind == stats.Reset || !c.w.taken(r.Out)
	}
	return e
}
