package cli

import (
	"math"
	"time"

	"tload/stats/report"
	"tload/swarm"
	"tload/swarm/health"
	"tload/swarm/shape"
)

// record is what the run journal keeps besides the statistics, once a second:
// what the reports and the screens show of a run. Its names are the journal's and
// stay as they are, whatever the code calls these things. Times are in seconds.
type record struct {
	Meta       report.Meta       `json:"meta"`
	State      string            `json:"state"`
	RunTime    span              `json:"run_time_s,omitempty"` // how long it was to run
	WarmUp     span              `json:"warm_up_s,omitempty"`
	Target     int               `json:"target"`
	Own        int               `json:"own_users,omitempty"` // besides the target
	SpawnRate  float64           `json:"spawn_rate"`
	Taken      time.Time         `json:"taken"`
	Behaviours []behaviourRecord `json:"behaviours,omitempty"`
	Changes    []changeRecord    `json:"changes,omitempty"`
	Shape      []cornerRecord    `json:"shape,omitempty"`
	ByHand     bool              `json:"by_hand,omitempty"`
	Open       bool              `json:"open_model,omitempty"`
	Health     healthRecord      `json:"health"`
	Nodes      []nodeRecord      `json:"nodes,omitempty"`
	Live       *liveRecord       `json:"live,omitempty"`
}

