package tui

import (
	"time"
)

// wanted is how many users were asked for, until a snapshot says so: keys count on
// from the last one pressed.
type wanted struct {
	users int
	until time.Time // zero: nothing is asked for
}

// settle forgets what has come true, or never will.
func (w *wanted) settle(target int) {
	if target == w.users || time.Now().After(w.until) {
		*w = wanted{}
	}
}

// or is the number asked for, otherwise the target.
func (w wanted) or(target int) int {
	if w.until.IsZero() {
		return target
	}
	return w.users
}

// target is how many users were asked for, the last key included.
func (m *model) target() int { return m.wanted.or(m.live.Target) }

// scaleTo wants so many users and shows it before the swarm has answered.
func (m *model) scaleTo(users int) {
	m.wanted = wanted{users, time.Now().Add(2 * time.Second)}
	m.load.Scale(users, "you")
	m.say("target %s users", thousands(users))
}

// stepAt is how many users a press of + adds to so many.
func stepAt(users int) int {
	switch {
	case users < 10:
		return 1
	case users < 500:
		return 10
	case users < 5000:
		return 100
	}
	return 1000
}
