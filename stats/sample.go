package stats

import (
	"cmp"
	"time"
)

// Class keeps rows of different nature apart: requests are what the totals
// count; transactions and tasks have rows of their own kind.
type Class uint8

// The classes of rows.
const (
	Request     Class = iota // one measured act on the wire
	Transaction              // a named group of requests
	Task                     // one run of a behaviour's task
	Counter                  // what a behaviour counts: each call is an act, and In what it adds
	classes                  // how many there are
)

// Key names a row. Method is GET, POST … for HTTP and the protocol's own word
// (tcp, grpc, sql …) for anything else; for a task it is the behaviour.
type Key struct {
	Class  Class
	Method string
	Name   string
}

// compare orders rows as tables do.
func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Class, o.Class), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Method, o.Method))
}

// Sample is one measured act.
type Sample struct {
	Kind   Kind
	Status int           // the protocol's status code, 0 if it has none
	Took   time.Duration // service time, from the actual start

	// Due says that the start had a schedule (pacing, throughput, an arrival
	// rate); Late is then how long after it the act began, never below 0.
	Due  bool
	Late time.Duration

	In, Out   int64 // bytes on the wire, received and sent
	Dialled   bool  // the act opened a connection
	Handshake bool  // … and did a TLS handshake on it
	Redirects int   // replies that sent it on; each was a request on the wire
	Stalled   bool  // it did not fit the kernel's send queue at once
	Reconnect bool  // the kept connection was found closed, and one more was opened
}

// Phases are the parts of a request's time. A phase that did not happen is 0.
type Phases struct {
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	Write     time.Duration // until the last byte of the request was handed to the kernel
	FirstByte time.Duration // from there to the first byte of the reply
	Body      time.Duration // from there to its last byte
}
