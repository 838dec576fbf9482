package tui

import (
	"math"
	"strconv"
	"time"

	"tload/swarm"
)

// The load has a unit: users, or in the open model arrivals per second. Keys, steps and
// the dialog act on that.

// wanted is how high a load was asked for, until a snapshot says so: keys count on from
// the last one pressed.
type wanted struct {
	level float64
	until time.Time // zero: nothing is asked for
}

// settle forgets what has come true, or never will.
func (w *wanted) settle(level float64) {
	if level == w.level || time.Now().After(w.until) {
		*w = wanted{}
	}
}

// or is the level asked for, otherwise this one.
func (w wanted) or(level float64) float64 {
	if w.until.IsZero() {
		return level
	}
	return w.level
}

// load is how high it is to be as far as the newest snapshot knows.
func (m *model) asked() float64 {
	if m.live.Open {
		return m.live.Rate
	}
	return float64(m.live.Target)
}

// level is how high a load was asked for, the last key included.
func (m *model) level() float64 { return m.wanted.or(m.asked()) }

// drive wants a load so high and shows it before the swarm has answered.
func (m *model) drive(level float64) {
	if m.live.Driven() {
		m.complain("every behaviour has a load of its own: there are no users to add or to take away")
		return
	}
	m.wanted = wanted{level, time.Now().Add(2 * time.Second)}
	if m.live.Open {
		m.load.SetRate(level, "you")
	} else {
		m.load.Scale(int(level), "you")
	}
	hint := ""
	if what := follows(m.live); what != "" && !m.live.ByHand {
		hint = ", by hand (A gives it back)"
	}
	m.say("target %s%s", m.inUnits(level), hint)
}

// follows is what says how high the load is, besides people; "" for nothing.
func follows(s *swarm.Snapshot) string {
	switch {
	case s.Find != nil && !s.Find.Done:
		return "searched"
	case s.Shaped:
		return "shaped"
	}
	return ""
}

// inUnits is a level with its unit.
func (m *model) inUnits(level float64) string {
	if m.live.Open {
		return strconv.FormatFloat(level, 'f', -1, 64) + " arrivals/s"
	}
	return thousands(int(level)) + " users"
}

// stepAt is how much a press of + adds to so high a load.
func stepAt(level float64) float64 {
	switch {
	case level < 10:
		return 1
	case level < 500:
		return 10
	case level < 5000:
		return 100
	}
	return 1000
}

// fewer is how much a press of - takes away.
func fewer(level float64) float64 { return -stepAt(math.Ceil(level) - 1) }
