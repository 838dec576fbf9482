package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tload/stats"
)

// Condition is a statement about a run's numbers:
//
//	p95>300ms                of the successes of all requests
//	failed p95>1s            … of the failures
//	corrected p99.9>2s       from when the starts were due
//	errors>1%  errors>0  errors>2/s     failed requests, and errors of tasks
//	exceptions>0                        errors of tasks, panics and OnStart's among them
//	checks>0                            requests that a check made fail
//	late>1%  not_started>0  aborted>0  rps<100  requests<1000
//	POST /cart p99>1s        the same of one endpoint; the method may be left out
//	sold out>10  sold out>2/s  cache hit<90%   what behaviours count, by its name; % is of the calls
type Condition struct {
	Text string

	method, name string // of the endpoint; both empty for the total
	counter      string // what a counter would be called that this is of
	of           string // "", "ok", "failed" or "corrected"
	metric       string // "latency", "counter" or one of units
	quantile     float64
	op           string
	limit        float64 // milliseconds for a latency
	unit         string  // "ms", "%", "/s", ""
}

// Metric is something that a condition can be about, in words.
type Metric struct {
	Names, Means string
}

// Metrics are all of them.
func Metrics() []Metric {
	return []Metric{
		{"p50 p75 p90 p95 p99 p99.9 p99.99", "latency of successes, in us, ms, s or m: p95>300ms"},
		{"min mean max", "… as well"},
		{"failed p95, corrected p99", "… of failures; of all from when they were due (--rate, pacing)"},
		{"errors", "failed requests and errors of tasks, in %, /s or as a number: errors>1%"},
		{"exceptions", "errors of tasks alone, OnStart's and panics among them: exceptions>0"},
		{"checks", "requests that a check made fail: checks>0, checks>1%"},
		{"requests rps", "how many requests there were; a second: rps<100"},
		{"late not_started aborted", "starts more than 10 ms late, arrivals without a free user, cut off at the end"},
		{"POST /cart p99", "any of these of one endpoint or task; the method may be left out"},
		{"sold out", "what u.Count or u.Rate counts: sold out>10, sold out>2/s, cache hit<90%"},
	}
}

// ConditionError says where in a condition something is wrong.
type ConditionError struct {
	Text    string
	Column  int // from 1, in characters
	Message string
}

// Error is the complaint, the text, and a caret under the place.
func (e *ConditionError) Error() string {
	return fmt.Sprintf("column %d: %s\n  %s\n  %s^", e.Column, e.Message, plain(e.Text), strings.Repeat(" ", e.Column-1))
}

// latencies are the metrics of a duration besides percentiles, by what a
// person may call them.
var latencies = map[string]string{"min": "min", "max": "max", "mean": "mean", "avg": "mean", "average": "mean", "median": "p50"}

// units are the metrics that are numbers, with the units that they may have.
var units = map[string][]string{
	"errors": {"", "%", "/s"}, "failures": {"", "%", "/s"}, "exceptions": {"", "%", "/s"}, "checks": {"", "%", "/s"}, "late": {"%", ""}, "not_started": {"", "%"},
	"aborted": {""}, "rps": {"", "/s"}, "requests": {""}, "counter": {"", "%", "/s"},
}

