// Package http1 is the client side of HTTP/1.1 for load: one connection per
// simulated user, blocking calls, whole replies, and as few system calls and
// instructions per request as the protocol allows.
//
//	sweeper := http1.NewSweeper()
//	go sweeper.Run(ctx)
//	conn := http1.NewConn(netConn, sweeper)
//	err := conn.RoundTrip(&req, &reply) // reply.Body is valid until conn.Release
//
// What a general client does for every request and this one does not: it never
// reads before there is something to read (see wire), arms no timer (see
// Sweeper), copies no header, and starts no goroutine unless a request does
// not fit the kernel's send buffer. Between requests a connection holds no
// buffers. Nothing is ever sent twice by this package.
//
// Who has nothing to do while it waits can do without a goroutine, too: Start
// sends a request, a poller of the package's own waits for the replies to all of
// them, and Finish reads one that is there. On Linux that costs a tenth less than
// RoundTrip. What does not come in one piece is still read by blocking code.
//
// Requests of many busy users are sent in bursts, after all of them have read
// their replies (see outbox, and Start). The design had each user send at once,
// from a goroutine of its own; that costs more, and lets replies wait to be read
// while others are sent.
//
// A request that meets the end of a kept connection, a close or a reset, before
// a byte of its reply is marked as one that may be sent again, unless the server
// is known to have read it: see Error.Stale.
//
// The parser reads what net/http reads. Where it refuses more, a table in the
// tests says so and why.
package http1
