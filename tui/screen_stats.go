package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
)

// blankScreen is what a screen does that has nothing of its own to do.
type blankScreen struct{}

func (blankScreen) title() string                  { return "" }
func (blankScreen) refresh(*model)                 {}
func (blankScreen) act(*model, action) tea.Cmd     { return nil }
func (blankScreen) filtered(*model, string)        {}
func (blankScreen) filterText() string             { return "" }
func (blankScreen) notice(*model, tea.Msg) tea.Cmd { return nil }

// endpoint is a row with the numbers of the window that is shown.
type endpoint struct {
	*stats.Row
	s   *stats.Summary
	now time.Duration
}

func keyID(k stats.Key) string { return string(rune('0'+k.Class)) + k.Method + "\x00" + k.Name }

// keyName is an endpoint in one word: POST /cart.
func endpointName(k stats.Key) string {
	return clean(strings.TrimSpace(k.Method + " " + k.Name))
}

// endpointTable is the statistics; ranks say what goes first when it is narrow.
func endpointTable() *table[endpoint] {
	ms := func(f func(*stats.Summary) time.Duration) (func(endpoint) string, func(endpoint) float64) {
		return func(e endpoint) string { return millis(f(e.s)) }, func(e endpoint) float64 { return float64(f(e.s)) }
	}
	latency := func(name string, w, rank int, f func(*stats.Summary) time.Duration) column[endpoint] {
		cell, num := ms(f)
		return column[endpoint]{name: name, width: w, rank: rank, cell: cell, number: num}
	}
	t := &table[endpoint]{
		id:   func(e endpoint) string { return keyID(e.Key) },
		text: func(e endpoint) subject { return subject{text: e.Key.Method + " " + e.Key.Name} },
		columns: []column[endpoint]{
			{name: "METHOD", width: 7, text: true, cell: func(e endpoint) string { return clean(e.Key.Method) }, word: func(e endpoint) string { return e.Key.Method + " " + e.Key.Name }},
			{name: "ENDPOINT", text: true, middle: true, cell: func(e endpoint) string { return clean(e.Key.Name) }, word: func(e endpoint) string { return e.Key.Name }},
			{name: "REQS", width: 9, rank: 4, cell: func(e endpoint) string { return thousands(e.s.Requests) }, number: func(e endpoint) float64 { return float64(e.s.Requests) }},
			{name: "RPS", width: 6, rank: 1, cell: func(e endpoint) string { return rate(e.s.RPS) }, number: func(e endpoint) float64 { return e.s.RPS }},
			{name: "FAIL%", width: 5, rank: 1, cell: func(e endpoint) string {
				p := percent(e.s.FailPercent())
				if e.s.Failures > 0 {
					p = bad.Styled(p)
				}
				return p
			}, number: func(e endpoint) float64 { return e.s.FailPercent() }},
			{name: "FAILS", width: 7, rank: 6, cell: func(e endpoint) string { return thousands(e.s.Failures) }, number: func(e endpoint) float64 { return float64(e.s.Failures) }},
			latency("p50", 6, 3, func(s *stats.Summary) time.Duration { return s.OK.P50 }),
			latency("p75", 6, 9, func(s *stats.Summary) time.Duration { return s.OK.P75 }),
			latency("p90", 6, 8, func(s *stats.Summary) time.Duration { return s.OK.P90 }),
			latency("p95", 6, 2, func(s *stats.Summary) time.Duration { return s.OK.P95 }),
			latency("p99", 6, 3, func(s *stats.Summary) time.Duration { return s.OK.P99 }),
			latency("p99.9", 6, 9, func(s *stats.Summary) time.Duration { return s.OK.P999 }),
			latency("max", 6, 5, func(s *stats.Summary) time.Duration { return s.OK.Max }),
			latency("fail p99", 8, 10, func(s *stats.Summary) time.Duration { return s.Failed.P99 }),
			latency(correctedColumn, 8, 8, func(s *stats.Summary) time.Duration { return s.Corrected.P99 }),
			{name: "KiB/s", width: 7, rank: 9, cell: func(e endpoint) string { return rate(perSecond(e.s.In, e.s.Span) / 1024) }, number: func(e endpoint) float64 { return perSecond(e.s.In, e.s.Span) }},
			{name: "LAST 60 s", width: 10, rank: 7, text: true, cell: func(e endpoint) string { return spark(e.Trend, 10) }},
		},
	}
	t.sort = 2
	return t
}

// setEndpoints takes the rows of a new snapshot; the column for corrected times
// is there only where something was due.
func setEndpoints(t *table[endpoint], rows []endpoint) {
	due := false
	for _, r := range rows {
		due = due || r.s.Corrected.Count > 0
	}
	for i := range t.columns {
		if t.columns[i].name == correctedColumn {
			t.columns[i].off = !due
		}
	}
	t.set(rows)
}

