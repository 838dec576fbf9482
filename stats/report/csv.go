package report

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"tload/stats"
)

// Locust's four files with its columns, its order and its quoting (those of
// Python's csv.writer: fields are quoted only where they must be, lines end
// with CR LF), so that a script which reads the one reads the other. Where
// Locust rounds to two digits these have the value in whole milliseconds, and
// its mean, minimum and maximum have their decimals.

// CSVFiles are the writers of Locust's files by the end of their names: with
// the prefix "run" Locust would write run_stats.csv and so on.
var CSVFiles = []struct {
	Name  string
	Write func(io.Writer, *Run) error
}{
	{"stats.csv", CSVStats},
	{"stats_history.csv", CSVHistory},
	{"failures.csv", CSVFailures},
	{"exceptions.csv", CSVExceptions},
}

var percentileColumns = []string{"50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"}

// CSVStats writes stats.csv: a row per endpoint, and the total as "Aggregated".
func CSVStats(w io.Writer, r *Run) error {
	c := newCSV(w)
	c.row(append([]string{"Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
		"Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s"}, percentileColumns...)...)
	line := func(method, name string, s *stats.Summary) {
		l := &s.Latency
		c.row(append([]string{method, name, decimal(s.Requests), decimal(s.Failures), whole(l.P50), float(l.Mean), float(l.Min), float(l.Max),
			number(contentSize(s)), number(s.RPS), number(s.FailRate)}, percentileFields(l)...)...)
	}
	for _, row := range r.rows() {
		line(row.Key.Method, row.Key.Name, &row.Run)
	}
	line("", "Aggregated", &r.Snapshot.Total.Run)
	return c.flush()
}

// CSVHistory writes stats_history.csv: a row per second (or per longer span,
// far back in a long run) for the total. The last row ends with the run, so that
// its totals are those of stats.csv: it is of half a second to one and a half,
// or of all there was of a shorter run. The rates and percentiles of a row
// are those of its second; Locust's percentiles there are of the run so far,
// which hides what happened.
func CSVHistory(w io.Writer, r *Run) error {
	c := newCSV(w)
	columns := append([]string{"Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"}, percentileColumns...)
	c.row(append(columns, "Total Request Count", "Total Failure Count", "Total Median Response Time", "Total Average Response Time",
		"Total Min Response Time", "Total Max Response Time", "Total Average Content Size")...)
	for _, s := range r.seconds() {
		t := &s.Sofar
		end := (s.At + s.Span).Round(time.Second) // no two rows have one timestamp
		fields := []string{strconv.FormatInt(r.Started.Add(end).Unix(), 10), strconv.Itoa(s.Users), "", "Aggregated", places(s.RPS()), places(s.FailRate())}
		fields = append(fields, percentileFields(&s.Latency)...)
		content := 0.0
		if t.Requests > 0 {
			content = float64(t.In) / float64(t.Requests)
		}
		c.row(append(fields, decimal(t.Requests), decimal(t.Failures), whole(t.P50), float(t.Mean), float(t.Min), float(t.Max), number(content))...)
	}
	return c.flush()
}

// CSVFailures writes failures.csv.
func CSVFailures(w io.Writer, r *Run) error {
	c := newCSV(w)
	c.row("Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen")
	const at = "2006-01-02T15:04:05Z"
	failures, _ := r.failures()
	for _, g := range failures {
		c.row(g.Key.Key.Method, g.Key.Key.Name, message(g), decimal(g.Count), g.First.UTC().Format(at), g.Last.UTC().Format(at))
	}
	return c.flush()
}

// message is a group's text with its kind where the text does not have it.
func message(g *stats.Group) string {
	if g.Message == "" {
		return g.Key.Kind.String()
	}
	return g.Message
}

// CSVExceptions writes exceptions.csv.
func CSVExceptions(w io.Writer, r *Run) error {
	c := newCSV(w)
	c.row("Count", "Message", "Traceback", "Nodes")
	_, exceptions := r.failures()
	for _, g := range exceptions {
		c.row(decimal(g.Count), message(g), stackOf(g), "local")
	}
	return c.flush()
}

func contentSize(s *stats.Summary) float64 {
	if s.Requests == 0 {
		return 0
	}
	return float64(s.In) / float64(s.Requests)
}

func percentileFields(l *stats.Latency) []string {
	out := make([]string, 0, len(percentileColumns))
	for i := range stats.Percentiles {
		if l.Count == 0 {
			out = append(out, "N/A")
		} else {
			out = append(out, whole(l.At(i)))
		}
	}
	if l.Count == 0 {
		return append(out, "N/A")
	}
	return append(out, whole(l.Max))
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func whole(d time.Duration) string {
	return strconv.FormatInt(int64(d.Round(time.Millisecond)/time.Millisecond), 10)
}

func float(d time.Duration) string { return number(float64(d) / 1e6) }

// number is a float as Python prints one: it always has a point.
func number(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// places is a rate as Locust's history has it.
func places(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }

// csvWriter differs from encoding/csv where Python does: a field is not quoted
// for a leading space. The lines of a field, as a traceback has them, stay lines;
// else its text is made safe for a terminal.
type csvWriter struct{ w *bufio.Writer }

func newCSV(w io.Writer) csvWriter { return csvWriter{bufio.NewWriter(w)} }

func (c csvWriter) row(fields ...string) {
	for i, f := range fields {
		if i > 0 {
			c.w.WriteByte(',')
		}
		f = stats.CleanLines(f)
		if strings.ContainsAny(f, ",\"\r\n") {
			f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
		c.w.WriteString(f)
	}
	c.w.WriteString("\r\n")
}

func (c csvWriter) flush() error { return c.w.Flush() }
