package stats

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// LateAfter is how far behind its due time a start counts as late.
const LateAfter = 10 * time.Millisecond

// Recorder takes the samples of all users of this process. Users write into
// shards, through the Sink that each has for life; the controller drains them
// with Take. Neither waits for the other.
type Recorder struct {
	shards int
	log    func(Key, Sample, string)
	_      [112]byte // these are read by all and written by none
	lanes  [lanes]lane

	next     atomic.Uint32
	names    names
	failures failures

	mu     sync.Mutex // guards meters
	meters []*Meter
}

// lane counts what some users have in flight; padded, so that two do not share
// a cache line. There are many more than shards: a lane costs a line of memory,
// a shard some histograms for every row.
//
// What was begun less what was taken would save Record its add, half a
// nanosecond of seven, and be wrong by all that ends while a take goes on:
// hundreds, of eight busy users.
type lane struct {
	inFlight atomic.Int64
	_        [120]byte
}

const lanes = 64

// Limits bound what a recorder keeps. Zero values mean the defaults.
type Limits struct {
	Names   int // rows of each class, beyond which names go to one row "other" (1,000)
	Samples int // failing exchanges per group (32)
	Memory  int // bytes of exchanges that may wait to be taken (16 MiB)

	// Log, if set, is called for every act of class Request that ended, on the
	// goroutine that recorded it, which it must not keep waiting; message is
	// that of a failure.
	Log func(key Key, x Sample, message string)
}

// NewRecorder makes a recorder with one shard per core or so. It starts nothing.
func NewRecorder(l Limits) *Recorder {
	n := 1
	for n < 2*runtime.GOMAXPROCS(0) && n < 64 {
		n *= 2
	}
	r := &Recorder{shards: n, log: l.Log}
	r.names.limit = orDefault(l.Names, 1000)
	r.failures.init(orDefault(l.Samples, DefaultSamples), orDefault(l.Memory, 16<<20))
	return r
}

func orDefault(v, d int) int {
	if v <= 0 {
		return d
	}
	return v
}

// Sink is a user's end of a recorder.
type Sink struct {
	r     *Recorder
	shard int
	lane  *lane
}

// Sink returns a sink, bound to one shard for life.
func (r *Recorder) Sink() Sink {
	n := int(r.next.Add(1))
	return Sink{r, n % r.shards, &r.lanes[n%lanes]}
}

// Meter counts one row. It is made once per key and safe for all goroutines.
type Meter struct {
	key     Key
	wantOK  atomic.Bool
	shards  []atomic.Pointer[cell]
	skipped uint64 // NotStarted, under the recorder's mu
}

// Key is the row's key, which may be a group's where ids in names were folded.
func (m *Meter) Key() Key { return m.key }

// Meter is the row's meter, the same for every call with that key. It takes a
// lock: a caller on the measuring path keeps what it got.
func (s *Sink) Meter(key Key) *Meter { return s.r.Meter(key) }

// Meter is the row's meter, the same for every call with that key.
func (r *Recorder) Meter(key Key) *Meter {
	return r.names.meter(key, func(k Key) *Meter {
		m := &Meter{key: k, shards: make([]atomic.Pointer[cell], r.shards)}
		m.wantOK.Store(k.Class == Request)
		r.mu.Lock()
		r.meters = append(r.meters, m)
		r.mu.Unlock()
		return m
	})
}

// cell is one row in one shard. What is the same for nearly every success, its
// status and its sizes, is remembered as usual and not counted each time: how
// often it was follows from the number of successes less those that differed.
// That leaves one atomic add for a success that is like the others.
type cell struct {
	ok        live
	failed    atomic.Pointer[live]
	corrected atomic.Pointer[live]
	aborted   atomic.Pointer[live]
	usual     atomic.Pointer[usual]
	outcomes  outcomes

	in, out                                                   atomic.Int64 // of a success: by how much it differs from usual
	dialled, handshakes, reconnects, redirects, stalled, late atomic.Int64

	owed owed // the taker's
}

