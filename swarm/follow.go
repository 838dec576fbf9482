package swarm

import (
	"math"
	"time"

	"tload/stats/capacity"
)

// What the load follows besides people: a shape, or the search for the highest one.

// follows says that the plan's shape or search says how high the load is.
func (c *Controller) follows() bool { return c.plan.Shape != nil || c.plan.Find != nil }

// FollowShape gives the load back to the plan's shape or search, after Scale or SetRate has taken it
// over.
func (c *Controller) FollowShape() {
	c.do(func() {
		if c.byHand {
			c.byHand = false
			c.log.Info("the load follows its plan again")
			c.follow(time.Now())
		}
	})
}

// level is a whole number of users.
func level(v float64) int { return min(int(math.Round(max(v, 0))), MaxUsers) }

// follow drives the load as the shape says, in steps of a tick: users to where it is in
// the middle of the step, arrivals as many as it has in the whole of it.
func (c *Controller) follow(now time.Time) {
	s := c.plan.Shape
	if s == nil || c.byHand || c.started.IsZero() || !c.stopAt.IsZero() || c.want.Paused {
		return
	}
	at := c.elapsed(now).Round(tick)
	switch _, done := s.At(c.elapsed(now)); {
	case done:
		c.stop("shape")
	case c.open():
		if rate := s.Mean(at, at+tick); rate != c.arrivals {
			c.setRate(min(rate, MaxRate), "shape")
		}
	default:
		if users := level(s.Mean(at, at+tick)); users != c.target {
			c.scale(users, "shape")
		}
	}
}

// strideTime is how long users take from one level of a search to the next: all at once
// they would be a load of their own.
const strideTime = 2 * time.Second

// search drives the load as the search for the highest one says.
func (c *Controller) search(now time.Time) {
	f := c.plan.Find
	if f == nil || c.started.IsZero() || !c.stopAt.IsZero() {
		return
	}
	if c.byHand || c.want.Paused {
		f.Break()
		return
	}
	status := c.nodes.look()
	steady := !c.waits && (c.open() || c.steady && sharing(c.plan.Behaviours, status.Running) == c.target)
	switch want, done := f.Next(capacity.Moment{At: c.elapsed(now), Steady: steady, Backlog: status.Backlog}); {
	case done:
		c.log.Info("the search is over", "result", f.Result().String())
		c.stop("search")
	case c.open():
		c.setRate(min(want, MaxRate), "search")
	case level(want) != c.target:
		c.stride = max(math.Abs(want-float64(c.target))/strideTime.Seconds(), 1)
		c.scale(level(want), "search")
	}
}
