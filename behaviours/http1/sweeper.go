package http1

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Sweeper enforces the deadlines of many connections with one goroutine: a
// request stores when it is overdue, and the sweeper looks at all of them when
// the first can be. A timer per request would cost half a microsecond each;
// this costs a request two atomic writes, and the sweeper nothing while no
// request is slow.
//
// Whoever makes a Sweeper runs it and stops it; without Run no request ever
// times out. It is also the clock that all its connections share.
type Sweeper struct {
	epoch time.Time

	// shortest is the smallest timeout in use: hardly a deadline that is set from
	// now on can come sooner than that. One can: of a request whose time has
	// run before, while its connection was made or a redirect was followed.
	shortest  atomic.Int64
	next      atomic.Int64 // when it next looks, on its clock; who is due before that lowers it
	cancelled atomic.Bool
	wake      chan struct{} // next was lowered

	// Each for some of the connections.
	boxes   []outbox
	pollers []poller

	mu    sync.Mutex
	conns []*Conn // each knows its index
	added int
}

// What Conn.state holds apart from a deadline (always positive): a deadline is
// its time shifted left by one, with the lowest bit set if Cancel applies.
const (
	idle      = 0
	timedOut  = -1
	cancelled = -2
)

// sweepGap is the least time between two sweeps, and sweepRest what each
// connection adds to it, some twenty times what it takes to look at one: with
// 50,000 users and deadlines everywhere the sweeper takes no more than 5 % of a
// core. How long a sweep took by the clock does not count: it may have waited for a
// processor, and the pause would be twenty times that.
const (
	sweepGap  = 2 * time.Millisecond
	sweepRest = 2 * time.Microsecond
	// missedEnds is how often requests that take long are looked for.
	missedEnds = 500 * time.Millisecond
)

// NewSweeper returns a sweeper that does nothing until Run is called.
func NewSweeper() *Sweeper {
	s := &Sweeper{epoch: time.Now(), wake: make(chan struct{}, 1)}
	s.shortest.Store(math.MaxInt64)
	s.next.Store(math.MaxInt64)
	s.boxes = make([]outbox, runtime.GOMAXPROCS(0))
	s.pollers = make([]poller, len(s.boxes))
	for i := range s.boxes {
		s.boxes[i].open(s)
		s.pollers[i].sweeper = s
	}
	return s
}

// Now is the time since the sweeper was made.
func (s *Sweeper) Now() time.Duration { return time.Since(s.epoch) }

// Run interrupts overdue requests until the context ends.
func (s *Sweeper) Run(ctx context.Context) {
	var rested time.Duration // when it may look again
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	missed := time.NewTicker(missedEnds)
	defer missed.Stop()
	for i := range s.pollers {
		s.pollers[i].start()
		defer s.pollers[i].close()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-missed.C:
			s.nudge()
			continue
		case <-s.wake:
		case <-timer.C:
			n := s.sweep(s.Now())
			rested = s.Now() + max(sweepGap, time.Duration(n)*sweepRest)
		}
		timer.Reset(max(time.Duration(s.next.Load()), rested) - s.Now())
	}
}

// sweep interrupts what is overdue and sets when the next can be. It returns how
// many connections it has looked at.
func (s *Sweeper) sweep(now time.Duration) int {
	next := now + time.Duration(min(s.shortest.Load(), int64(time.Hour)))
	s.next.Store(int64(next)) // who begins from here on is either seen below or lowers it
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		v := c.state.Load()
		if v <= 0 {
			continue
		}
		due := time.Duration(v >> 1)
		if due > now {
			next = min(next, due)
		} else if c.state.CompareAndSwap(v, timedOut) {
			c.interrupt()
		}
	}
	s.lower(next)
	return len(s.conns)
}

// lower makes next no later than due, and says whether it was.
func (s *Sweeper) lower(due time.Duration) bool {
	for {
		v := s.next.Load()
		if int64(due) >= v {
			return false
		}
		if s.next.CompareAndSwap(v, int64(due)) {
			return true
		}
	}
}

// nudge looks once at each request that has been under way for a while, for what
// it may have missed; see wire.
func (s *Sweeper) nudge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		switch v := c.state.Load(); {
		case v <= 0:
		case c.pending == v:
			c.pending = -v
			if c.w.nudge() && c.at.CompareAndSwap(flying, grounded) {
				c.then.Replied(false)
			}
		case c.pending != -v:
			c.pending = v
		}
	}
}

// Cancel interrupts, at once and for good, every request that was started
// with Request.Cancellable: they fail as aborted, and so do later ones.
func (s *Sweeper) Cancel() {
	s.cancelled.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		for v := c.state.Load(); v > 0 && v&1 == 1; v = c.state.Load() {
			if c.state.CompareAndSwap(v, cancelled) {
				c.interrupt()
				break
			}
		}
	}
}

// expect tells the sweeper of a request that is overdue then; its state is set.
func (s *Sweeper) expect(due, timeout time.Duration) {
	for v := s.shortest.Load(); int64(timeout) < v; v = s.shortest.Load() {
		if s.shortest.CompareAndSwap(v, int64(timeout)) {
			break
		}
	}
	if s.lower(due) {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

func (s *Sweeper) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.index = len(s.conns)
	c.box = &s.boxes[s.added%len(s.boxes)]
	c.poller = &s.pollers[s.added%len(s.pollers)]
	s.added++
	s.conns = append(s.conns, c)
}

func (s *Sweeper) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.index < 0 {
		return
	}
	last := s.conns[len(s.conns)-1]
	s.conns[c.index], last.index = last, c.index
	s.conns[len(s.conns)-1] = nil
	s.conns = s.conns[:len(s.conns)-1]
	c.index = -1
}
