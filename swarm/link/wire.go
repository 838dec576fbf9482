package link

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/health"
)

// Hello is how a worker introduces itself.
type Hello struct {
	Protocol int
	Version  string // of the program
	Build    string // hash of the program and of the behaviours in it
	System   string // "linux/amd64"
	Host     string
	PID      int
	Cores    int

	Proof string // that it knows the token, where the server does not ask for it

	// What came of the job, the second time: the node is made, or why it is not.
	Ready  bool
	Failed string
}

// File is one that belongs to a job. Workers fetch what they do not have.
type File struct {
	Name   string
	Size   int64
	SHA256 string // hex
}

// welcome is what a master answers.
type welcome struct {
	Refused string // why not, and what to do about it; "" for welcome
	Program *File  // the master's own, for a worker of another build that runs on the same system
	Proof   string // as the worker's
	Job     json.RawMessage
	Files   []File
}

// piece asks for a part of a file.
type piece struct {
	SHA256 string
	Offset int64
}

// command is an assignment on its way. Its Gen is the link's own: one is sent anew to
// a worker that has stopped its users by itself. Elapsed is the run's clock when it
// was sent.
type command struct {
	Elapsed time.Duration
	swarm.Assignment
	Bye bool // the run is over, and nothing more is to be told
}

// standing is how a node stands, on its way.
type standing struct {
	swarm.NodeStatus
	Wall   time.Time
	Nth    uint64 // grows with each: an answer and a delta overtake each other
	Health health.Health
	Fenced bool // the lease was over: users were stopped, until told anew
}

// sound says whether the numbers are some that there can be.
func (s *standing) sound() bool {
	sum := 0
	for _, n := range s.Running {
		if n < 0 || n > swarm.MaxUsers {
			return false
		}
		sum += n
	}
	for _, n := range []int{sum, s.Level, s.Active, s.Stopping, s.Doing.Waiting, s.Doing.InTask, s.Doing.Starting, s.Doing.Paused} {
		if n < 0 || n > swarm.MaxUsers {
			return false
		}
	}
	return s.Backlog >= 0 && s.Claimed >= 0 && s.Claimed < 1<<53
}

// totals are what the audit holds: of all deltas up to one.
type totals struct{ requests, failures uint64 }

func (t *totals) add(b *stats.Batch) {
	for key, d := range b.Rows {
		if key.Class == stats.Request {
			t.requests += d.Requests()
			t.failures += d.Failed.Count()
		}
	}
}

// second is what happened in a second of the run, on one worker.
type second struct {
	at      int64
	users   int
	suspect bool
	batch   stats.Batch
}

// merge adds a later second. What is known of users is the newer one's.
func (s *second) merge(o *second) {
	flight := o.batch.InFlight
	s.batch.Merge(&o.batch)
	s.batch.InFlight = flight
	s.users = max(s.users, o.users)
	s.suspect = s.suspect || o.suspect
}

// delta is what a worker tells at once.
type delta struct {
	seq      uint64
	sum      totals // of this and all before it
	final    bool   // nothing more comes
	standing standing
	log      []logLine
	seconds  []second
}

// logLine is one record of a worker's log.
type logLine struct {
	When  time.Time
	Level int
	Text  string
}

const deltaVersion = 1

func (d *delta) appendTo(p []byte) ([]byte, error) {
	p = append(p, deltaVersion)
	p = binary.AppendUvarint(p, d.seq)
	p = binary.AppendUvarint(p, d.sum.requests)
	p = binary.AppendUvarint(p, d.sum.failures)
	p = appendFlag(p, d.final)
	for _, v := range []any{d.standing, d.log} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		p = appendBytes(p, b)
	}
	p = binary.AppendUvarint(p, uint64(len(d.seconds)))
	for i := range d.seconds {
		s := &d.seconds[i]
		p = binary.AppendUvarint(p, uint64(s.at))
		p = binary.AppendUvarint(p, uint64(s.users))
		p = appendFlag(p, s.suspect)
		p = appendBytes(p, s.batch.AppendTo(nil))
	}
	return p, nil
}

func appendFlag(p []byte, on bool) []byte {
	if on {
		return append(p, 1)
	}
	return append(p, 0)
}

func appendBytes(p, b []byte) []byte { return append(binary.AppendUvarint(p, uint64(len(b))), b...) }

var errDelta = errors.New("a delta that nobody can read")

// maxRows bounds what one second may name, so that a hostile worker costs no more
// memory than it may send.
const maxRows = 20_000

func readDelta(p []byte) (*delta, error) {
	r := reader{b: p}
	if r.byte() != deltaVersion {
		return nil, errDelta
	}
	d := &delta{seq: r.number(), sum: totals{r.number(), r.number()}, final: r.byte() == 1}
	for _, v := range []any{&d.standing, &d.log} {
		if b := r.bytes(); r.bad || json.Unmarshal(b, v) != nil {
			return nil, errDelta
		}
	}
	n := r.number()
	if r.bad || n > maxSeconds || len(d.log) > maxLog || !d.standing.sound() {
		return nil, errDelta
	}
	d.seconds = make([]second, n)
	for i := range d.seconds {
		s := &d.seconds[i]
		s.at, s.users, s.suspect = int64(r.number()), int(r.number()), r.byte() == 1
		b := r.bytes()
		if r.bad || s.at < 0 || s.at > 1<<32 || s.users < 0 || s.users > swarm.MaxUsers || s.batch.MergePacked(b) != nil {
			return nil, errDelta
		}
		rows := 0
		for range s.batch.Rows {
			rows++
		}
		if rows > maxRows {
			return nil, errDelta
		}
	}
	if len(r.b) > 0 {
		return nil, errDelta
	}
	return d, nil
}

// reader takes a delta apart. Once bad it stays so.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// ack answers a delta, and an empty message, by which a worker that has nothing to
// tell yet says that it is there.
type ack struct {
	Seq     uint64 // 0 for an empty message
	Unknown bool   // the master does not know this worker: it joins again
	Bodies  int    // bytes of exchanges that the next delta may hold
}
