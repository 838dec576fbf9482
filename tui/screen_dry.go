package tui

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/tui/draw"
)

// dryScreen is what a dry run did: its exchanges, one of each request, for that is what
// one makes it for.
type dryScreen struct {
	blankScreen
	samples
}

func newDry() *dryScreen {
	return &dryScreen{samples: newSamples(draw.Column[sample]{Name: "REQUEST", Width: 28, Text: true, Middle: true, Cell: func(x sample) string { return endpointName(x.Key) }})}
}

func (s *dryScreen) name() string { return "Dry run" }

func dryPage() *page {
	return &page{
		make: func() screen { return newDry() }, search: filtersRows(), reads: true,
		footer: []string{"enter", "/", "e", "R new run", "esc", "q"},
		keys:   slices.Concat(sortKeys(), []binding{copyRow()}, steering(), nextTabs()),
	}
}

func (s *dryScreen) title() string { return "what the dry run did" }

func (s *dryScreen) refresh(m *model) {
	list := slices.Collect(maps.Values(m.snap.Success))
	for _, g := range m.snap.Groups {
		list = append(list, g.Samples...)
	}
	slices.SortFunc(list, func(a, b *stats.Exchange) int {
		return cmp.Or(a.When.Compare(b.When), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	s.take(m, list, func(*stats.Exchange) bool { return true })
}

func (s *dryScreen) filtered(m *model, text string) {
	s.table.query = parseQuery(text)
	s.refresh(m)
}
func (s *dryScreen) filterText() string { return s.table.query.text }

func (s *dryScreen) move(_ *model, by draw.Move) tea.Cmd { s.table.Move(by); return nil }
func (s *dryScreen) copyCell(m *model) tea.Cmd           { return copyRowOf(m, s.table) }
func (s *dryScreen) copyRow(m *model) tea.Cmd            { return copyRowOf(m, s.table) }
func (s *dryScreen) export(m *model) tea.Cmd             { return exportTable(m, "dry-run", s.table) }

func (s *dryScreen) open(m *model) tea.Cmd {
	s.table.Stay()
	if x, ok := s.table.Selected(); ok {
		return m.push(newExchange(x.Exchange, &s.samples, nil))
	}
	return nil
}

func (s *dryScreen) view(m *model, w, h int) draw.Pane {
	t := m.snap.Total.Run
	title := draw.Heading.Render("DRY RUN") + fmt.Sprintf("  one user, one pass: %s, %s failed ", plural(int(t.Requests), "request"), thousands(t.Failures))
	return draw.Section{Title: title, End: s.table.ending("the newest of each request"), Focused: true, Body: func(w, h int) draw.Pane {
		p := s.table.Draw(w, h, true)
		if len(s.table.Rows) == 0 && len(p.Lines) > 1 {
			p.Lines[1] = " no exchange was kept"
			if m.active() {
				p.Lines[1] = " it goes on"
			}
		}
		return p
	}}.Draw(w, h, m.layout.boxed)
}
