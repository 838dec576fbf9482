package tui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// workersScreen is the nodes that run users, and whether the numbers are the
// target's or this machine's.
type workersScreen struct {
	blankScreen
	table *list[*swarm.NodeView]
	due   bool // some starts had a schedule
}

func newWorkers() *workersScreen {
	type N = *swarm.NodeView
	s := &workersScreen{}
	s.table = &list[N]{Table: draw.Table[N]{
		ID: func(n N) string { return n.Name },
		Columns: []draw.Column[N]{
			{Name: "WORKER", Text: true, Middle: true, Cell: func(n N) string { return clean(n.Name) }, Word: func(n N) string { return n.Name }},
			{Name: "STATE", Width: 9, Text: true, Rank: 1, Cell: func(n N) string { return clean(n.State) }, Word: func(n N) string { return n.State }},
			{Name: "USERS", Width: 7, Cell: func(n N) string { return thousands(n.Users) }, Number: func(n N) float64 { return float64(n.Users) }},
			{Name: "RPS", Width: 7, Rank: 1, Cell: func(n N) string { return rate(n.RPS) }, Number: func(n N) float64 { return n.RPS }},
			{Name: "CPU", Width: 14, Rank: 2, Cell: func(n N) string {
				c := stats.CPU(n.CPU, n.Cores)
				if n.Cores > 0 && n.CPU > 85*n.Cores {
					c = draw.BadBold.Render(c)
				}
				return c
			}, Number: func(n N) float64 { return n.CPU }},
			{Name: "RSS", Width: 8, Rank: 3, Cell: func(n N) string { return size(float64(n.RSS)) }, Number: func(n N) float64 { return float64(n.RSS) }},
			{Name: "GORTNS", Width: 7, Rank: 6, Cell: func(n N) string { return thousands(n.Goroutines) }, Number: func(n N) float64 { return float64(n.Goroutines) }},
			{Name: "FDs", Width: 11, Rank: 5, Cell: func(n N) string { return ofLimit(n.Files, n.FileLimit) }, Number: func(n N) float64 { return float64(n.Files) }},
			{Name: "LATE", Width: 6, Rank: 2, Cell: func(n N) string {
				if !s.due {
					return stats.None
				}
				return percent(n.Late) + "%"
			}, Number: func(n N) float64 { return n.Late }},
			{Name: "LAG", Width: 6, Rank: 3, Cell: func(n N) string { return lag(n) }, Number: func(n N) float64 { return float64(n.Lag) }},
			{Name: "RTT", Width: 6, Rank: 4, Cell: func(n N) string { return millis(n.RTT) }, Number: func(n N) float64 { return float64(n.RTT) }},
			{Name: "SKEW", Width: 8, Rank: 7, Cell: func(n N) string { return skew(n) }, Number: func(n N) float64 { return float64(n.Skew) }},
			{Name: "BUILD", Width: 8, Rank: 8, Text: true, Cell: func(n N) string { return clean(n.Build) }, Word: func(n N) string { return n.Build }},
		},
	}, text: func(n N) subject { return subject{text: n.Name + " " + n.State} }}
	return s
}

// lag is how old the newest of what a worker told is, in seconds.
func lag(n *swarm.NodeView) string {
	if n.Lag <= 0 {
		return stats.None
	}
	return fmt.Sprintf("%.1f s", n.Lag.Seconds())
}

// skew is how much a worker's clock is ahead, in milliseconds: what is less than half a
// round trip nobody can know.
func skew(n *swarm.NodeView) string {
	switch d := n.Skew; {
	case n.RTT == 0:
		return stats.None
	case d.Abs() <= n.RTT/2:
		return "0"
	case d < 0:
		return "-" + millis(-d)
	default:
		return "+" + millis(d)
	}
}

