package swarm

import (
	"time"

	"tload/stats"
)

// gather brings together what nodes tell of the same second. A node far away tells
// of a second when it is over and its report has arrived; the ledger is told of it
// when all nodes have told, or after some patience. What comes later still is added
// to its second.
type gather struct {
	seconds map[int64]*second
	first   int64 // that the ledger was not told of
	free    []*second
}

type second struct {
	batch stats.Batch
	users stats.Users
}

// patience is how many seconds a report may be behind before nobody waits for it.
const patience = 3

func (g *gather) at(n int64) *second {
	if s := g.seconds[n]; s != nil {
		return s
	}
	s := new(second)
	if last := len(g.free) - 1; last >= 0 {
		s, g.free = g.free[last], g.free[:last]
	}
	if g.seconds == nil {
		g.seconds = map[int64]*second{}
	}
	g.seconds[n] = s
	return s
}

// add takes a report; late is called with the batch of a second that is closed.
func (g *gather) add(r *Report, late func(*stats.Batch, int64)) {
	if r.Second < g.first {
		late(r.Batch, r.Second)
		return
	}
	s := g.at(r.Second)
	s.batch.Merge(r.Batch)
	s.users.Running += r.Users
	s.users.Suspect = s.users.Suspect || r.Suspect
}

// close tells of the seconds before end, each once and in order.
func (g *gather) close(end int64, fold func(b *stats.Batch, now time.Duration, users stats.Users)) {
	for ; g.first < end; g.first++ {
		s := g.at(g.first)
		fold(&s.batch, time.Duration(g.first+1)*time.Second, s.users)
		delete(g.seconds, g.first)
		if len(g.free) < 4 {
			s.batch.Reset()
			s.users = stats.Users{}
			g.free = append(g.free, s)
		}
	}
}

// rest tells of what there is of the second that goes on, at the end of the run.
func (g *gather) rest(now time.Duration, fold func(b *stats.Batch, now time.Duration, users stats.Users)) {
	var all second
	for n, s := range g.seconds {
		all.batch.Merge(&s.batch)
		all.users.Running = max(all.users.Running, s.users.Running)
		all.users.Suspect = all.users.Suspect || s.users.Suspect
		delete(g.seconds, n)
	}
	fold(&all.batch, now, all.users)
}
