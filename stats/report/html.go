package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"tload/stats"
	"tload/stats/exchange"
)

// page is the whole of report.html: style, charts and text in one file, and a
// policy in it that forbids the browser any request to any network.
//
//go:embed report.gohtml
var page string

// What the page shows of failing exchanges; the rest is in errors/.
const (
	pageSamples = 4
	pageGroups  = 100
	pageBody    = 16 << 10
)

// matrixColumns are how many ways for a request to end have a column.
const matrixColumns = 30

// HTML writes the run as one page that needs nothing else.
func HTML(w io.Writer, r *Run) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": count, "ms": millis, "rate": rate, "percent": percent, "clock": clock, "size": size, "plain": plain, "share": share, "cpu": stats.CPU, "perSecond": perSecond,
		"seconds": func(s float64) string { return clock(time.Duration(s * float64(time.Second))) },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, view(r))
}

// The page's view of a run: strings, ready to be escaped.
type htmlView struct {
	*Run
	Title       string
	End         string
	Total       *stats.Summary
	Charts      []template.HTML
	Timed       bool
	Tables      []htmlTable
	Statuses    []string
	Matrix      []htmlStatus
	Tasks       []stats.Row
	Counters    []stats.Row
	Segments    []htmlSegment
	Groups      []htmlGroups
	Suspect     bool
	SuspectTime string
}

type htmlTable struct {
	Title string
	Rows  []htmlRow
}

type htmlRow struct {
	Method, Name string
	Share        string // failures, in percent
	S            *stats.Summary
	Cells        []string
}

type htmlStatus struct {
	Method, Name string
	Counts       []string
}

type htmlSegment struct {
	Name     string
	From, To string
	S        *stats.Summary
	L        *stats.Latency
}

// htmlGroups are the failing requests, or the errors of tasks.
type htmlGroups struct {
	Title        string
	Sum          string
	Groups       []htmlGroup
	More         int    // that are not on the page
	MoreFailures uint64 // … and failed so often
}

type htmlGroup struct {
	*stats.Group
	Samples []htmlSample
	More    int
}

type htmlSample struct {
	When, Took, Who string
	Text            string
	Curl            string
}

func view(r *Run) *htmlView {
	s := r.Snapshot
	v := &htmlView{
		Run: r, Title: plain(r.Host), Total: &s.Total.Run, Charts: charts(r), Timed: timed(&s.Total.Run), Tasks: s.Tasks, Counters: s.Counters,
		Suspect: r.Generator.Verdict == "suspect", SuspectTime: clock(time.Duration(r.Generator.SuspectSeconds) * time.Second),
	}
	if v.End = exits[r.Exit]; v.End == "" {
		v.End = "ended"
	}
	rows := busiest(r.rows())
	v.Tables = latencyTables(rows, &s.Total, v.Timed)
	v.Statuses, v.Matrix = statusMatrix(rows)
	for i := range s.Segments {
		g := &s.Segments[i]
		end := g.To
		if end == 0 {
			end = s.Elapsed
		}
		v.Segments = append(v.Segments, htmlSegment{g.Name, clock(g.From), clock(end), &g.Total, &g.Total.OK})
	}
	failures, exceptions := r.failures()
	for _, g := range []struct {
		title string
		list  []*stats.Group
	}{{"Failures", failures}, {"Exceptions of the behaviours", exceptions}} {
		if len(g.list) > 0 {
			v.Groups = append(v.Groups, groupViews(g.title, g.list, r.Redact))
		}
	}
	return v
}

// latencyTables are one table per kind of latency, so that those of failures
// never mix with those of successes.
func latencyTables(rows []stats.Row, total *stats.Row, corrected bool) []htmlTable {
	kinds := []struct {
		title string
		of    func(*stats.Summary) *stats.Latency
		show  bool
	}{
		{"Service time of successes", func(s *stats.Summary) *stats.Latency { return &s.OK }, true},
		{"Service time of failures", func(s *stats.Summary) *stats.Latency { return &s.Failed }, total.Run.Failures > 0},
		{"Corrected: from when the start was due", func(s *stats.Summary) *stats.Latency { return &s.Corrected }, corrected},
	}
	var out []htmlTable
	for _, k := range kinds {
		if !k.show {
			continue
		}
		t := htmlTable{Title: k.title}
		for i := range rows {
			if k.of(&rows[i].Run).Count == 0 {
				continue
			}
			t.Rows = append(t.Rows, rowView(&rows[i], rows[i].Key.Method, rows[i].Key.Name, k.of))
		}
		t.Rows = append(t.Rows, rowView(total, "", "all requests", k.of))
		out = append(out, t)
	}
	return out
}

