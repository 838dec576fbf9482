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
	m.setEndpoints(d.table, m.endpoints(m.snap.Rows))
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
	c, _ := tabOf[*chartsScreen](m)
	from, span := c.span(m)
	l := look{m.seconds(), from, span, percentileSets[0], false, -1}
	plot := func(what, w, h int, end string) []string {
		return l.picture(m, what, w, h, false, end)
	}
	chartH := 0
	if !f.slim {
		chartH = max(h*2/5, 7)
		if h > 30 {
			chartH = min(h/3, 14)
		}
	}
	switch {
	case chartH == 0:
	case w >= 80:
		lw := (w - 1) / 2
		end := ""
		if w >= 110 {
			end = fmt.Sprintf(" window %s ", c.windowName())
		}
		out.Add(draw.Beside(plot(ofRate, lw, chartH, ""), plot(ofLatency, w-1-lw, chartH, end), lw, w-1-lw)...)
	default:
		out.Add(plot(d.picture, w, chartH, " tab ")...)
	}
	rest := h - len(out.Lines)
	errors := 0
	switch {
	case f.wide():
		errors = min(max(rest/2, 8), 14)
	case f.h >= 24:
		errors = min(max(rest/3, 4), 10)
	}
	logs := 0
	if f.wide() && m.o.Logs != nil {
		logs = 4
	}
	list := max(rest-errors-logs, 2)
	totals := 0
	if list >= 8 {
		totals = 1
	}
	title := draw.Heading
	if d.focus == 0 {
		title = draw.Accent
	}
	head := title.Styled("ENDPOINTS") + "  " + m.windowName() + " (a)  sort " + d.table.Sorting() + " (o) "
	end := ""
	if q := d.table.query; q.text != "" {
		end = " " + d.table.caption() + " "
	}
	out.Add(draw.Rule(head, end, w, d.focus == 0))
	out.Put(d.table.Draw(w, list-1-totals, d.focus == 0).OnClick(func() { d.focus = 0 }))
	if totals > 0 {
		total := stats.Row{Trend: m.snap.Total.Trend}
		out.Add(d.table.Total(endpoint{Row: &total, s: m.shown(&m.snap.Total)}, w, "AGGREGATED"))
	}
	if errors > 0 {
		out.Put(d.errorPane(m, w, errors).OnClick(func() { d.focus = 1 }))
	}
	if logs > 0 {
		out.Add(draw.Rule("LOG ", "", w, false))
		out.Add(lastLogs(m, w, logs-1)...)
	}
	return out
}

func (d *dash) errorPane(m *model, w, h int) draw.Pane {
	st := draw.Heading
	if d.focus == 1 {
		st = draw.Accent
	}
	room := w - len("LAST ERRORS") - len(" tab ") - 3
	if m.layout.wide() {
		room = w/2 - len("ERRORS") - 2
	}
	sum := draw.FirstThatFits(room, m.sums(d.errors.Rows)...) + " "
	title := st.Styled("ERRORS") + sum
	if len(m.snap.Groups) == 0 {
		return draw.Pane{Lines: draw.Sized([]string{draw.Rule(title, "", w, d.focus == 1), m.noFailures()}, w, h)}
	}
	if !m.layout.wide() && d.focus == 0 { // a click goes to the list of groups
		list := d.errors.Area(w, h-1)
		list.Y = 1
		return draw.Pane{Areas: []draw.Area{list}, Lines: append([]string{draw.Rule(st.Styled("LAST ERRORS")+sum, " tab ", w, false)}, lastErrors(m, w, h-1)...)}
	}
	lw := w
	if m.layout.wide() {
		lw = w / 2
	}
	out := draw.Pane{Lines: []string{draw.Rule(title, "", lw, d.focus == 1)}}
	out.Put(d.errors.Draw(lw, h-1, d.focus == 1))
	if lw == w {
		return out
	}
	rw := w - lw - 1
	sample := []string{draw.Rule("NEWEST SAMPLE of the selected group ", "", rw, false)}
	if g, ok := d.errors.Selected(); ok {
		sample = append(sample, previewLines(m, g, rw, h-1)...)
	}
	return out.Beside(draw.Pane{Lines: draw.Sized(sample, rw, h)}, lw, rw)
}

// noFailures is what stands in an empty list of errors.
func (m *model) noFailures() string {
	if m.stalled() {
		return draw.Warning.Styled(" "+m.stallText()) + ": nothing failed because nothing ends"
	}
	return draw.Good.Styled(" ✓") + " no failures"
}

// lastErrors are the newest failing exchanges, one line each.
func lastErrors(m *model, w, h int) []string {
	var out []string
	for i := len(m.snap.Recent) - 1; i >= 0 && len(out) < h; i-- {
		x := m.snap.Recent[i]
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
		line := fmt.Sprintf(" %s  %s  %s  ", x.When.Local().Format("15:04:05"), draw.Fit(draw.CutMiddle(endpointName(x.Key), 20), 20), draw.Bad.Styled(draw.Cut(clean(what), 30)))
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
