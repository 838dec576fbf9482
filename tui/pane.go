package tui

// pane is a part of the screen: its lines, and what lies where on them. It does
// not know where it will be drawn: whoever puts panes together moves what lies on
// them along.
type pane struct {
	lines []string
	areas []area
}

// area is a rectangle that does something when it is clicked or the wheel turns
// over it.
type area struct {
	x, y, w, h int
	click      func(x, y int) // relative to the rectangle, as all of them
	release    func(x, y int)
	wheel      func(by move)
	press      string // the key that a click stands for
}

// has says whether a cell is in the area.
func (a area) has(x, y int) bool { return x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h }

// move is what a key does to a table, a text or a picture.
type move int

// The moves.
const (
	up move = iota + 1
	down
	pageUp
	pageDown
	top
	bottom
	left
	rightward
	sortNext
	sortReverse
	wrap
	nextMatch
	prevMatch
)

// add puts lines below.
func (p *pane) add(lines ...string) { p.lines = append(p.lines, lines...) }

// put puts a pane below.
func (p *pane) put(q pane) {
	p.areas = append(p.areas, q.at(0, len(p.lines))...)
	p.lines = append(p.lines, q.lines...)
}

// at are the pane's areas where its first cell is at x, y.
func (p pane) at(x, y int) []area {
	moved := make([]area, len(p.areas))
	for i, a := range p.areas {
		a.x, a.y = a.x+x, a.y+y
		moved[i] = a
	}
	return moved
}

// onClick calls first before what a click on the pane does.
func (p pane) onClick(first func()) pane {
	for i := range p.areas {
		if click := p.areas[i].click; click != nil {
			p.areas[i].click = func(x, y int) {
				first()
				click(x, y)
			}
		}
	}
	return p
}

// beside joins two panes of the same height with a rule between them. The first
// line is their titles'.
func (p pane) beside(end pane, w, endW int) pane {
	return pane{lines: beside(p.lines, end.lines, w, endW), areas: append(p.areas, end.at(w+1, 0)...)}
}
