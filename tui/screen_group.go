package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/tui/draw"
)

// sample is a captured exchange and its number among its group's.
type sample struct {
	n int // from 1
	*stats.Exchange
}

// groupScreen is one cause of failures and the exchanges that were kept of it.
type groupScreen struct {
	last    *stats.Group // as the newest snapshot has it
	table   *list[sample]
	variant string // only samples with this message; empty: all
}

func newGroup(g *stats.Group) *groupScreen {
	s := &groupScreen{last: g}
	s.table = &list[sample]{Table: draw.Table[sample]{
		// An exchange is immutable: its address is its identity.
		ID: func(x sample) string { return fmt.Sprintf("%p", x.Exchange) },
		Columns: []draw.Column[sample]{
			{Name: "#", Width: 3, Cell: func(x sample) string { return fmt.Sprint(x.n) }, Number: func(x sample) float64 { return -float64(x.n) }, Rising: true},
			{Name: "TIME", Width: 12, Text: true, Cell: func(x sample) string { return x.When.Local().Format("15:04:05.000") }, Number: func(x sample) float64 { return float64(x.When.UnixNano()) }},
			{Name: "STATUS", Width: 8, Rank: 2, Cell: func(x sample) string {
				if x.Status == 0 {
					return x.Kind.String()
				}
				return fmt.Sprint(x.Status)
			}, Number: func(x sample) float64 { return float64(x.Status) }},
			{Name: "ms", Width: 6, Rank: 1, Cell: func(x sample) string { return millis(x.Took) }, Number: func(x sample) float64 { return float64(x.Took) }},
			{Name: "SIZE", Width: 7, Rank: 2, Cell: func(x sample) string { return size(float64(x.Response.Size)) }, Number: func(x sample) float64 { return float64(x.Response.Size) }},
			{Name: "USER", Width: 6, Rank: 3, Cell: func(x sample) string { return thousands(x.User) }, Number: func(x sample) float64 { return float64(x.User) }},
			{Name: "BODY", Text: true, Cell: nil},
		},
	}, text: func(x sample) subject {
		body := string(x.Response.Body[:min(len(x.Response.Body), 64<<10)])
		return subject{text: x.Message + " " + body + " " + x.URL, parts: []string{body, x.URL}, kind: x.Kind.String(), status: x.Status}
	}}
	return s
}

func (s *groupScreen) name() string { return "Group" }

func groupPage() *page {
	return &page{
		make: func() screen { return &groupScreen{} }, search: filtersGroups(),
		footer: []string{"enter", "/", "v", "i", "C", "e", "esc"},
		keys: slices.Concat([]binding{bind("v", "variants", "only one variant of the message; again: the next", on((*groupScreen).nextVariant)), ignoreGroup()},
			sortKeys(), []binding{chartsOf(), copyCell(), copyRow()}, fineSteps(), steering(), nextTabs()),
	}
}
func (s *groupScreen) title() string {
	return draw.CutMiddle(s.last.Label()+" "+endpointName(s.last.Key.Key), 48)
}

