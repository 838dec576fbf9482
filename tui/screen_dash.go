package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/stats/exchange"
	"tload/tui/draw"
)

// dash is everything at a glance: two charts, the endpoints, the last errors.
type dash struct {
	blankScreen
	table   *list[endpoint]
	errors  *list[*stats.Group]
	focus   int    // the endpoints, or the errors
	picture int    // ofLatency or ofRate, where one is shown at a time
	model   *model // the table of errors asks it

	recent []*stats.Exchange // the last errors, as they were a moment ago
	epoch  draw.Epoch        // … in which: they stand still as the tables do
}

func newDash() *dash {
	d := &dash{table: endpointTable(), picture: ofRate}
	d.errors = groupTable(func() *model { return d.model }, false)
	return d
}

func (d *dash) name() string { return "Dash" }

func dashPage() *page {
	return &page{
		key: "1", make: func() screen { return newDash() }, search: filtersRows(),
		footer: []string{"+", "u", "enter", "/", "f", "x", "tab", "o", "a", "E", "r", "q"},
		keys:   slices.Concat(endpointListKeys(), fineSteps(), steering(), nextTabs()),
	}
}

func (d *dash) refresh(m *model) {
	d.model = m
	if e := m.epoch(""); e.Of == nil || e != d.epoch || len(d.recent) == 0 {
		d.recent, d.epoch = m.snap.Recent, e
	}
	m.setEndpoints(d.table, m.endpoints(m.snap.Rows))
	_, list, _, _ := d.heights(m, m.layout.body)
	d.table.Raise(d.tableRows(m.layout, list), func(e endpoint) bool { return e.s.Failures > 0 })
	widenEndpoints(&d.errors.Table, m.layout.w)
	d.errors.Faint = func(g *stats.Group) bool { return m.count(g) == 0 }
	d.errors.show(m, m.groups())
	if d.focus != 1 {
		d.errors.To(0) // the worst, until somebody chooses
	}
}

func (d *dash) filtered(m *model, text string) {
	d.table.query = parseQuery(text)
	d.errors.query = d.table.query
	d.refresh(m)
}
func (d *dash) filterText() string { return d.table.query.text }

func (d *dash) pane(m *model, _ int) tea.Cmd {
	d.focus = 1 - d.focus
	if d.focus == 0 {
		d.picture = ofLatency + ofRate - d.picture
	}
	return d.notice(m, tickMsg{})
}

// onErrors says that the errors have the focus, and keys mean them.
func (d *dash) onErrors() bool { return d.focus == 1 }

func (d *dash) move(m *model, by draw.Move) tea.Cmd {
	if d.onErrors() {
		d.errors.Move(by)
		return d.notice(m, tickMsg{})
	}
	d.table.Move(by)
	return nil
}

func (d *dash) endpoint() (stats.Key, bool) {
	if d.onErrors() {
		return endpointOfGroup(d.errors)
	}
	return endpointOf(d.table)
}

func (d *dash) open(m *model) tea.Cmd {
	if d.onErrors() {
		return openSelected(m, d.errors)
	}
	return openEndpoint(m, d.table)
}

func (d *dash) copyCell(m *model) tea.Cmd {
	if d.onErrors() {
		return copyMessage(m, d.errors)
	}
	return copyEndpoint(m, d.table)
}

func (d *dash) copyRow(m *model) tea.Cmd {
	if d.onErrors() {
		return copyRowOf(m, d.errors)
	}
	return copyRowOf(m, d.table)
}

func (d *dash) export(m *model) tea.Cmd {
	if d.onErrors() {
		return exportTable(m, "errors", d.errors)
	}
	return exportTable(m, "dashboard", d.table)
}

func (d *dash) notice(m *model, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(tickMsg); ok && m.layout.wide() {
		if g, ok := d.errors.Selected(); ok {
			return previewOf(m, g)
		}
	}
	return nil
}

func (d *dash) view(m *model, w, h int) draw.Pane {
	f := m.layout
	var out draw.Pane
	charts, list, errors, logs := d.heights(m, h)
	over := d.charts(m, w, charts)
	over.Areas = append(over.Areas, draw.Area{W: w, H: charts, Press: "3"})
	out.Put(over)
	onTable := d.focus == 0
	head := heading("ENDPOINTS", onTable) + "  " + m.windowName() + " (a)  sort " + d.table.Sorting() + " (o) "
	end := ""
	if d.table.query.text != "" {
		end = " " + d.table.caption() + " "
	}
	if rows := d.tableRows(f, list); rows < len(d.table.Rows) {
		end = fmt.Sprintf(" %d of %d ▼ ", rows, len(d.table.Rows)) + strings.TrimPrefix(end, " ")
	}
	out.Put(draw.Section{Title: head, End: end, Focused: onTable, Body: func(w, h int) draw.Pane {
		totals := 0
		if list >= 8 {
			totals = 1
		}
		p := d.table.Draw(w, h-totals, onTable)
		if totals > 0 {
			total := stats.Row{Trend: m.snap.Total.Trend}
			p.Add(d.table.Total(endpoint{Row: &total, s: m.shown(&m.snap.Total)}, w, "AGGREGATED"))
		}
		return p
	}}.Draw(w, list, f.boxed).OnClick(func() { d.focus = 0 }))
	if errors > 0 {
		out.Put(d.errorPane(m, w, errors).OnClick(func() { d.focus = 1 }))
	}
	if logs > 0 {
		out.Put(draw.Section{Title: "LOG ", Body: func(w, h int) draw.Pane { return draw.Pane{Lines: lastLogs(m, w, h)} }}.Draw(w, logs, f.boxed))
	}
	return out
}

