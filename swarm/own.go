package swarm

import (
	"slices"
	"time"
)

// Behaviours may come and go, and may have a load of their own beside the plan's: what
// some do at a rate while others ramp, or a night's batch that begins in the midst.

// mostOwn is how many users a behaviour with arrivals of its own may have, if it does not
// say.
const mostOwn = 1000

// most is how many users its own arrivals may have at once.
func (b *Behaviour) most() int {
	if b.Fixed > 0 {
		return b.Fixed
	}
	return mostOwn
}

// own is what the behaviours' own loads ask for now.
type own struct {
	some  bool      // there are behaviours of which this says something
	all   bool      // all of them have a load of their own
	users []int     // of each behaviour; of those with arrivals how many there may be
	rates []float64 // arrivals a second; nil: none has any
	over  []bool
}

// newOwn is that of a run that has not begun: nobody is there.
func newOwn(list []*Behaviour) own {
	o := own{users: make([]int, len(list)), over: make([]bool, len(list)), all: true}
	for _, b := range list {
		b.away = b.Start > 0
		o.all = o.all && !b.shares()
		o.some = o.some || b.Own != nil || b.Start > 0 || b.End > 0
		if b.Arrivals {
			o.rates = make([]float64, len(list))
		}
	}
	return o
}

// followOwn has each behaviour come, go and do as its own times and load say. When all are
// over, so is the run.
func (c *Controller) followOwn(now time.Time) {
	if !c.own.some || c.started.IsZero() || !c.stopAt.IsZero() || c.want.Paused {
		return
	}
	if changed, over := c.reckonOwn(c.elapsed(now)); over {
		c.stop("shape")
	} else if changed {
		c.assign()
	}
}

// reckonOwn says anew who is there and how high the own loads are, in steps of a tick as
// follow does.
func (c *Controller) reckonOwn(elapsed time.Duration) (changed, over bool) {
	at, over := elapsed.Round(tick), c.own.some
	for i, b := range c.plan.Behaviours {
		away, done := elapsed < b.Start, b.End > 0 && elapsed >= b.End
		users, rate := 0, 0.0
		if !away && !done && b.Own != nil {
			since := max(at-b.Start, 0)
			_, done = b.Own.At(max(elapsed-b.Start, 0))
			switch high := b.Own.Mean(since, since+tick); {
			case done || !(high > 0):
			case b.Arrivals:
				users, rate = b.most(), min(high, MaxRate)
			default:
				users = level(high)
			}
		}
		switch {
		case done && !c.own.over[i]:
			c.log.Info("behaviour is over", "behaviour", b.Name)
			c.ledger.Mark(b.Name + " is over")
			changed = true
		case b.away && !away && !done:
			c.log.Info("behaviour begins", "behaviour", b.Name)
			c.ledger.Mark(b.Name + " begins")
			changed = true
		}
		b.away, c.own.over[i] = away || done, done
		over = over && done
		if users != c.own.users[i] {
			c.own.users[i], changed = users, true
		}
		if c.own.rates != nil && rate != c.own.rates[i] {
			c.own.rates = slices.Clone(c.own.rates) // nodes have the other one
			c.own.rates[i], changed = rate, true
		}
	}
	return changed, over
}

// awaits says that a behaviour may have users yet, whoever has left.
func (o *own) awaits(list []*Behaviour) bool {
	for i, b := range list {
		if o.some && !o.over[i] && (b.away || b.Own != nil) {
			return true
		}
	}
	return false
}

// totals is how many users each behaviour is to have.
func (c *Controller) totals() []int {
	out := place(c.plan.Behaviours, c.target)
	if c.stopAt.IsZero() {
		for i, n := range c.own.users {
			out[i] += n
		}
	}
	return out
}

// ownUsers is how many users the behaviours' own loads are to have, as far as is known: for
// arrivals, how many there are.
func (c *Controller) ownUsers(s NodeStatus) (n int) {
	if !c.stopAt.IsZero() {
		return 0
	}
	for i, b := range c.plan.Behaviours {
		if b.Arrivals {
			n += s.Running[i]
		} else {
			n += c.own.users[i]
		}
	}
	return n
}

// sharing is how many of those users are of behaviours without a load of their own.
func sharing(list []*Behaviour, users []int) (n int) {
	for i, b := range list {
		if b.shares() {
			n += users[i]
		}
	}
	return n
}

// Asked is how many users there are to be in all, as far as is known.
func (s *Snapshot) Asked() int { return s.Target + s.Own }

// Driven says that how many users, or arrivals, are asked for is of no consequence: every
// behaviour has a load of its own.
func (s *Snapshot) Driven() bool {
	return len(s.Behaviours) > 0 && !slices.ContainsFunc(s.Behaviours, func(b BehaviourView) bool { return !b.Own })
}

// view fills in what the behaviour's own load is.
func (o *own) view(v *BehaviourView, b *Behaviour, i int) {
	v.Own, v.Over = b.Own != nil, o.over[i]
	if b.away && !v.Over {
		v.Wait = b.Start
	}
	if v.Own {
		v.Fixed = o.users[i]
		if o.rates != nil {
			v.Rate = o.rates[i]
		}
	}
}