// liveRecord is what is of no interest once a run is over.
type liveRecord struct {
	Running  int     `json:"running"`
	Stopping int     `json:"stopping,omitempty"`
	Backlog  int     `json:"backlog,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
	Waiting  int     `json:"waiting,omitempty"`
	InTask   int     `json:"in_task,omitempty"`
	InFlight int     `json:"in_request,omitempty"`
	Starting int     `json:"starting,omitempty"`
	Paused   int     `json:"paused,omitempty"`
	Shaped   bool    `json:"shaped,omitempty"`
}

type behaviourRecord struct {
	Name    string       `json:"name"`
	Weight  int          `json:"weight"`
	Fixed   int          `json:"fixed,omitempty"`
	Want    float64      `json:"want_percent"`
	Got     float64      `json:"got_percent"`
	Running int          `json:"running"`
	Own     bool         `json:"own_load,omitempty"`
	Rate    float64      `json:"arrivals_per_s,omitempty"` // of its own
	Wait    span         `json:"starts_at_s,omitempty"`    // while it is not there yet
	Over    bool         `json:"over,omitempty"`
	Tasks   []taskRecord `json:"tasks,omitempty"`
}

type taskRecord struct {
	Name   string  `json:"name"`
	Depth  int     `json:"depth,omitempty"`
	Weight int     `json:"weight,omitempty"`
	Turn   bool    `json:"turn,omitempty"` // tasks of its set run in turn
	Set    bool    `json:"set,omitempty"`
	Want   float64 `json:"want_percent,omitempty"`
	Got    float64 `json:"got_percent,omitempty"`
	Runs   uint64  `json:"runs"`
	Failed uint64  `json:"failed,omitempty"`
	Mean   span    `json:"mean_s"`
}

type changeRecord struct {
	At   span      `json:"at_s"`
	Wall time.Time `json:"wall"`
	From float64   `json:"from"`
	To   float64   `json:"to"`
	Rate float64   `json:"spawn_rate"`
	Who  string    `json:"who"`
	Of   string    `json:"of,omitempty"` // "arrivals" a second, or users; the weight of What, if that is set
	What string    `json:"what,omitempty"`
}

type cornerRecord struct {
	At    span    `json:"at_s"`
	Level float64 `json:"level"`
}

type nodeRecord struct {
	Name   string       `json:"name"`
	State  string       `json:"state"`
	Users  int          `json:"users"`
	RPS    float64      `json:"rps"`
	Most   int          `json:"most_users,omitempty"`
	RTT    span         `json:"rtt_s,omitempty"`
	Skew   span         `json:"skew_s,omitempty"`
	Lag    span         `json:"lag_s,omitempty"`
	Build  string       `json:"build,omitempty"`
	Health healthRecord `json:"health"`
}

type healthRecord struct {
	OK             bool           `json:"ok"`
	Reasons        []reasonRecord `json:"reasons,omitempty"`
	Checks         []reasonRecord `json:"checks,omitempty"`
	Past           []reasonRecord `json:"past,omitempty"`
	CPU            float64        `json:"cpu_percent"`
	Cores          float64        `json:"cores"`
	RSS            int64          `json:"rss_bytes"`
	Goroutines     int            `json:"goroutines"`
	Files          int            `json:"open_files"`
	FileLimit      int            `json:"open_files_limit"`
	Ports          int            `json:"ports"`
	PortLimit      int            `json:"ports_limit"`
	GCPause        span           `json:"gc_pause_p99_s"`
	SchedDelay     span           `json:"scheduling_delay_s"`
	Late           float64        `json:"late_percent"`
	InFlight       int            `json:"in_flight"`
	MaxFlight      int            `json:"max_in_flight"`
	SuspectSeconds int            `json:"suspect_s"`
}

type reasonRecord struct {
	OK     bool   `json:"ok"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

// span is a duration, in JSON a number of seconds.
type span float64

func inSeconds(d time.Duration) span { return span(d.Seconds()) }

func (s span) duration() time.Duration {
	return time.Duration(math.Round(float64(s) * float64(time.Second)))
}

// recordOf is the record of a run as it is now. What only the statistics know is
// not in it.
func recordOf(meta report.Meta, s *swarm.Snapshot) record {
	d := s.Doing
	return record{
		Live: &liveRecord{s.Running, s.Stopping, s.Backlog, s.Rate, d.Waiting, d.InTask, d.InRequest, d.Starting, d.Paused, s.Shaped},
		Meta: meta, State: s.State.String(), RunTime: inSeconds(s.RunTime), WarmUp: inSeconds(s.WarmUp), Target: s.Target, Own: s.Own, SpawnRate: s.SpawnRate, Taken: s.Taken,
		Behaviours: each(s.Behaviours, func(b swarm.BehaviourView) behaviourRecord {
			return behaviourRecord{b.Name, b.Weight, b.Fixed, b.Want, b.Got, b.Running, b.Own, b.Rate, inSeconds(b.Wait), b.Over, each(b.Tasks, func(t swarm.TaskView) taskRecord {
				return taskRecord{t.Name, t.Depth, t.Weight, t.Turn, t.Set, t.Want, t.Got, t.Runs, t.Failed, inSeconds(t.Mean)}
			})}
		}),
		Changes: each(s.Changes, func(c swarm.Change) changeRecord {
			of := ""
			if c.Arrivals {
				of = "arrivals"
			}
			return changeRecord{inSeconds(c.At), c.Wall, c.From, c.To, c.Rate, c.Who, of, c.Weight}
		}),
		Shape:  each(s.Shape, func(p shape.Point) cornerRecord { return cornerRecord{inSeconds(p.At), p.Level} }),
		ByHand: s.ByHand,
		Open:   s.Open,
		Health: healthOf(s.Health),
		Nodes: each(s.Nodes, func(n swarm.NodeView) nodeRecord {
			return nodeRecord{n.Name, n.State, n.Users, n.RPS, n.Most, inSeconds(n.RTT), inSeconds(n.Skew), inSeconds(n.Lag), n.Build, healthOf(n.Health)}
		}),
	}
}

// live is the run as it was when it was recorded, without its statistics.
func (r *record) live() *swarm.Snapshot {
	s := r.run()
	for state := swarm.Ready; state <= swarm.Stopped; state++ {
		if state.String() == r.State {
			s.State = state
		}
	}
	if l := r.Live; l != nil && s.State < swarm.Stopped {
		s.Running, s.Stopping, s.Backlog, s.Rate, s.Shaped = l.Running, l.Stopping, l.Backlog, l.Rate, l.Shaped
		s.Doing = swarm.Doing{Waiting: l.Waiting, InTask: l.InTask, InRequest: l.InFlight, Starting: l.Starting, Paused: l.Paused}
	}
	return s
}

// run is the run that was recorded, at its end and without its statistics.
func (r *record) run() *swarm.Snapshot {
	return &swarm.Snapshot{
		State: swarm.Stopped, Taken: r.Taken, Reason: r.Meta.Exit, Host: r.Meta.Host, RunID: r.Meta.RunID, Seed: r.Meta.Seed,
		Find: r.Meta.Find, Started: r.Meta.Started, RunTime: r.RunTime.duration(), WarmUp: r.WarmUp.duration(), Open: r.Open || r.Meta.Rate > 0, Rate: r.Meta.Rate, Target: r.Target, Own: r.Own, SpawnRate: r.SpawnRate, Peak: r.Meta.Peak,
		Behaviours: each(r.Behaviours, func(b behaviourRecord) swarm.BehaviourView {
			return swarm.BehaviourView{Name: b.Name, Weight: b.Weight, Fixed: b.Fixed, Want: b.Want, Got: b.Got, Running: b.Running,
				Own: b.Own, Rate: b.Rate, Wait: b.Wait.duration(), Over: b.Over,
				Tasks: each(b.Tasks, func(t taskRecord) swarm.TaskView {
					return swarm.TaskView{Name: t.Name, Depth: t.Depth, Weight: t.Weight, Turn: t.Turn, Set: t.Set, Want: t.Want, Got: t.Got, Runs: t.Runs, Failed: t.Failed, Mean: t.Mean.duration()}
				})}
		}),
		Changes: each(r.Changes, func(c changeRecord) swarm.Change {
			return swarm.Change{At: c.At.duration(), Wall: c.Wall, From: c.From, To: c.To, Rate: c.Rate, Who: c.Who, Arrivals: c.Of == "arrivals", Weight: c.What}
		}),
		Shape:  each(r.Shape, func(c cornerRecord) shape.Point { return shape.Point{At: c.At.duration(), Level: c.Level} }),
		Shaped: len(r.Shape) > 0, ByHand: r.ByHand,
		Health: r.Health.health(),
		Nodes: each(r.Nodes, func(n nodeRecord) swarm.NodeView {
			return swarm.NodeView{Name: n.Name, State: n.State, Users: n.Users, RPS: n.RPS, Most: n.Most, RTT: n.RTT.duration(), Skew: n.Skew.duration(), Lag: n.Lag.duration(), Build: n.Build, Health: n.Health.health()}
		}),
	}
}

func healthOf(h health.Health) healthRecord {
	reasons := func(list []health.Reason) []reasonRecord {
		return each(list, func(r health.Reason) reasonRecord { return reasonRecord(r) })
	}
	return healthRecord{
		h.OK, reasons(h.Reasons), reasons(h.Checks), reasons(h.Past), h.CPU, h.Cores, h.RSS, h.Goroutines, h.Files, h.FileLimit,
		h.Ports, h.PortLimit, inSeconds(h.GCPause), inSeconds(h.SchedDelay), h.Late, h.InFlight, h.MaxFlight, h.SuspectSeconds,
	}
}

func (h healthRecord) health() health.Health {
	reasons := func(list []reasonRecord) []health.Reason {
		return each(list, func(r reasonRecord) health.Reason { return health.Reason(r) })
	}
	return health.Health{
		OK: h.OK, Reasons: reasons(h.Reasons), Checks: reasons(h.Checks), Past: reasons(h.Past), CPU: h.CPU, Cores: h.Cores, RSS: h.RSS,
		Goroutines: h.Goroutines, Files: h.Files, FileLimit: h.FileLimit, Ports: h.Ports, PortLimit: h.PortLimit,
		GCPause: h.GCPause.duration(), SchedDelay: h.SchedDelay.duration(), Late: h.Late, InFlight: h.InFlight, MaxFlight: h.MaxFlight,
		SuspectSeconds: h.SuspectSeconds,
	}
}

// each is f of every element; nil of none.
func each[A, B any](list []A, f func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	out := make([]B, len(list))
	for i, x := range list {
		out[i] = f(x)
	}
	return out
}