// usual is what the first success of a cell was like. It never changes.
type usual struct {
	status  int
	in, out int64
}

// owed is what differed in successes whose own count comes with a later batch:
// a difference is counted before its success is. None of it is above 0.
type owed struct {
	count, in, out int64
}

// settle takes what is due from owed, never more than there is: the rest stays
// owed.
func settle(owed *int64, n int64) uint64 {
	n += *owed
	*owed = min(n, 0)
	return uint64(max(n, 0))
}

func lazily(p *atomic.Pointer[live]) *live {
	if l := p.Load(); l != nil {
		return l
	}
	p.CompareAndSwap(nil, new(live))
	return p.Load()
}

func (m *Meter) cell(shard int) *cell {
	if c := m.shards[shard].Load(); c != nil {
		return c
	}
	m.shards[shard].CompareAndSwap(nil, new(cell))
	return m.shards[shard].Load()
}

// Begin counts one more act in flight; Record or Fail ends it.
func (s *Sink) Begin() { s.lane.inFlight.Add(1) }

// Record counts one act that ended, or that was aborted. It does not allocate
// or block. An act of class Request must have been begun.
func (s *Sink) Record(m *Meter, x Sample) {
	s.record(m, &x)
	if s.r.log != nil && m.key.Class == Request {
		s.r.log(m.key, x, "")
	}
}

func (s *Sink) record(m *Meter, x *Sample) {
	if m.key.Class == Request {
		s.lane.inFlight.Add(-1)
	}
	c := m.cell(s.shard)
	if x.Due && x.Kind != Aborted {
		if x.Late > LateAfter {
			c.late.Add(1)
		}
		lazily(&c.corrected).add(int64(x.Took + x.Late))
	}
	if x.Dialled || x.Handshake || x.Reconnect || x.Stalled || x.Redirects != 0 {
		c.connected(x)
	}
	if x.Kind == OK {
		u := c.usual.Load()
		if u == nil {
			c.usual.CompareAndSwap(nil, &usual{x.Status, x.In, x.Out})
			u = c.usual.Load()
		}
		if x.Status != u.status {
			c.outcomes.add(OK, x.Status)
		}
		addUnless0(&c.in, x.In-u.in)
		addUnless0(&c.out, x.Out-u.out)
		c.ok.add(int64(x.Took)) // last: see owed
		return
	}
	c.outcomes.add(x.Kind, x.Status)
	addUnless0(&c.in, x.In)
	addUnless0(&c.out, x.Out)
	if x.Kind == Aborted {
		lazily(&c.aborted).add(int64(x.Took))
	} else {
		lazily(&c.failed).add(int64(x.Took))
	}
}

func (c *cell) connected(x *Sample) {
	if x.Dialled {
		c.dialled.Add(1)
	}
	if x.Handshake {
		c.handshakes.Add(1)
	}
	if x.Redirects != 0 {
		c.redirects.Add(int64(x.Redirects))
	}
	if x.Stalled {
		c.stalled.Add(1)
	}
	if x.Reconnect {
		c.reconnects.Add(1)
	}
}

func addUnless0(a *atomic.Int64, n int64) {
	if n != 0 {
		a.Add(n)
	}
}

// NotStarted counts n arrivals of a row that never started.
func (r *Recorder) NotStarted(m *Meter, n uint64) {
	r.mu.Lock()
	m.skipped += n
	r.mu.Unlock()
}

// InFlight is how many acts of class Request go on now.
func (r *Recorder) InFlight() int {
	var n int64
	for i := range r.lanes {
		n += r.lanes[i].inFlight.Load()
	}
	return int(max(n, 0))
}

// outcomes counts by kind and status. A row sees few of them, so a short list
// is looked through; what does not fit goes to a map under a lock.
type outcomes struct {
	list [8]struct {
		what  atomic.Uint64 // kind and status plus one, 0 when free
		count atomic.Uint64
	}
	mu   sync.Mutex // guards more
	more map[uint64]uint64
}

