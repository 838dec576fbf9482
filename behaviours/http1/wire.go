package http1

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// wire is a net.Conn whose writes wait for the next read, so that the two can
// share one trip through the network poller.
//
// net.Conn.Read tries to read first, is told EAGAIN, parks, and reads again
// when there is something: of the four system calls of a request that first
// read is for nothing. syscall.RawConn.Read calls a function instead, resets
// the poller's readiness before it, and parks when the function returns
// false. So the request is written inside that function, which then returns
// false: write, park, read. The write has to stand inside: before the reset,
// a quick reply's readiness would be reset with it, and the wake-up lost.
//
// Where there is no such path (other systems, connections that are no
// sockets) reads and writes go through the net.Conn.
type wire struct {
	net.Conn
	raw  syscall.RawConn // nil: no such path
	turn func(fd uintptr) bool
	look func(fd uintptr) // nil until the connection was idle

	out   []byte // to be written before the next read; the caller's until then
	dst   []byte // where to read to; nil: a buffer is lent when there is something to read
	class int8   // of that buffer
	lent  *buffer
	n     int
	errno syscall.Errno
	short bool // out did not fit the send buffer

	box  *outbox       // where out is to be left, nil: it is sent at once
	mail atomic.Int32  // what has become of it there; 0: it is not there
	back bool          // it came back from there
	fd   uintptr       // while it is there
	sent time.Duration // when it was sent from there, by the outbox's clock

	open, surplus bool         // what look saw
	reset         atomic.Int32 // the errno that a look got: the kernel tells of it once, and then of an end

	// A detached socket is not in Go's poller. mu guards the change, of Conn
	// and of raw, against those who interrupt: they are not the connection's
	// owner, who alone changes and so need not lock to read.
	mu       sync.Mutex
	detached bool
	stays    bool // in Go's poller, from when it is there again

	state  *atomic.Int64 // the connection's
	nudged atomic.Bool   // the deadline is only there to wake who reads

	hold  *buffer // what Write keeps for the next read, for TLS
	held  int
	ended bool // the socket's end was read, for TLS
	gone  bool // some of what was kept may have been written, since the owner said otherwise
	// direct lets Write through at once, for a body that is written while
	// the reply is read. It is set and reset while nobody writes.
	direct bool
}

// heldMost is how much Write may keep back.
const heldMost = 64 << 10

func newWire(nc net.Conn, state *atomic.Int64) *wire {
	w := &wire{Conn: nc, state: state}
	if sc, ok := nc.(syscall.Conn); ok && pollable {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
			w.turn = w.step
		}
	}
	return w
}

// read writes what is due and then waits for bytes and reads them. With a nil
// p the bytes are in w.lent, which is the caller's to give back. It returns
// early, with 0 bytes and no error, if the request did not fit the send
// buffer: the rest is in w.out.
func (w *wire) read(p []byte, class int8) (int, error) {
	if w.raw == nil {
		return w.readPlain(p, class)
	}
	w.dst, w.class, w.n, w.errno, w.short = p, class, 0, 0, false
	var err error
	if !w.detached || len(w.out) > 0 || w.state.Load() < 0 || !w.step(w.fd) {
		w.attach() // it has to be waited for
		err = w.raw.Read(w.turn)
	}
	for err != nil && w.nudged.Swap(false) {
		if w.SetReadDeadline(time.Time{}); w.state.Load() <= 0 {
			w.SetReadDeadline(time.Unix(1, 0)) // that of an interruption was taken away, too
		}
		err = w.raw.Read(w.turn)
	}
	w.dst = nil
	if w.mail.Load() != 0 {
		w.collect()
	}
	if w.back {
		w.back = false
		w.SetReadDeadline(time.Time{}) // the outbox has set it
		err = nil
	}
	if w.errno != 0 {
		return w.n, w.errno
	}
	return w.n, err
}

func (w *wire) readPlain(p []byte, class int8) (int, error) {
	if len(w.out) > 0 {
		out := w.out
		w.out = nil
		if n, err := w.Conn.Write(out); err != nil {
			w.out = out[n:]
			return 0, err
		}
	}
	if p == nil {
		w.lent = lend(class)
		p = w.lent.b
	}
	return w.Conn.Read(p)
}

// Write keeps p for the next Read. TLS writes through it.
func (w *wire) Write(p []byte) (int, error) {
	if w.direct {
		return w.Conn.Write(p)
	}
	if w.held+len(p) > heldMost {
		if err := w.flush(); err != nil {
			return 0, err
		}
		return w.Conn.Write(p)
	}
	if w.hold == nil || w.held+len(p) > len(w.hold.b) {
		bigger := lendSize(w.held + len(p))
		if w.hold != nil {
			copy(bigger.b, w.hold.b[:w.held])
			w.hold.giveBack()
		}
		w.hold = bigger
	}
	w.held += copy(w.hold.b[w.held:], p)
	return len(p), nil
}

// flush writes what Write has kept.
func (w *wire) flush() error {
	if w.held == 0 {
		return nil
	}
	_, err := w.Conn.Write(w.hold.b[:w.held])
	w.gone = true
	w.dropHeld()
	return err
}

func (w *wire) dropHeld() {
	if w.hold != nil {
		w.hold.giveBack()
		w.hold, w.held = nil, 0
	}
}

// Read writes what Write has kept and reads. TLS reads through it. What could
// not be written stays kept.
func (w *wire) Read(p []byte) (int, error) {
	if w.held == 0 {
		return w.readTLS(p)
	}
	w.out = w.hold.b[:w.held]
	n, err := w.readTLS(p)
	w.gone = w.gone || w.short || len(w.out) < w.held
	if w.short {
		// The bytes in hold are still to be sent: the blocking way.
		if _, err := w.Conn.Write(w.out); err != nil {
			w.out = nil
			return 0, err
		}
		w.out = nil
		w.dropHeld()
		return w.readTLS(p)
	}
	if len(w.out) < w.held {
		w.dropHeld()
	}
	w.out = nil
	return n, err
}

func (w *wire) readTLS(p []byte) (int, error) {
	n, err := w.read(p, 0)
	if n == 0 && err == nil && !w.short && len(p) > 0 {
		err = errEOF
	}
	w.ended = w.ended || err == errEOF
	return n, err
}

// SetDeadline implements net.Conn. Any goroutine may call it.
func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Conn.SetDeadline(t)
}

// silent says whether there is nothing to read, nor the end.
func (w *wire) silent() bool {
	open, pending := w.alive()
	return open && !pending
}
