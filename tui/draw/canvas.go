package draw

import (
	"math"
	"strings"

	"charm.land/lipgloss/v2"
)

// canvas is cells of two by four dots each, drawn as Braille. A cell has one colour:
// that of what was drawn in it last. The plotting library has no dots; this lies over
// the axis that it draws.
type canvas struct {
	w, h  int // in cells
	dots  []uint8
	style []*lipgloss.Style
}

func newCanvas(w, h int) *canvas {
	return &canvas{w, h, make([]uint8, w*h), make([]*lipgloss.Style, w*h)}
}

// dotBits are the dots of a cell in Unicode's order, by column and row.
var dotBits = [2][4]uint8{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}

// set puts a dot at x from the left and y from the top, both in dots.
func (c *canvas) set(x, y int, st *lipgloss.Style) {
	if x < 0 || y < 0 || x >= 2*c.w || y >= 4*c.h {
		return
	}
	i := y/4*c.w + x/2
	c.dots[i] |= dotBits[x%2][y%4]
	c.style[i] = st
}

// dot is the row of dots of a value, from the top.
func (c *canvas) dot(v, upper float64) int {
	return int(math.Round((1 - v/upper) * float64(4*c.h-1)))
}

// line draws values as a line, two to a cell; gaps stay gaps.
func (c *canvas) line(values []float64, upper float64, st *lipgloss.Style) {
	last := -1
	for x, v := range values[:min(len(values), 2*c.w)] {
		if math.IsNaN(v) {
			last = -1
			continue
		}
		y := c.dot(v, upper)
		from, to := y, y
		if last >= 0 && last != y { // half of the way each, as far as there is one
			if y > last {
				from = last + 1
			} else {
				to = last - 1
			}
		}
		for at := from; at <= to; at++ {
			c.set(x, at, st)
		}
		last = y
	}
}

// area fills what lies below a line.
func (c *canvas) area(values []float64, upper float64, st *lipgloss.Style) {
	for x, v := range values[:min(len(values), 2*c.w)] {
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		for y := c.dot(v, upper); y < 4*c.h; y++ {
			c.set(x, y, st)
		}
	}
}

// band is every other dot between what values were at least and at most.
func (c *canvas) band(low, high []float64, upper float64, st *lipgloss.Style) {
	for x := range min(len(low), len(high), 2*c.w) {
		if math.IsNaN(high[x]) {
			continue
		}
		bottom := 4*c.h - 1
		if !math.IsNaN(low[x]) { // it is below what a logarithm can show
			bottom = c.dot(low[x], upper)
		}
		for y := c.dot(high[x], upper); y <= bottom; y++ {
			if (x+y)%2 == 0 {
				c.set(x, y, st)
			}
		}
	}
}

// row is one line of the cells; where there is no dot, blank says what stands there.
func (c *canvas) row(y int, blank func(x int) string) string {
	var b strings.Builder
	for x := 0; x < c.w; {
		i := y*c.w + x
		if c.dots[i] == 0 {
			s := blank(x)
			if s == "" {
				s = " "
			}
			b.WriteString(s)
			x++
			continue
		}
		var run strings.Builder
		st := c.style[i]
		for ; x < c.w && c.dots[y*c.w+x] != 0 && c.style[y*c.w+x] == st; x++ {
			run.WriteRune(0x2800 + rune(c.dots[y*c.w+x]))
		}
		b.WriteString(st.Render(run.String()))
	}
	return b.String()
}
