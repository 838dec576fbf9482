package report

import (
	"io"
	"math"
	"strconv"
	"time"

	"tload/stats"
	"tload/stats/capacity"
)

// The shape of summary.json. A number that does not apply is absent, never 0:
// such fields are pointers, or maps that are left out when empty.
type summary struct {
	Version      string           `json:"tload"`
	Host         string           `json:"host,omitempty"`
	Started      time.Time        `json:"started"`
	Elapsed      float64          `json:"elapsed_s"`
	WarmUp       float64          `json:"warm_up_s,omitempty"` // of that; the first of segments, and in no other number
	Exit         string           `json:"exit,omitempty"`
	Error        string           `json:"error,omitempty"`
	Hangup       bool             `json:"hangup,omitempty"`
	Users        peak             `json:"users"`
	Seed         uint64           `json:"seed"`
	Rate         float64          `json:"rate,omitempty"`
	Total        numbers          `json:"total"`
	Endpoints    []endpoint       `json:"endpoints"`
	Transactions []endpoint       `json:"transactions,omitempty"`
	Tasks        []task           `json:"tasks"`
	Counters     []counter        `json:"counters,omitempty"`
	Errors       []failure        `json:"errors"`
	Exceptions   []exception      `json:"exceptions"`
	Thresholds   []Threshold      `json:"thresholds"`
	Segments     []segment        `json:"segments"`
	Find         *capacity.Result `json:"find,omitempty"`
	Marks        []mark           `json:"marks,omitempty"`
	Generator    *generatorOf     `json:"generator,omitempty"`
	Workers      []Worker         `json:"workers,omitempty"`
	Notes        []string         `json:"notes,omitempty"`
}

type peak struct {
	Peak int `json:"peak"`
}

type numbers struct {
	Requests    uint64            `json:"requests"`
	Failures    uint64            `json:"failures"`
	RPS         float64           `json:"rps"`
	FailRate    float64           `json:"failures_per_s"`
	Latency     *latency          `json:"latency_ms,omitempty"`
	OK          *latency          `json:"ok_latency_ms,omitempty"`
	Failed      *latency          `json:"failed_latency_ms,omitempty"`
	Corrected   *latency          `json:"corrected_ms,omitempty"`
	Received    uint64            `json:"received_bytes"`
	Sent        uint64            `json:"sent_bytes"`
	Status      map[string]uint64 `json:"status,omitempty"`
	Kinds       map[string]uint64 `json:"kinds,omitempty"`
	Aborted     uint64            `json:"aborted"`
	AbortAge    *latency          `json:"aborted_age_ms,omitempty"`
	Connections uint64            `json:"connections"`
	Handshakes  uint64            `json:"tls_handshakes"`
	Reconnects  uint64            `json:"reconnects"`
	Redirects   uint64            `json:"redirects"` // followed: requests on the wire besides the counted ones
	NotStarted  *uint64           `json:"not_started,omitempty"`
	Late        *float64          `json:"late_percent,omitempty"`
}

type latency struct {
	Min   float64 `json:"min"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P75   float64 `json:"p75"`
	P90   float64 `json:"p90"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	P9999 float64 `json:"p99.99"`
	Max   float64 `json:"max"`
}

type endpoint struct {
	Method string `json:"method"`
	Name   string `json:"name"`
	numbers
}

type task struct {
	Behaviour string   `json:"behaviour"`
	Task      string   `json:"task"`
	Runs      uint64   `json:"runs"`
	Failures  uint64   `json:"failures,omitempty"`
	Duration  *latency `json:"duration_ms,omitempty"`
}

type counter struct {
	Name      string  `json:"name"`
	Value     uint64  `json:"value"`
	PerSecond float64 `json:"per_s"`
	Calls     uint64  `json:"calls"`
}

type failure struct {
	Kind    string    `json:"kind"`
	Status  int       `json:"status,omitempty"`
	Method  string    `json:"method"`
	Name    string    `json:"name"`
	Message string    `json:"message"`
	Count   uint64    `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Kept    int       `json:"kept"`
}

type exception struct {
	Kind      string    `json:"kind"`
	Behaviour string    `json:"behaviour"`
	Task      string    `json:"task"`
	Message   string    `json:"message"`
	Count     uint64    `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Stack     string    `json:"stack,omitempty"`
}

type segment struct {
	Name  string  `json:"name"`
	From  float64 `json:"from_s"`
	To    float64 `json:"to_s"`
	Total numbers `json:"total"`
}

type mark struct {
	At   float64 `json:"at_s"`
	Name string  `json:"name"`
}

type generatorOf struct {
	Generator
	Late *float64 `json:"late_percent,omitempty"` // hides Generator's where nothing was due
}

// JSON writes summary.json.
func JSON(w io.Writer, r *Run) error { return stats.WriteJSON(w, summarise(r)) }

