package tui

import "tload/tui/draw"

// layout is where everything is on a screen of w by h. The views only fill what
// it gives them, and what they give is cut and padded to that.
type layout struct {
	w, h  int
	tiny  bool // two lines and the most needed keys
	slim  bool // no charts, no panes beside or below each other
	boxed bool // there is room for sections in boxes
	body  int  // lines between the tabs and the foot
}

const (
	leastWidth  = 40
	leastHeight = 10
	headLines   = 3 // status, numbers, tabs
	footLines   = 2 // rule or message, keys
)

func newLayout(w, h int) layout {
	f := layout{w: max(w, 1), h: max(h, 1)}
	f.tiny = f.w < leastWidth || f.h < leastHeight
	f.slim = f.w < 60 || f.h < 24
	f.boxed = f.w >= 100 && f.h >= 30
	f.body = max(f.h-headLines-footLines, 0)
	return f
}

func (f layout) wide() bool { return f.w >= 140 && f.h >= 36 }

// edges is how many lines of a section are not its body, and inner how many cells of
// one that is w wide are.
func (f layout) edges() int {
	if f.boxed {
		return 2
	}
	return 1
}

func (f layout) inner(w int) int {
	if f.boxed {
		return w - 2
	}
	return w
}

// beside puts two panes side by side, the left one w wide.
func (f layout) beside(left, right draw.Pane, w int) draw.Pane {
	return left.Beside(right, w, !f.boxed)
}

// parts are the widths of two panes side by side, the left one of about that width.
func (f layout) parts(w, left int) (lw, rw int) {
	if f.boxed {
		return left, w - left
	}
	return left, w - left - 1
}
