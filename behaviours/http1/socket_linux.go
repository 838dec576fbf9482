package http1

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a connection that is in no poller but the package's own. If it were
// in Go's as well each reply would be told of twice: by the kernel, which keeps
// a list for each, and by Go's poller to nobody. Who is to be waited for by a
// goroutine must be attached to Go's first.
type socket struct {
	net.Conn // as it was in Go's poller; closed there, so all that is left of it are the addresses
	fd       int
}

// Close closes the connection.
func (s socket) Close() error { return syscall.Close(s.fd) }

// rawSocket is the system's side of a socket.
type rawSocket struct {
	syscall.RawConn // closed, likewise
	fd              int
}

// Control is the one call that needs no poller.
func (r rawSocket) Control(f func(fd uintptr)) error {
	f(uintptr(r.fd))
	return nil
}

// detach takes the socket of an idle connection out of Go's poller. One that has
// been put back there stays.
func (w *wire) detach() {
	if w.stays || w.detached {
		return
	}
	fd := -1
	w.raw.Control(func(old uintptr) {
		fd, _ = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	if w.stays = true; fd < 0 {
		return // no more files are to be had: then it is in both
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Conn.Close() // there is no other way out; the copy keeps the connection open
	w.Conn, w.raw, w.detached = socket{w.Conn, fd}, rawSocket{w.raw, fd}, true
}

// attach puts the socket into Go's poller, if it is not there, so that a
// goroutine can wait for it.
func (w *wire) attach() {
	if !w.detached {
		return
	}
	s := w.Conn.(socket)
	c := fileConn{os.NewFile(uintptr(s.fd), "socket"), s.Conn}
	w.mu.Lock()
	w.Conn, w.detached = c, false
	w.raw, _ = c.SyscallConn() // a file that is open has one
	w.mu.Unlock()
	if w.state.Load() < 0 { // nobody was there to be woken
		w.SetDeadline(time.Unix(1, 0))
	}
}

// fileConn is a socket that is back in Go's poller.
type fileConn struct {
	*os.File
	was net.Conn
}

// LocalAddr is the address on this side.
func (c fileConn) LocalAddr() net.Addr { return c.was.LocalAddr() }

// RemoteAddr is the address on the other side.
func (c fileConn) RemoteAddr() net.Addr { return c.was.RemoteAddr() }
