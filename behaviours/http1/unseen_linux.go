package http1

import "golang.org/x/sys/unix"

// unseen says whether the peer closed the connection before the request came
// to it, as far as the kernel can tell; it is asked once a read ended without a
// byte of the reply.
//
// A peer that read the request and then closed has acknowledged it: its FIN
// carries the acknowledgement. One that had closed before answers the request
// with a reset, which the kernel keeps as EPIPE, or has not acknowledged it
// yet. A reset without a FIN before it says nothing, and is taken as an answer.
func (w *wire) unseen() bool {
	if w.raw == nil {
		return false
	}
	unseen := false
	w.raw.Control(func(fd uintptr) {
		if errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err == nil && unix.Errno(errno) == unix.EPIPE {
			unseen = true
			return
		}
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		unseen = err == nil && info.Unacked > 0
	})
	return unseen
}
