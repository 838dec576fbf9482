package draw

import (
	"math"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// Heat is a picture of how much there is of what, when: time goes across, what is
// measured goes up, and how dense a cell is says how much.
type Heat struct {
	Chart              // its window, marks, cursor; it has no series
	Counts [][]float64 // by column, Columns of them, and step from the bottom
	Bound  func(step int) string
	Style  func(step int) lipgloss.Style
	least  int // the steps in sight
	most   int
	per    int // … to a row
}

var densities = []rune("░▒▓█")

// Columns is how many columns there are in w cells.
func (h *Heat) Columns(w int) int { return max(w-ChartMargin, 1) }

// Draw is the picture in so many lines of w.
func (h *Heat) Draw(w, lines int) []string {
	cols, below := w-ChartMargin, 1
	marks := h.marks(cols)
	if marks != "" && lines >= 6 {
		below++
	}
	rows := lines - below
	if cols < 4 || rows < 2 {
		return Sized(nil, w, lines)
	}
	h.fit(rows)
	top := 1.0
	cells := make([][]float64, cols)
	for x := range cells {
		cells[x] = make([]float64, rows)
		for y := range rows {
			cells[x][y] = h.at(x, y)
			top = max(top, cells[x][y])
		}
	}
	cursor := h.column(h.Cursor, cols)
	out := make([]string, 0, lines)
	for y := range slices.Backward(cells[0]) {
		step := h.least + y*h.per
		label := strings.Repeat(" ", ChartMargin-1)
		if y%2 == 0 {
			label = Right(h.Bound(step), 6) + " "
		}
		var b, run strings.Builder
		b.WriteString(label + "┤")
		st := h.Style(step)
		flush := func() {
			if run.Len() > 0 {
				b.WriteString(st.Render(run.String()))
				run.Reset()
			}
		}
		for x := range cols {
			n := cells[x][y]
			switch {
			case n > 0:
				// A few are seen, too: the density goes by the logarithm.
				d := math.Log1p(n) / math.Log1p(top) * float64(len(densities))
				run.WriteRune(densities[min(int(d), len(densities)-1)])
				continue
			case h.Cursor >= 0 && x == cursor:
				flush()
				b.WriteString(Dim.Render("┊"))
			default:
				flush()
				b.WriteByte(' ')
			}
		}
		flush()
		out = append(out, b.String())
	}
	if below > 1 {
		out = append(out, strings.Repeat(" ", ChartMargin)+marks)
	}
	return Sized(append(out, h.axis(cols, cursor)), w, lines)
}

// fit finds the steps that are in sight.
func (h *Heat) fit(rows int) {
	h.least, h.most = -1, -1
	steps := 0
	for _, c := range h.Counts {
		steps = max(steps, len(c))
		for i, n := range c {
			if n > 0 && (h.least < 0 || i < h.least) {
				h.least = i
			}
			if n > 0 {
				h.most = max(h.most, i)
			}
		}
	}
	if h.least < 0 {
		h.least, h.most = 0, 0
	}
	h.per = max((h.most-h.least+rows)/rows, 1)
	if spare := rows*h.per - (h.most - h.least + 1); spare > 0 { // in the middle
		h.least = max(min(h.least-spare/2, steps-rows*h.per), 0)
	}
}

// at is how much there is in a cell, its row from the bottom.
func (h *Heat) at(x, y int) (n float64) {
	if x >= len(h.Counts) {
		return 0
	}
	first := h.least + y*h.per
	for i := first; i < first+h.per && i < len(h.Counts[x]); i++ {
		n += h.Counts[x][i]
	}
	return n
}

// SpanOf is the time that column x of n stands for.
func (c *Chart) SpanOf(x, n int) (from, to time.Duration) {
	return c.From + time.Duration(float64(c.Span)*float64(x)/float64(n)), c.From + time.Duration(float64(c.Span)*float64(x+1)/float64(n))
}
