package swarm

import (
	"time"

	"tload/stats"
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
	Rate    float64       // arrivals per second of the open model; 0 in the closed one

	Target    int     // users asked for
	SpawnRate float64 // users per second
	Running   int     // users that act
	Stopping  int     // users that finish the task in hand
	Peak      int     // most that ever ran
	Backlog   int     // arrivals that wait for a free user

	Behaviours []BehaviourView
	Doing      Doing
	Changes    []Change
	Health     Health
	Nodes      []NodeView
}

// BehaviourView is what the users of one behaviour do.
type BehaviourView struct {
	Name    string
	Weight  int
	Fixed   int     // exact number; 0 when the weight decides
	Want    float64 // percent of the users
	Got     float64
	Running int
	Tasks   []TaskView // the tree of its tasks, depth first
}

// TaskView is one task, or a nested set of them.
type TaskView struct {
	Name   string
	Depth  int
	Weight int
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
	From, To int
	Rate     float64 // spawn rate
	Who      string  // "start", "you", "shape", "run time" …
}

// NodeView is a node that runs users.
type NodeView struct {
	Name  string
	State string
	Users int
	RPS   float64
	RTT   time.Duration // 0 for this process
	Health
}

// Health is how the load generator itself is doing.
type Health struct {
	OK      bool
	Reasons []Reason // of not being well, worst first
	Checks  []Reason // everything that is measured, as lines to show
	Past    []Reason // what was bad at any time of the run, at its worst, the longest first

	CPU        float64 // percent of one core, last second
	Cores      float64 // how many it may use
	RSS        int64   // bytes
	Goroutines int
	Files      int
	FileLimit  int
	Ports      int // ephemeral ports in use, -1 when unknown
	PortLimit  int
	GCPause    time.Duration // p99 of the last minute
	SchedDelay time.Duration // longest oversleep of the probe in the last second
	Late       float64       // percent of starts, last ten seconds
	InFlight   int
	MaxFlight  int

	SuspectSeconds int // how many seconds of the run were marked so far
}

// Reason is one signal of the generator's health.
type Reason struct {
	OK     bool
	What   string // "CPU 188% of 200%"
	Remedy string // "latency above is partly this box: add a worker"; empty when OK
}