const correctedColumn = "corr p99"

func (m *model) endpoints() []endpoint {
	rows := make([]endpoint, len(m.snap.Rows))
	for i := range m.snap.Rows {
		r := &m.snap.Rows[i]
		rows[i] = endpoint{Row: r, s: m.shown(r), now: m.snap.Elapsed}
	}
	return rows
}

// row is one endpoint's, nil if it is gone.
func (m *model) row(k stats.Key) *stats.Row {
	for _, rows := range [][]stats.Row{m.snap.Rows, m.snap.Transactions, m.snap.Tasks} {
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

// statsScreen is the table of endpoints, its totals, and the detail of one.
type statsScreen struct {
	blankScreen
	table *table[endpoint]
	kind  int // requests, transactions, tasks
}

var statsKinds = []string{"requests", "transactions", "tasks"}

func newStatsScreen() *statsScreen { return &statsScreen{table: endpointTable()} }

func (s *statsScreen) place() place { return inStats }

func (s *statsScreen) rows(m *model) []endpoint {
	of := m.snap.Rows
	switch s.kind {
	case 1:
		of = m.snap.Transactions
	case 2:
		of = m.snap.Tasks
	}
	rows := make([]endpoint, len(of))
	for i := range of {
		rows[i] = endpoint{Row: &of[i], s: m.shown(&of[i]), now: m.snap.Elapsed}
	}
	return rows
}

func (s *statsScreen) refresh(m *model) { setEndpoints(s.table, s.rows(m)) }

func (s *statsScreen) filtered(m *model, text string) {
	s.table.query = parseQuery(text)
	s.refresh(m)
}
func (s *statsScreen) filterText() string { return s.table.query.text }

func (s *statsScreen) act(m *model, do action) tea.Cmd {
	if s.table.act(do) {
		return nil
	}
	if do == nextPane || do == prevPane {
		step := 1
		if do == prevPane {
			step = len(statsKinds) - 1
		}
		s.kind = (s.kind + step) % len(statsKinds)
		s.refresh(m)
		return nil
	}
	return endpointAct(m, s.table, do, "stats")
}

// endpointAct is what any table of endpoints does with a key.
func endpointAct(m *model, t *table[endpoint], do action, what string) tea.Cmd {
	e, ok := t.selected()
	switch do {
	case export:
		m.dialogs = append(m.dialogs, newExport(m, what, t.plainText(t.rows, ",")))
	case open:
		if ok {
			return m.push(newDetail(e.Key))
		}
	case errorsOf:
		if ok {
			return m.errorsOf(e.Key)
		}
	case chartsOf:
		if ok {
			return m.chartsOf(e.Key)
		}
	case copyPart:
		if ok {
			return m.copyText("cell", endpointName(e.Key))
		}
	case copyAll:
		if ok {
			return m.copyText("row", t.rowText(e, "\t"))
		}
	}
	return nil
}

// copyText puts text on the clipboard and into a file.
func (m *model) copyText(what, text string) tea.Cmd {
	dir := m.dir
	return safely(func() tea.Msg { return copied(dir, what, "copied.txt", text) })
}

// errorsOf shows the errors of one endpoint.
func (m *model) errorsOf(k stats.Key) tea.Cmd {
	m.tabs[3] = m.tabs[3][:1]
	e := m.tabs[3][0].(*errorsScreen)
	e.only, e.from, e.to = &k, time.Time{}, time.Time{}
	return m.goTo(3)
}

// chartsOf shows the charts of one endpoint.
func (m *model) chartsOf(k stats.Key) tea.Cmd {
	c := m.tabs[2][0].(*chartsScreen)
	c.show(k)
	return m.goTo(2)
}

func (s *statsScreen) view(m *model, w, h int) []string {
	t := s.table
	end := ""
	if !t.query.empty() {
		end = fmt.Sprintf(" /%s  %d of %d ", clean(t.query.text), len(t.rows), t.all)
	} else if m.snap.Folded {
		end = " some names share a row "
	}
	title := "STATS"
	if s.kind > 0 {
		title = strings.ToUpper(statsKinds[s.kind])
	}
	title = heading.Styled(title) + "  " + m.windowName() + " (a)"
	if t.sorting() != "" {
		title += "  sort " + t.sorting() + " (o)"
	}
	if w >= 80 && s.kind == 0 && (len(m.snap.Transactions) > 0 || len(m.snap.Tasks) > 0) {
		title += "  tab: tasks"
	}
	title += " "
	detail := 0
	if !m.frame.slim && h >= 16 {
		detail = min(max(h-len(t.rows)-5, 9), h/2, 14)
	}
	totals := 1
	if !t.query.empty() {
		totals = 2
	}
	if s.kind > 0 {
		totals = 0
	}
	list := max(h-1-totals-detail, 1)
	out := []string{rule(title, end, w, true)}
	y := headLines + len(out)
	m.areas = append(m.areas, t.area(m, 0, y, w, list))
	out = append(out, t.draw(w, list, true)...)
	if totals == 2 {
		sum := sumOf(t.rows)
		out = append(out, totalLine(t, "AGGREGATED (filtered)", &sum, w))
	}
	if totals > 0 {
		label := "AGGREGATED"
		if totals == 2 {
			label += " (all)"
		}
		total := stats.Row{Key: stats.Key{Name: label}, Trend: m.snap.Total.Trend}
		out = append(out, totalLine(t, label, &endpoint{Row: &total, s: m.shown(&m.snap.Total)}, w))
	}
	if detail > 0 {
		if e, ok := t.selected(); ok {
			out = append(out, detailLines(m, e, w, detail, "enter: full · E: its errors · C: its charts")...)
		}
	}
	return out
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

func totalLine(t *table[endpoint], label string, e *endpoint, w int) string {
	one := *t
	one.rows, one.at, one.top, one.height = []endpoint{*e}, -1, 0, 1
	lines := one.draw(w, 2, false)
	// The label takes the place of method and name.
	show, flex := t.visible(w)
	room := 0
	for _, i := range show {
		switch c := t.columns[i]; {
		case c.width == 0:
			room += flex
		case c.text && c.middle, c.name == "METHOD":
			room += c.width + 1
		}
	}
	return bold.Styled(" "+fit(cut(label, room), room)) + bold.Styled(plainText(ansiRest(lines[1], room+1)))
}

// area is a table on the screen: a click selects or sorts, the wheel scrolls.
func (t *table[T]) area(m *model, x, y, w, h int) area {
	return area{x: x, y: y, w: w, h: h,
		click: func(cx, cy int, _ bool) {
			row, col := t.hit(cx, cy, w)
			if row >= 0 {
				t.to(row)
			} else if col >= 0 {
				t.sortBy(col)
			}
		},
		wheel: func(do action) { t.act(do) },
	}
}

// detailLines are the numbers of one endpoint in full.
func detailLines(m *model, e endpoint, w, h int, hint string) []string {
	s := e.s
	end := ""
	if hint != "" && w >= 80 {
		end = " " + hint + " "
	}
	out := []string{rule(heading.Styled(endpointName(e.Key))+"  "+m.windowName()+" ", end, w, false)}
	l := &s.OK
	line := " "
	for i, p := range []string{"p50", "p66", "p75", "p80", "p90", "p95", "p98", "p99", "p99.9", "p99.99"} {
		if p == "p80" || p == "p99.99" && w < 100 {
			continue
		}
		line += p + " " + bold.Styled(millis(l.At(i))) + "  "
	}
	out = append(out, line)
	out = append(out, fmt.Sprintf(" min %s  mean %s  max %s ms   size %s avg   in %s/s  out %s/s",
		millis(l.Min), millis(l.Mean), millis(l.Max), size(ratio(float64(s.In), float64(s.Requests))),
		size(perSecond(s.In, s.Span)), size(perSecond(s.Out, s.Span))))
	if c := &s.Corrected; c.Count > 0 {
		out = append(out, fmt.Sprintf(" corrected (from when it was due)  p50 %s  p95 %s  p99 %s  max %s ms   late %s%%",
			millis(c.P50), millis(c.P95), millis(c.P99), millis(c.Max), percent(s.LatePercent())))
	}
	if f := &s.Failed; f.Count > 0 {
		out = append(out, bad.Styled(" failed")+fmt.Sprintf("  p50 %s  p95 %s  p99 %s  max %s ms", millis(f.P50), millis(f.P95), millis(f.P99), millis(f.Max)))
	}
	out = append(out, outcomeLine(s, w))
	bars := trimBars(s.Bars, max(h-len(out), 0))
	total := uint64(0)
	for _, b := range bars {
		total += b.Count
	}
	from := time.Duration(0)
	for i, b := range bars {
		label := "≤ " + millis(b.To)
		if i > 0 {
			label = millis(from) + "-" + millis(b.To)
		}
		share := ratio(float64(b.Count), float64(total))
		room := max(min(w-36, 60), 1)
		out = append(out, right(label, 15)+" ms "+good.Styled(fit(bar(share, room), room))+right(fmt.Sprintf("%.1f%%", share*100), 7))
		from = b.To
	}
	return sized(out, w, h)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// outcomeLine is how the requests ended, by status and kind.
func outcomeLine(s *stats.Summary, w int) string {
	line := " ended"
	top := uint64(0)
	for _, o := range s.Outcomes {
		top = max(top, o.Count)
	}
	for _, o := range s.Outcomes {
		label := o.Kind.String()
		switch {
		case o.Status != 0 && (o.Kind == stats.OK || o.Kind == stats.HTTP):
			label = fmt.Sprint(o.Status)
		case o.Status != 0:
			label = fmt.Sprintf("%s %d", o.Kind, o.Status)
		}
		b := bar(float64(o.Count)/float64(top), 12)
		st := good
		if o.Kind.Failed() {
			st = bad
		}
		part := "  " + label + " " + st.Styled(strings.TrimRight(b, " ")) + " " + thousands(o.Count)
		if width(line)+width(part) > w-2 {
			line += " …"
			break
		}
		line += part
	}
	if s.Aborted > 0 {
		line += "  aborted " + thousands(s.Aborted)
	}
	if s.NotStarted > 0 {
		line += "  not started " + thousands(s.NotStarted)
	}
	return line
}

// trimBars joins the thin ends until at most n are left.
func trimBars(bars []stats.Bar, n int) []stats.Bar {
	out := append([]stats.Bar(nil), bars...)
	for len(out) > n && len(out) > 1 {
		if out[0].Count <= out[len(out)-1].Count {
			out[1].Count += out[0].Count
			out = out[1:]
		} else {
			last := len(out) - 1
			out[last-1].Count += out[last].Count
			out[last-1].To = out[last].To
			out = out[:last]
		}
	}
	if n == 0 {
		return nil
	}
	return out
}

// detail is one endpoint on the whole screen.
type detail struct {
	blankScreen
	key  stats.Key
	text textview
}

func newDetail(k stats.Key) *detail { return &detail{key: k} }

func (d *detail) place() place  { return inDetail }
func (d *detail) title() string { return endpointName(d.key) }

func (d *detail) act(m *model, do action) tea.Cmd {
	if d.text.act(do) {
		return nil
	}
	switch do {
	case errorsOf:
		return m.errorsOf(d.key)
	case chartsOf:
		return m.chartsOf(d.key)
	case export:
		m.dialogs = append(m.dialogs, newExport(m, "endpoint", ""))
	}
	return nil
}

func (d *detail) filtered(_ *model, text string) { d.text.find(text) }
func (d *detail) filterText() string {
	if d.text.search == nil {
		return ""
	}
	return strings.TrimPrefix(d.text.search.String(), "(?i)")
}

func (d *detail) view(m *model, w, h int) []string {
	r := m.row(d.key)
	if r == nil {
		return []string{rule(d.title(), "", w, true), " no requests yet"}
	}
	lines := detailLines(m, endpoint{Row: r, s: m.shown(r)}, w, 40, "E: its errors · C: its charts · a: window")
	for len(lines) > 1 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	title := lines[0]
	body := append([]string(nil), lines[1:]...)
	body = append(body, "", " requests of the last 60 s  "+spark(r.Trend, min(60, max(w-30, 10))))
	s := m.shown(r)
	body = append(body, fmt.Sprintf(" %s requests  %s failures (%s%%)  %s aborted  connections opened %s  TLS handshakes %s  reconnects %s",
		thousands(s.Requests), thousands(s.Failures), percent(s.FailPercent()), thousands(s.Aborted), thousands(s.Dialled), thousands(s.Handshakes), thousands(s.Reconnects)))
	first := true
	for _, g := range m.snap.Groups {
		if g.Key.Key != d.key {
			continue
		}
		if first {
			body, first = append(body, "", heading.Styled(" errors")), false
		}
		body = append(body, fmt.Sprintf("  %s  %s  %s", right(thousands(g.Count), 9), groupKind(g), clean(g.Message)))
	}
	if m.windowName() == "whole run" || !first {
		for _, sg := range m.snap.Segments {
			for i := range sg.Rows {
				if x := &sg.Rows[i]; x.Key == d.key {
					body = append(body, fmt.Sprintf(" segment %s  %s-%s  %s requests  %s/s  p95 %s ms", clean(sg.Name), clock(sg.From), clock(sg.To),
						thousands(x.Run.Requests), rate(x.Run.RPS), millis(x.Run.OK.P95)))
				}
			}
		}
	}
	for i := range body {
		body[i] = strings.TrimRight(body[i], " ")
	}
	d.text.flush = true
	d.text.set(body, true)
	return append([]string{title}, d.text.draw(w, h-1)...)
}