// ParseCondition reads a condition. The error is a *ConditionError.
func ParseCondition(text string) (*Condition, error) {
	c := &Condition{Text: text}
	fail := func(at int, format string, args ...any) (*Condition, error) {
		at = min(max(at, 0), len(text))
		return nil, &ConditionError{text, utf8.RuneCountInString(text[:at]) + 1, fmt.Sprintf(format, args...)}
	}
	last := strings.LastIndexAny(text, "<>=")
	if last < 0 {
		return fail(len(strings.TrimRight(text, " ")), "a comparison is missing: write it as p95>300ms, errors>1%% or rps<100")
	}
	first := last
	for first > 0 && strings.IndexByte("<>=!", text[first-1]) >= 0 {
		first--
	}
	c.op = text[first : last+1]
	if c.op == "=" {
		c.op = "=="
	}
	if !slices.Contains([]string{"<", ">", "<=", ">=", "==", "!="}, c.op) {
		return fail(first, "%q is no comparison: <, <=, >, >=, == and != are", c.op)
	}

	words, starts := fields(text[:first])
	if len(words) == 0 {
		return fail(0, "what is compared is missing: p95, max, errors, rps, late …")
	}
	at := starts[len(words)-1]
	if i := strings.IndexByte(words[len(words)-1], ','); i >= 0 {
		return fail(at+i, "one condition for each --fail-if: repeat the flag for more")
	}
	c.counter = strings.Join(words, " ")
	if known := c.setMetric(words[len(words)-1]); !known {
		if why := noCounter(words); why != "" {
			return fail(at, "%q is not measured: %s", words[len(words)-1], why)
		}
		c.metric, words = "counter", nil
	} else {
		words = words[:len(words)-1]
	}
	if n := len(words); n > 0 && slices.Contains([]string{"ok", "failed", "corrected"}, strings.ToLower(words[n-1])) {
		c.of = strings.ToLower(words[n-1])
		if c.metric != "latency" {
			return fail(starts[n-1], "only latencies are of %s requests: write it before p95, mean or max", words[n-1])
		}
		words = words[:n-1]
	}
	for i, w := range words {
		if strings.ContainsAny(w, "<>,") {
			return fail(starts[i], "one condition for each --fail-if: repeat the flag for more")
		}
	}
	switch {
	case len(words) == 0:
	case len(words) == 1:
		c.name = words[0]
	default:
		c.method, c.name = words[0], strings.TrimSpace(text[starts[1]:starts[len(words)-1]+len(words[len(words)-1])])
	}

	value := strings.TrimLeft(text[last+1:], " ")
	at = len(text) - len(value)
	value = strings.TrimRight(value, " ")
	end := 0
	for end < len(value) && (value[end] >= '0' && value[end] <= '9' || strings.IndexByte(".-+", value[end]) >= 0) {
		end++
	}
	number, err := strconv.ParseFloat(value[:end], 64)
	if err != nil {
		return fail(at, "a number is expected here, such as %s", c.example())
	}
	unit := strings.TrimSpace(value[end:])
	unitAt := at + end
	if c.metric == "latency" {
		scale, ok := map[string]float64{"us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1000, "m": 60000}[unit]
		if unit == "" {
			return fail(unitAt, "a unit is missing: write %sms or %ss", value[:end], value[:end])
		}
		if !ok {
			return fail(unitAt, "%q is no unit of time: us, ms, s and m are", unit)
		}
		c.limit, c.unit = number*scale, "ms"
		return c, nil
	}
	if !slices.Contains(units[c.metric], unit) {
		return fail(unitAt, "%s cannot be in %q: write it as %s", c.metricName(), unit, c.example())
	}
	c.limit, c.unit = number, unit
	return c, nil
}

// fields are the words of s and where they begin.
func fields(s string) (words []string, starts []int) {
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		end := strings.IndexAny(s[i:], " \t")
		if end < 0 {
			end = len(s) - i
		}
		words, starts = append(words, s[i:i+end]), append(starts, i)
		i += end
	}
	return words, starts
}

func (c *Condition) setMetric(word string) bool {
	word = strings.ToLower(word)
	if name, ok := latencies[word]; ok {
		word = name
	}
	switch {
	case word == "min", word == "max", word == "mean":
		c.metric, c.of = "latency", ""
		c.quantile = map[string]float64{"min": -1, "mean": -2, "max": 1}[word]
		return true
	case strings.HasPrefix(word, "p"):
		p, err := strconv.ParseFloat(word[1:], 64)
		i := slices.IndexFunc(stats.Percentiles[:], func(q float64) bool { return p/100-q < 1e-9 && q-p/100 < 1e-9 })
		if err != nil || i < 0 && p != 100 {
			return false
		}
		c.metric, c.quantile = "latency", 1
		if i >= 0 {
			c.quantile = stats.Percentiles[i]
		}
		return true
	}
	if _, ok := units[word]; !ok || word == "counter" {
		return false
	}
	c.metric = word
	return true
}

