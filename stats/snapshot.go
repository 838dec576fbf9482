package stats

import (
	"fmt"
	"slices"
	"time"
)

// Snapshot is all that is known of a run at one moment. It is immutable:
// whoever holds one may read it from any goroutine for as long as it likes.
type Snapshot struct {
	Elapsed  time.Duration // since the run began
	Apart    time.Duration // how much of that is kept apart, in the first of Segments and on the charts alone
	InFlight int
	Folded   bool // some names share a row, to bound their number

	Total        Row   // all requests
	Rows         []Row // requests, by method and name
	Transactions []Row
	Tasks        []Row // one per behaviour and task
	Counters     []Row // what behaviours count, by name

	Seconds  []Second // the whole run to its last full second, older spans coarser, newest last
	Rest     Second   // from there to now; while that is less than half a second, with the second before it
	Segments []Segment
	Marks    []Mark

	Groups    []*Group // failures, most frequent first; those of requests add up to Total's
	Recent    []*Exchange
	Success   map[Key]*Exchange `json:"-"` // one recent success per row
	Captured  int               // bytes of exchanges held
	CaptureOf int               // … of at most
	Dropped   uint64            // bodies given up to stay below it
}

// Row is one line of the statistics table.
type Row struct {
	Key    Key
	Run    Summary   // since the run began
	Shown  Summary   // since the numbers began again; Run if they never did
	Window Summary   // the last ten full seconds
	Trend  []float64 // requests of each of the last 60 full seconds
}

// WindowSpan is what Row.Window covers.
const WindowSpan = 10 * time.Second

// Summary is a delta in numbers. Rates are over Span.
type Summary struct {
	Span       time.Duration
	Requests   uint64
	Failures   uint64
	Aborted    uint64
	NotStarted uint64

	RPS      float64 // requests per second
	FailRate float64 // failures per second

	Latency   Latency // service time of all
	OK        Latency // … of successes
	Failed    Latency // … of failures
	Corrected Latency // from when the start was due; Count 0 where nothing was
	AbortAge  Latency // how old the aborted ones were

	Outcomes []Outcome // by kind and status
	Bars     []Bar     // how Latency is spread

	In, Out    uint64
	Dialled    uint64
	Handshakes uint64
	Reconnects uint64
	Redirects  uint64
	Due, Late  uint64
}

// FailPercent is the share of failures, 0 to 100.
func (s *Summary) FailPercent() float64 { return percent(s.Failures, s.Requests) }

// Counted is a counter's value: what its calls have added.
func (s *Summary) Counted() uint64 { return s.In }

// CountedPercent is a counter's value for each hundred calls: where each adds 1 or
// nothing, the share of those that did.
func (s *Summary) CountedPercent() float64 { return percent(s.In, s.Requests) }

// LatePercent is the share of starts that were more than LateAfter behind
// their schedule, 0 to 100.
func (s *Summary) LatePercent() float64 { return percent(s.Late, s.Due) }

func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// Status is how many acts ended with that status code, failed or not.
func (s *Summary) Status(code int) (n uint64) {
	for _, o := range s.Outcomes {
		if o.Status == code && o.Kind != Aborted {
			n += o.Count
		}
	}
	return n
}

// Latency is a histogram in numbers: exact bounds, mean and count, and the
// percentiles by nearest rank.
type Latency struct {
	Count          uint64
	Sum            time.Duration
	Min, Mean, Max time.Duration

	P50, P66, P75, P80, P90, P95, P98, P99, P999, P9999 time.Duration
}

// Percentiles are the ones that Latency has, ascending, 0 to 1.
var Percentiles = [...]float64{.50, .66, .75, .80, .90, .95, .98, .99, .999, .9999}

// At is the value of one of Percentiles, by its index.
func (l *Latency) At(i int) time.Duration { return *l.fields()[i] }

func (l *Latency) fields() [len(Percentiles)]*time.Duration {
	return [...]*time.Duration{&l.P50, &l.P66, &l.P75, &l.P80, &l.P90, &l.P95, &l.P98, &l.P99, &l.P999, &l.P9999}
}

// Latency is the histogram in numbers.
func (h *Histogram) Latency() Latency {
	if h.Count() == 0 {
		return Latency{}
	}
	l := Latency{Count: h.count, Sum: h.Sum(), Min: h.Min(), Mean: h.Mean(), Max: h.Max()}
	var out [len(Percentiles)]time.Duration
	h.quantiles(Percentiles[:], out[:])
	for i, p := range l.fields() {
		*p = out[i]
	}
	return l
}

// Bar is how many values lie above the bar before and up to To.
type Bar struct {
	To    time.Duration
	Count uint64
}

// bars spreads a histogram over bounds of 1, 2, 5 × 10^n.
func (h *Histogram) bars() []Bar {
	var bars []Bar
	bound, step := time.Microsecond, 0
	var n uint64
	for v, c := range h.Buckets {
		for v > bound {
			if n > 0 || len(bars) > 0 {
				bars = append(bars, Bar{bound, n})
			}
			n = 0
			bound, step = bound*[...]time.Duration{2, 5, 2}[step]/[...]time.Duration{1, 2, 1}[step], (step+1)%3
		}
		n += c
	}
	if n > 0 {
		bars = append(bars, Bar{bound, n})
	}
	return bars
}

