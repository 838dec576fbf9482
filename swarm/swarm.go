// Package swarm decides how many users there are and merges what those who run
// them report.
//
// The Controller owns a run. Its one goroutine divides what is wanted among Nodes,
// which run the users, takes what they report, and publishes snapshots; a key
// press, a flag, a signal and the end of the run time all reach it as a function
// that it calls. The users of this process are one node, package crew's:
//
//	c, err := crew.Swarm(swarm.Plan{
//		Users:     10,
//		SpawnRate: 2,
//		RunTime:   time.Minute,
//	}, crew.Job{Behaviours: []*crew.Behaviour{…}})
//	err = c.Run(ctx)
//
// A node steps its ramp by itself: it is told a whole number of users for each
// behaviour and how fast to get there ("level, not edge"), so that a lost or
// repeated assignment does no harm.
package swarm

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"tload/stats"
	"tload/stats/capacity"
	"tload/swarm/shape"
)

// Behaviour is one kind of user, as the swarm sees it.
type Behaviour struct {
	Name   string
	Weight int // its share of the users; 0 means 1, NoWeight none
	Fixed  int // an exact number instead of a share, started first; with Arrivals the most users there may be

	// Start and End are when its first user may come and when its last one is told to go,
	// on the run's clock; an End of 0 is the run's.
	Start, End time.Duration

	// Own, if set, is a load of its own from its Start on, beside that of the plan: as many
	// users, which are there at once, or with Arrivals so many task starts a second,
	// whatever the target does, by as many users as that takes. When it is done, the
	// behaviour is over.
	Own      Shape
	Arrivals bool

	// Tasks is the tree of what it does, depth first, for those who look.
	Tasks []TaskInfo

	away bool // it is not its time; kept by the controller
}

// shares says that it has a part of the plan's users at its time, by a fixed number or by
// its weight.
func (b *Behaviour) shares() bool { return b.Own == nil }

// fixed is how many users it is to have of the plan's, before the others get any.
func (b *Behaviour) fixed() int {
	if b.away || !b.shares() {
		return 0
	}
	return b.Fixed
}

// share is its weight among those that have users of the plan's now.
func (b *Behaviour) share() int {
	if b.away || !b.shares() || b.Fixed > 0 {
		return 0
	}
	return b.weight()
}

func (b *Behaviour) weight() int {
	if b.Weight == 0 {
		return 1
	}
	return max(b.Weight, 0)
}

// TaskInfo describes a task, or a nested set of tasks.
type TaskInfo struct {
	Name   string  // unique in its behaviour; the Name of its stats.Task row
	Depth  int     // 0 at the top
	Weight int     // within its set; 0 where tasks run in turn, NoWeight for never
	Set    bool    // a nested set
	Want   float64 // expected percent of the picks in its set; 0 where tasks run in turn
}

// ShortName is what a task is called within its set: the name of the set in front of it
// says what it is in.
func ShortName(name, set string) string {
	if set == "" {
		return name
	}
	return strings.TrimPrefix(name, set+"/")
}

// SetOf is the name of the set that a task is in, of a tree of tasks that stands depth
// first; "" at the top.
func SetOf(i int, task func(int) (name string, depth int)) string {
	_, depth := task(i)
	for i--; depth > 0 && i >= 0; i-- {
		if name, d := task(i); d < depth {
			return name
		}
	}
	return ""
}

// Plan is what a run is to do. It is read once, by New.
type Plan struct {
	Behaviours  []*Behaviour
	Users       int           // target at the start; with Rate the most users there may be
	SpawnRate   float64       // users per second; 0 means 1
	RunTime     time.Duration // 0: until stopped
	FromSteady  bool          // … counted from when all users run for the first time
	WarmUp      time.Duration // what is done before is kept apart from the run's numbers
	Iterations  int64         // tasks in all; 0: no limit
	Rate        float64       // task starts per second whatever the target does; 0: users decide
	Poisson     bool          // … at random distances, as of many who know nothing of each other
	StopTimeout time.Duration // grace for tasks in hand
	Seed        uint64
	Host        string // for those who look
	RunID       string

	// Shape, if set, says how high the load is to be at each moment of the run: users,
	// or with Rate arrivals per second. When it is over, so is the run.
	Shape Shape

	// Find, if set, says how high the load is to be from what comes back of it, in
	// the place of a Shape. When it is done, so is the run.
	Find *capacity.Search

	// Expect is how many nodes are waited for before the first user starts.
	Expect int

	// Past, if set, is what the run goes on from; Users, SpawnRate and Expect do
	// not count then.
	Past *Past

	Samples int // failing exchanges kept per group; 0 means 32
	Memory  int // bytes of exchanges kept in all; 0 means 64 MiB

	Log *slog.Logger // nil: nothing is logged

	// Tap, if set, is told all that the run's ledger is told, on the controller's
	// goroutine: the run journal. It must not wait.
	Tap stats.Tap

	// OnBatch, if set, is called on the controller's goroutine with each batch
	// and the time since the run began. It must not wait and must not keep b.
	OnBatch func(b *stats.Batch, now time.Duration, users stats.Users)
}

