//go:build linux || darwin

package http1

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// outbox sends the requests of busy users in bursts. When many replies are
// there at once, each user would read its own, do its work and send, one after
// the other. With an outbox all of them read first and then everything is
// sent. That is cheaper, because each part of the kernel and of the program
// stays in the processor's caches while it is in use, and because a server that
// gets a burst is woken once; and it is nearer to the truth, because a reply
// does not wait to be read while others are sent.
//
// A request that waits here has not started: its start is when it is sent.
type outbox struct {
	clock *Sweeper
	last  atomic.Int64 // when a request last came by, on the clock
	later func()       // sends what is there when all who are ready to run have run; made once

	mu    sync.Mutex
	due   []*wire
	empty [][]*wire // spare memory
}

const (
	// burstGap is how close behind another a request must come to be one of a
	// burst: some times what a request takes. Behind a longer gap there is
	// nobody to wait for.
	burstGap = 20 * time.Microsecond
	// burstMost is how many requests wait for each other. The server need not
	// be idle while its client reads the replies of thousands.
	burstMost = 64
)

// The states of a wire in an outbox.
const (
	posted   = iota + 1 // in the outbox
	leaving             // being sent
	returned            // not sent, or not all of it: see wire.errno and wire.out
)

func (b *outbox) open(clock *Sweeper) {
	b.clock = clock
	b.later = func() {
		runtime.Gosched() // behind those who may have something to send, too
		b.send()
	}
}

// busy notes that a request begins, and says whether it is one of a burst.
func (b *outbox) busy(now time.Duration) bool {
	before := time.Duration(b.last.Load())
	if now <= before { // others got there first
		return true
	}
	b.last.Store(int64(now))
	return now-before < burstGap
}

// post leaves the wire's request to be sent with the others.
func (b *outbox) post(w *wire, fd uintptr) {
	w.fd = fd
	w.mail.Store(posted)
	b.mu.Lock()
	b.due = append(b.due, w)
	n := len(b.due)
	b.mu.Unlock()
	switch n {
	case 1:
		go b.later()
	case burstMost:
		b.send()
	}
}

// send sends what is there. It does not block.
func (b *outbox) send() {
	b.mu.Lock()
	due := b.due
	b.due = nil
	if n := len(b.empty); n > 0 {
		b.due, b.empty = b.empty[n-1], b.empty[:n-1]
	}
	b.mu.Unlock()
	for i, w := range due {
		w.dispatch(b.clock)
		due[i] = nil
	}
	b.mu.Lock()
	b.empty = append(b.empty, due[:0])
	b.mu.Unlock()
}

// dispatch sends a posted request, unless its user has taken it back.
func (w *wire) dispatch(clock *Sweeper) {
	if !w.mail.CompareAndSwap(posted, leaving) {
		return
	}
	w.sent = clock.Now()
	n, errno := w.write(w.fd)
	if errno == 0 && n == len(w.out) {
		w.out = nil
		w.mail.Store(0)
		return
	}
	if errno == 0 || errno == syscall.EAGAIN {
		w.out = w.out[max(n, 0):]
		w.short, errno = true, 0
	}
	w.errno = errno
	w.SetReadDeadline(time.Unix(1, 0)) // wakes the user, who waits for what follows
	w.mail.Store(returned)
}

// collect settles what has become of a posted request: it was sent, or it came
// back, or it is taken back from the outbox and in w.out.
func (w *wire) collect() (back bool) {
	for {
		switch w.mail.Load() {
		case 0:
			return false
		case posted:
			if w.mail.CompareAndSwap(posted, 0) {
				w.sent = 0
				return false
			}
			continue
		case returned:
			w.mail.Store(0)
			w.back = true
			return true
		}
		runtime.Gosched() // it is being sent, which takes microseconds
	}
}
