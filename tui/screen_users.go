package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/stats/capacity"
	"tload/swarm"
	"tload/tui/draw"
)

// usersScreen is who does what: behaviours and tasks, what the users do now,
// and every change of what was asked for.
type usersScreen struct {
	blankScreen
	table *list[taskRow]

	weighed struct { // what was given a weight last, until a snapshot says so
		id string
		wanted
	}
}

// taskRow is a behaviour or one of its tasks.
type taskRow struct {
	b *swarm.BehaviourView
	t *swarm.TaskView // nil for the behaviour itself
	n int             // its index, so that the tree keeps its order
}

func newUsers() *usersScreen {
	s := &usersScreen{table: &list[taskRow]{Table: draw.Table[taskRow]{
		Sort: -1,
		ID: func(r taskRow) string {
			if r.t == nil {
				return r.b.Name
			}
			return fmt.Sprint(r.b.Name, "\x00", r.n, "\x00", r.t.Name)
		},
		Columns: []draw.Column[taskRow]{
			{Name: "BEHAVIOUR / TASK", Text: true, Middle: true, Cell: func(r taskRow) string {
				if r.t == nil {
					return draw.Bold.Render(clean(r.b.Name))
				}
				// It stands below its set.
				name := swarm.ShortName(r.t.Name, swarm.SetOf(r.n, func(i int) (string, int) { return r.b.Tasks[i].Name, r.b.Tasks[i].Depth }))
				return strings.Repeat("  ", r.t.Depth+1) + clean(name)
			}},
			{Name: "WEIGHT", Width: 7, Rank: 4, Cell: func(r taskRow) string {
				switch {
				case r.t != nil && r.t.Turn:
					return "-"
				case r.t != nil:
					return fmt.Sprint(r.t.Weight)
				case r.b.Own:
					return "own"
				case r.b.Fixed > 0:
					return fmt.Sprintf("=%d", r.b.Fixed)
				}
				return fmt.Sprint(r.b.Weight)
			}},
			{Name: "WANT%", Width: 6, Rank: 2, Cell: func(r taskRow) string {
				if r.t == nil {
					return wantOf(r.b)
				}
				if r.t.Turn {
					return "turn"
				}
				return percent(r.t.Want)
			}},
			{Name: "GOT%", Width: 6, Rank: 1, Cell: func(r taskRow) string {
				if r.t == nil && r.b.Own {
					return "-"
				}
				if r.t == nil {
					return percent(r.b.Got)
				}
				return percent(r.t.Got)
			}},
			{Name: "USERS", Width: 8, Rank: 1, Cell: func(r taskRow) string {
				if r.t == nil {
					return thousands(r.b.Running)
				}
				return ""
			}},
			{Name: "RUNS", Width: 11, Rank: 2, Cell: func(r taskRow) string {
				if r.t == nil || r.t.Set {
					return ""
				}
				return thousands(r.t.Runs)
			}},
			{Name: "FAILED", Width: 8, Rank: 5, Cell: func(r taskRow) string {
				if r.t == nil || r.t.Set {
					return ""
				}
				if r.t.Failed > 0 {
					return draw.Bad.Render(thousands(r.t.Failed))
				}
				return "0"
			}},
			{Name: "AVG ms", Width: 8, Rank: 3, Cell: func(r taskRow) string {
				if r.t == nil || r.t.Set {
					return ""
				}
				return millis(r.t.Mean)
			}},
		},
	}, text: func(r taskRow) subject {
		if r.t == nil {
			return subject{text: r.b.Name}
		}
		return subject{text: r.b.Name + " " + r.t.Name, parts: []string{r.t.Name}}
	}}}
	return s
}

// wantOf is what a behaviour is to have: its share of the users, as many as its own load
// says, arrivals, or nothing yet.
func wantOf(b *swarm.BehaviourView) string {
	switch {
	case b.Over:
		return "over"
	case b.Wait > 0:
		return "@" + clock(b.Wait)
	case b.Rate > 0:
		return rate(b.Rate) + "/s"
	case b.Own:
		return thousands(b.Fixed)
	}
	return percent(b.Want)
}

