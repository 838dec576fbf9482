package swarm

import (
	"fmt"
	"slices"

	"tload/stats"
)

// NoWeight is the weight of what is not to be done at all: 0 stands for 1 where an
// author says nothing, and in a TaskInfo for what has no weight, as its set goes in turn.
const NoWeight = -1

// MaxWeight is the most that a weight may be.
const MaxWeight = 1_000_000

// copies are those of behaviours whose weights may change.
func copies(list []*Behaviour) []*Behaviour {
	out := make([]*Behaviour, len(list))
	for i, b := range list {
		c := *b
		c.Tasks = slices.Clone(b.Tasks)
		out[i] = &c
	}
	return out
}

// CheckWeight says why a behaviour, or one of its tasks, cannot have that weight, in
// words for the person who wants it; task is the task's index, or below 0. The weight is
// 0 or more.
func (v *BehaviourView) CheckWeight(all []BehaviourView, task, weight int) error {
	if weight < 0 || weight > MaxWeight {
		return fmt.Errorf("a weight is a whole number from 0 to %d", MaxWeight)
	}
	others := 0
	if task < 0 {
		if v.Own {
			return fmt.Errorf("%s has a load of its own: it has no weight", v.Name)
		}
		if v.Fixed > 0 {
			return fmt.Errorf("there are %d users of %s, a fixed number: it has no weight", v.Fixed, v.Name)
		}
		for _, b := range all {
			if b.Fixed == 0 && !b.Own && b.Name != v.Name {
				others += b.Weight
			}
		}
		if weight+others == 0 {
			return fmt.Errorf("%s is the last one that there are users of: give another one a weight first", v.Name)
		}
		return nil
	}
	if task >= len(v.Tasks) {
		return fmt.Errorf("%s has no such task", v.Name)
	}
	if t := v.Tasks[task]; t.Turn {
		return fmt.Errorf("the tasks of its set are done in turn: %s has no weight", t.Name)
	}
	depths := func(i int) int { return v.Tasks[i].Depth }
	for _, i := range siblings(len(v.Tasks), depths, task) {
		if i != task {
			others += v.Tasks[i].Weight
		}
	}
	if weight+others == 0 {
		return fmt.Errorf("%s is the last task of its set: give another one a weight first", v.Tasks[task].Name)
	}
	return nil
}

// siblings are the tasks of one set, of a tree of n that stands depth first.
func siblings(n int, depth func(int) int, task int) (list []int) {
	first, d := task, depth(task)
	for first > 0 && depth(first-1) >= d {
		first--
	}
	for i := first; i < n && depth(i) >= d; i++ {
		if depth(i) == d {
			list = append(list, i)
		}
	}
	return list
}

// SetWeight gives a behaviour another share of the users, or one of its tasks, by its
// index, another share of what is done in its set; task is below 0 for the behaviour
// itself. Users move to another behaviour at the spawn rate, and choose by the new
// weights from their next task on. What BehaviourView.CheckWeight refuses is ignored.
func (c *Controller) SetWeight(behaviour string, task, weight int, who string) {
	c.do(func() { c.setWeight(behaviour, task, weight, who) })
}

func (c *Controller) setWeight(behaviour string, task, weight int, who string) {
	i := slices.IndexFunc(c.plan.Behaviours, func(b *Behaviour) bool { return b.Name == behaviour })
	if i < 0 || task >= len(c.plan.Behaviours[i].Tasks) || !c.stopAt.IsZero() {
		return
	}
	views := behaviourViews(c.plan.Behaviours, NodeStatus{Running: make([]int, len(c.plan.Behaviours))}, make([]int, len(c.plan.Behaviours)), new(stats.Snapshot))
	if err := views[i].CheckWeight(views, task, weight); err != nil {
		c.log.Warn("a weight stays as it is", "why", err)
		return
	}
	b, kept := c.plan.Behaviours[i], weight
	if weight == 0 {
		kept = NoWeight
	}
	name, was := b.Name, b.weight()
	if task < 0 {
		b.Weight = kept
	} else {
		t := &b.Tasks[task]
		name, was = name+" "+t.Name, max(t.Weight, 0)
		t.Weight = kept
		b.reckon(task)
		c.want.Weights = c.weights()
	}
	if was == weight {
		return
	}
	c.log.Info("weight", "of", name, "from", was, "to", weight, "who", who)
	c.changed(Change{From: float64(was), To: float64(weight), Weight: name, Who: who})
	c.steady = c.steady && task >= 0
	c.assign()
}

// reckon says anew what part of the picks in that task's set is to be expected.
func (b *Behaviour) reckon(task int) {
	list := siblings(len(b.Tasks), func(i int) int { return b.Tasks[i].Depth }, task)
	total := 0
	for _, i := range list {
		total += max(b.Tasks[i].Weight, 0)
	}
	for _, i := range list {
		b.Tasks[i].Want = 100 * float64(max(b.Tasks[i].Weight, 0)) / float64(max(total, 1))
	}
}

// weights are those of all tasks, as an assignment has them.
func (c *Controller) weights() [][]int {
	out := make([][]int, len(c.plan.Behaviours))
	for i, b := range c.plan.Behaviours {
		for _, t := range b.Tasks {
			out[i] = append(out[i], max(t.Weight, 0))
		}
	}
	return out
}

// weigh takes up the weights of a run that another controller began.
func (c *Controller) weigh(list []BehaviourView) {
	for _, v := range list {
		i := slices.IndexFunc(c.plan.Behaviours, func(b *Behaviour) bool { return b.Name == v.Name })
		if i < 0 {
			continue
		}
		b := c.plan.Behaviours[i]
		if v.Fixed == 0 && !v.Own && b.shares() && v.Weight != b.weight() {
			b.Weight = v.Weight
			if v.Weight == 0 {
				b.Weight = NoWeight
			}
		}
		for j, t := range v.Tasks[:min(len(v.Tasks), len(b.Tasks))] {
			if own := &b.Tasks[j]; own.Weight != 0 && !t.Turn && t.Name == own.Name && t.Weight != own.Weight {
				own.Weight = t.Weight
				if t.Weight == 0 {
					own.Weight = NoWeight
				}
				b.reckon(j)
				c.want.Weights = c.weights()
			}
		}
	}
}
