package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/tui/draw"
)

// groupScreen is one cause of failures and the exchanges that were kept of it.
type groupScreen struct {
	samples
	last    *stats.Group // as the newest snapshot has it
	variant string       // only samples with this message; empty: all
}

func newGroup(g *stats.Group) *groupScreen {
	return &groupScreen{samples: newSamples(), last: g}
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
	s.take(m, s.last.Samples, func(x *stats.Exchange) bool { return s.variant == "" || x.Message == s.variant })
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
		return m.push(newExchange(x.Exchange, &s.samples, s))
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

// about are the lines that say what this group is, at most so many.
func (s *groupScreen) about(m *model, w, most int) (title string, lines []string) {
	g := s.last
	share := ""
	if r := m.row(g.Key.Key); r != nil && r.Run.Requests > 0 {
		what := "this endpoint"
		if g.Exception() {
			what = "this task"
		}
		share = " · " + stats.Share(g.Count, r.Run.Requests) + "% of " + what
	}
	title = fmt.Sprintf("%s in the whole run · first %s · last %s ago%s ", thousands(g.Count), g.First.Local().Format("15:04:05"), ago(m.now(), g.Last), share)
	out := []string{fmt.Sprintf(" per second  %s  %s/s   began at %s users", draw.Spark(g.Trend, min(max(w-46, 10), 60)), rate(m.rateOf(g)), thousands(g.Users))}
	// What it said: whole, as far as there is room.
	lead := " message     "
	said := []stats.Variant{{Message: g.Message, Count: g.Count}}
	if len(g.Variants) > 1 {
		lead, said = " variants    ", g.Variants
	}
	room := max(w-len(lead)-14, 16)
	for i, v := range said {
		if len(out) >= most && len(said)-i > 0 && i > 0 {
			out[len(out)-1] = draw.Between(draw.Cut(out[len(out)-1], w-16), draw.Dim.Render(fmt.Sprintf("… %d more (v) ", len(said)-i)), w)
			break
		}
		lines := draw.WrapText(clean(oneLine(v.Message)), room)
		for j, l := range lines[:min(len(lines), max(most-len(out), 1))] {
			if v.Message == s.variant {
				l = draw.Inverse.Render(l)
			}
			if j == 0 && len(said) > 1 {
				l += "  ×" + thousands(v.Count)
			}
			out = append(out, lead+l)
			lead = strings.Repeat(" ", len(lead))
		}
	}
	return title, out
}

func (s *groupScreen) view(m *model, w, h int) draw.Pane {
	f := m.layout
	name, about := s.about(m, f.inner(w), max(h/5, 3))
	g := s.last
	title := draw.Heading.Render("SAMPLES") + fmt.Sprintf(" %d kept of %s: the first, the last, the rest at random ", len(g.Samples), thousands(g.Count))
	end := ""
	if t := s.filterText(); t != "" {
		end = fmt.Sprintf(" /%s  %d of %d ", draw.Cut(clean(oneLine(t)), 20), len(s.table.Rows), len(g.Samples))
	}
	edges := f.edges()
	top := len(about) + edges
	preview := 0
	if h >= 24 {
		preview = h * 2 / 5
	}
	out := draw.Section{Title: name, Body: draw.Lines(about...)}.Draw(w, top, f.boxed)
	out.Put(draw.Section{Title: title, End: end, Focused: true, Body: func(w, h int) draw.Pane {
		drawn := s.table.Draw(w, h, true)
		rows := drawn.Lines
		if n := len(s.table.Rows); n == 0 && h > 1 {
			rows[1] = " no sample of this is kept"
		} else if n+2 < len(rows) && n == len(g.Samples) {
			rows[n+2] = " every one is kept so far"
			if g.Count > uint64(n) {
				rows[n+2] = fmt.Sprintf(" %s more were counted and not kept (--capture says how many are)", thousands(g.Count-uint64(n)))
			}
		}
		return drawn
	}}.Draw(w, max(h-top-preview, edges+1), f.boxed))
	if preview > 0 {
		out.Put(draw.Section{Title: "PREVIEW ", Body: func(w, h int) draw.Pane {
			x, ok := s.table.Selected()
			if !ok {
				return draw.Pane{}
			}
			doc := m.docs.made[docKey{x: x.Exchange, revealed: m.reveal, preview: true}]
			return draw.Pane{Lines: sampleLines(m, x.Exchange, doc, w, h)}
		}}.Draw(w, preview, f.boxed))
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