func rowView(r *stats.Row, method, name string, of func(*stats.Summary) *stats.Latency) htmlRow {
	s := &r.Run
	return htmlRow{method, name, percent(s.Failures, s.Requests), s, strings.Split(latencyCells(of(s)), "|")}
}

// latencyCells are count, min, mean, the percentiles and max, parted by bars.
func latencyCells(l *stats.Latency) string {
	if l.Count == 0 {
		return "0" + strings.Repeat("|"+stats.None, 9)
	}
	cells := []string{count(l.Count)}
	for _, d := range []time.Duration{l.Min, l.Mean, l.P50, l.P75, l.P90, l.P95, l.P99, l.P999, l.Max} {
		cells = append(cells, millis(d))
	}
	return strings.Join(cells, "|")
}

// statusMatrix is how often each endpoint ended in which way.
func statusMatrix(rows []stats.Row) (columns []string, matrix []htmlStatus) {
	at := map[string]int{}
	name := func(o stats.Outcome) string {
		switch {
		case o.Kind == stats.Aborted:
			return "aborted"
		case o.Status == 0:
			return o.Kind.String()
		case o.Kind == stats.OK || o.Kind == stats.HTTP:
			return fmt.Sprint(o.Status)
		}
		return fmt.Sprint(o.Kind, " ", o.Status)
	}
	for i := range rows {
		for _, o := range rows[i].Run.Outcomes {
			n := name(o)
			if _, known := at[n]; known {
				continue
			}
			if at[n] = len(columns); len(columns) == matrixColumns {
				at[n]-- // the last one is for all others
				columns[at[n]] = "others"
				continue
			}
			columns = append(columns, n)
		}
	}
	for i := range rows {
		sums := make([]uint64, len(columns))
		for _, o := range rows[i].Run.Outcomes {
			sums[at[name(o)]] += o.Count
		}
		row := htmlStatus{rows[i].Key.Method, rows[i].Key.Name, make([]string, len(columns))}
		for c, n := range sums {
			if n > 0 {
				row.Counts[c] = count(n)
			}
		}
		matrix = append(matrix, row)
	}
	return columns, matrix
}

func groupViews(title string, groups []*stats.Group, m *exchange.Masker) htmlGroups {
	out := htmlGroups{Title: title}
	out.Sum, _ = stats.GroupsInWords(groups, counted)
	shown := groups[:min(len(groups), pageGroups)]
	for _, g := range groups[len(shown):] {
		out.More++
		out.MoreFailures += g.Count
	}
	for _, g := range shown {
		v := htmlGroup{Group: g}
		// The first ones and the last one: how it began, and how it is now.
		for i, x := range g.Samples {
			if i >= pageSamples-1 && i != len(g.Samples)-1 {
				v.More++
				continue
			}
			v.Samples = append(v.Samples, htmlSample{
				When: x.When.Format("15:04:05.000"), Took: millis(x.Took), Who: who(x),
				Text: readable(x, m), Curl: stats.CleanLines(exchange.Curl(x, m, "")),
			})
		}
		out.Groups = append(out.Groups, v)
	}
	return out
}

// readable is an exchange as text on a page: bodies cut, bytes that are no text
// made visible.
func readable(x *stats.Exchange, m *exchange.Masker) string {
	short := *x
	for _, p := range []*stats.Part{&short.Request, &short.Response} {
		if len(p.Body) > pageBody {
			p.Body = p.Body[:pageBody]
		}
	}
	return stats.CleanLines(string(exchange.HTTP(&short, m)))
}

// who is the user of an exchange, for a reader.
func who(x *stats.Exchange) string {
	text := fmt.Sprintf("user %d, %s %s", x.User, plain(x.Behaviour), plain(x.Task))
	if x.Worker != "" {
		text += " on " + plain(x.Worker)
	}
	return text
}
