// Package draw puts text, tables and charts into the cells of a terminal. It
// knows cells and nothing of a run: what a row, a point or a key means is the
// caller's.
//
//	t := draw.Table[city]{ID: name, Columns: columns}
//	t.Set(cities, nil)
//	pane := t.Draw(80, 20, true) // 20 lines of 80 cells, and what a click on them does
//
// Everything that draws gives lines of exactly the width that was asked for. Text
// must be safe to draw before it comes here: one line, without control
// characters, with escapes such as ‹U+202E› in the place of what must not be seen
// as it is; such an escape is never cut or wrapped in its middle.
package draw

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
)

// Pane is a part of the screen: its lines, and what lies where on them. It does
// not know where it will be drawn: whoever puts panes together moves what lies on
// them along.
type Pane struct {
	Lines []string
	Areas []Area // where clicks and the wheel mean something
}

// Area is a rectangle that does something when it is clicked or the wheel turns
// over it.
type Area struct {
	X, Y, W, H int
	Click      func(x, y int) // relative to the rectangle, as all of them
	Release    func(x, y int)
	Wheel      func(by Move)
	Press      string // the key that a click stands for
}

// Has says whether a cell is in the area.
func (a Area) Has(x, y int) bool { return x >= a.X && x < a.X+a.W && y >= a.Y && y < a.Y+a.H }

// Move is what a key does to a table, a text or a picture.
type Move int

// The moves.
const (
	MoveUp Move = iota + 1
	MoveDown
	PageUp
	PageDown
	MoveTop
	MoveBottom
	MoveLeft
	MoveRight
	SortNext
	SortReverse
	Wrap
	NextMatch
	PrevMatch
)

// Add puts lines below those that are there.
func (p *Pane) Add(lines ...string) { p.Lines = append(p.Lines, lines...) }

// Put puts a pane below.
func (p *Pane) Put(q Pane) {
	p.Areas = append(p.Areas, q.At(0, len(p.Lines))...)
	p.Lines = append(p.Lines, q.Lines...)
}

// At are the pane's areas where its first cell is at x, y.
func (p Pane) At(x, y int) []Area {
	moved := make([]Area, len(p.Areas))
	for i, a := range p.Areas {
		a.X, a.Y = a.X+x, a.Y+y
		moved[i] = a
	}
	return moved
}

// OnClick calls first before what a click on the pane does.
func (p Pane) OnClick(first func()) Pane {
	for i := range p.Areas {
		if click := p.Areas[i].Click; click != nil {
			p.Areas[i].Click = func(x, y int) {
				first()
				click(x, y)
			}
		}
	}
	return p
}

// Beside joins two panes of the same height; between is what stands between them, and
// the rule below their titles where that is one line.
func (p Pane) Beside(end Pane, w int, ruled bool) Pane {
	gap := 0
	lines := []string{strings.Join(p.Lines, "\n"), strings.Join(end.Lines, "\n")}
	if ruled {
		between := make([]string, len(p.Lines))
		for i := range between {
			between[i] = Edge.Render("│")
		}
		if len(between) > 0 {
			between[0] = Edge.Render("┬")
		}
		lines = slices.Insert(lines, 1, strings.Join(between, "\n"))
		gap = 1
	}
	return Pane{Lines: strings.Split(lipgloss.JoinHorizontal(lipgloss.Top, lines...), "\n"), Areas: append(p.Areas, end.At(w+gap, 0)...)}
}
