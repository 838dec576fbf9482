package crew

import (
	"sync/atomic"

	"tload/swarm"
)

// quota is how many tasks may be begun in all, which may change as the run goes
// on.
type quota struct {
	most, claimed atomic.Int64
}

// claim takes one task of it, if there is one left.
func (q *quota) claim() bool {
	if q.most.Load() == swarm.Unlimited {
		return true
	}
	for {
		n := q.claimed.Load()
		if n >= q.most.Load() {
			return false
		}
		if q.claimed.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (q *quota) used() bool {
	most := q.most.Load()
	return most != swarm.Unlimited && q.claimed.Load() >= most
}