// metricNames are the metrics, as people may write them.
var metricNames = []string{
	"p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "min", "mean", "max", "errors", "failures", "exceptions", "checks", "rps", "late", "not_started", "aborted", "requests",
}

// noCounter says why these words are no name of a counter either; "" if they may be one.
// What looks like a metric with a slip in it, or like one of an endpoint, is none.
func noCounter(words []string) string {
	last := strings.ToLower(words[len(words)-1])
	letters := 2 // to change, of a word on its own
	if len(words) > 1 {
		letters = 1
	}
	if best := stats.Nearest(last, metricNames); best != "" && (stats.EditDistance(last, best) <= letters || len(words) == 1 && strings.HasPrefix(best, last)) {
		return "did you mean " + best + "?"
	}
	percentile := len(last) > 1 && last[0] == 'p' && strings.Trim(last[1:], "0123456789.") == ""
	if percentile || strings.Contains(strings.Join(words, ""), "/") || words[0] == strings.ToUpper(words[0]) && len(words) > 1 {
		return "use p50 to p99.99, min, mean, max, errors, exceptions, checks, rps, late, not_started, aborted, requests, or the name of what a behaviour counts"
	}
	return ""
}

func (c *Condition) example() string {
	switch c.metric {
	case "latency":
		return "300ms"
	case "late", "not_started":
		return "1%"
	case "errors", "failures", "exceptions", "checks":
		return "1%, 0 or 2/s"
	case "counter":
		return "10, 1% or 2/s"
	}
	return "100"
}

// Early says that the condition is about to be true of any run that has just
// begun, so that it should not end one: a rate or a count that is too small.
func (c *Condition) Early() bool {
	return (c.metric == "rps" || c.metric == "requests" || c.metric == "counter") && strings.HasPrefix(c.op, "<")
}

// Value is what the condition compares, in its unit; ok is false when there is
// nothing to measure: no such endpoint, or no such request.
func (c *Condition) Value(s *stats.Snapshot) (v float64, ok bool) {
	row := c.row(s)
	if row == nil || c.metric == "counter" {
		return c.counted(s)
	}
	share := func(part, whole uint64, rate float64) (float64, bool) {
		switch c.unit {
		case "%":
			if whole == 0 {
				return 0, false
			}
			return 100 * float64(part) / float64(whole), true
		case "/s":
			return rate, true
		}
		return float64(part), true
	}
	switch c.metric {
	case "errors", "failures":
		more := c.exceptions(s)
		return share(row.Failures+more, row.Requests+more, row.FailRate+perSecond(more, row.Span))
	case "exceptions":
		n := c.exceptions(s)
		return share(n, c.tasks(s), perSecond(n, row.Span))
	case "checks":
		n := uint64(0)
		for _, o := range row.Outcomes {
			if o.Kind == stats.Check {
				n += o.Count
			}
		}
		return share(n, row.Requests, perSecond(n, row.Span))
	case "late":
		return share(row.Late, row.Due, 0)
	case "not_started":
		return share(row.NotStarted, row.Due+row.NotStarted, 0)
	case "aborted":
		return float64(row.Aborted), true
	case "rps":
		return row.RPS, true
	case "requests":
		return float64(row.Requests), true
	}
	l := &row.OK
	switch c.of {
	case "failed":
		l = &row.Failed
	case "corrected":
		l = &row.Corrected
	}
	if l.Count == 0 {
		return 0, false
	}
	return float64(c.latency(l)) / 1e6, true
}

// counted is the value of a counter of the condition's name. What nobody has counted
// yet is 0, but of it there is no share; what is of an endpoint is no counter.
func (c *Condition) counted(s *stats.Snapshot) (v float64, ok bool) {
	row := c.counterRow(s)
	switch {
	case row == nil:
		return 0, c.metric == "counter" && c.unit != "%"
	case c.unit == "%":
		return row.CountedPercent(), row.Requests > 0
	case c.unit == "/s":
		return perSecond(row.Counted(), row.Span), true
	}
	return float64(row.Counted()), c.unit == ""
}

func (c *Condition) counterRow(s *stats.Snapshot) *stats.Summary {
	for i := range s.Counters {
		if strings.EqualFold(s.Counters[i].Key.Name, c.counter) {
			return &s.Counters[i].Run
		}
	}
	return nil
}

