package crew

import (
	"math"
	"math/rand/v2"
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

	mu      sync.Mutex     // guards all below
	end     time.Time      // of the run: what is due then or later is no arrival; zero for none
	quota   int64          // arrivals in all, or swarm.Unlimited
	came    int64          // … so far, those that were dropped not counted
	rate    float64        // per second; 0: none
	base    time.Time      // since when it has been that
	ahead   float64        // how many arrivals' worth of time lie between base and the next one
	gap     func() float64 // … and between two
	waiting []time.Time
	head    int           // of waiting
	idle    []*User       // parked here
	dropped uint64        // waited longer than maxWait, since the last count
	lag     time.Duration // longest that a free user waited for what was due, since the last look
	closed  bool
}

// newArrivals is the schedule of an assignment, for a run that began then: at equal
// distances, the first at once, or with random ones, as of many who know nothing of each
// other (a Poisson process).
func newArrivals(began time.Time, a swarm.Assignment, rate float64, maxWait time.Duration, random *rand.Rand) *arrivals {
	q := &arrivals{began: began, rate: rate, maxWait: maxWait, base: began.Add(a.Since), gap: func() float64 { return 1 }}
	if a.Poisson {
		q.gap = random.ExpFloat64
		q.ahead = q.gap()
	}
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
func (q *arrivals) assign(a swarm.Assignment, rate float64, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit(a)
	if rate == q.rate {
		return
	}
	q.ahead = max(q.ahead-now.Sub(q.base).Seconds()*q.rate, 0)
	q.base, q.rate = now, max(rate, 0)
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
		due := q.due()
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
		q.ahead += q.gap()
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

// due is when the next one is.
func (q *arrivals) due() time.Time {
	const never = 1000 * 365 * 86400 // seconds
	wait := float64(never)
	if q.rate > 0 {
		wait = min(q.ahead/q.rate, never)
	}
	if wait > math.MaxInt64/1e9/2 {
		return q.base.AddDate(100, 0, 0)
	}
	// Rounded: what is due at the end must not come a nanosecond before it.
	return q.base.Add(time.Duration(math.Round(wait * float64(time.Second))))
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
func (q *arrivals) resume(paused time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waiting {
		q.waiting[i] = q.waiting[i].Add(paused)
	}
	q.base = q.base.Add(paused)
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

// drop counts what waits as never started: nobody is left who could take it.
func (q *arrivals) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.waiting) - q.head
	q.dropped += uint64(n)
	q.came -= int64(n)
	q.waiting, q.head = nil, 0
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
