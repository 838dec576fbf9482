package swarm

import (
	"fmt"
	"time"

	"tload/stats"
)

// view publishes a snapshot for those who look.
func (c *Controller) view(now time.Time) {
	status := c.nodes.look()
	s := &Snapshot{
		Snapshot: c.ledger.Snapshot(), Taken: now, State: c.shownState(), Reason: c.reason, Err: c.err,
		Host: c.plan.Host, RunID: c.plan.RunID, Seed: c.plan.Seed, Started: c.started, RunTime: c.end, WarmUp: c.plan.WarmUp, Open: c.open(), Rate: c.shownRate(), Shaped: c.plan.Shape != nil, Shape: c.shape, ByHand: c.byHand,
		Target: c.shownTarget(), Own: c.ownNow, SpawnRate: c.rate, Running: status.Active, Stopping: status.Stopping, Peak: c.peak, Backlog: status.Backlog,
		Doing: status.Doing, Changes: c.changes, Invite: c.invite,
	}
	if c.plan.Find != nil {
		s.Find = c.plan.Find.Result()
	}
	c.logGroups(s.Groups)
	s.Doing.InRequest = s.InFlight
	s.Behaviours = behaviourViews(c.plan.Behaviours, status, place(c.plan.Behaviours, c.shownTarget()), s.Snapshot)
	for i, b := range c.plan.Behaviours {
		c.own.view(&s.Behaviours[i], b, i)
	}
	for i, m := range c.nodes.list {
		v := m.view
		v.RTT, v.Skew, v.Build = m.status.Trip, m.status.Skew, m.status.Build
		v.Name, v.State, v.Users = m.name, m.status.State.String(), m.status.Active
		if m.node.Far() && m.status.State < Gone && c.state < Stopped {
			v.Lag = max(c.elapsed(now)-time.Duration(m.told)*time.Second, 0)
		}
		m.view.Most = max(m.view.Most, v.Users)
		v.Most = m.view.Most
		if v.Late = s.Total.Window.LatePercent(); len(c.nodes.list) == 1 {
			v.RPS = s.Total.Window.RPS
		}
		if i == 0 || s.Health.OK && !v.OK {
			s.Health = v.Health
		}
		s.Nodes = append(s.Nodes, v)
	}
	c.snapshot.Store(s)
}

// shownRate is how many arrivals are asked for.
func (c *Controller) shownRate() float64 {
	if !c.open() {
		return 0
	}
	return c.arrivals
}

// maxViews is how many of a behaviour's tasks are shown: a snapshot is made four
// times a second, and kept on disk.
const maxViews = 1000

// behaviourViews is what the users of each behaviour do, for those who look.
func behaviourViews(list []*Behaviour, status NodeStatus, want []int, s *stats.Snapshot) []BehaviourView {
	rows := map[[2]string]*stats.Row{}
	for i := range s.Tasks {
		r := &s.Tasks[i]
		rows[[2]string{r.Key.Method, r.Key.Name}] = r
	}
	wanted := 0
	for _, n := range want {
		wanted += n
	}
	out, running := make([]BehaviourView, len(list)), sharing(list, status.Running)
	for i, b := range list {
		v := BehaviourView{Name: b.Name, Weight: b.weight(), Fixed: b.Fixed, Running: status.Running[i]}
		if wanted > 0 {
			v.Want = 100 * float64(want[i]) / float64(wanted)
		}
		if running > 0 && b.shares() {
			v.Got = 100 * float64(status.Running[i]) / float64(running)
		}
		// Runs of the siblings of each depth, for the share that each got.
		for _, t := range b.Tasks[:min(len(b.Tasks), maxViews)] {
			view := TaskView{Name: t.Name, Depth: t.Depth, Weight: max(t.Weight, 0), Turn: t.Weight == 0, Set: t.Set, Want: t.Want}
			if r := rows[[2]string{b.Name, t.Name}]; r != nil {
				view.Runs, view.Failed, view.Mean = r.Run.Requests, r.Run.Failures, r.Run.Latency.Mean
			}
			v.Tasks = append(v.Tasks, view)
		}
		shares(v.Tasks)
		if n := len(b.Tasks) - maxViews; n > 0 {
			v.Tasks = append(v.Tasks, TaskView{Name: fmt.Sprintf("… and %d more", n)})
		}
		out[i] = v
	}
	return out
}

// shares fills in what part of the picks in its set each task got.
func shares(tasks []TaskView) {
	for i := 0; i < len(tasks); {
		depth := tasks[i].Depth
		var siblings []int
		var sum uint64
		j := i
		for ; j < len(tasks) && tasks[j].Depth >= depth; j++ {
			if tasks[j].Depth == depth {
				siblings = append(siblings, j)
				sum += tasks[j].Runs
			}
		}
		for n, k := range siblings {
			if sum > 0 {
				tasks[k].Got = 100 * float64(tasks[k].Runs) / float64(sum)
			}
			end := j
			if n+1 < len(siblings) {
				end = siblings[n+1]
			}
			if k+1 < end {
				shares(tasks[k+1 : end])
			}
		}
		i = j
	}
}
