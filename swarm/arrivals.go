package swarm

import (
	"context"
	"sync"
	"time"
)

// arrivals is the open model: task starts that are due on a schedule, whether
// or not a user is free. An arrival that finds none waits its turn and keeps
// its due time, so what is measured from it tells the truth about a target that
// stands still. The controller releases what has become due; users take it.
type arrivals struct {
	maxWait time.Duration

	mu      sync.Mutex // guards all below
	rate    float64    // per second
	base    time.Time  // arrival 0 of this rate
	issued  int64      // arrivals of this rate that were released
	waiting []time.Time
	head    int // of waiting
	idle    []chan time.Time
	dropped uint64        // waited longer than maxWait, since the last count
	lag     time.Duration // longest that a free user waited for what was due, since the last look
	closed  bool
}

func newArrivals(rate float64, maxWait time.Duration, start time.Time) *arrivals {
	return &arrivals{rate: rate, maxWait: maxWait, base: start}
}

// release hands out what has become due by now and says when the next one is
// due, and how many users are missing for those that wait.
func (q *arrivals) release(now time.Time) (next time.Time, backlog int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return now.Add(time.Hour), 0
	}
	for {
		due := q.due(q.issued)
		if due.After(now) {
			q.expire(now)
			return due, len(q.waiting) - q.head
		}
		q.issued++
		if n := len(q.idle); n > 0 {
			// The user that is idle the longest, so that all of them work.
			user := q.idle[0]
			q.idle = q.idle[1:]
			if n := len(q.waiting) - q.head; n == 0 {
				q.lag = max(q.lag, now.Sub(due))
			}
			user <- due // has room: one arrival per place in idle
			continue
		}
		q.waiting = append(q.waiting, due)
	}
}

func (q *arrivals) due(n int64) time.Time {
	return q.base.Add(time.Duration(float64(n) / q.rate * float64(time.Second)))
}

// expire drops what has waited longer than maxWait.
func (q *arrivals) expire(now time.Time) {
	if q.maxWait > 0 {
		for q.head < len(q.waiting) && now.Sub(q.waiting[q.head]) > q.maxWait {
			q.head++
			q.dropped++
		}
	}
	if q.head > 1024 && q.head*2 > len(q.waiting) {
		q.waiting = append(q.waiting[:0], q.waiting[q.head:]...)
		q.head = 0
	}
}

// next waits for an arrival; ok is false when quit or ctx came first.
func (q *arrivals) next(ctx context.Context, quit <-chan struct{}) (due time.Time, ok bool) {
	q.mu.Lock()
	q.expire(time.Now())
	if q.head < len(q.waiting) {
		due = q.waiting[q.head]
		q.head++
		q.mu.Unlock()
		return due, true
	}
	if q.closed {
		q.mu.Unlock()
		return due, false
	}
	place := make(chan time.Time, 1)
	q.idle = append(q.idle, place)
	q.mu.Unlock()
	select {
	case due = <-place:
		return due, true
	case <-quit:
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, p := range q.idle {
		if p == place {
			q.idle = append(q.idle[:i], q.idle[i+1:]...)
			return due, false
		}
	}
	// An arrival came in the same moment: it goes back to the front.
	q.waiting = append([]time.Time{<-place}, q.waiting[q.head:]...)
	q.head = 0
	return due, false
}

// setRate makes the rate another one from now on.
func (q *arrivals) setRate(rate float64, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rate, q.base, q.issued = rate, now, 0
}

// counts are how many arrivals wait, how many users do, and how many arrivals
// were dropped since the last call.
func (q *arrivals) counts() (backlog, idle int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped, q.dropped = q.dropped, 0
	return len(q.waiting) - q.head, len(q.idle), dropped
}

// ownLag is the longest that a free user waited for an arrival that was due,
// since the last call: that delay is ours, not the target's.
func (q *arrivals) ownLag() time.Duration {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	lag := q.lag
	q.lag = 0
	return lag
}

// close ends the schedule; what still waits is counted as dropped, and idle
// users are let go by their own quit channels.
func (q *arrivals) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.dropped += uint64(len(q.waiting) - q.head)
	q.waiting, q.head = nil, 0
}