func (s *usersScreen) name() string { return "Users" }

func usersPage() *page {
	return &page{
		key: "5", make: func() screen { return newUsers() }, search: filtersRows(),
		footer: []string{"+", "w", "u", ">", "space", "x", "f", "q"},
		silent: map[string]string{"o": "a tree has one order", "O": "a tree has one order"},
		keys: slices.Concat([]binding{
			bind("> .", "weight", "more weight for the behaviour or task", on(func(s *usersScreen, m *model) tea.Cmd { return s.weigh(m, 1) })).steers().as("< >"),
			bind("< ,", "", "less weight; with 0 it is not done any more", on(func(s *usersScreen, m *model) tea.Cmd { return s.weigh(m, -1) })).steers(),
			copyCell(), copyRow(),
		}, fineSteps(), steering(), nextTabs()),
	}
}

func (s *usersScreen) refresh(m *model) {
	var rows, kept []taskRow
	for i := range m.snap.Behaviours {
		b := &m.snap.Behaviours[i]
		rows = append(rows, taskRow{b: b})
		for j := range b.Tasks {
			rows = append(rows, taskRow{b, &b.Tasks[j], j})
		}
	}
	// What a task is in stays above it.
	depth := -1 // of what was kept last, from below
	for _, r := range slices.Backward(rows) {
		own := 0
		if r.t != nil {
			own = r.t.Depth + 1
		}
		if s.table.query.empty() || s.table.query.match(s.table.text(r)) || own < depth {
			kept = append(kept, r)
			depth = own
		}
	}
	slices.Reverse(kept)
	s.table.showKept(m, kept, len(rows))
}

func (s *usersScreen) filtered(m *model, text string) {
	s.table.query = parseQuery(text)
	s.refresh(m)
}
func (s *usersScreen) filterText() string { return s.table.query.text }

func (s *usersScreen) open(m *model) tea.Cmd {
	r, ok := s.table.Selected()
	if !ok {
		return nil
	}
	for _, row := range m.snap.Tasks {
		if r.t != nil && row.Key.Method == r.b.Name && row.Key.Name == r.t.Name {
			return m.push(newDetail(row.Key))
		}
	}
	m.say("open a task to see its numbers")
	return nil
}

func (s *usersScreen) move(_ *model, by draw.Move) tea.Cmd { s.table.Move(by); return nil }
func (s *usersScreen) copyCell(m *model) tea.Cmd           { return copyRowOf(m, s.table) }
func (s *usersScreen) copyRow(m *model) tea.Cmd            { return copyRowOf(m, s.table) }
func (s *usersScreen) export(m *model) tea.Cmd             { return exportTable(m, "users", s.table) }

// weigh gives what is selected so much more weight. Keys pressed in a row count on from
// the last one, as for users.
func (s *usersScreen) weigh(m *model, by int) tea.Cmd {
	r, ok := s.table.Selected()
	if !ok {
		return nil
	}
	id := s.table.ID(r)
	task, weight, name := -1, r.b.Weight, r.b.Name
	if r.t != nil {
		task, weight, name = r.n, r.t.Weight, r.t.Name
	}
	if s.weighed.id == id && time.Now().Before(s.weighed.until) {
		weight = int(s.weighed.or(float64(weight)))
	}
	weight += by
	if weight < 0 {
		m.say("%s has no weight as it is", clean(name))
		return nil
	}
	if err := r.b.CheckWeight(m.live.Behaviours, task, weight); err != nil {
		m.complain("%s", clean(err.Error()))
		return nil
	}
	s.weighed.id, s.weighed.wanted = id, wanted{float64(weight), time.Now().Add(2 * time.Second)}
	m.load.SetWeight(r.b.Name, task, weight, "you")
	m.say("weight of %s: %d", clean(name), weight)
	return nil
}

