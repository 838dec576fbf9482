package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/stats/exchange"
	"tload/swarm"
	"tload/tui/draw"
)

func groupID(g *stats.Group) string { return fmt.Sprint(g.ID) }

// kindCell is the same where there is little room: the status goes before the
// word does.
func kindCell(g *stats.Group) string {
	if k := g.Label(); draw.Width(k) <= kindWidth {
		return k
	}
	return g.KindLabel()
}

const kindWidth = 9

// rateOf is how often a group fails now: a run that is over, or one whose last
// failure is out of the window, has no rate.
func (m *model) rateOf(g *stats.Group) float64 {
	if m.snap.State == swarm.Stopped || m.now().Sub(g.Last) > stats.WindowSpan+time.Second {
		return 0
	}
	return g.Rate
}

// groupTable is the list of error groups; m gives the time and what each is
// about, which is asked for when rows are drawn.
func groupTable(m func() *model, times bool) *list[*stats.Group] {
	said := func(g *stats.Group) string { return m().said(g) }
	t := &list[*stats.Group]{Table: draw.Table[*stats.Group]{
		ID: groupID,
		Columns: []draw.Column[*stats.Group]{
			{Name: "COUNT", Width: 8, Cell: func(g *stats.Group) string { return thousands(m().count(g)) }, Number: func(g *stats.Group) float64 { return float64(m().count(g)) }},
			{Name: "/s", Width: 5, Rank: 2, Cell: func(g *stats.Group) string { return rate(m().rateOf(g)) }, Number: func(g *stats.Group) float64 { return m().rateOf(g) }},
			{Name: "KIND", Width: kindWidth, Text: true, Cell: func(g *stats.Group) string { return draw.Bad.Render(kindCell(g)) }, Word: (*stats.Group).Label},
			{Name: "ENDPOINT", Width: 15, Rank: 1, Text: true, Middle: true, Cell: func(g *stats.Group) string { return endpointName(g.Key.Key) }, Word: func(g *stats.Group) string { return endpointName(g.Key.Key) }},
			{Name: "MESSAGE", Text: true, Cell: said, Word: func(g *stats.Group) string { return g.Message }},
		},
	}, text: func(g *stats.Group) subject {
		name := g.Key.Key.Method + " " + g.Key.Key.Name
		return subject{text: g.Label() + " " + name + " " + g.Message, parts: []string{name, g.Key.Key.Name, g.Message}, kind: g.KindLabel(), status: g.Key.Status}
	}}
	if times {
		t.Columns = append(t.Columns,
			draw.Column[*stats.Group]{Name: "LAST", Width: 4, Rank: 2, Cell: func(g *stats.Group) string { return ago(m().now(), g.Last) }, Number: func(g *stats.Group) float64 { return float64(g.Last.UnixNano()) }},
			draw.Column[*stats.Group]{Name: "TREND 1m", Width: 8, Rank: 3, Text: true, Cell: func(g *stats.Group) string { return draw.Dim.Render(draw.Spark(g.Trend, 8)) }})
	}
	return t
}