// exceptions is how many errors of tasks' own there were, of whatever the condition is
// of: such an error is of a task and of no request.
func (c *Condition) exceptions(s *stats.Snapshot) (n uint64) {
	for _, g := range s.Groups {
		if g.Exception() && (c.name == "" || c.names(g.Key.Key)) {
			n += g.Count
		}
	}
	return n
}

// tasks is how many there were.
func (c *Condition) tasks(s *stats.Snapshot) (n uint64) {
	for i := range s.Tasks {
		if c.name == "" || c.names(s.Tasks[i].Key) {
			n += s.Tasks[i].Run.Requests
		}
	}
	return n
}

// names says that the condition is of that row.
func (c *Condition) names(k stats.Key) bool {
	return k.Name == c.name && (c.method == "" || strings.EqualFold(k.Method, c.method)) || c.method != "" && k.Name == c.method+" "+c.name
}

func perSecond(n uint64, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return float64(n) / span.Seconds()
}

func (c *Condition) latency(l *stats.Latency) time.Duration {
	switch c.quantile {
	case -1:
		return l.Min
	case -2:
		return l.Mean
	case 1:
		return l.Max
	}
	return l.At(slices.Index(stats.Percentiles[:], c.quantile))
}

func (c *Condition) row(s *stats.Snapshot) *stats.Summary {
	if c.name == "" {
		return &s.Total.Run
	}
	for _, list := range [][]stats.Row{s.Rows, s.Transactions, s.Tasks} {
		for i := range list {
			if c.names(list[i].Key) {
				return &list[i].Run
			}
		}
	}
	return nil
}

// True says whether the condition is true of the run so far; ok is false when
// there is nothing to measure.
func (c *Condition) True(s *stats.Snapshot) (yes, ok bool) {
	v, ok := c.Value(s)
	if !ok {
		return false, false
	}
	switch c.op {
	case "<":
		return v < c.limit, true
	case "<=":
		return v <= c.limit, true
	case ">":
		return v > c.limit, true
	case ">=":
		return v >= c.limit, true
	case "!=":
		return v != c.limit, true
	}
	return v == c.limit, true
}

// FailIf is the threshold that the condition must not be true of the run. One
// that has nothing to measure did not hold: a name with a slip in it would
// else pass for ever.
func (c *Condition) FailIf(s *stats.Snapshot) Threshold {
	t := Threshold{Expr: c.Text}
	if v, ok := c.Value(s); ok {
		yes, _ := c.True(s)
		v = round(v)
		if t.Held, t.Value = !yes, &v; c.metric == "counter" && c.counterRow(s) == nil {
			t.Note = c.uncounted(s)
		}
	} else {
		t.Note = c.unknown(s)
	}
	return t
}

// unknown says that there was no such endpoint, and which may be meant; "" if
// there was.
func (c *Condition) unknown(s *stats.Snapshot) string {
	if c.metric == "counter" {
		return c.uncounted(s)
	}
	if c.row(s) != nil {
		return ""
	}
	wanted := strings.TrimSpace(c.method + " " + c.name)
	var names []string
	for _, list := range [][]stats.Row{s.Rows, s.Transactions, s.Tasks} {
		for _, row := range list {
			names = append(names, row.Key.Name)
			if c.method != "" {
				names[len(names)-1] = row.Key.Method + " " + row.Key.Name
			}
		}
	}
	note := "there was no " + wanted
	if best := stats.Nearest(wanted, names); best != "" {
		note += fmt.Sprintf(" (did you mean %s?)", best)
	}
	return note
}

// uncounted says that nobody has counted anything of that name, and what may be meant.
func (c *Condition) uncounted(s *stats.Snapshot) string {
	names := slices.Clone(metricNames)
	for i := range s.Counters {
		names = append(names, s.Counters[i].Key.Name)
	}
	note := "nothing was counted as " + c.counter
	if best := stats.Nearest(c.counter, names); best != "" {
		note += fmt.Sprintf(" (did you mean %s?)", best)
	}
	return note
}
