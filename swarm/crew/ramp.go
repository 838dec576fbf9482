package crew

import "time"

// ramp says when the steps of a path are due, at so many a second.
//
//	level
//	  │          ┌──── the end
//	  │      ┌───┘
//	  │  ┌───┘         a step every 1/rate; the first one at once
//	  │──┘
//	  └──────────────── time
//
// A new end or rate during a ramp keeps the phase of the steps: nobody is started
// early by pressing a key often.
type ramp struct {
	rate float64   // 0: all at once
	last time.Time // when the newest step was due
}

// aim begins a path, or goes on with it, at that rate.
func (r *ramp) aim(rate float64, now time.Time) {
	r.rate = rate
	// Idle since the last step: the next one is due now, but at most one.
	if free := now.Add(-r.every()); r.last.Before(free) {
		r.last = free
	}
}

func (r *ramp) every() time.Duration {
	if r.rate <= 0 {
		return 1
	}
	return max(time.Duration(float64(time.Second)/r.rate), 1)
}

// due is how many of the steps that are left are due by now, and when the next
// one is; zero when none is left then.
func (r *ramp) due(left int, now time.Time) (steps int, next time.Time) {
	if left == 0 {
		return 0, time.Time{}
	}
	if r.rate <= 0 {
		return left, time.Time{}
	}
	every := r.every()
	steps = int(min(now.Sub(r.last)/every, time.Duration(left)))
	r.last = r.last.Add(time.Duration(steps) * every)
	if steps == left {
		return steps, time.Time{}
	}
	// At 10,000 users per second a timer per step would be most of the work.
	return steps, later(r.last.Add(every), now.Add(time.Millisecond))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
