package http1

import "golang.org/x/sys/unix"

// unseen says whether the peer closed the connection before a byte of the
// request, of n bytes in all, came to it, as far as the kernel can tell; it is
// asked once a read ended without a byte of the reply.
//
// A peer that read the request and then closed has acknowledged it: its FIN
// carries the acknowledgement. One that had closed before does not acknowledge
// it, but answers with a reset, if it has come by now. That there is a reset says
// nothing by itself: a peer can end its side, and reset the other later. A reset
// without a FIN before it is no end of a read, and is taken as an answer. Before
// Linux 4.19 the kernel does not tell, and what was sent counts as seen.
func (w *wire) unseen(n int64) bool {
	if w.raw == nil {
		return false
	}
	unseen := false
	w.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		const syn = 1 // is among what was acknowledged
		sent := info.Bytes_sent - info.Bytes_retrans
		unseen = int64(sent+syn)-int64(info.Bytes_acked) >= n
	})
	return unseen
}
