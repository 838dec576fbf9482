package tui

import (
	"math"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/tui/draw"
)

// endpoint is a row with the numbers of the window that is shown.
type endpoint struct {
	*stats.Row
	s *stats.Summary
}

func keyID(k stats.Key) string { return string(rune('0'+k.Class)) + k.Method + "\x00" + k.Name }

// endpointName is an endpoint in one word: POST /cart.
func endpointName(k stats.Key) string {
	return clean(strings.TrimSpace(k.Method + " " + k.Name))
}

func keySubject(k stats.Key) subject {
	return subject{text: k.Method + " " + k.Name, parts: []string{k.Name}}
}

// endpointTable is the statistics; ranks say what goes first when it is narrow.
func endpointTable() *list[endpoint] {
	ms := func(f func(*stats.Summary) time.Duration) (func(endpoint) string, func(endpoint) float64) {
		return func(e endpoint) string { return shaded(f(e.s)) }, func(e endpoint) float64 { return float64(f(e.s)) }
	}
	latency := func(name string, w, rank int, f func(*stats.Summary) time.Duration) draw.Column[endpoint] {
		cell, num := ms(f)
		return draw.Column[endpoint]{Name: name, Width: w, Rank: rank, Cell: cell, Number: num}
	}
	t := &list[endpoint]{Table: draw.Table[endpoint]{
		ID: func(e endpoint) string { return keyID(e.Key) },
		Columns: []draw.Column[endpoint]{
			{Name: "METHOD", Width: 7, Text: true, Cell: func(e endpoint) string { return clean(e.Key.Method) }, Word: func(e endpoint) string { return e.Key.Method + " " + e.Key.Name }},
			{Name: "ENDPOINT", Text: true, Middle: true, Cell: func(e endpoint) string { return clean(e.Key.Name) }, Word: func(e endpoint) string { return e.Key.Name }},
			{Name: "REQS", Width: 9, Rank: 4, Cell: func(e endpoint) string { return thousands(e.s.Requests) }, Number: func(e endpoint) float64 { return float64(e.s.Requests) }},
			{Name: "RPS", Width: 6, Rank: 1, Cell: func(e endpoint) string { return rate(e.s.RPS) }, Number: func(e endpoint) float64 { return e.s.RPS }},
			{Name: "FAIL%", Width: 5, Rank: 1, Cell: func(e endpoint) string {
				p := stats.Share(e.s.Failures, e.s.Requests)
				if e.s.Failures > 0 {
					p = draw.Bad.Render(p)
				}
				return p
			}, Number: func(e endpoint) float64 { return e.s.FailPercent() }},
			{Name: "FAILS", Width: 7, Rank: 6, Cell: func(e endpoint) string { return thousands(e.s.Failures) }, Number: func(e endpoint) float64 { return float64(e.s.Failures) }},
			latency("p50", 6, 3, func(s *stats.Summary) time.Duration { return s.OK.P50 }),
			latency("p75", 6, 9, func(s *stats.Summary) time.Duration { return s.OK.P75 }),
			latency("p90", 6, 8, func(s *stats.Summary) time.Duration { return s.OK.P90 }),
			latency("p95", 6, 2, func(s *stats.Summary) time.Duration { return s.OK.P95 }),
			latency("p99", 6, 3, func(s *stats.Summary) time.Duration { return s.OK.P99 }),
			latency("p99.9", 6, 9, func(s *stats.Summary) time.Duration { return s.OK.P999 }),
			latency("max", 6, 5, func(s *stats.Summary) time.Duration { return s.OK.Max }),
			latency("fail p99", 8, 10, func(s *stats.Summary) time.Duration { return s.Failed.P99 }),
			latency(correctedColumn, 8, 8, func(s *stats.Summary) time.Duration { return s.Corrected.P99 }),
			{Name: trafficColumn, Width: 7, Rank: 9, Cell: func(e endpoint) string { return rate(perSecond(e.s.In, e.s.Span) / 1024) }, Number: func(e endpoint) float64 { return perSecond(e.s.In, e.s.Span) }},
			{Name: failColumn, Spare: 10, Text: true, Cell: blankCell, Drawn: func(e endpoint, w int) string {
				return draw.Bad.Render(draw.Bar(e.s.FailPercent()/100, w))
			}},
			{Name: rangeColumn, Spare: 16, Text: true, Cell: blankCell},
			{Name: "LAST 60 s", Width: 10, Rank: 7, Text: true, Cell: func(e endpoint) string { return draw.Dim.Render(draw.Spark(e.Trend, 10)) }},
		},
	}, text: func(e endpoint) subject { return keySubject(e.Key) }}
	t.Sort = 2
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Name == rangeColumn {
			c.Drawn = func(e endpoint, w int) string { return rangeBar(t.Rows, e.s, w) }
		}
	}
	return t
}

func blankCell(endpoint) string { return "" }

// slowIsh is where the scale begins to be seen in numbers: colour is for what is worth
// a look, and each of its changes goes over the line.
const slowIsh = 100 * time.Millisecond

// shaded is a latency, in the colour of the scale if it is long.
func shaded(d time.Duration) string {
	if d < slowIsh {
		return millis(d)
	}
	return draw.ShadeOf(d).Render(millis(d))
}

