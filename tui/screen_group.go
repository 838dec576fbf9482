package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
)

// sample is a captured exchange and its place among its group's.
type sample struct {
	n int // from 1
	*stats.Exchange
}

// group is one cause of failures and the exchanges that were kept of it.
type group struct {
	last    *stats.Group // as the newest snapshot has it
	table   *list[sample]
	variant string // only samples with this message; empty: all
}

func newGroup(g *stats.Group) *group {
	s := &group{last: g}
	s.table = &list[sample]{table: table[sample]{
		// An exchange is immutable: its address is its identity.
		id: func(x sample) string { return fmt.Sprintf("%p", x.Exchange) },
		columns: []column[sample]{
			{name: "#", width: 3, cell: func(x sample) string { return fmt.Sprint(x.n) }, number: func(x sample) float64 { return -float64(x.n) }, rising: true},
			{name: "TIME", width: 12, text: true, cell: func(x sample) string { return x.When.Local().Format("15:04:05.000") }, number: func(x sample) float64 { return float64(x.When.UnixNano()) }},
			{name: "STATUS", width: 8, rank: 2, cell: func(x sample) string {
				if x.Status == 0 {
					return x.Kind.String()
				}
				return fmt.Sprint(x.Status)
			}, number: func(x sample) float64 { return float64(x.Status) }},
			{name: "ms", width: 6, rank: 1, cell: func(x sample) string { return millis(x.Took) }, number: func(x sample) float64 { return float64(x.Took) }},
			{name: "SIZE", width: 7, rank: 2, cell: func(x sample) string { return size(float64(x.Response.Size)) }, number: func(x sample) float64 { return float64(x.Response.Size) }},
			{name: "USER", width: 6, rank: 3, cell: func(x sample) string { return thousands(x.User) }, number: func(x sample) float64 { return float64(x.User) }},
			{name: "BODY", text: true, cell: nil},
		},
	}, text: func(x sample) subject {
		body := string(x.Response.Body[:min(len(x.Response.Body), 64<<10)])
		return subject{text: x.Message + " " + body + " " + x.URL, parts: []string{body, x.URL}, kind: x.Kind.String(), status: x.Status}
	}}
	return s
}

func (s *group) name() string { return "Group" }

func groupPage() *page {
	return &page{
		make: func() screen { return &group{} }, search: filtersGroups(),
		footer: []string{"enter", "/", "v", "i", "C", "e", "esc"},
		keys: slices.Concat([]binding{bind("v", "variants", "only one variant of the message; again: the next", on((*group).nextVariant)), ignoreGroup()},
			sortKeys(), []binding{chartsOf(), copyCell(), copyRow()}, fineSteps(), steering(), nextTabs()),
	}
}
func (s *group) title() string {
	return cutMiddle(s.last.Label()+" "+endpointName(s.last.Key.Key), 48)
}

func (s *group) refresh(m *model) {
	for _, g := range m.snap.Groups {
		if g.ID == s.last.ID {
			s.last = g
		}
	}
	s.table.columns[6].cell = func(x sample) string {
		body, ok := m.bodyStart(x.Exchange)
		switch {
		case !ok:
			return "(binary)"
		case body == "":
			return clean(oneLine(x.Message))
		}
		return body
	}
	rows := make([]sample, len(s.last.Samples))
	for i, x := range s.last.Samples {
		rows[i] = sample{i + 1, x}
	}
	s.table.show(m, slices.DeleteFunc(rows, func(x sample) bool { return s.variant != "" && x.Message != s.variant }))
}

func (s *group) filtered(m *model, text string) {
	if text == "" {
		s.variant = ""
	}
	s.table.query = parseQuery(text)
	s.refresh(m)
}

func (s *group) filterText() string {
	if s.table.query.text == "" && s.variant != "" {
		return s.variant
	}
	return s.table.query.text
}

func (s *group) open(m *model) tea.Cmd {
	s.table.chosen = true
	if x, ok := s.table.selected(); ok {
		return m.push(newExchange(x.Exchange, s))
	}
	return nil
}

func (s *group) nextVariant(m *model) tea.Cmd {
	next := slices.IndexFunc(s.last.Variants, func(v stats.Variant) bool { return v.Message == s.variant }) + 1
	s.variant = ""
	if next < len(s.last.Variants) {
		s.variant = s.last.Variants[next].Message
		m.say("only: %s (v: next, esc: all)", s.variant)
	}
	s.refresh(m)
	return nil
}

