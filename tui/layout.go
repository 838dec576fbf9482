package tui

// layout is where everything is on a screen of w by h. The views only fill what
// it gives them, and what they give is cut and padded to that.
type layout struct {
	w, h int
	tiny bool // two lines and the most needed keys
	slim bool // no charts, no panes beside or below each other
	body int  // lines between the tabs and the foot
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
	f.body = max(f.h-headLines-footLines, 0)
	return f
}

func (f layout) wide() bool { return f.w >= 140 && f.h >= 36 }