// rangeBar is from p50 to p99, on a logarithmic scale that all rows share.
func rangeBar(rows []endpoint, s *stats.Summary, w int) string {
	least, most := time.Duration(0), time.Duration(0)
	for _, r := range rows {
		if l := &r.s.OK; l.Count > 0 && l.P50 > 0 {
			if least == 0 || l.P50 < least {
				least = l.P50
			}
			most = max(most, l.P99)
		}
	}
	l := &s.OK
	if l.Count == 0 || l.P50 <= 0 || most <= least {
		return ""
	}
	at := func(d time.Duration) int {
		share := math.Log(float64(d)/float64(least)) / math.Log(float64(most)/float64(least))
		return min(max(int(share*float64(w-1)), 0), w-1)
	}
	from, p95, to := at(l.P50), at(l.P95), at(l.P99)
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", from))
	b.WriteString(draw.ShadeOf(l.P50).Render("├" + strings.Repeat("━", max(p95-from-1, 0))))
	if p95 > from {
		b.WriteString(draw.ShadeOf(l.P95).Render("┿"))
	}
	if to > max(p95, from) {
		b.WriteString(draw.ShadeOf(l.P99).Render(strings.Repeat("─", to-max(p95, from)-1) + "┤"))
	}
	return b.String()
}

// setEndpoints takes the rows of a new snapshot; the column for corrected times
// is there only where something was due.
func (m *model) setEndpoints(t *list[endpoint], rows []endpoint) {
	due := false
	for _, r := range rows {
		due = due || r.s.Corrected.Count > 0
	}
	for i := range t.Columns {
		if t.Columns[i].Name == correctedColumn {
			t.Columns[i].Off = !due
		}
	}
	t.show(m, rows)
}

const (
	correctedColumn = "corr p99"
	trafficColumn   = "KiB/s"
	failColumn      = "FAILING"
	rangeColumn     = "p50 ━ p95 ─ p99"
)

// endpoints are rows with the numbers of the window that is shown.
func (m *model) endpoints(of []stats.Row) []endpoint {
	rows := make([]endpoint, len(of))
	for i := range of {
		rows[i] = endpoint{Row: &of[i], s: m.shown(&of[i])}
	}
	return rows
}

// row is one endpoint's, nil if it is gone.
func (m *model) row(k stats.Key) *stats.Row {
	for _, rows := range [][]stats.Row{m.snap.Rows, m.snap.Transactions, m.snap.Tasks, m.snap.Counters} {
		for i := range rows {
			if rows[i].Key == k {
				return &rows[i]
			}
		}
	}
	if m.snap.Total.Key == k {
		return &m.snap.Total
	}
	return nil
}

// endpointListKeys are those of a list of endpoints.
func endpointListKeys() []binding {
	return append(sortKeys(), wholeRun(), errorsOf(), chartsOf(), copyCell(), copyRow())
}

func endpointOf(t *list[endpoint]) (stats.Key, bool) {
	e, ok := t.Selected()
	if !ok {
		return stats.Key{}, false
	}
	return e.Key, true
}

func openEndpoint(m *model, t *list[endpoint]) tea.Cmd {
	t.Stay()
	if e, ok := t.Selected(); ok {
		return m.push(newDetail(e.Key))
	}
	return nil
}

func copyEndpoint(m *model, t *list[endpoint]) tea.Cmd {
	if e, ok := t.Selected(); ok {
		return m.copyText("cell", endpointName(e.Key))
	}
	return nil
}

// copyRowOf copies the row under the cursor of any table.
func copyRowOf[T any](m *model, t *list[T]) tea.Cmd {
	if r, ok := t.Selected(); ok {
		return m.copyText("row", t.SeparatedRow(r, "\t"))
	}
	return nil
}

// exportTable asks where what is shown, or all rows of the table, should go.
func exportTable[T any](m *model, what string, t *list[T]) tea.Cmd {
	return m.askExport(what, t.Separated(t.Rows, ","))
}

func (m *model) askExport(what, table string) tea.Cmd {
	m.dialogs = append(m.dialogs, newExport(m, what, table))
	return nil
}

// copyText puts text on the clipboard and into a file.
func (m *model) copyText(what, text string) tea.Cmd {
	dir := m.dir
	return safely(func() tea.Msg { return copied(dir, what, "copied.txt", text) })
}

// errorsOf shows the errors of one endpoint.
func (m *model) errorsOf(k stats.Key) tea.Cmd {
	e, tab := alone[*errorsScreen](m)
	e.only, e.from, e.to = &k, time.Time{}, time.Time{}
	return m.goTo(tab)
}

// chartsOf shows the charts of one endpoint.
func (m *model) chartsOf(k stats.Key) tea.Cmd {
	c, tab := tabOf[*chartsScreen](m)
	c.show(k)
	return m.goTo(tab)
}

// sumOf adds rows where that has a meaning; percentiles do not add up, and are
// left out.
func sumOf(rows []endpoint) endpoint {
	s := &stats.Summary{}
	for _, r := range rows {
		s.Span = r.s.Span
		s.Requests += r.s.Requests
		s.Failures += r.s.Failures
		s.RPS += r.s.RPS
		s.FailRate += r.s.FailRate
		s.In += r.s.In
		s.Out += r.s.Out
		s.OK.Max = max(s.OK.Max, r.s.OK.Max)
	}
	return endpoint{Row: &stats.Row{}, s: s}
}
