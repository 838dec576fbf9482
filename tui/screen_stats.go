package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/tui/draw"
)

// statsScreen is the table of endpoints, its totals, and the detail of one.
type statsScreen struct {
	blankScreen
	rates    *list[endpoint] // of all kinds but counters
	counters *list[endpoint]
	kind     int // of statsKinds
}

var statsKinds = []string{"requests", "transactions", "tasks", "counters"}

// counting is the kind of what behaviours count.
const counting = 3

func newStatsScreen() *statsScreen {
	return &statsScreen{rates: endpointTable(), counters: counterTable()}
}

// table is that of the kind that is shown.
func (s *statsScreen) table() *list[endpoint] {
	if s.kind == counting {
		return s.counters
	}
	return s.rates
}

// counterTable is what behaviours count, each by its name.
func counterTable() *list[endpoint] {
	return &list[endpoint]{Table: draw.Table[endpoint]{
		Sort: -1,
		ID:   func(e endpoint) string { return keyID(e.Key) },
		Columns: []draw.Column[endpoint]{
			{Name: "COUNTER", Text: true, Middle: true, Cell: func(e endpoint) string { return clean(e.Key.Name) }, Word: func(e endpoint) string { return e.Key.Name }},
			{Name: "COUNT", Width: 12, Rank: 1, Cell: func(e endpoint) string { return thousands(e.s.Counted()) }, Number: func(e endpoint) float64 { return float64(e.s.Counted()) }},
			{Name: "A SECOND", Width: 9, Rank: 1, Cell: func(e endpoint) string { return rate(perSecond(e.s.Counted(), e.s.Span)) }, Number: func(e endpoint) float64 { return perSecond(e.s.Counted(), e.s.Span) }},
			{Name: "CALLS", Width: 12, Rank: 3, Cell: func(e endpoint) string { return thousands(e.s.Requests) }, Number: func(e endpoint) float64 { return float64(e.s.Requests) }},
			{Name: "% OF CALLS", Width: 11, Rank: 2, Cell: func(e endpoint) string {
				if e.s.Counted() >= e.s.Requests {
					return "-" // no share: each call counts, or counts more
				}
				return stats.Share(e.s.Counted(), e.s.Requests)
			}, Number: func(e endpoint) float64 { return e.s.CountedPercent() }},
			{Name: "WHOLE RUN", Width: 12, Rank: 4, Cell: func(e endpoint) string { return thousands(e.Run.Counted()) }, Number: func(e endpoint) float64 { return float64(e.Run.Counted()) }},
			{Name: "CALLS, LAST 60 s", Width: 17, Rank: 5, Text: true, Cell: func(e endpoint) string { return draw.Dim.Render(draw.Spark(e.Trend, 16)) }},
		},
	}, text: func(e endpoint) subject { return keySubject(e.Key) }}
}

func (s *statsScreen) name() string { return "Stats" }

func statsPage() *page {
	return &page{
		key: "2", make: func() screen { return newStatsScreen() }, search: filtersRows(),
		footer: []string{"enter", "o", "a", "E", "C", "/", "e", "f", "+", "q"},
		keys:   slices.Concat(endpointListKeys(), fineSteps(), steering(), nextTabs()),
	}
}

func (s *statsScreen) rows(m *model) []endpoint {
	of := m.snap.Rows
	switch s.kind {
	case 1:
		of = m.snap.Transactions
	case 2:
		of = m.snap.Tasks
	case counting:
		of = m.snap.Counters
	}
	return m.endpoints(of)
}

func (s *statsScreen) refresh(m *model) {
	if s.kind == counting {
		s.counters.show(m, s.rows(m))
		return
	}
	s.nameColumns()
	m.setEndpoints(s.rates, s.rows(m))
}

// nameColumns has the columns say what the rows are. Only requests have bytes of their
// own.
func (s *statsScreen) nameColumns() {
	names := [][3]string{{"METHOD", "ENDPOINT", "REQS"}, {"", "TRANSACTION", "RUNS"}, {"BEHAVIOUR", "TASK", "RUNS"}}[s.kind]
	c := s.rates.Columns
	c[0].Width = max(7, len(names[0])+1)
	c[0].Off = names[0] == ""
	for i, n := range names {
		c[i].Name = n
	}
	for i := range c {
		if c[i].Name == trafficColumn {
			c[i].Off = s.kind > 0
		}
	}
}