// driven says that every behaviour has a load of its own.
func (p *Plan) driven() bool {
	return len(p.Behaviours) > 0 && !slices.ContainsFunc(p.Behaviours, (*Behaviour).shares)
}

// Shape is a load over time; package shape makes one of words. It is called on the
// controller's goroutine and must not wait.
type Shape interface {
	// At is the level at that time of the run. When it is done, so is the run.
	At(t time.Duration) (level float64, done bool)
	// Mean is the level between two moments.
	Mean(from, to time.Duration) float64
	// Points are its corners for those who look, or nil.
	Points() []shape.Point
}

// Past is a run that another controller began, as it is known from its journal.
type Past struct {
	Ledger    *stats.Ledger // which has all that is known
	Started   time.Time     // wall clock
	Target    int
	Arrivals  float64 // of the open model, per second
	SpawnRate float64 // users per second
	Paused    bool
	Stop      string // why it was ending already; "" for it was not
	Peak      int
	Changes   []Change
	Weights   []BehaviourView // as they were at last

	// The ledger has the seconds before First of all nodes elsewhere, but of these,
	// by the id with which they joined, only those before their own.
	First int64
	But   map[string]int64
}

// Told is the first second of a node's that is not in the ledger.
func (p *Past) Told(id string) int64 {
	if n, ok := p.But[id]; ok {
		return n
	}
	return p.First
}

// MaxUsers is the most users that a run may ask for in one process.
const MaxUsers = 5_000_000

// MaxRate is the most arrivals a second that a run may ask for.
const MaxRate = 1e7

// Check says what is wrong with a plan, in words for the person who made it.
func (p *Plan) Check() error {
	switch {
	case len(p.Behaviours) == 0:
		return fmt.Errorf("nothing to do: no behaviour is selected")
	case p.Users < 1:
		return fmt.Errorf("%d users: at least 1 is needed", p.Users)
	case p.Users > MaxUsers:
		return fmt.Errorf("%d users: one process runs at most %d; use more workers", p.Users, MaxUsers)
	case !(p.SpawnRate >= 0) || math.IsInf(p.SpawnRate, 0):
		return fmt.Errorf("spawn rate %g: it is a number of users per second above 0, such as 20", p.SpawnRate)
	case !(p.Rate >= 0) || math.IsInf(p.Rate, 0):
		return fmt.Errorf("rate %g: it is a number of task starts per second above 0, such as 500", p.Rate)
	case p.RunTime < 0 || p.StopTimeout < 0 || p.WarmUp < 0:
		return fmt.Errorf("a duration below 0: write it as 20s, 3m or 1h20m")
	}
	if p.WarmUp > 0 && p.RunTime > 0 && p.RunTime <= p.WarmUp && !p.FromSteady {
		return fmt.Errorf("a warm-up of %v leaves nothing of a run of %v: the run time is counted from its start", p.WarmUp, p.RunTime)
	}
	if p.driven() && (p.Rate > 0 || p.Shape != nil || p.Find != nil) {
		return fmt.Errorf("every behaviour that is to run has a load of its own: there is nothing that a rate, a shape or a search could drive")
	}
	names := map[string]bool{}
	for _, b := range p.Behaviours {
		switch {
		case b.Start < 0 || b.End < 0 || b.End > 0 && b.End <= b.Start:
			return fmt.Errorf("behaviour %q: from %v to %v is no time in which it could run", b.Name, b.Start, b.End)
		case b.Arrivals && b.Own == nil:
			return fmt.Errorf("behaviour %q: nothing says how many arrivals there are", b.Name)
		case b.Weight < 0 || b.Fixed < 0:
			return fmt.Errorf("behaviour %q: weight %d and fixed %d must not be below 0", b.Name, b.Weight, b.Fixed)
		case names[b.Name]:
			return fmt.Errorf("two behaviours are called %q: give each its own Name", b.Name)
		}
		names[b.Name] = true
	}
	return nil
}