func (s *usersScreen) view(m *model, w, h int) draw.Pane {
	v := m.snap
	spawning := max(v.Asked()-v.Running-v.Stopping, 0)
	end, name := s.table.ending("whole run"), draw.Heading.Render("USERS")
	brief := fmt.Sprintf("  target %s  running %s ", thousands(v.Asked()), thousands(v.Running))
	title := name + draw.FirstThatFits(w-draw.Width(end)-10, fmt.Sprintf("  target %s  running %s  spawning %s  stopping %s  peak %s  rate %s/s ",
		thousands(v.Asked()), thousands(v.Running), thousands(spawning), thousands(v.Stopping), thousands(v.Peak), rate(v.SpawnRate)), brief, " ")
	f := m.layout
	edges := f.edges()
	now, changes := s.doing(m, f.inner(w)), changeLines(m, f.inner(w))
	steps := stepLines(m.snap.Find, f.inner(w))
	below := len(now) + edges
	if len(steps) > 0 {
		below += min(len(steps), 8) + edges
	}
	if len(changes) > 0 {
		below += min(len(changes), 6) + edges
	}
	below = min(below, max(h-6-edges, 0))
	list := min(max(len(s.table.Rows)+1, 4)+edges, h-below)
	chart := 0
	if h-below-list >= 9 && w >= 80 { // a tall screen shows the users over time
		chart = min(h-below-list, 18)
	}
	out := draw.Section{Title: title, End: end, Focused: true, Body: func(w, h int) draw.Pane {
		return s.table.Draw(w, h, true)
	}}.Draw(w, list, f.boxed)
	if chart > 0 {
		c, _ := tabOf[*chartsScreen](m)
		from, span := c.span(m)
		out.Put(m.lookAt(m.seconds(), from, span, nil).picture(m, ofUsers, false, w, " window "+c.windowName(m)+" ").Draw(w, chart, f.boxed))
	}
	if room := h - len(out.Lines); room > edges {
		out.Put(draw.Section{Title: draw.Heading.Render("NOW") + ": what the users do ", Body: draw.Lines(now...)}.Draw(w, min(len(now)+edges, room), f.boxed))
	}
	if room := h - len(out.Lines); room > edges && len(steps) > 0 {
		if len(changes) > 0 && room > 10+edges {
			room -= 4 + edges
		}
		room = min(room, len(steps)+edges)
		shown := append(steps[:1:1], steps[max(len(steps)-room+edges+1, 1):]...)
		out.Put(draw.Section{Title: draw.Heading.Render("FIND") + " " + clean(m.snap.Find.Asked()) + " ", Body: draw.Lines(shown...)}.Draw(w, room, f.boxed))
	}
	if room := h - len(out.Lines); room > edges && len(changes) > 0 {
		out.Put(draw.Section{Title: "CHANGES ", Body: draw.Lines(changes[max(len(changes)-room+edges, 0):]...)}.Draw(w, room, f.boxed))
	}
	return out
}

func (s *usersScreen) doing(m *model, w int) []string {
	d := m.snap.Doing
	rows := []struct {
		name string
		n    int
	}{
		{"waiting (think time)", d.Waiting},
		{"in a request", d.InRequest},
		{"in a task, between", max(d.InTask-d.InRequest, 0)},
		{"in on_start", d.Starting},
		{"paused", d.Paused},
	}
	most := 1
	for _, r := range rows {
		most = max(most, r.n)
	}
	var out []string
	room := max(min(w-34, 60), 1)
	for _, r := range rows {
		if r.n == 0 && r.name != "waiting (think time)" && r.name != "in a request" {
			continue
		}
		out = append(out, " "+draw.Fit(r.name, 20)+" "+draw.Good.Render(draw.Fit(draw.Bar(float64(r.n)/float64(most), room), room))+draw.Right(thousands(r.n), 8))
	}
	if m.snap.Open {
		out = append(out, fmt.Sprintf(" arrivals %s/s, %s wait for a free user", rate(m.snap.Rate), thousands(m.snap.Backlog)))
	}
	return out
}