func summarise(r *Run) *summary {
	s := r.Snapshot
	out := &summary{
		Version: r.Version, Host: r.Host, Started: r.Started.UTC().Round(time.Millisecond), Elapsed: round(s.Elapsed.Seconds()), WarmUp: round(s.Apart.Seconds()),
		Exit: r.Exit, Error: r.Err, Hangup: r.Hangup, Users: peak{r.Peak}, Seed: r.Seed, Rate: r.Rate,
		Total:     numbersOf(&s.Total.Run),
		Endpoints: endpoints(r.rows()), Transactions: endpoints(s.Transactions),
		Tasks: []task{}, Errors: []failure{}, Exceptions: []exception{}, Thresholds: append([]Threshold{}, r.Thresholds...), Segments: []segment{},
		Workers: r.Workers, Notes: r.Notes, Find: r.Find,
	}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		out.Tasks = append(out.Tasks, task{t.Key.Method, t.Key.Name, t.Run.Requests, t.Run.Failures, latencyOf(&t.Run.Latency)})
	}
	for i := range s.Counters {
		c := &s.Counters[i]
		out.Counters = append(out.Counters, counter{c.Key.Name, c.Run.Counted(), round(perSecond(c.Run.Counted(), c.Run.Span)), c.Run.Requests})
	}
	failures, exceptions := r.failures()
	for _, g := range failures {
		out.Errors = append(out.Errors, failure{
			Kind: g.Key.Kind.String(), Status: g.Key.Status, Method: g.Key.Key.Method, Name: g.Key.Key.Name, Message: g.Message,
			Count: g.Count, First: g.First.UTC(), Last: g.Last.UTC(), Kept: len(g.Samples),
		})
	}
	for _, g := range exceptions {
		out.Exceptions = append(out.Exceptions, exception{
			Kind: g.Key.Kind.String(), Behaviour: g.Key.Key.Method, Task: g.Key.Key.Name, Message: g.Message,
			Count: g.Count, First: g.First.UTC(), Last: g.Last.UTC(), Stack: stackOf(g),
		})
	}
	for _, g := range s.Segments {
		end := g.To
		if end == 0 { // the one that went on when the run ended
			end = s.Elapsed
		}
		out.Segments = append(out.Segments, segment{g.Name, round(g.From.Seconds()), round(end.Seconds()), numbersOf(&g.Total)})
	}
	for _, m := range s.Marks {
		out.Marks = append(out.Marks, mark{round(m.At.Seconds()), m.Name})
	}
	if g := r.Generator; g.Verdict != "" {
		g.Reasons = append([]string{}, g.Reasons...)
		out.Generator = &generatorOf{Generator: g, Late: out.Total.Late}
	}
	return out
}

func endpoints(rows []stats.Row) []endpoint {
	out := make([]endpoint, len(rows))
	for i := range rows {
		out[i] = endpoint{rows[i].Key.Method, rows[i].Key.Name, numbersOf(&rows[i].Run)}
	}
	return out
}

func numbersOf(s *stats.Summary) numbers {
	n := numbers{
		Requests: s.Requests, Failures: s.Failures, RPS: round(s.RPS), FailRate: round(s.FailRate),
		Latency: latencyOf(&s.Latency), OK: latencyOf(&s.OK), Failed: latencyOf(&s.Failed), Corrected: latencyOf(&s.Corrected),
		Received: s.In, Sent: s.Out, Aborted: s.Aborted, AbortAge: latencyOf(&s.AbortAge),
		Connections: s.Dialled, Handshakes: s.Handshakes, Reconnects: s.Reconnects, Redirects: s.Redirects,
	}
	for _, o := range s.Outcomes {
		if o.Kind == stats.Aborted {
			continue
		}
		if o.Status != 0 {
			add(&n.Status, strconv.Itoa(o.Status), o.Count)
		}
		if o.Kind.Failed() {
			add(&n.Kinds, o.Kind.String(), o.Count)
		}
	}
	if timed(s) {
		late, not := round(s.LatePercent()), s.NotStarted
		n.Late, n.NotStarted = &late, &not
	}
	return n
}

func add(m *map[string]uint64, key string, n uint64) {
	if *m == nil {
		*m = map[string]uint64{}
	}
	(*m)[key] += n
}

func latencyOf(l *stats.Latency) *latency {
	if l.Count == 0 {
		return nil
	}
	return &latency{ms(l.Min), ms(l.Mean), ms(l.P50), ms(l.P75), ms(l.P90), ms(l.P95), ms(l.P99), ms(l.P999), ms(l.P9999), ms(l.Max)}
}

func ms(d time.Duration) float64 { return round(float64(d) / 1e6) }

// round keeps three decimals: microseconds of what is in milliseconds.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// stackOf is the stack of an exception, or what else its behaviour said of it.
func stackOf(g *stats.Group) string {
	for _, x := range g.Samples {
		if len(x.Response.Body) > 0 {
			return string(x.Response.Body)
		}
	}
	return ""
}