func (s *statsScreen) filtered(m *model, text string) {
	s.rates.query = parseQuery(text)
	s.counters.query = s.rates.query
	s.refresh(m)
}
func (s *statsScreen) filterText() string { return s.rates.query.text }

func (s *statsScreen) pane(m *model, step int) tea.Cmd {
	s.kind = (s.kind + step + len(statsKinds)) % len(statsKinds)
	if s.kind == counting && len(m.snap.Counters) == 0 { // nearly nobody counts
		s.kind = (s.kind + step + len(statsKinds)) % len(statsKinds)
	}
	s.table().Epoch = draw.Epoch{} // other rows
	s.refresh(m)
	return nil
}

func (s *statsScreen) move(_ *model, by draw.Move) tea.Cmd { s.table().Move(by); return nil }
func (s *statsScreen) endpoint() (stats.Key, bool) {
	if s.kind == counting {
		return stats.Key{}, false // a counter has no errors and no charts
	}
	return endpointOf(s.rates)
}
func (s *statsScreen) open(m *model) tea.Cmd {
	if s.kind == counting {
		m.complain("a counter is no more than its row")
		return nil
	}
	return openEndpoint(m, s.rates)
}
func (s *statsScreen) copyCell(m *model) tea.Cmd { return copyEndpoint(m, s.table()) }
func (s *statsScreen) copyRow(m *model) tea.Cmd  { return copyRowOf(m, s.table()) }
func (s *statsScreen) export(m *model) tea.Cmd   { return exportTable(m, "stats", s.table()) }

func (s *statsScreen) view(m *model, w, h int) draw.Pane {
	t := s.table()
	end := ""
	if t.query.text != "" {
		end = " " + t.caption() + " "
	} else if m.snap.Folded {
		end = " some names share a row "
	}
	title := "STATS"
	if s.kind > 0 {
		title = strings.ToUpper(statsKinds[s.kind])
	}
	title = draw.Heading.Render(title) + "  " + m.windowName() + " (a)"
	if t.Sorting() != "" {
		title += "  sort " + t.Sorting() + " (o)"
	}
	if w >= 80 && s.kind == 0 {
		switch {
		case len(m.snap.Counters) > 0:
			title += "  tab: tasks, counters"
		case len(m.snap.Transactions) > 0 || len(m.snap.Tasks) > 0:
			title += "  tab: tasks"
		}
	}
	title += " "
	if n := len(t.Rows); n > 1 && s.kind != counting && t.query.text != "" && t.query.bad == "" {
		end = draw.FirstThatFits(w-draw.Width(title)-2, strings.TrimSuffix(end, " ")+": their percentiles do not add up ", end)
	}
	f := m.layout
	edges := f.edges()
	totals := 1
	if !t.query.empty() {
		totals = 2
	}
	if s.kind > 0 {
		totals = 0
	}
	detail := 0
	if !f.slim && h >= 16 && s.kind != counting { // as high as its rows, the rest to the detail
		detail = min(max(h-len(t.Rows)-edges-totals-1, 9), max(h/2, 9))
	}
	out := draw.Section{Title: title, End: end, Focused: true, Body: func(w, h int) draw.Pane {
		p := t.Draw(w, max(h-totals, 1), true)
		if totals == 2 {
			labels, sum := []string{"AGGREGATED (filtered, no pNN)", "FILTERED (no pNN)"}, sumOf(t.Rows)
			if len(t.Rows) == 1 {
				labels, sum = []string{"AGGREGATED (filtered)"}, t.Rows[0]
			}
			p.Add(t.Total(sum, w, labels...))
		}
		if totals > 0 {
			label := "AGGREGATED"
			if totals == 2 {
				label += " (all)"
			}
			total := stats.Row{Key: stats.Key{Name: label}, Trend: m.snap.Total.Trend}
			p.Add(t.Total(endpoint{Row: &total, s: m.shown(&m.snap.Total)}, w, label))
		}
		return p
	}}.Draw(w, max(h-detail, edges+1), f.boxed)
	if e, ok := t.Selected(); ok && detail > 0 {
		out.Put(detailOf(m, e, w, "enter: full · E: its errors · C: its charts").Draw(w, detail, f.boxed))
	}
	return out
}