func (o *outcomes) add(kind Kind, status int) {
	what := uint64(kind)<<32 | uint64(uint32(status)) + 1<<40
	for i := range o.list {
		e := &o.list[i]
		w := e.what.Load()
		if w == 0 && e.what.CompareAndSwap(0, what) || w == what || e.what.Load() == what {
			e.count.Add(1)
			return
		}
	}
	o.mu.Lock()
	if o.more == nil {
		o.more = map[uint64]uint64{}
	}
	o.more[what]++
	o.mu.Unlock()
}

// drain moves everything into d and says how many of them were successes.
func (o *outcomes) drain(d *Delta) (ok uint64) {
	put := func(what, n uint64) {
		kind := Kind(what >> 32 & 0xff)
		if kind == OK {
			ok += n
		}
		d.outcome(kind, int(int32(uint32(what))), n)
	}
	for i := range o.list {
		if e := &o.list[i]; e.count.Load() != 0 {
			put(e.what.Load(), e.count.Swap(0))
		}
	}
	o.mu.Lock()
	for what, n := range o.more {
		put(what, n)
	}
	clear(o.more)
	o.mu.Unlock()
	return ok
}

// drainFailed moves the failures' times, and so their number, into d.
func (c *cell) drainFailed(d *Delta) {
	if l := c.failed.Load(); l != nil {
		l.drain(&d.Failed)
	}
}

// drain moves everything else into d.
func (c *cell) drain(d *Delta) {
	ok := c.ok.drain(&d.OK) // first: see owed
	if l := c.aborted.Load(); l != nil {
		l.drain(&d.Aborted)
	}
	if l := c.corrected.Load(); l != nil {
		d.Due += l.drain(&d.Corrected)
	}
	other := c.outcomes.drain(d)
	in, out := c.in.Swap(0), c.out.Swap(0)
	if u := c.usual.Load(); u != nil {
		d.outcome(OK, u.status, settle(&c.owed.count, int64(ok)-int64(other)))
		in += int64(ok) * u.in
		out += int64(ok) * u.out
	}
	d.In += settle(&c.owed.in, in)
	d.Out += settle(&c.owed.out, out)
	for _, p := range []struct {
		a *atomic.Int64
		n *uint64
	}{{&c.dialled, &d.Dialled}, {&c.handshakes, &d.Handshakes}, {&c.reconnects, &d.Reconnects}, {&c.redirects, &d.Redirects}, {&c.stalled, &d.Stalled}, {&c.late, &d.Late}} {
		if p.a.Load() != 0 {
			*p.n += uint64(p.a.Swap(0))
		}
	}
}

// Take moves everything that was recorded since the last Take into b, whose
// memory is used again. One goroutine takes; users may record meanwhile.
func (r *Recorder) Take(b *Batch) {
	b.Reset()
	for i, m := range r.rows() {
		d := b.place(i, m.key)
		m.drain(d, (*cell).drain)
		r.mu.Lock()
		d.NotStarted += m.skipped
		m.skipped = 0
		r.mu.Unlock()
	}
	b.InFlight = r.InFlight()
	b.Folded = r.names.folded.Load()
	// What fails meanwhile is in both its row and its group, or in neither.
	r.failures.mu.Lock()
	defer r.failures.mu.Unlock()
	for i, m := range r.rows() {
		m.drain(b.place(i, m.key), (*cell).drainFailed)
	}
	r.failures.take(b)
}

// rows are the meters there are, in an order that more of them do not change.
func (r *Recorder) rows() []*Meter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.meters)
}

func (m *Meter) drain(d *Delta, part func(*cell, *Delta)) {
	for s := range m.shards {
		if c := m.shards[s].Load(); c != nil {
			part(c, d)
		}
	}
}