// stepLines are the levels that a search for the highest load has tried, oldest first,
// below their heading.
func stepLines(f *capacity.Result, w int) []string {
	if f == nil {
		return nil
	}
	column := func(g *capacity.Goal) int { return max(draw.Width(clean(g.Text))+10, 14) }
	head := draw.Right(strings.ToUpper(f.Unit), 12) + "  " + draw.Fit("VERDICT", 15) + draw.Right("FROM", 7) + draw.Right("FOR", 7)
	for i := range f.Goals {
		g := &f.Goals[i]
		head += draw.Right(clean(g.Text)+" ("+g.Show(g.Limit)+")", column(g))
	}
	out := []string{draw.Dim.Render(draw.Cut(head, w))}
	for _, x := range f.Steps {
		verdict := draw.Fit(x.Verdict.String()+map[bool]string{true: " again"}[x.Again], 15)
		switch x.Verdict {
		case capacity.Holds:
			verdict = draw.Good.Render(verdict)
		case capacity.Fails:
			verdict = draw.Bad.Render(verdict)
		}
		at := func(s float64) string { return clock(time.Duration(s * float64(time.Second))) }
		line := draw.Right(levelText(f, x.Level), 12) + "  " + verdict + draw.Right(at(x.From), 7) + draw.Right(at(x.To-x.From), 7)
		for i := range f.Goals {
			line += draw.Right(f.Goals[i].Show(x.Bad[i]), column(&f.Goals[i]))
		}
		out = append(out, draw.Cut(line, w))
	}
	return out
}

// levelText is a level of a search without its unit.
func levelText(f *capacity.Result, level float64) string {
	if f.Unit == "users" {
		return thousands(int(level))
	}
	return strconv.FormatFloat(level, 'g', 4, 64)
}

// changeLines are what was done to the run, oldest first: users, segments, marks.
func changeLines(m *model, w int) []string {
	type change struct {
		at   time.Duration
		wall time.Time
		what string
		who  string
	}
	var all []change
	for _, c := range m.snap.Changes {
		what := fmt.Sprintf("%s → %s", thousands(int(c.From)), thousands(int(c.To)))
		if c.Weight != "" {
			what = "weight of " + c.Weight + " " + what
		}
		if c.Arrivals {
			what = fmt.Sprintf("%s/s → %s/s arrivals", rate(c.From), rate(c.To))
		}
		if c.Rate > 0 {
			what += fmt.Sprintf(" at %s/s", rate(c.Rate))
		}
		all = append(all, change{c.At, c.Wall, what, c.Who})
	}
	for i, s := range m.snap.Segments {
		if i > 0 {
			all = append(all, change{at: s.From, what: strings.TrimSpace("segment " + s.Name)})
		}
	}
	for _, k := range m.snap.Marks {
		if slices.ContainsFunc(m.snap.Segments, func(s stats.Segment) bool { return s.From == k.At && s.Name == k.Name }) {
			continue // a reset is both
		}
		all = append(all, change{at: k.At, what: strings.TrimSpace("mark " + k.Name)})
	}
	slices.SortStableFunc(all, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	var out []string
	for _, c := range all {
		if c.wall.IsZero() {
			c.wall = m.snap.Started.Add(c.at)
		}
		line := fmt.Sprintf(" %s  %s  ", c.wall.Local().Format("15:04:05"), draw.Right(clock(c.at), 7))
		what := clean(c.what)
		if c.who != "" {
			what = draw.Fit(what, max(draw.Width(what), 24)) + "  (" + clean(c.who) + ")"
		}
		out = append(out, line+draw.Cut(what, max(w-draw.Width(line)-1, 0)))
	}
	return out
}
