package tui

import (
	"fmt"
	"time"

	"tload/swarm"
)

// pulse keeps account of how long requests have been out without any reply.
type pulse struct {
	replies uint64
	replied time.Duration // when that number of them last changed, or nothing was out
	idle    bool          // nothing was out
	quiet   time.Duration // since then, of what is shown
}

// feel takes the newest snapshot; held, it is not the one that is shown.
func (p *pulse) feel(s *swarm.Snapshot, held bool) {
	// The first requests after a pause were begun since the snapshot before.
	if n := s.Total.Run.Requests; n != p.replies || p.idle || s.Elapsed < p.replied {
		p.replies, p.replied = n, s.Elapsed
	}
	p.idle = s.InFlight == 0
	if !held {
		p.quiet = s.Elapsed - p.replied
	}
}

// stalled says that requests are out and no reply came back for longer than
// replies of this target take, and for a second at the least. All other numbers
// look well then: what does not end is not counted.
func (m *model) stalled() bool {
	s := m.snap
	return s.InFlight > 0 && s.State != swarm.Stopped && m.pulse.quiet >= max(time.Second, s.Total.Run.Latency.P99*3/2)
}

func (m *model) stallText() string {
	return fmt.Sprintf("▲ %s in flight, no reply for %s", thousands(m.snap.InFlight), inSeconds(m.pulse.quiet))
}
