package swarm

import "time"

// ramp is the number of users on its way to a target, at so many a second.
//
//	level
//	  │          ┌──── target
//	  │      ┌───┘
//	  │  ┌───┘         a step every 1/rate; the first one at once
//	  │──┘
//	  └──────────────── time
//
// A new target during a ramp keeps the phase of the steps: nobody is started
// early by pressing a key often.
type ramp struct {
	level  int
	target int
	rate   float64
	last   time.Time // when the newest step was due
}

// aim sends the ramp to a target from now on.
func (r *ramp) aim(target int, rate float64, now time.Time) {
	r.at(now)
	r.target, r.rate = target, rate
	// Idle since the last step: the next one is due now, but at most one.
	if free := now.Add(-r.every()); r.last.Before(free) {
		r.last = free
	}
}

// restart keeps the target and counts the steps anew.
func (r *ramp) restart(now time.Time) { r.last = now }

// jump is there at once.
func (r *ramp) jump(target int, now time.Time) {
	r.level, r.target, r.last = target, target, now
}

func (r *ramp) every() time.Duration {
	return max(time.Duration(float64(time.Second)/r.rate), 1)
}

// at moves the level to where it is at now and says when the next step is due;
// zero when the target is reached.
func (r *ramp) at(now time.Time) (level int, next time.Time) {
	if r.level == r.target {
		return r.level, time.Time{}
	}
	every := r.every()
	steps := int(now.Sub(r.last) / every)
	away := r.target - r.level
	n := min(steps, max(away, -away))
	if away < 0 {
		r.level -= n
	} else {
		r.level += n
	}
	r.last = r.last.Add(time.Duration(n) * every)
	if r.level == r.target {
		return r.level, time.Time{}
	}
	// At 10,000 users per second a timer per step would be most of the work.
	return r.level, later(r.last.Add(every), now.Add(time.Millisecond))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