// Summary is the delta in numbers, its rates over span.
func (d *Delta) Summary(span time.Duration) Summary {
	s := Summary{
		Span: span, Requests: d.Requests(), Failures: d.Failed.Count(), Aborted: d.Aborted.Count(), NotStarted: d.NotStarted,
		OK: d.OK.Latency(), Failed: d.Failed.Latency(), Corrected: d.Corrected.Latency(), AbortAge: d.Aborted.Latency(),
		Outcomes: slices.Clone(d.Outcomes),
		In:       d.In, Out: d.Out, Dialled: d.Dialled, Handshakes: d.Handshakes, Reconnects: d.Reconnects, Redirects: d.Redirects, Due: d.Due, Late: d.Late,
	}
	all := d.all()
	switch all {
	case &d.OK:
		s.Latency = s.OK
	case &d.Failed:
		s.Latency = s.Failed
	default:
		s.Latency = all.Latency()
	}
	s.Bars = all.bars()
	if span > 0 {
		s.RPS = float64(s.Requests) / span.Seconds()
		s.FailRate = float64(s.Failures) / span.Seconds()
	}
	return s
}

// all is successes and failures together; it is one of the two where the other
// is empty.
func (d *Delta) all() *Histogram {
	switch {
	case d.Failed.Count() == 0:
		return &d.OK
	case d.OK.Count() == 0:
		return &d.Failed
	}
	h := d.OK.Clone()
	h.Merge(&d.Failed)
	return h
}

// sofar is the delta of a run up to now.
func (d *Delta) sofar() Sofar {
	l := d.all().Latency()
	return Sofar{Requests: d.Requests(), Failures: d.Failed.Count(), In: d.In, P50: l.P50, Min: l.Min, Mean: l.Mean, Max: l.Max}
}

// Second is one point on the charts: a second, or a longer span far back.
type Second struct {
	At   time.Duration // its start, since the run began
	Span time.Duration

	OK, Failed, Late, NotStarted uint64
	Due                          uint64 // starts that had a schedule
	In, Out                      uint64
	P50, P95, P99, P999, Max     time.Duration // of successes
	CorrectedP99                 time.Duration
	Spread, FailedSpread         *Spread // of successes and of failures; nil for none

	// Only for the total: the latency of successes and failures together, and
	// the run so far, to the end of the span.
	Latency Latency
	Sofar   Sofar

	Users, Target int
	Suspect       bool // the generator was not well

	reach *reach // of the seconds in it; nil where it is one
}

// Sofar is a run up to some moment.
type Sofar struct {
	Requests, Failures  uint64
	In                  uint64
	P50, Min, Mean, Max time.Duration // of all
}

// RPS is the rate of all requests in this span.
func (s *Second) RPS() float64 {
	if s.Span <= 0 {
		return 0
	}
	return float64(s.OK+s.Failed) / s.Span.Seconds()
}

// FailRate is the rate of failures in this span.
func (s *Second) FailRate() float64 {
	if s.Span <= 0 {
		return 0
	}
	return float64(s.Failed) / s.Span.Seconds()
}

// Segment is a part of the run with numbers of its own: ramp, steady, or one
// that somebody started. Segments follow each other without a gap.
type Segment struct {
	Name     string
	From, To time.Duration // To is 0 while it goes on
	Total    Summary
	Rows     []Row // only Run is set; nil while it goes on
}

// Mark is a named moment.
type Mark struct {
	At   time.Duration
	Name string
}

// Group is the failures of one cause.
type Group struct {
	ID       int // stable for the run, from 1
	Key      GroupKey
	Message  string // the first raw message
	Count    uint64
	Shown    uint64  // since the numbers began again; Count if they never did
	Apart    uint64  // before all numbers began again, as after a warm-up; not in Count
	Window   uint64  // what Row.Window covers
	Rate     float64 // per second, over the last ten
	First    time.Time
	Last     time.Time
	Users    int      // running when it began
	Trend    []uint32 // of each of the last 60 full seconds
	Variants []Variant
	Samples  []*Exchange // oldest first
}

// Exception says that this is not a failing request but a panic or an error of
// the behaviour's own.
func (g *Group) Exception() bool { return g.Key.Key.Class == Task }

// Label is the group's kind and status as lists show them: HTTP 503, RESET.
func (g *Group) Label() string {
	if g.Key.Status != 0 {
		return fmt.Sprint(g.KindLabel(), " ", g.Key.Status)
	}
	return g.KindLabel()
}

// KindLabel is the group's kind in a word. An error that a task returned is TASK,
// for there are requests that fail as ERROR.
func (g *Group) KindLabel() string {
	if g.Exception() && g.Key.Kind == Error {
		return "TASK"
	}
	return g.Key.Kind.String()
}

// Variant is one raw message of a group.
type Variant struct {
	Message string
	Count   uint64
}
