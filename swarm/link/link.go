// Package link makes nodes of other machines: the master's end is a swarm.Node that
// stands for a worker, the worker's end drives a node of its own, the crew.
//
// NATS carries it: the master embeds a server with one TLS port, and workers dial
// out. Connections, framing, permissions, reconnects and slow readers are NATS's;
// what is said over them is ours:
//
//	tl.R.W.join   W → M  request   who I am → a welcome with the job, or why not
//	tl.R.W.file   W → M  request   a piece of a file of the job
//	tl.R.W.deal   W → M  request   how many numbers → the first of them, which nobody
//	                               else is given: rows of test data
//	tl.R.W.cmd    M → W  request   the whole assignment → how the node stands
//	tl.R.W.delta  W → M            what happened since the last one, once a second;
//	                               the reply takes it off the worker's hands
//
// R is the master, W the worker: a hash of the key that it made for itself, with
// which it signs the server's nonce. Each worker may speak of itself alone.
//
// A delta is counted once. There is at most one in flight, which is sent again, the
// same bytes, until it is acknowledged; what happens meanwhile goes into the next
// one. The master takes the one that follows the last, acknowledges again what it
// has, and calls anything else a fault. Each delta says what all of them add up to,
// and the master holds its own sum against it.
//
// A worker may work as long as its newest acknowledged delta is young, counted from
// when it was sent (Fence); the master gives its users to others when it was not
// heard of for longer than that (Lease), counted from when it was. The clocks of two
// machines are never compared. What may not be sent any more is not: tasks ask for
// the time before they begin, so a machine that was frozen and thaws sends nothing.
// Nor does it obey what was said to it while it was frozen: a command counts only
// while the lease is good, and the acknowledgement that renews it comes behind every
// command that was sent before.
package link

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Protocol is the version of what both ends say. Ends of different versions do not
// work together.
const Protocol = 1

// DefaultPort is where a master listens.
const DefaultPort = 7467

// Bounds of time. Lease is longer than Fence by more than a worker takes to notice.
const (
	Fence   = 8 * time.Second  // since an acknowledged delta was sent, then users stop
	Lease   = 10 * time.Second // since a delta came, then its users are given away
	silence = 2500 * time.Millisecond

	answer = time.Second     // that a request waits for its reply
	resend = 2 * time.Second // that a delta waits for its acknowledgement
)

// Bounds of size, in bytes.
const (
	maxPayload = 8 << 20
	maxPiece   = 256 << 10 // of a file
	maxFile    = 1 << 30
	maxSeconds = 60 // in one delta; older ones are merged
)

// subjects are those of one worker.
type subjects struct{ prefix string }

func subjectsOf(master, worker string) subjects {
	return subjects{"tl." + master + "." + worker + "."}
}

func (s subjects) join() string  { return s.prefix + "join" }
func (s subjects) file() string  { return s.prefix + "file" }
func (s subjects) cmd() string   { return s.prefix + "cmd" }
func (s subjects) delta() string { return s.prefix + "delta" }
func (s subjects) deal() string  { return s.prefix + "deal" }

// inbox begins the subjects on which a worker gets its replies.
func inbox(worker string) string { return "_INBOX_" + worker }

// workerName is the name of who holds a key. It means nothing to NATS but itself.
func workerName(publicKey string) string {
	sum := sha256.Sum256([]byte(publicKey))
	return hex.EncodeToString(sum[:6])
}