// ofLimit is what there is of a limit; what the system does not tell is none.
func ofLimit(n, limit int) string {
	switch {
	case n < 0:
		return stats.None
	case limit <= 0:
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d/%d", n, limit)
}

func (s *workersScreen) name() string { return "Workers" }

func workersPage() *page {
	return &page{
		key: "6", make: func() screen { return newWorkers() }, search: filtersRows(),
		footer: []string{"/", "o", "e", "f", "q"},
		silent: map[string]string{"enter": "the health of the selected worker stands below"},
		keys:   slices.Concat(sortKeys(), []binding{copyCell(), copyRow()}, fineSteps(), steering(), nextTabs()),
	}
}

func (s *workersScreen) refresh(m *model) {
	rows := make([]*swarm.NodeView, len(m.snap.Nodes))
	for i := range rows {
		rows[i] = &m.snap.Nodes[i]
	}
	s.due = m.snap.Total.Run.Due > 0
	s.table.show(m, rows)
}

func (s *workersScreen) filtered(m *model, text string) {
	s.table.query = parseQuery(text)
	s.refresh(m)
}
func (s *workersScreen) filterText() string { return s.table.query.text }

func (s *workersScreen) move(_ *model, by draw.Move) tea.Cmd { s.table.Move(by); return nil }
func (s *workersScreen) copyCell(m *model) tea.Cmd           { return copyRowOf(m, s.table) }
func (s *workersScreen) copyRow(m *model) tea.Cmd            { return copyRowOf(m, s.table) }
func (s *workersScreen) export(m *model) tea.Cmd             { return exportTable(m, "workers", s.table) }

func (s *workersScreen) view(m *model, w, h int) draw.Pane {
	f := m.layout
	edges := f.edges()
	nodes := m.snap.Nodes
	title, end := draw.Heading.Render("WORKERS")+fmt.Sprintf(" %d ", len(nodes)), ""
	if m.snap.Invite == "" {
		title += "(this process) "
	}
	if s.table.query.text != "" {
		end = s.table.ending("")
	}
	var invite []string
	if line := m.snap.Invite; line != "" {
		invite = append(invite, draw.Dim.Render(" one more joins with"))
		for _, l := range draw.WrapText(clean(line), max(w-6, 20)) {
			invite = append(invite, "   "+l)
		}
	}
	name, health := s.health(m, f.inner(w))
	traffic := s.traffic(m)
	rest := h - len(health) - len(traffic) - len(invite) - 3*edges
	list := min(max(len(nodes)+1, 2), max(rest, 2))
	if m.snap.Invite != "" && len(nodes) == 0 {
		list = 1
	}
	out := draw.Section{Title: title, End: end, Focused: true, Body: func(w, h int) draw.Pane {
		p := s.table.Draw(w, list, true)
		p.Add(invite...)
		return p
	}}.Draw(w, list+len(invite)+edges, f.boxed)
	if spare := rest - list; spare >= 8 && w >= 80 {
		c, _ := tabOf[*chartsScreen](m)
		from, span := c.span(m)
		out.Put(m.lookAt(m.seconds(), from, span, nil).picture(m, ofRate, false, w, " window "+c.windowName(m)+" ").Draw(w, min(spare, 18), f.boxed))
	}
	out.Put(draw.Section{Title: name, Body: draw.Lines(health...)}.Draw(w, len(health)+edges, f.boxed))
	out.Put(draw.Section{Title: draw.Heading.Render("TRAFFIC") + "  " + m.windowName() + " ", Body: draw.Lines(traffic...)}.Draw(w, len(traffic)+edges, f.boxed))
	return out
}

// health are the checks of the generator: of the selected worker where there
// are several, of the whole otherwise.
func (s *workersScreen) health(m *model, w int) (title string, out []string) {
	of := &m.snap.Health
	title = draw.Heading.Render("HEALTH OF THE GENERATOR") + " "
	if n, ok := s.table.Selected(); ok && len(m.snap.Nodes) > 1 {
		of = &n.Health
		title = draw.Heading.Render("HEALTH OF "+clean(n.Name)) + " "
	}
	for _, r := range of.Reasons {
		if r.OK {
			continue
		}
		line := " " + draw.Sign(false) + " " + draw.Bold.Render(clean(r.What))
		room := w - 26
		lines := draw.WrapText(clean(r.Remedy), max(room, 10))
		if draw.Width(r.What) > 20 || len(lines) == 0 {
			out = append(out, line)
		} else {
			out = append(out, draw.Fit(line, 25)+lines[0])
			lines = lines[1:]
		}
		for _, l := range lines {
			out = append(out, "                         "+l)
		}
	}
	var good []string
	for _, r := range of.Checks {
		if r.OK {
			good = append(good, draw.Sign(true)+" "+clean(r.What))
		}
	}
	if of.SuspectSeconds > 0 {
		out = append(out, fmt.Sprintf(" %s %s of the run marked suspect (! on the charts)", draw.Sign(false), plural(of.SuspectSeconds, "second")))
	}
	memory := fmt.Sprintf("capture memory %s of %s, %s dropped", size(float64(m.snap.Captured)), size(float64(m.snap.CaptureOf)), thousands(m.snap.Dropped))
	good = append(good, draw.Sign(true)+" "+memory,
		draw.Sign(true)+fmt.Sprintf(" screen %s/s, a frame takes %s ms to draw", size(m.terminal.traffic()), phase(m.drew)))
	columns := 1
	if w >= 72 {
		columns = 2
	}
	cw := (w - 2) / columns
	for i := 0; i < len(good); {
		line := " "
		for n := 0; n < columns && i < len(good); n++ {
			if long := draw.Width(good[i]) > cw-2; long && n > 0 {
				break
			} else if long {
				n = columns // it takes the whole line
			}
			line += draw.Fit(good[i], max(cw, draw.Width(good[i])))
			i++
		}
		out = append(out, line)
	}
	return title, out
}

// traffic is what goes over the network.
func (s *workersScreen) traffic(m *model) []string {
	t, of := m.shown(&m.snap.Total), &m.snap.Health
	return []string{
		fmt.Sprintf(" in %s/s   out %s/s   in flight %s, most %s", size(perSecond(t.In, t.Span)), size(perSecond(t.Out, t.Span)), thousands(m.snap.InFlight), thousands(of.MaxFlight)),
		fmt.Sprintf(" connections opened %s   TLS handshakes %s   reconnects %s", thousands(t.Dialled), thousands(t.Handshakes), thousands(t.Reconnects)),
		fmt.Sprintf(" aborted %s   not started %s", thousands(t.Aborted), thousands(t.NotStarted)),
	}
}
