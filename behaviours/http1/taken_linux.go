package http1

import "golang.org/x/sys/unix"

// taken says whether the peer is known to have read some of the request, of n
// bytes in all; it is asked once a read ended, by a close, without a byte of the
// reply.
//
// A peer that read the request and then closed has acknowledged it: its FIN
// carries the acknowledgement. One that had closed before does not acknowledge
// it, but answers with a reset, if it has come by now. Before Linux 4.19 the kernel
// does not tell, and what was sent counts as taken; so does what was sent to a
// Unix socket, which tells of what it leaves unread by a reset.
func (w *wire) taken(n int64) bool {
	taken := false
	if w.raw == nil {
		return taken
	}
	w.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			taken = true
			return
		}
		const syn = 1 // is among what was acknowledged
		sent := info.Bytes_sent - info.Bytes_retrans
		taken = int64(sent+syn)-int64(info.Bytes_acked) < n
	})
	return taken
}
