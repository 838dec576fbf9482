//go:build linux || darwin

package http1

import (
	"syscall"
	"time"
)

const pollable = true

// step is called by the poller when the socket may be ready. It returns false
// to wait for that.
func (w *wire) step(fd uintptr) bool {
	early := false // there is something to read, and the request was not even sent
	if w.mail.Load() != 0 {
		if w.collect() {
			return true
		}
		early = len(w.out) > 0
	}
	if len(w.out) > 0 {
		if b := w.box; b != nil {
			w.box = nil
			b.post(w, fd)
			return false
		}
		n, errno := w.write(fd)
		switch {
		case errno == 0 && n == len(w.out):
			w.out = nil
			if !early {
				return false
			}
		case errno == 0 || errno == syscall.EAGAIN:
			w.out = w.out[max(n, 0):]
			w.short = true
			return true
		default:
			w.errno = errno
			return true
		}
	}
	if w.dst == nil {
		w.lent = lend(w.class)
		w.dst = w.lent.b
	}
	n, errno := sysRead(fd, w.dst)
	for errno == syscall.EINTR {
		n, errno = sysRead(fd, w.dst)
	}
	if errno == syscall.EAGAIN {
		return false
	}
	if n == 0 && errno == 0 {
		errno = syscall.Errno(w.reset.Load())
	}
	w.n, w.errno = max(n, 0), errno
	return true
}

// write hands what is in out to the kernel, as much as it takes.
func (w *wire) write(fd uintptr) (int, syscall.Errno) {
	for {
		n, errno := sysWrite(fd, w.out)
		if errno != syscall.EINTR {
			return n, errno
		}
	}
}

// alive looks whether an idle connection is still open, without waiting;
// surplus says that there are bytes nobody asked for.
func (w *wire) alive() (open, surplus bool) {
	if w.raw == nil {
		return true, false
	}
	if w.look == nil {
		w.look = w.peek
	}
	w.open, w.surplus = true, false
	err := w.raw.Control(w.look)
	return w.open && err == nil, w.surplus
}

func (w *wire) peek(fd uintptr) {
	n, errno := w.glance(fd)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
	case errno != 0 || n == 0:
		w.open = false
	default:
		w.surplus = true
	}
}

// glance looks for something to read and leaves it there.
func (w *wire) glance(fd uintptr) (int, syscall.Errno) {
	var p [1]byte
	n, _, err := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	errno, _ := err.(syscall.Errno)
	if errno != 0 && errno != syscall.EAGAIN && errno != syscall.EINTR {
		w.reset.Store(int32(errno))
	}
	return n, errno
}

// nudge wakes a read that waits though there is something to read, and says
// whether there is: what came before the poller's readiness was reset is not told
// of again, unless the server sends more. Any goroutine may call it.
func (w *wire) nudge() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.raw == nil {
		return false
	}
	something := false
	w.raw.Control(func(fd uintptr) {
		_, errno := w.glance(fd)
		something = errno != syscall.EAGAIN && errno != syscall.EINTR
	})
	if something && !w.detached { // who is detached has nobody who reads
		w.nudged.Store(true)
		w.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	return something
}
