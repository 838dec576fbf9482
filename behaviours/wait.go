package behaviours

import (
	"math"
	"math/rand/v2"
	"time"
)

// Wait says how long a user waits between two tasks. The zero value does not
// wait.
type Wait struct {
	kind waitKind
	a, b time.Duration
	f    func(*User) time.Duration
}

type waitKind uint8

const (
	noWait waitKind = iota
	between
	poisson
	paced
	custom
)

// Between waits for a time picked evenly from [min, max].
func Between(min, max time.Duration) Wait { return Wait{kind: between, a: min, b: max} }

// Constant waits for d.
func Constant(d time.Duration) Wait { return Wait{kind: between, a: d, b: d} }

// Poisson waits for an exponentially distributed time of that mean, so that
// starts come at random as those of independent visitors do.
func Poisson(mean time.Duration) Wait { return Wait{kind: poisson, a: mean} }

// Pacing starts a task every d, however long tasks take. Each user's schedule
// begins at a random moment of d, so users are spread and never aligned. A task
// that outlasts d delays the next start; the schedule stays, so the delay is
// recorded as lateness and shows in the corrected latency.
func Pacing(d time.Duration) Wait { return Wait{kind: paced, a: d} }

// Throughput starts that many tasks a second and user: Pacing(1s/perSecond).
func Throughput(perSecond float64) Wait {
	if perSecond <= 0 {
		return Wait{}
	}
	return Pacing(time.Duration(float64(time.Second) / perSecond))
}

// WaitFunc waits for what f says, below 0 as 0. It is called after each task, and is quick;
// by User.Rand it repeats with --seed.
func WaitFunc(f func(*User) time.Duration) Wait { return Wait{kind: custom, f: f} }

// think is the time to wait, for waits without a schedule.
func (w *Wait) think(u *User) time.Duration {
	if w.kind == custom {
		return max(w.f(u), 0)
	}
	return w.random(&u.user.Rand)
}

// random is the time to wait, of those that chance alone decides.
func (w *Wait) random(r *rand.Rand) time.Duration {
	switch w.kind {
	case between:
		if w.b <= w.a {
			return w.a
		}
		return w.a + time.Duration(r.Int64N(int64(w.b-w.a)+1))
	case poisson:
		return time.Duration(math.Min(r.ExpFloat64(), 1e3) * float64(w.a))
	}
	return 0
}

// pace is a user's schedule.
type pace struct {
	every time.Duration
	due   time.Time
}

// next is when the next start is due.
func (p *pace) next(every time.Duration, now time.Time, r *rand.Rand) time.Time {
	if p.every != every { // the first one, or a set with another pacing
		p.every = every
		p.due = now.Add(time.Duration(r.Int64N(int64(max(every, 1)))))
		return p.due
	}
	p.due = p.due.Add(every)
	return p.due
}
