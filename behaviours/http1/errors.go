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
	// Stale says that the connection had been used before and was closed by
	// the peer before it could see this request: the one case in which a
	// request may be sent again (RFC 9112, 9.3.1), if its method is idempotent.
	// A peer that took the request and then closed or reset is not such a case,
	// so that one call is one request in the server's count.
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