func (s *group) move(_ *model, by move) tea.Cmd { s.table.move(by); return nil }
func (s *group) endpoint() (stats.Key, bool)    { return s.last.Key.Key, true }
func (s *group) ignore(m *model) tea.Cmd        { m.ignore(s.last); return nil }
func (s *group) copyCell(m *model) tea.Cmd      { return m.copyText("message", s.last.Message) }
func (s *group) copyRow(m *model) tea.Cmd       { return copyRowOf(m, s.table) }
func (s *group) export(m *model) tea.Cmd        { return exportTable(m, "samples", s.table) }

// neighbour is the sample that many places on in the list as it is sorted.
func (s *group) neighbour(x *stats.Exchange, step int) (*stats.Exchange, bool) {
	i := slices.IndexFunc(s.table.rows, func(r sample) bool { return r.Exchange == x })
	if i < 0 {
		i = s.table.at // it gave way to a newer one
	}
	if i+step < 0 || i+step >= len(s.table.rows) {
		return x, false
	}
	s.table.to(i + step)
	return s.table.rows[i+step].Exchange, true
}

func (s *group) number(x *stats.Exchange) (n, of int) {
	return slices.Index(s.last.Samples, x) + 1, len(s.last.Samples)
}

// about are the lines that say what this group is.
func (s *group) about(m *model, w int) []string {
	g := s.last
	share := ""
	if r := m.row(g.Key.Key); r != nil && r.Run.Requests > 0 {
		what := "this endpoint"
		if g.Exception() {
			what = "this task"
		}
		share = " · " + stats.Share(g.Count, r.Run.Requests) + "% of " + what
	}
	title := fmt.Sprintf("%s in the whole run · first %s · last %s ago%s ", thousands(g.Count), g.First.Local().Format("15:04:05"), ago(m.now(), g.Last), share)
	out := []string{rule(heading.Styled(title), "", w, false)}
	out = append(out, fmt.Sprintf(" per second  %s  %s/s   began at %s users", spark(g.Trend, min(max(w-46, 10), 60)), rate(m.rateOf(g)), thousands(g.Users)))
	line := " message     "
	if len(g.Variants) > 1 {
		line = " variants    "
	}
	room := w - len(line) - 2
	var vs []string
	for i, v := range g.Variants {
		text := cut(clean(oneLine(v.Message)), max(room/min(len(g.Variants), 2)-12, 16))
		if v.Message == s.variant {
			text = inverse.Styled(text)
		}
		part := text + " ×" + thousands(v.Count)
		if i > 0 && width(strings.Join(append(vs, part), "   ")) > room-10 {
			vs = append(vs, fmt.Sprintf("… %d more (v)", len(g.Variants)-i))
			break
		}
		vs = append(vs, part)
	}
	if len(vs) == 0 {
		vs = []string{cut(clean(oneLine(g.Message)), room)}
	}
	return append(out, line+strings.Join(vs, "   "))
}

func (s *group) view(m *model, w, h int) pane {
	about := s.about(m, w)
	g := s.last
	title := heading.Styled("SAMPLES") + fmt.Sprintf(" %d kept of %s: the first, the last, the rest at random ", len(g.Samples), thousands(g.Count))
	end := ""
	if t := s.filterText(); t != "" {
		end = fmt.Sprintf(" /%s  %d of %d ", cut(clean(oneLine(t)), 20), len(s.table.rows), len(g.Samples))
	}
	preview := 0
	if h >= 24 {
		preview = h * 2 / 5
	}
	list := max(h-len(about)-1-preview, 1)
	out := pane{lines: append(about, rule(title, end, w, true))}
	drawn := s.table.draw(w, list, true)
	rows := drawn.lines
	if n := len(s.table.rows); n == 0 && list > 1 {
		rows[1] = " no sample of this is kept"
	} else if n+2 < len(rows) && n == len(g.Samples) {
		rows[n+2] = " every one is kept so far"
		if g.Count > uint64(n) {
			rows[n+2] = fmt.Sprintf(" %s more were counted and not kept (--capture says how many are)", thousands(g.Count-uint64(n)))
		}
	}
	out.put(drawn)
	if preview > 0 {
		out.add(rule("PREVIEW ", "", w, false))
		if x, ok := s.table.selected(); ok {
			doc := m.docs[docKey{x: x.Exchange, revealed: m.reveal, preview: true}]
			out.add(sampleLines(m, x.Exchange, doc, w, preview-1)...)
		}
	}
	return out
}

func (s *group) notice(m *model, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(tickMsg); ok {
		if x, ok := s.table.selected(); ok {
			_, cmd := m.doc(docKey{x: x.Exchange, revealed: m.reveal, preview: true})
			return cmd
		}
	}
	return nil
}
