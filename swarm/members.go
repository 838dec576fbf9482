package swarm

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// member is a node of a run, as the controller keeps it.
type member struct {
	node   Node
	id     string // "" in this process
	name   string
	number int64      // the first user's
	given  Assignment // as last assigned
	most   int        // users that it may have while it is not known to follow what was given
	held   int64      // tasks of the quota that it may have claimed, at most
	status NodeStatus // as of the last look
	view   NodeView
	told   int64 // the seconds before this one were reported

	// Until then all that it has to tell is waited for: an earlier controller had it.
	awaited time.Time
}

// users is how many users it may have: those it was given, those that it has not
// parted with yet, and as long as it is not known to follow, those of before.
func (m *member) users() int { return max(sum(m.given.Users), m.status.Count(), m.most) }

// members are the nodes of a run. What is wanted of all of them is divided among
// those that are there, so that users who move from one to another are stopped
// before they are started again: there never are more than were asked for.
type members struct {
	list       []*member
	behaviours []*Behaviour
	split      bool // the quota has to be divided anew
	changed    bool // what assign looks at has changed since
}

// idStep keeps the numbers of users apart that run on different nodes, which is
// how many nodes there may ever be.
const idStep = 10_000

func (ms *members) add(n Node, id, name string, began time.Time, wake func()) *member {
	m := &member{node: n, id: id, name: name, number: int64(len(ms.list)) + 1}
	m.given.Users = make([]int, len(ms.behaviours))
	m.status.Running = make([]int, len(ms.behaviours))
	ms.list = append(ms.list, m)
	ms.split = true
	if !began.IsZero() {
		m.begin(began, wake)
	}
	return m
}

func (m *member) begin(at time.Time, wake func()) {
	m.node.Begin(at, wake)
	m.status = m.node.Status()
	if len(m.status.Running) == len(m.given.Users) { // of one that has users already, from an earlier controller
		m.given.Users = slices.Clone(m.status.Running)
	}
}

// owes is the first second for whose report the member is waited for, which is never
// behind now.
func (m *member) owes(now int64) int64 {
	if m.status.State == Up && m.told >= now-patience || m.status.State > Silent {
		m.awaited = time.Time{}
	}
	switch {
	case time.Now().Before(m.awaited):
		return min(m.told, now)
	case m.status.State == Up:
		return min(max(m.told, now-patience), now)
	}
	return now
}

// reunion is how long a node that an earlier controller had is waited for.
const reunion = 15 * time.Second

// live are those that users can be given to.
func (ms *members) live() (out []*member) {
	for _, m := range ms.list {
		if m.status.State <= Silent {
			out = append(out, m)
		}
	}
	return out
}

// look asks all nodes how they stand, and sums it up. Gen is 0 as long as one has
// not followed yet, or is not given all that is wanted of it.
func (ms *members) look() (all NodeStatus) {
	all = NodeStatus{Gen: 1, Running: make([]int, len(ms.behaviours)), Exhausted: true}
	live := 0
	for _, m := range ms.list {
		was := m.status
		m.status = m.node.Status()
		s := &m.status
		if (was.State <= Silent) != (s.State <= Silent) {
			ms.changed, ms.split = true, true
			if s.State > Silent {
				m.given.Users, m.most = make([]int, len(ms.behaviours)), 0
			}
		}
		if s.Gen == m.given.Gen {
			m.most = 0
		}
		if was.Count() != s.Count() || was.Gen != s.Gen || !was.Exhausted && s.Exhausted {
			ms.changed = true
			ms.split = ms.split || !was.Exhausted && s.Exhausted
		}
		if s.Gen == m.given.Gen && m.given.Quota >= 0 {
			m.held = max(m.given.Quota, s.Claimed)
		}
		if s.State > Silent {
			continue
		}
		live++
		if s.Gen != m.given.Gen {
			all.Gen = 0
		}
		all.add(*s)
	}
	all.Exhausted = all.Exhausted && live > 0
	return all
}