// place is the delta of the recorder's i-th row.
func (b *Batch) place(i int, key Key) *Delta {
	switch {
	case i == len(b.rows):
		b.rows = append(b.rows, rowDelta{key: key})
	case b.rows[i].key != key: // a row that somebody else put here
		b.rows = append(b.rows, b.rows[i])
		b.rows[i] = rowDelta{key: key}
		b.index, b.indexed = nil, 0
	}
	return &b.rows[i].delta
}

// WantSuccesses asks for one fresh successful exchange of every row; the
// controller calls it about once a second.
func (r *Recorder) WantSuccesses() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.meters {
		if m.key.Class == Request {
			m.wantOK.Store(true)
		}
	}
}

// WantSuccess says whether a successful exchange of that row is wanted to hold
// failures against. It is one load.
func (s *Sink) WantSuccess(m *Meter) bool { return m.wantOK.Load() }

// KeepSuccess hands one over; what was not asked for is dropped.
func (s *Sink) KeepSuccess(m *Meter, x *Exchange) {
	if m.wantOK.CompareAndSwap(true, false) {
		x.Key = m.key
		s.r.failures.success(m.key, x)
	}
}

// Batch is what happened in one node between two takes. Batches merge in any
// order and grouping.
type Batch struct {
	rows     []rowDelta
	index    map[Key]int // of the first indexed rows; made when they are many
	indexed  int
	InFlight int  // at the end of the batch
	Folded   bool // some names were put into groups to bound their number
	Errors   []ErrorDelta
	Success  map[Key]*Exchange
}

type rowDelta struct {
	key   Key
	delta Delta
}

// Rows calls yield for each row to which something happened.
func (b *Batch) Rows(yield func(Key, *Delta) bool) {
	for i := range b.rows {
		if d := &b.rows[i].delta; !d.Empty() && !yield(b.rows[i].key, d) {
			return
		}
	}
}

// Row is the delta of a key, for whoever fills a batch from elsewhere. It is
// good until the next call of Row.
func (b *Batch) Row(key Key) *Delta {
	if i := b.find(key); i >= 0 {
		return &b.rows[i].delta
	}
	b.rows = append(b.rows, rowDelta{key: key})
	return &b.rows[len(b.rows)-1].delta
}

func (b *Batch) find(key Key) int {
	if len(b.rows) <= 16 {
		for i := range b.rows {
			if b.rows[i].key == key {
				return i
			}
		}
		return -1
	}
	if b.index == nil {
		b.index = map[Key]int{}
	}
	for ; b.indexed < len(b.rows); b.indexed++ {
		b.index[b.rows[b.indexed].key] = b.indexed
	}
	if i, ok := b.index[key]; ok {
		return i
	}
	return -1
}

// Merge adds all of o, which stays its owner's.
func (b *Batch) Merge(o *Batch) {
	for k, d := range o.Rows {
		b.Row(k).Merge(d)
	}
	b.InFlight += o.InFlight
	b.Folded = b.Folded || o.Folded
	b.Errors = append(b.Errors, o.Errors...)
	for k, x := range o.Success {
		b.setSuccess(k, x)
	}
}

func (b *Batch) setSuccess(k Key, x *Exchange) {
	if b.Success == nil {
		b.Success = map[Key]*Exchange{}
	}
	if old := b.Success[k]; old == nil || old.When.Before(x.When) {
		b.Success[k] = x
	}
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	for i := range b.rows {
		b.rows[i].delta.Reset()
	}
	b.InFlight, b.Folded, b.Errors, b.Success = 0, false, nil, nil
}

// randomSlot is where a reservoir of size k puts the n-th value it sees (from
// 1), or -1: Vitter's Algorithm R.
func randomSlot(n uint64, k int) int {
	if n <= uint64(k) {
		return int(n) - 1
	}
	if j := rand.Uint64N(n); j < uint64(k) {
		return int(j)
	}
	return -1
}
