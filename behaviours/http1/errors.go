package http1

import (
	"fmt"
	"time"

	"tload/stats"
)

// Phase is where a request stands.
type Phase uint8

// The phases of a request, in order.
const (
	Resolving Phase = iota
	Connecting
	Handshaking
	Sending
	Waiting // for the first byte of the reply
	Headers
	Body
)

var phaseNames = [...]string{
	Resolving:   "resolving the name",
	Connecting:  "connecting",
	Handshaking: "in the TLS handshake",
	Sending:     "sending the request",
	Waiting:     "waiting for the first byte",
	Headers:     "reading the headers",
	Body:        "reading the body",
}

// String says it so that it goes behind "timed out".
func (p Phase) String() string { return phaseNames[p] }

// Error is a request that got no complete reply. Its text is one line that
// says what happened and where.
type Error struct {
	Kind  stats.Kind
	Phase Phase
	Text  string
	// Stale says that the connection had been used before, and that the peer has
	// closed or reset it before a byte of the reply came, and is not known to have
	// read the request: the one case in which a request may be sent again (RFC 9112,
	// 9.3.1), if its method is idempotent (RFC 9110, 9.2.2). Servers close kept
	// connections when they like, and most requests that meet such an end were
	// never read; a new user's would not have met it.
	//
	// A close that acknowledges the request is the answer of a peer that read it,
	// and so is none; see wire.taken. A reset says nothing: it comes of a request
	// that lay unread when the connection was closed, and hardly ever from a peer
	// that read it.
	Stale bool
	// Unsent says that it is stale and no byte was sent, so that it may be sent
	// again whatever its method.
	Unsent bool
	Err    error // what the system said, nil if the reply itself was at fault
	// Head and Body are what a proxy said instead of opening the way.
	Head, Body []byte
}

// Error is the text.
func (e *Error) Error() string { return e.Text }

// Unwrap is what the system said.
func (e *Error) Unwrap() error { return e.Err }

// TimedOut is the error of a request whose time was over in that phase; what
// it had got until then goes in detail, which may be empty.
func TimedOut(p Phase, timeout time.Duration, detail string) *Error {
	return &Error{Kind: stats.Timeout, Phase: p, Text: fmt.Sprintf("timed out after %v %s%s", timeout, p, detail)}
}

// Aborted is the error of a request that was cut off from this side.
func Aborted(p Phase) *Error {
	return &Error{Kind: stats.Aborted, Phase: p, Text: "aborted " + p.String()}
}

// malformed is a reply that breaks the protocol.
func malformed(p Phase, format string, a ...any) *Error {
	return &Error{Kind: stats.Protocol, Phase: p, Text: "malformed reply: " + fmt.Sprintf(format, a...)}
}