// assign gives every node what it may have now of what is wanted of all. It says
// whether something has to wait, for users to leave or tasks to be given back
// elsewhere. A node is told nothing that it was told before.
func (ms *members) assign(want Assignment, totals []int) (waits bool) {
	ms.changed = false
	live := ms.live()
	if len(live) == 0 {
		return true
	}
	have, capacity := make([][]int, len(live)), make([]int, len(live))
	for i, m := range live {
		have[i], capacity[i] = m.given.Users, max(m.status.Capacity, 1)
	}
	rows := spread(have, capacity, totals)
	free := sum(totals)
	for _, m := range live {
		free -= m.users()
	}
	quotas, short := ms.quotas(live, capacity, want.Quota)
	waits = short
	for i, m := range live {
		a := want
		a.Gen, a.Users = m.given.Gen, rows[i]
		if more := sum(a.Users) - sum(have[i]); more > 0 && len(ms.list) > 1 {
			now := min(more, max(free, 0))
			free -= now
			waits = waits || now < more
			a.Users = part(a.Users, have[i], now)
		}
		a.IDBase, a.IDStep = m.number, idStep
		if len(ms.list) == 1 {
			a.IDStep = 1
		} else {
			a.Spawn = want.Spawn * float64(max(sharing(ms.behaviours, rows[i]), 1)) / float64(max(sharing(ms.behaviours, totals), 1))
			a.Rates = ratesOf(want.Rates, rows[i], totals)
			a.Arrivals = want.Arrivals * float64(capacity[i]) / float64(sum(capacity))
		}
		if m.given.Gen > 0 {
			a.IDStep, a.Since = m.given.IDStep, m.given.Since
		}
		a.Quota = quotas[i]
		if same(a, m.given) {
			continue
		}
		a.Gen++
		m.most = m.users()
		m.given = a
		if a.Quota >= 0 {
			m.held = max(m.held, a.Quota)
		}
		m.node.Assign(a)
	}
	return waits
}

// ratesOf is a node's part of each behaviour's own arrivals: that of the users.
func ratesOf(rates []float64, users, totals []int) []float64 {
	if rates == nil {
		return nil
	}
	out := make([]float64, len(rates))
	for i, r := range rates {
		if r > 0 {
			out[i] = r * float64(users[i]) / float64(max(totals[i], 1))
		}
	}
	return out
}

func same(a, b Assignment) bool {
	if !slices.Equal(a.Users, b.Users) || b.Gen == 0 {
		return false
	}
	if !slices.Equal(a.Rates, b.Rates) {
		return false
	}
	if !slices.EqualFunc(a.Weights, b.Weights, slices.Equal[[]int]) {
		return false
	}
	a.Users, b.Users = nil, nil
	return a.Gen == b.Gen && a.Spawn == b.Spawn && a.IDBase == b.IDBase && a.IDStep == b.IDStep && a.Arrivals == b.Arrivals && a.Open == b.Open &&
		a.Until == b.Until && a.Quota == b.Quota && a.Paused == b.Paused && a.Stop == b.Stop
}

// quotas divides what is left of the tasks in all: each node's is what it has
// claimed and its share of the rest. One that is lowered is so at once; one that
// is raised gets what is free by then, so that never more are claimed than there
// are. short says that something is not free yet.
func (ms *members) quotas(live []*member, capacity []int, all int64) (out []int64, short bool) {
	out = make([]int64, len(live))
	if all < 0 {
		for i := range out {
			out[i] = all
		}
		return out, false
	}
	rest, free := all, all
	for _, m := range ms.list {
		rest -= m.status.Claimed
		if m.status.State > Silent {
			m.held = m.status.Claimed
		}
		free -= m.held
	}
	if !ms.split {
		for i, m := range live {
			out[i] = m.given.Quota
		}
		return out, false
	}
	for i, n := range sizes(capacity, int(max(rest, 0))) {
		m := live[i]
		out[i] = m.status.Claimed + int64(n)
		if more := out[i] - m.held; more > 0 {
			now := min(more, max(free, 0))
			free -= now
			short = short || now < more
			out[i] = m.held + now
		}
	}
	ms.split = short
	return out, short
}

// behind are the nodes that have not told of all seconds before first, with the
// first one that they owe.
func (ms *members) behind(first int64) map[string]int64 {
	out := map[string]int64{}
	for _, m := range ms.list {
		if m.node.Far() && m.told < first && m.status.State != Gone {
			out[m.id] = m.told
		}
	}
	return out
}

// faults is what the run lacks of what happened on its nodes.
func (ms *members) faults() (err error) {
	for _, m := range ms.list {
		if m.status.State == Lost {
			err = errors.Join(err, fmt.Errorf("worker %s was lost and did not come back: what it did in its last seconds is not in the totals", m.name))
		}
		if m.status.Fault != "" {
			err = errors.Join(err, fmt.Errorf("the totals are not to be trusted: %s", m.status.Fault))
		}
	}
	return err
}