// widenEndpoints gives the names of endpoints the room they need on a wide screen.
func widenEndpoints(t *draw.Table[*stats.Group], w int) {
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Name == "ENDPOINT" {
			c.Width = 15
			for _, g := range t.Rows {
				c.Width = max(c.Width, min(draw.Width(c.Cell(g)), w/5))
			}
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// count is how often a group failed in the window that is shown.
func (m *model) count(g *stats.Group) uint64 {
	if m.wholeRun() {
		return g.Shown
	}
	return g.Window
}

// sums are what groups add up to in words, and in which window, the fullest first.
func (m *model) sums(groups []*stats.Group) []string {
	full, brief := stats.GroupsInWords(groups, m.count)
	window := "  " + m.windowName()
	return []string{"  " + full + window, "  " + brief + window, "  " + brief}
}

// groups are the snapshot's, without those that are ignored.
func (m *model) groups() []*stats.Group {
	return slices.DeleteFunc(slices.Clone(m.snap.Groups), func(g *stats.Group) bool { return m.ignored[g.ID] })
}

// errorsScreen is the list of error groups with a look into the newest sample.
type errorsScreen struct {
	blankScreen
	table    *list[*stats.Group]
	only     *stats.Key // of one endpoint
	from, to time.Time  // … or of one moment
	ignored  bool       // show what is ignored
	model    *model     // the table asks it
}

// said is a group in a few words: its message or, where that only repeats the
// status, how the newest body begins.
func (m *model) said(g *stats.Group) string {
	x := newest(g)
	if x != nil && g.Key.Kind == stats.HTTP {
		line, _ := exchange.FirstLine(x.Response.Head)
		_, reason, _ := strings.Cut(m.masker().Text(line), " ")
		if rest := strings.TrimSpace(strings.TrimPrefix(g.Message, reason)); reason != "" && rest != "" && rest != g.Message {
			return clean(oneLine(rest)) // KIND says the status
		}
	}
	if x != nil && g.Key.Kind == stats.HTTP && len(g.Message) <= 40 {
		if said, _ := m.bodyStart(x); said != "" {
			return said
		}
	}
	return clean(oneLine(g.Message))
}

func newErrors() *errorsScreen {
	s := &errorsScreen{}
	s.table = groupTable(func() *model { return s.model }, true)
	return s
}

func (s *errorsScreen) name() string { return "Errors" }

func errorsPage() *page {
	return &page{
		key: "4", make: func() screen { return newErrors() }, search: filtersGroups(),
		footer: []string{"enter", "o", "a", "/", "i", "C", "e", "f", "+", "q"},
		silent: map[string]string{"E": "these are the errors, enter opens one"},
		keys: slices.Concat([]binding{ignoreGroup(), bind("I", "", "show or hide ignored groups", on((*errorsScreen).toggleIgnored))},
			sortKeys(), []binding{wholeRun(), chartsOf(), copyCell(), copyRow()}, fineSteps(), steering(), nextTabs()),
	}
}

// count is the number in the name of the tab.
func (s *errorsScreen) count(m *model) int { return len(m.snap.Groups) }

func (s *errorsScreen) refresh(m *model) {
	s.model = m
	widenEndpoints(&s.table.Table, m.layout.w)
	s.table.Faint = func(g *stats.Group) bool { return m.ignored[g.ID] || m.count(g) == 0 }
	rows := m.snap.Groups
	if !s.ignored {
		rows = m.groups()
	}
	s.table.show(m, slices.DeleteFunc(slices.Clone(rows), func(g *stats.Group) bool {
		return s.only != nil && g.Key.Key != *s.only || !s.from.IsZero() && !s.during(m, g)
	}))
}

// during says whether the group failed between from and to: by its trend where
// that reaches back so far, by its first and last failure before.
func (s *errorsScreen) during(m *model, g *stats.Group) bool {
	at := s.from.Sub(m.snap.Started)
	if n := failuresIn(g, at, time.Second, m.snap.Elapsed); n >= 0 && s.to.Sub(s.from) <= time.Second {
		return n > 0
	}
	return !g.First.After(s.to) && !g.Last.Before(s.from)
}

func (s *errorsScreen) filterText() string {
	t := s.table.query.text
	if s.only != nil {
		t = strings.TrimSpace("endpoint " + t)
	}
	if !s.from.IsZero() {
		t = strings.TrimSpace("moment " + t)
	}
	return t
}

func (s *errorsScreen) filtered(m *model, text string) {
	if text == "" {
		s.only, s.from, s.to = nil, time.Time{}, time.Time{}
	}
	s.table.query = parseQuery(text)
	s.refresh(m)
}

func (s *errorsScreen) notice(m *model, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(tickMsg); ok {
		if g, ok := s.table.Selected(); ok {
			return previewOf(m, g)
		}
	}
	return nil
}

func (s *errorsScreen) move(m *model, by draw.Move) tea.Cmd {
	s.table.Move(by)
	return s.notice(m, tickMsg{})
}

func (s *errorsScreen) toggleIgnored(m *model) tea.Cmd {
	s.ignored = !s.ignored
	s.refresh(m)
	return nil
}

func (s *errorsScreen) endpoint() (stats.Key, bool) { return endpointOfGroup(s.table) }
func (s *errorsScreen) open(m *model) tea.Cmd       { return openSelected(m, s.table) }
func (s *errorsScreen) copyCell(m *model) tea.Cmd   { return copyMessage(m, s.table) }
func (s *errorsScreen) copyRow(m *model) tea.Cmd    { return copyRowOf(m, s.table) }
func (s *errorsScreen) export(m *model) tea.Cmd     { return exportTable(m, "errors", s.table) }
func (s *errorsScreen) ignore(m *model) tea.Cmd {
	g, ok := s.table.Selected()
	if !ok {
		return nil
	}
	m.ignore(g)
	if m.ignored[g.ID] {
		m.say("ignored: %s %s (I shows ignored groups)", g.Label(), endpointName(g.Key.Key))
	}
	return nil
}

// ignoreGroup is for whatever shows a group.
func ignoreGroup() binding {
	type ignorer interface{ ignore(*model) tea.Cmd }
	return bind("i", "ignore", "ignore this group: dimmed, counted apart", on(ignorer.ignore))
}

// ignore has a group counted apart, or no longer.
func (m *model) ignore(g *stats.Group) {
	m.ignored[g.ID] = !m.ignored[g.ID]
	m.refresh()
}

func endpointOfGroup(t *list[*stats.Group]) (stats.Key, bool) {
	g, ok := t.Selected()
	if !ok {
		return stats.Key{}, false
	}
	return g.Key.Key, true
}

func openSelected(m *model, t *list[*stats.Group]) tea.Cmd {
	t.Stay()
	if g, ok := t.Selected(); ok {
		return openGroup(m, g)
	}
	return nil
}

// openGroup shows a group on the tab of the errors. Whoever opens it there
// already keeps what else is open.
func openGroup(m *model, g *stats.Group) tea.Cmd {
	if _, tab := tabOf[*errorsScreen](m); m.tab != tab {
		alone[*errorsScreen](m)
		m.tab = tab
		m.refresh()
	}
	return m.push(newGroup(g))
}

func copyMessage(m *model, t *list[*stats.Group]) tea.Cmd {
	if g, ok := t.Selected(); ok {
		return m.copyText("message", g.Message)
	}
	return nil
}

func (s *errorsScreen) view(m *model, w, h int) draw.Pane {
	t := s.table
	hidden, dimmed := uint64(0), 0
	for _, g := range m.snap.Groups {
		if m.ignored[g.ID] {
			hidden += m.count(g)
			dimmed++
		}
	}
	var end []string
	if s.only != nil {
		end = append(end, "only "+draw.CutMiddle(endpointName(*s.only), 24))
	}
	if !s.from.IsZero() {
		end = append(end, "at "+s.from.Local().Format("15:04:05"))
	}
	if t.query.text != "" {
		end = append(end, t.caption())
	}
	if dimmed > 0 {
		end = append(end, fmt.Sprintf("%s ignored (I)", thousands(hidden)))
	}
	if len(end) > 0 {
		end = []string{" " + strings.Join(end, "  ") + " "}
	}
	name, sums := draw.Heading.Render("ERRORS"), m.sums(t.Rows)
	title := draw.FirstThatFits(w-draw.Width(strings.Join(end, ""))-2, name+sums[0]+" (a)  sort "+t.Sorting()+" (o) ", name+sums[0]+" (a) ",
		name+sums[0]+" ", name+sums[1]+" ", name+sums[2]+" ")
	f := m.layout
	preview := 0
	if h >= 14 { // the list as high as its rows, the rest to the preview
		preview = min(max(h*2/5, 6), 20)
		preview = max(preview, h-len(t.Rows)-4)
		preview = min(preview, h-6)
	}
	out := draw.Section{Title: title, End: strings.Join(end, ""), Focused: true, Body: func(w, h int) draw.Pane {
		drawn := t.Draw(w, h, true)
		if len(t.Rows) == 0 && len(drawn.Lines) > 1 {
			drawn.Lines[1] = m.noFailures()
			if len(m.snap.Groups) > 0 {
				drawn.Lines[1] = "   no group matches: esc clears the filter"
			}
		}
		return drawn
	}}.Draw(w, h-preview, f.boxed)
	if preview > 0 {
		out.Put(draw.Section{Title: "PREVIEW: newest sample of the selected group ", Body: func(w, h int) draw.Pane {
			if g, ok := t.Selected(); ok {
				return draw.Pane{Lines: previewLines(m, g, w, h)}
			}
			return draw.Pane{}
		}}.Draw(w, preview, f.boxed))
	}
	return out
}

func newest(g *stats.Group) *stats.Exchange {
	if n := len(g.Samples); n > 0 {
		return g.Samples[n-1]
	}
	return nil
}

// preview is the beginning of one sample, and what is being made ready to
// follow it.
type preview struct {
	group   int
	x       *stats.Exchange
	doc     *document
	next    docKey
	askedAt time.Time
}

// previewOf has the newest sample's body made ready: at once for a group that
// was just selected, once a second for one that keeps failing.
func previewOf(m *model, g *stats.Group) tea.Cmd {
	x := newest(g)
	k := docKey{x: x, revealed: m.reveal, preview: true}
	p := &m.preview
	if x == nil || p.next == k || p.group == g.ID && p.next.revealed == m.reveal && time.Since(p.askedAt) < time.Second {
		return nil
	}
	if p.group != g.ID || p.next.revealed != m.reveal {
		p.doc, p.x = nil, nil
	}
	p.group, p.next, p.askedAt = g.ID, k, time.Now()
	mask := m.masker()
	return safely(func() tea.Msg { return docMsg{k, k.read(mask)} })
}

// previewLines are a group's newest sample in a few lines. While its body is
// being made ready, the one before stays.
func previewLines(m *model, g *stats.Group, w, h int) []string {
	x, doc := newest(g), (*document)(nil)
	if x == nil {
		return draw.Sized([]string{" no sample was kept of this group"}, w, h)
	}
	if p := &m.preview; p.group == g.ID && p.x != nil {
		x, doc = p.x, p.doc
	}
	return sampleLines(m, x, doc, w, h)
}

// sampleLines are an exchange in a few lines; doc is nil while it is made.
func sampleLines(m *model, x *stats.Exchange, doc *document, w, h int) []string {
	u := clean(strings.TrimSpace(x.Key.Method + " " + m.url(x)))
	end := fmt.Sprintf("%s  %s ms  user %s ", x.When.Local().Format("15:04:05.000"), millis(x.Took), thousands(x.User))
	out := []string{draw.Between(" "+draw.CutMiddle(u, max(w-draw.Width(end)-3, 8)), end, w)}
	if line, _ := exchange.FirstLine(x.Response.Head); line != "" {
		l := " " + statusStyled(x, clean(m.masker().Text(line)))
		if ct := exchange.HeaderOf(x.Response.Head, "Content-Type"); ct != "" {
			l += "   " + draw.Dim.Render("content-type: ") + clean(ct)
		}
		out = append(out, draw.Between(l, size(float64(x.Response.Size))+" ", w))
	}
	if x.Message != "" && x.Kind != stats.HTTP {
		for i, l := range draw.WrapText(clean(oneLine(x.Message)), max(w-2, 8)) {
			if i < 3 {
				out = append(out, " "+draw.Bad.Render(l))
			}
		}
	}
	switch {
	case doc == nil && len(x.Response.Body) > 0:
		out = append(out, draw.Dim.Render(" …"))
	case doc != nil:
		for i, l := range doc.lines {
			if i >= h || len(out) >= h {
				break
			}
			if draw.Width(l) > w-2 {
				l = draw.Cut(l, w-2)
			} else {
				l = doc.line(i)
			}
			out = append(out, " "+l)
		}
	}
	return draw.Sized(out, w, h)
}

// url is an exchange's, secrets masked.
func (m *model) url(x *stats.Exchange) string {
	if x.URL == "" {
		return x.Key.Name
	}
	return m.masker().URL(x.URL)
}

func statusStyled(x *stats.Exchange, line string) string {
	if x.Kind.Failed() {
		return draw.BadBold.Render(line)
	}
	return draw.Good.Render(line)
}
