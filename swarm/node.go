package swarm

import (
	"time"

	"tload/stats"
	"tload/swarm/health"
)

// Node runs users: those of this process, of a worker on another machine, of a
// Locust worker process. The controller knows nodes and nothing else that runs
// users. All methods are called on the controller's goroutine and return at
// once; none waits for a network or a disk. Package nodetest holds every node
// to what is said here.
type Node interface {
	// Begin is called once, before the others. The run's clock stands at 0 at
	// that moment. The node may call wake from any goroutine, and does when its
	// Status has come to say what the controller acts upon: that the last user
	// has left, that all users are there, that a user asks for the run's end.
	Begin(at time.Time, wake func())

	// Assign says what the node is to do from now on. It is a level and no
	// edge: one that is repeated does no harm, and of two only the newer one
	// counts, whatever got lost before it.
	Assign(Assignment)

	// Take yields what happened since the last call. What it yields is good
	// until yield returns.
	Take(yield func(*Report))

	// Far says that the node tells of seconds, each when it is over, and not of
	// the time since the last take.
	Far() bool

	// Status is how the node stands now.
	Status() NodeStatus

	// End gives up the users that are left and ends what the node has started.
	// Take and Status are called once more after it, and nothing else.
	End()
}

// Unlimited is the Quota of a node whose tasks nobody counts.
const Unlimited = -1

// Assignment is what a node is to do.
type Assignment struct {
	Gen   uint64  // grows with each; one that is not newer is ignored
	Users []int   // of each behaviour; if Open no more than these
	Spawn float64 // users per second until they are there; 0: at once

	// The first user's number is IDBase, and each further one is IDStep more.
	IDBase, IDStep int64

	Open     bool          // task starts come by the clock, whatever the target does, and not when users are free; once and for all
	Arrivals float64       // … so many a second; 0: none
	Rates    []float64     // … beside these, of each behaviour that has arrivals of its own; nil: none has
	Poisson  bool          // … at random distances; once and for all
	Since    time.Duration // on the run's clock: when the first of them is due; it stays as first given
	Until    time.Duration // on the run's clock; what would be due then or later is no arrival; 0: no end
	Quota    int64         // tasks in all, since the run began, or Unlimited
	Weights  [][]int       // of each behaviour's tasks, for the choice of the next one; nil: as they were made
	Paused   bool          // users hold before their next task, and nothing is due
	Stop     StopKind
}

// StopKind is how a run ends for its users.
type StopKind uint8

// The ways to stop, each further than the one before.
const (
	GoOn     StopKind = iota
	Graceful          // users end after the task in hand
	Hard              // … and what it waits for is cancelled
)

// Report is what happened on a node in some time.
type Report struct {
	Batch  *stats.Batch
	Users  int   // the most there were at once
	Second int64 // of the run that it is about; Since for the time since the last take

	Health  health.Health
	Suspect bool // the node's machine bent what was measured
}

// Since is the Second of a report about the time since the last take.
const Since = -1

// NodeState is what a node can be counted on for.
type NodeState uint8

// The states of a node. Users of one that is lost have stopped, or will have before
// they can send anything more: they may be given away.
const (
	Up     NodeState = iota
	Silent           // not heard of for a while
	Lost
	Gone // it has left, and told all
)

var nodeStateNames = [...]string{"running", "silent", "lost", "gone"}

// String is the state as the screens show it.
func (s NodeState) String() string { return nodeStateNames[s] }

// NodeStatus is how a node stands.
type NodeStatus struct {
	State    NodeState
	Capacity int           // its share of the users, beside the others'; its cores
	Trip     time.Duration // of the newest command to it and its answer; 0 within this process
	Skew     time.Duration // how much its clock is ahead, give or take half a Trip
	Build    string        // of its program, shortened; "" within this process
	Gen      uint64        // of the assignment that it follows
	Level    int           // users that its ramp, or its arrivals, ask for by now; of behaviours without a load of their own
	Running  []int         // of each behaviour, those told to stop not among them
	Active   int           // the sum of Running
	Stopping int
	Doing    Doing

	Backlog   int      // arrivals that wait for a free user
	Short     bool     // a user that ended by itself is to be replaced
	Exhausted bool     // the quota is used up
	Claimed   int64    // tasks begun, of the quota
	Owes      bool     // Take has not told all of what its users did
	Reason    string   // why a user asks for the end of the run; "" while none does
	Fault     string   // what is wrong with its numbers; "" for nothing
	Left      []string // after a hard stop: some users that are left, and what they do
}

// Count is how many users there are, those told to stop among them.
func (s *NodeStatus) Count() int { return s.Active + s.Stopping }

// add makes s the status of both.
func (s *NodeStatus) add(o NodeStatus) {
	s.Level += o.Level
	for i, n := range o.Running[:min(len(o.Running), len(s.Running))] {
		s.Running[i] += n
	}
	s.Active += o.Active
	s.Stopping += o.Stopping
	s.Doing.Waiting += o.Doing.Waiting
	s.Doing.InTask += o.Doing.InTask
	s.Doing.Starting += o.Doing.Starting
	s.Doing.Paused += o.Doing.Paused
	s.Backlog += o.Backlog
	s.Short = s.Short || o.Short
	s.Exhausted = s.Exhausted && o.Exhausted
	s.Owes = s.Owes || o.Owes
	if s.Reason == "" {
		s.Reason = o.Reason
	}
	s.Left = append(s.Left, o.Left...)
}
