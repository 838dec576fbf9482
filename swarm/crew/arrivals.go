package crew

import (
	"math"
	"slices"
	"sync"
	"time"

	"tload/swarm"
)

// arrivals is the open model: task starts that are due on a schedule, whether
// or not a user is free. An arrival that finds none waits its turn and keeps
// its due time, so what is measured from it tells the truth about a target that
// stands still. The controller releases what has become due; users take it.
type arrivals struct {
	maxWait time.Duration
	began   time.Time // when the run did

	mu      sync.Mutex // guards all below
	end     time.Time  // of the run: what is due then or later is no arrival; zero for none
	quota   int64      // arrivals in all, or swarm.Unlimited
	came    int64      // … so far, those that were dropped not counted
	rate    float64    // per second
	base    time.Time  // arrival 0 of this rate
	issued  int64      // arrivals of this rate that were released
	waiting []time.Time
	head    int           // of waiting
	idle    []*User       // parked here
	dropped uint64        // waited longer than maxWait, since the last count
	lag     time.Duration // longest that a free user waited for what was due, since the last look
	closed  bool
}

// newArrivals is the schedule of an assignment, for a run that began then.
func newArrivals(began time.Time, a swarm.Assignment, maxWait time.Duration) *arrivals {
	q := &arrivals{began: began, rate: a.Arrivals, maxWait: maxWait, base: began.Add(a.Since)}
	q.limit(a)
	return q
}

// limit sets what ends the schedule: an arrival beyond the end of the run or its
// quota would be one that never started.
func (q *arrivals) limit(a swarm.Assignment) {
	q.quota, q.end = a.Quota, time.Time{}
	if a.Until > 0 {
		q.end = q.began.Add(a.Until)
	}
}

// assign changes the schedule from now on, when all that was due is released.
// The next arrival keeps the part of its wait that is left.
func (q *arrivals) assign(a swarm.Assignment, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit(a)
	if a.Arrivals == q.rate || a.Arrivals <= 0 {
		return
	}
	wait := q.due(q.issued).Sub(now)
	q.base = now.Add(time.Duration(float64(wait) * q.rate / a.Arrivals))
	q.rate, q.issued = a.Arrivals, 0
}

// release hands out what has become due by now and says when the next one is
// due, and how many users are missing for those that wait: none while one is free.
func (q *arrivals) release(now time.Time) (next time.Time, missing int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return now.Add(time.Hour), 0
	}
	for {
		due := q.due(q.issued)
		if over := !q.end.IsZero() && !due.Before(q.end); over || due.After(now) {
			q.expire(now)
			if over {
				due = now.Add(time.Hour)
			}
			if len(q.idle) == 0 {
				missing = len(q.waiting) - q.head
			}
			return due, missing
		}
		q.issued++
		if q.quota != swarm.Unlimited && q.came >= q.quota {
			continue
		}
		q.came++
		if u := q.free(); u != nil {
			if n := len(q.waiting) - q.head; n == 0 {
				q.lag = max(q.lag, now.Sub(due))
			}
			u.due = due
			u.crew.pool.lend(u)
			continue
		}
		q.waiting = append(q.waiting, due)
	}
}

func (q *arrivals) due(n int64) time.Time {
	// Rounded: what is due at the end must not come a nanosecond before it.
	return q.base.Add(time.Duration(math.Round(float64(n) / q.rate * float64(time.Second))))
}

// expire drops what has waited longer than maxWait. The iterations that they
// were to be are left for others.
func (q *arrivals) expire(now time.Time) {
	if q.maxWait > 0 {
		for q.head < len(q.waiting) && now.Sub(q.waiting[q.head]) > q.maxWait {
			q.head++
			q.dropped++
			q.came--
		}
	}
	if q.head > 1024 && q.head*2 > len(q.waiting) {
		q.waiting = append(q.waiting[:0], q.waiting[q.head:]...)
		q.head = 0
	}
}

// free is the user that is idle the longest, so that all of them work; nil if
// none is. It is the caller's to lend a goroutine.
func (q *arrivals) free() *User {
	for len(q.idle) > 0 {
		u := q.idle[0]
		q.idle = q.idle[1:]
		if u.parked.CompareAndSwap(true, false) { // else its stop has woken it
			return u
		}
	}
	return nil
}

// next gives the user an arrival that waits, or parks it until one is due. It
// does neither after the end.
func (q *arrivals) next(u *User) (parked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(time.Now())
	switch {
	case q.head < len(q.waiting):
		u.due = q.waiting[q.head]
		q.head++
		return false
	case q.closed:
		return false
	}
	q.idle = append(q.idle, u)
	return u.park(nil)
}

// forget is told of a user that stops: it comes off the list, or the arrival
// that it was given goes back to the front.
func (q *arrivals) forget(u *User) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case u.due.IsZero():
		if i := slices.Index(q.idle, u); i >= 0 {
			q.idle = slices.Delete(q.idle, i, i+1)
		}
	case q.closed:
		q.dropped++
	default:
		q.waiting = append([]time.Time{u.due}, q.waiting[q.head:]...)
		q.head = 0
	}
	u.due = time.Time{}
}

// resume moves the schedule, and what waits, by the length of a pause: nothing
// was due in it.
func (q *arrivals) resume(paused time.Duration, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waiting {
		q.waiting[i] = q.waiting[i].Add(paused)
	}
	q.base, q.issued = now, 0
}

// backlog is how many arrivals wait.
func (q *arrivals) backlog() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) - q.head
}

// take says how many arrivals were dropped since the last call, and the longest
// that a free user waited for one that was due: that delay is ours, not the
// target's.
func (q *arrivals) take() (dropped uint64, ownLag time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped, ownLag = q.dropped, q.lag
	q.dropped, q.lag = 0, 0
	return dropped, ownLag
}

// close ends the schedule; what still waits is counted as dropped. Idle users are
// let go by their own stop.
func (q *arrivals) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.dropped += uint64(len(q.waiting) - q.head)
	q.waiting, q.head = nil, 0
}