// heights share h lines out: to the tables what their rows need, on a tall screen, and
// the rest to the charts.
func (d *dash) heights(m *model, h int) (charts, list, errors, logs int) {
	f := m.layout
	if !f.wide() {
		if !f.slim {
			charts = max(h*2/5, 7)
		}
		if f.h >= 24 {
			errors = min(max((h-charts)/3, 4), 10)
		}
		return charts, max(h-charts-errors, 2), errors, 0
	}
	if m.o.Logs != nil {
		logs = 5
	}
	errors = min(max(len(d.errors.Rows)+3, 9), 16)
	list = len(d.table.Rows) + 4
	charts = min(max(h-logs-errors-list, h/4), h/2)
	list = min(list, h-charts-logs-errors)
	return charts, list, h - charts - list - logs, logs
}

// tableRows is how many rows the table of that many lines shows.
func (d *dash) tableRows(f layout, lines int) int {
	rows := lines - 2 // title and header
	if lines >= 8 {
		rows-- // the total
	}
	if f.boxed {
		rows--
	}
	return rows
}

// charts are the two of the dashboard, or the one there is room for.
func (d *dash) charts(m *model, w, h int) draw.Pane {
	if h == 0 {
		return draw.Pane{}
	}
	c, _ := tabOf[*chartsScreen](m)
	from, span := c.span(m)
	l := m.lookAt(m.seconds(), from, span, percentileSets[0])
	plot := func(what, w int, end string) draw.Pane {
		l := l
		if what == ofLatency && w < m.layout.w {
			l = l.behind(m, &past{})
		}
		return l.picture(m, what, false, w, end).Draw(w, h, m.layout.boxed)
	}
	if w < 80 {
		return plot(d.picture, w, " tab ")
	}
	lw, rw := m.layout.parts(w, w/2)
	end := ""
	if w >= 110 {
		end = fmt.Sprintf(" window %s ", c.windowName(m))
	}
	return m.layout.beside(plot(ofRate, lw, ""), plot(ofLatency, rw, end), lw)
}

// heading is a word at the beginning of a title.
func heading(word string, focused bool) string {
	if focused {
		return draw.Accent.Render(word)
	}
	return draw.Heading.Render(word)
}

func (d *dash) errorPane(m *model, w, h int) draw.Pane {
	f, on := m.layout, d.focus == 1
	room := w - len("LAST ERRORS") - len(" tab ") - 5
	if f.wide() {
		room = w/2 - len("ERRORS") - 4
	}
	sum := draw.FirstThatFits(room, m.sums(d.errors.Rows)...) + " "
	if d.errors.query.text != "" {
		sum = "  " + d.errors.caption() + " "
	}
	list := draw.Section{Title: heading("ERRORS", on) + sum, Focused: on, Body: func(w, h int) draw.Pane { return d.errors.Draw(w, h, on) }}
	switch {
	case len(m.snap.Groups) == 0:
		list.Body = draw.Lines(m.noFailures())
		return list.Draw(w, h, f.boxed)
	case !f.wide() && !on: // a click goes to the list of groups
		list.Title, list.End = heading("LAST ERRORS", false)+sum, " tab "
		list.Body = func(w, h int) draw.Pane {
			return draw.Pane{Areas: []draw.Area{d.errors.Area(w, h)}, Lines: lastErrors(m, d.recent, w, h)}
		}
	}
	if !f.wide() {
		return list.Draw(w, h, f.boxed)
	}
	lw, rw := f.parts(w, w/2)
	sample := draw.Section{Title: "NEWEST SAMPLE of the selected group ", Body: func(w, h int) draw.Pane {
		if g, ok := d.errors.Selected(); ok {
			return draw.Pane{Lines: previewLines(m, g, w, h)}
		}
		return draw.Pane{}
	}}
	return f.beside(list.Draw(lw, h, f.boxed), sample.Draw(rw, h, f.boxed), lw)
}

// noFailures is what stands in an empty list of errors.
func (m *model) noFailures() string {
	if m.stalled() {
		return draw.Warning.Render(" "+m.stallText()) + ": nothing failed because nothing ends"
	}
	return draw.Good.Render(" ✓") + " no failures"
}

// lastErrors are the newest failing exchanges, one line each.
func lastErrors(m *model, recent []*stats.Exchange, w, h int) []string {
	var out []string
	for i := len(recent) - 1; i >= 0 && len(out) < h; i-- {
		x := recent[i]
		what := x.Kind.String()
		if line, _ := exchange.FirstLine(x.Response.Head); line != "" {
			_, what, _ = strings.Cut(m.masker().Text(line), " ")
		}
		said := ""
		if x.Kind != stats.HTTP {
			said = clean(oneLine(x.Message))
		} else {
			said, _ = m.bodyStart(x)
		}
		line := fmt.Sprintf(" %s  %s  %s  ", x.When.Local().Format("15:04:05"), draw.Fit(draw.CutMiddle(endpointName(x.Key), 20), 20), draw.Bad.Render(draw.Cut(clean(what), 30)))
		out = append(out, line+draw.Cut(said, max(w-draw.Width(line)-1, 0)))
	}
	return draw.Sized(out, w, h)
}

// bodyStart is how a body begins, unpacked and masked, in one line. ok is false
// if that is no text.
func (m *model) bodyStart(x *stats.Exchange) (text string, ok bool) {
	const packed, most = 16 << 10, 2000
	body := x.Response.Body
	body, _ = exchange.Unpack(exchange.HeaderOf(x.Response.Head, "Content-Encoding"), body[:min(len(body), packed)], most)
	body = body[:min(len(body), most)]
	if exchange.IsBinary(body) {
		return "", false
	}
	body = m.masker().Body(exchange.HeaderOf(x.Response.Head, "Content-Type"), body)
	return clean(oneLine(string(body))), true
}
