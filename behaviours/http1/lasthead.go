package http1

// lastHead is the last head that was parsed in a buffer, and what it said. A
// server repeats itself, for a second at least, until its Date changes: to
// compare a head costs a tenth of parsing it.
type lastHead struct {
	text [384]byte
	n    int // of text; 0: none
	r    Reply
	h    head
}

// keep remembers a head that was parsed. It is not part of readHead for the
// sake of that one's frame, which is on the stack of every user that waits.
//
//go:noinline
func (l *lastHead) keep(b []byte, req *Request, r *Reply, h *head) {
	if h.length > len(l.text) || req.HeadOnly { // to HEAD, other heads are right
		l.n = 0
		return
	}
	l.n = copy(l.text[:], b[:h.length])
	l.r = Reply{Status: r.Status, Minor: r.Minor, Expected: r.Expected, Cookies: r.Cookies, Encoded: r.Encoded}
	l.h = *h
}

// repeated says whether b begins with the same head again, and if so what it
// says.
func (l *lastHead) repeated(b []byte, req *Request, r *Reply, h *head) bool {
	if l.n == 0 || len(b) < l.n || string(b[:l.n]) != string(l.text[:l.n]) {
		return false
	}
	r.Status, r.Minor, r.Expected, r.Cookies, r.Encoded = l.r.Status, l.r.Minor, l.r.Expected, l.r.Cookies, l.r.Encoded
	*h = l.h
	h.noBody = h.noBody || req.HeadOnly
	return true
}
