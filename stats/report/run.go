// Package report writes a finished run down: as the text that stays in the
// terminal, as JSON, as Locust's CSV files, as one page of HTML, as
// HdrHistogram's percentiles, and every failing exchange as files.
//
//	r := report.Run{Meta: meta, Snapshot: snapshot, Histograms: controller.Histograms}
//	report.Text(os.Stdout, &r)
//	err := report.WriteDir("tload-runs/localhost-1", &r)
//
// Every writer reads the same snapshot, so that no two outputs disagree. What
// comes from the target or from a behaviour (names, messages, bodies) is made
// harmless for where it goes: escaped in text, HTML and names of files, left
// alone in the files that hold the bytes themselves.
package report

import (
	"cmp"
	"slices"
	"time"

	"tload/stats"
	"tload/stats/capacity"
	"tload/stats/exchange"
)

// Run is a run as the reports see it.
type Run struct {
	Meta
	Snapshot *stats.Snapshot

	// Histograms calls yield with the whole-run delta of every row, the total
	// first under a zero key. Nil: the outputs that need it are left out.
	Histograms func(yield func(stats.Key, *stats.Delta) bool)

	// Partial says that a part of what was counted is lost, so that what is not
	// here may have been.
	Partial bool

	// Redact masks secrets in what is written; nil writes them as they are.
	Redact *exchange.Masker
}

// Meta is what is known of a run besides its statistics. It keeps its meaning
// as JSON: the run journal stores it so.
type Meta struct {
	Version string    `json:"version"`
	Host    string    `json:"host,omitempty"`
	RunID   string    `json:"run_id,omitempty"`
	Started time.Time `json:"started"`

	// Exit says why the run ended: "run-time", "iterations", "you",
	// "threshold", "signal", "hangup", "users-ended"; empty when that is not
	// known, as of a run that was killed.
	Exit   string `json:"exit,omitempty"`
	Err    string `json:"error,omitempty"`  // what kept it from ending well
	Hangup bool   `json:"hangup,omitempty"` // the terminal was lost on the way

	Peak int     `json:"peak"` // most users that ever ran
	Seed uint64  `json:"seed"`
	Rate float64 `json:"rate,omitempty"` // arrivals per second of the open model

	Generator  Generator   `json:"generator"`
	Thresholds []Threshold `json:"thresholds,omitempty"`
	Workers    []Worker    `json:"workers,omitempty"`

	Find *capacity.Result `json:"find,omitempty"` // what a search for the highest load found; nil for none

	Dir   string   `json:"dir,omitempty"`   // where the files are, as a person would type it
	Notes []string `json:"notes,omitempty"` // what else a reader must know, a line each: what could not be written, what was skipped
}

// Generator is how the load generator itself did. Its zero value is a run of
// which that is not known.
type Generator struct {
	Verdict        string   `json:"verdict"` // "ok" or "suspect"
	Reasons        []string `json:"reasons"` // of not being ok, each with its remedy, worst first
	CPUPercent     float64  `json:"cpu_percent"`
	Cores          float64  `json:"cores"`
	LatePercent    float64  `json:"late_percent"`
	GCPauseMS      float64  `json:"gc_pause_p99_ms"`
	MaxInFlight    int      `json:"max_in_flight"`
	OpenFiles      int      `json:"open_files,omitempty"` // 0 where that cannot be told
	OpenFilesLimit int      `json:"open_files_limit,omitempty"`
	SuspectSeconds int      `json:"suspect_s"` // how many seconds of the run are not the target's alone
}

// Threshold is one --fail-if and what became of it.
type Threshold struct {
	Expr  string   `json:"expr"`
	Held  bool     `json:"held"`
	Value *float64 `json:"value,omitempty"` // in the expression's unit; nil when there is nothing to measure
	Note  string   `json:"note,omitempty"`  // why there is nothing, if that is known
}

// Worker is a node that ran users.
type Worker struct {
	ID    string `json:"id"`
	Users int    `json:"users"` // the most there were
	Lost  bool   `json:"lost"`
}

// rows are the endpoints that something happened to. The row of arrivals that
// never started belongs to no endpoint and is in the total alone.
func (r *Run) rows() []stats.Row {
	rows := make([]stats.Row, 0, len(r.Snapshot.Rows))
	for _, row := range r.Snapshot.Rows {
		if row.Run.Requests > 0 || row.Run.Aborted > 0 || row.Key.Method != "" && row.Run.NotStarted > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// seconds are the points of the charts to the very end of the run.
func (r *Run) seconds() []stats.Second {
	list, rest := r.Snapshot.Seconds, r.Snapshot.Rest
	if rest.Span == 0 {
		return list
	}
	if n := len(list); n > 0 && list[n-1].At == rest.At {
		list = list[:n-1] // the rest holds it
	}
	return append(slices.Clip(list), rest)
}

// busiest are rows, those with most requests first.
func busiest(rows []stats.Row) []stats.Row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b stats.Row) int { return cmp.Compare(b.Run.Requests, a.Run.Requests) })
	return rows
}

// groups are those that count: not those of a warm-up alone.
func (r *Run) groups() []*stats.Group {
	return slices.DeleteFunc(slices.Clone(r.Snapshot.Groups), func(g *stats.Group) bool { return g.Count == 0 && g.Apart > 0 })
}

// failures are the groups of failing requests and, apart, the behaviours' own
// exceptions.
func (r *Run) failures() (failures, exceptions []*stats.Group) {
	for _, g := range r.groups() {
		if g.Exception() {
			exceptions = append(exceptions, g)
		} else {
			failures = append(failures, g)
		}
	}
	return failures, exceptions
}

// timed says that starts had a schedule, so that corrected times mean something.
func timed(s *stats.Summary) bool { return s.Due > 0 || s.NotStarted > 0 }