func (s *groupScreen) refresh(m *model) {
	for _, g := range m.snap.Groups {
		if g.ID == s.last.ID {
			s.last = g
		}
	}
	s.table.Columns[6].Cell = func(x sample) string {
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

func (s *groupScreen) filtered(m *model, text string) {
	if text == "" {
		s.variant = ""
	}
	s.table.query = parseQuery(text)
	s.refresh(m)
}

func (s *groupScreen) filterText() string {
	if s.table.query.text == "" && s.variant != "" {
		return s.variant
	}
	return s.table.query.text
}

func (s *groupScreen) open(m *model) tea.Cmd {
	s.table.Stay()
	if x, ok := s.table.Selected(); ok {
		return m.push(newExchange(x.Exchange, s))
	}
	return nil
}

func (s *groupScreen) nextVariant(m *model) tea.Cmd {
	next := slices.IndexFunc(s.last.Variants, func(v stats.Variant) bool { return v.Message == s.variant }) + 1
	s.variant = ""
	if next < len(s.last.Variants) {
		s.variant = s.last.Variants[next].Message
		m.say("only: %s (v: next, esc: all)", s.variant)
	}
	s.refresh(m)
	return nil
}

func (s *groupScreen) move(_ *model, by draw.Move) tea.Cmd { s.table.Move(by); return nil }
func (s *groupScreen) endpoint() (stats.Key, bool)         { return s.last.Key.Key, true }
func (s *groupScreen) ignore(m *model) tea.Cmd             { m.ignore(s.last); return nil }
func (s *groupScreen) copyCell(m *model) tea.Cmd           { return m.copyText("message", s.last.Message) }
func (s *groupScreen) copyRow(m *model) tea.Cmd            { return copyRowOf(m, s.table) }
func (s *groupScreen) export(m *model) tea.Cmd             { return exportTable(m, "samples", s.table) }

// neighbour is the sample that many places on in the list as it is sorted.
func (s *groupScreen) neighbour(x *stats.Exchange, step int) (*stats.Exchange, bool) {
	i := slices.IndexFunc(s.table.Rows, func(r sample) bool { return r.Exchange == x })
	if i < 0 {
		i = s.table.At // it gave way to a newer one
	}
	if i+step < 0 || i+step >= len(s.table.Rows) {
		return x, false
	}
	s.table.To(i + step)
	return s.table.Rows[i+step].Exchange, true
}

func (s *groupScreen) number(x *stats.Exchange) (n, of int) {
	return slices.Index(s.last.Samples, x) + 1, len(s.last.Samples)
}

// about are the lines that say what this group is.
func (s *groupScreen) about(m *model, w int) []string {
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
	out := []string{draw.Rule(draw.Heading.Styled(title), "", w, false)}
	out = append(out, fmt.Sprintf(" per second  %s  %s/s   began at %s users", draw.Spark(g.Trend, min(max(w-46, 10), 60)), rate(m.rateOf(g)), thousands(g.Users)))
	line := " message     "
	if len(g.Variants) > 1 {
		line = " variants    "
	}
	room := w - len(line) - 2
	var vs []string
	for i, v := range g.Variants {
		text := draw.Cut(clean(oneLine(v.Message)), max(room/min(len(g.Variants), 2)-12, 16))
		if v.Message == s.variant {
			text = draw.Inverse.Styled(text)
		}
		part := text + " ×" + thousands(v.Count)
		if i > 0 && draw.Width(strings.Join(append(vs, part), "   ")) > room-10 {
			vs = append(vs, fmt.Sprintf("… %d more (v)", len(g.Variants)-i))
			break
		}
		vs = append(vs, part)
	}
	if len(vs) == 0 {
		vs = []string{draw.Cut(clean(oneLine(g.Message)), room)}
	}
	return append(out, line+strings.Join(vs, "   "))
}

func (s *groupScreen) view(m *model, w, h int) draw.Pane {
	about := s.about(m, w)
	g := s.last
	title := draw.Heading.Styled("SAMPLES") + fmt.Sprintf(" %d kept of %s: the first, the last, the rest at random ", len(g.Samples), thousands(g.Count))
	end := ""
	if t := s.filterText(); t != "" {
		end = fmt.Sprintf(" /%s  %d of %d ", draw.Cut(clean(oneLine(t)), 20), len(s.table.Rows), len(g.Samples))
	}
	preview := 0
	if h >= 24 {
		preview = h * 2 / 5
	}
	list := max(h-len(about)-1-preview, 1)
	out := draw.Pane{Lines: append(about, draw.Rule(title, end, w, true))}
	drawn := s.table.Draw(w, list, true)
	rows := drawn.Lines
	if n := len(s.table.Rows); n == 0 && list > 1 {
		rows[1] = " no sample of this is kept"
	} else if n+2 < len(rows) && n == len(g.Samples) {
		rows[n+2] = " every one is kept so far"
		if g.Count > uint64(n) {
			rows[n+2] = fmt.Sprintf(" %s more were counted and not kept (--capture says how many are)", thousands(g.Count-uint64(n)))
		}
	}
	out.Put(drawn)
	if preview > 0 {
		out.Add(draw.Rule("PREVIEW ", "", w, false))
		if x, ok := s.table.Selected(); ok {
			doc := m.docs.made[docKey{x: x.Exchange, revealed: m.reveal, preview: true}]
			out.Add(sampleLines(m, x.Exchange, doc, w, preview-1)...)
		}
	}
	return out
}

func (s *groupScreen) notice(m *model, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(tickMsg); ok {
		if x, ok := s.table.Selected(); ok {
			_, cmd := m.doc(docKey{x: x.Exchange, revealed: m.reveal, preview: true})
			return cmd
		}
	}
	return nil
}
