package behaviours

import (
	"context"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/crew"
)

// Pass drives one user through every task of a behaviour once, in order and
// without waits, and calls trace with each exchange as it ends. It returns the
// groups of failures.
func Pass(ctx context.Context, s *Shared, b Behaviour, trace func(*stats.Exchange)) ([]*stats.Group, error) {
	own := *s
	own.once, own.trace, own.careful = true, trace, true
	b.Wait, b.Fixed = Wait{}, 0
	list, err := Bind(&own, []Behaviour{b})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	c, err := crew.Swarm(swarm.Plan{Users: 1, StopTimeout: 10 * time.Second, Seed: 1}, crew.Job{Behaviours: list})
	if err != nil {
		return nil, err
	}
	if err := c.Run(ctx); err != nil {
		return nil, err
	}
	return c.Snapshot().Groups, nil
}
