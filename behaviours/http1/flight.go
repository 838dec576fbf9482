package http1

import "sync/atomic"

// Waiter is who a request was started for.
type Waiter interface {
	// Replied says that Finish is to be called now. Unless whole is true that
	// may take a while: until the rest of the reply is here. It is called once
	// for each Start that returned true, by a goroutine that must not wait.
	Replied(whole bool)
}

// flight is a request whose reply nobody's goroutine waits for. A connection
// belongs to its user while at is grounded, to who sends the request while
// it is departing, and to the poller while it is landing. Flying, it belongs to
// nobody: whoever makes it something else owns it. All but the user change it by
// compare and swap.
//
//	grounded --Start--> departing --sent--> flying --something came--> landing --Replied--> grounded
//	                       |                |  ^                        |
//	                    something           |  +------ it was nothing --+
//	                      came              |
//	                       v                +-- timed out, cancelled --> grounded, Replied
//	                     stirred --sent--> (the sender looks itself)
type flight struct {
	at   atomic.Int32
	req  *Request
	r    *Reply
	then Waiter
	lost error // what reading or sending said, for Finish

	number int32       // among the poller's connections; 0: it is not one of them
	moved  atomic.Bool // its end may be here, or what nobody asked for
	missed atomic.Bool // something came while it was grounded, which will not be told of again
	pieces bool        // the last reply came in several
}

const (
	grounded = iota
	departing
	stirred
	flying
	landing
)
