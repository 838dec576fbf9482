package swarm

import (
	"time"

	"tload/stats"
	"tload/stats/capacity"
	"tload/swarm/health"
	"tload/swarm/shape"
)

// State is where a run stands.
type State uint8

// The states, in the order in which a run goes through them. Paused is a
// running run whose users hold before their next task.
const (
	Ready State = iota
	Spawning
	Running
	Paused
	Stopping
	Stopped
)

var stateNames = [...]string{"READY", "SPAWNING", "RUNNING", "PAUSED", "STOPPING", "STOPPED"}

// String is the state as the screens show it.
func (s State) String() string { return stateNames[s] }

// Active says that there may be users.
func (s State) Active() bool { return s > Ready && s < Stopped }

// Snapshot is a run at one moment: the controller's own state and the
// statistics. It is immutable.
type Snapshot struct {
	*stats.Snapshot // never nil

	Taken   time.Time
	State   State
	Reason  string // why it stops or stopped: "run-time", "iterations", "you", "threshold", "signal", "hangup"
	Err     error  // what kept the run from ending well, such as users that remain
	Host    string
	RunID   string
	Seed    uint64
	Started time.Time     // wall clock
	RunTime time.Duration // how long it is to run; 0: until stopped
	WarmUp  time.Duration // … before the numbers begin again; they have once Apart is above 0
	Open    bool          // the open model: tasks start by the clock
	Rate    float64       // … arrivals per second

	Shaped bool          // a shape says how high the load is
	Shape  []shape.Point // … its corners, if it has any
	ByHand bool          // … which, or the search, somebody has taken over from

	Find *capacity.Result // what the search for the highest load has found; nil for none

	Target    int     // users asked for; those of behaviours with a load of their own come on top
	Own       int     // … which are to be so many now
	SpawnRate float64 // users per second
	Running   int     // users that act
	Stopping  int     // users that finish the task in hand
	Peak      int     // most that ever ran
	Backlog   int     // arrivals that wait for a free user

	Behaviours []BehaviourView
	Doing      Doing
	Changes    []Change
	Health     health.Health
	Nodes      []NodeView
	Invite     string // the line that starts a worker; "" on one machine
}

// BehaviourView is what the users of one behaviour do.
type BehaviourView struct {
	Name    string
	Weight  int
	Fixed   int           // exact number; 0 when the weight decides; with a load of its own, how many users there are to be now, or may be
	Own     bool          // it has a load of its own
	Rate    float64       // … which is so many arrivals a second now; 0 for users
	Wait    time.Duration // … or it is not its time yet: on the run's clock when it is; 0 for it is, or was
	Over    bool          // its time is over
	Want    float64       // percent of the users
	Got     float64
	Running int
	Tasks   []TaskView // the tree of its tasks, depth first
}

// TaskView is one task, or a nested set of them.
type TaskView struct {
	Name   string
	Depth  int
	Weight int
	Turn   bool    // tasks of its set run in turn, and have no weight
	Set    bool    // a nested set
	Want   float64 // percent of the runs in its set; 0 where tasks run in turn
	Got    float64
	Runs   uint64
	Failed uint64
	Mean   time.Duration
}

// Doing is how many users do what, now.
type Doing struct {
	Waiting   int // think time, or for an arrival
	InTask    int // in a task, the requests among them
	InRequest int
	Starting  int // in OnStart
	Paused    int
}

// Change is a change of what the swarm was asked for.
type Change struct {
	At       time.Duration // since the run began
	Wall     time.Time
	From, To float64
	Arrivals bool    // … a second, and not users
	Weight   string  // of what the weight was changed; "" for users or arrivals
	Rate     float64 // spawn rate
	Who      string  // "start", "you", "shape", "run time" …
}

// NodeView is a node that runs users.
type NodeView struct {
	Name  string
	State string
	Users int
	RPS   float64
	Most  int           // users there ever were
	RTT   time.Duration // 0 for this process
	Skew  time.Duration // how much its clock is ahead of the master's
	Lag   time.Duration // how old the newest of what it told is; 0 for this process
	Build string        // of its program; "" for this process
	health.Health
}
