package draw

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/guptarohit/asciigraph"
)

// The plotting library panics on an empty series and on infinity, collapses
// flat data to one row and shifts sideways as its labels grow. chart is the
// one place that calls it and gives it only what it can take: a fixed width,
// both bounds, labels of six characters, and gaps as NaN.

// Chart is one picture: series over a window of time.
type Chart struct {
	Series     []Series
	From, Span time.Duration          // the window
	Upper      func(rows int) float64 // a round number of steps, one per row
	Log        bool                   // the scale is logarithmic
	Label      func(float64) string   // of a value, at most six cells
	Clock      func(time.Duration) string
	Marks      []ChartMark
	Suspect    func(from, to time.Duration) bool // nil: nowhere
	Cursor     time.Duration                     // below 0: none
}

// Series is a line, and the range about it.
type Series struct {
	Values    []float64 // one more than there are columns; NaN for a gap
	Low, High []float64 // between what a column's values lie, as long as Values, or nil
	Pen       Pen
}

// ChartMark is a named moment. Its text must be clean.
type ChartMark struct {
	At   time.Duration
	Text string
}

// Pen is how a series looks: a line of its own besides a colour.
type Pen struct {
	sign  string // for the legend
	chars asciigraph.CharSet
	color asciigraph.AnsiColor
	style ansi.Style
}

var (
	heavy = asciigraph.CharSet{Horizontal: "━", VerticalLine: "┃", ArcDownRight: "┏", ArcDownLeft: "┓", ArcUpRight: "┗", ArcUpLeft: "┛", EndCap: "╸", StartCap: "╺"}
	dots  = asciigraph.CharSet{Horizontal: "┄", VerticalLine: "┆", ArcDownRight: "╭", ArcDownLeft: "╮", ArcUpRight: "╰", ArcUpLeft: "╯", EndCap: "┄", StartCap: "┄"}
	thin  = asciigraph.DefaultCharSet

	PenHeavy = Pen{"━", heavy, asciigraph.Teal, ansi.Style{}.ForegroundColor(ansi.Cyan)}
	PenDots  = Pen{"┄", dots, asciigraph.Olive, ansi.Style{}.ForegroundColor(ansi.Yellow)}
	PenThin  = Pen{"─", thin, asciigraph.Purple, ansi.Style{}.ForegroundColor(ansi.Magenta)}
	PenBad   = Pen{"┄", dots, asciigraph.Maroon, ansi.Style{}.ForegroundColor(ansi.Red)}
)

// Legend names a pen in a title: "p95 ┄".
func (p Pen) Legend(name string) string { return name + " " + p.style.Styled(p.sign) }

// ChartMargin is how many cells a label and the axis take.
const ChartMargin = 8

// Draw is the picture in h lines of w; the last is the time axis.
func (c *Chart) Draw(w, h int) []string {
	cols, rows := w-ChartMargin, h-2
	if cols < 4 || rows < 1 {
		return Sized(nil, w, h)
	}
	upper := c.Upper(rows)
	if !(upper > 0) || math.IsInf(upper, 0) {
		upper = float64(rows)
	}
	every, floor := labelEvery(rows), 0.0
	step := upper / float64(rows)
	if c.Log {
		floor = math.Floor(math.Log10(c.least(upper)))
		upper = math.Max(math.Ceil(math.Log10(upper)-1e-9), floor+1) - floor
	}
	var data [][]float64
	var chars []asciigraph.CharSet
	var colors []asciigraph.AnsiColor
	for _, s := range c.Series {
		v := make([]float64, cols+1)
		for i := range v {
			v[i] = math.NaN()
			if i < len(s.Values) {
				v[i] = c.scaled(s.Values[i], floor, upper)
			}
		}
		data = append(data, v)
		chars = append(chars, s.Pen.chars)
		colors = append(colors, s.Pen.color)
	}
	if len(data) == 0 {
		data = [][]float64{make([]float64, cols+1)}
		for i := range data[0] {
			data[0][i] = math.NaN()
		}
	}
	shown := func(v float64) bool { return int(math.Round(v/step))%every == 0 }
	if c.Log { // the row nearest to each power of ten
		shown = func(v float64) bool { return math.Abs(v-math.Round(v)) < 0.5*upper/float64(rows)-1e-9 }
	}
	plot := asciigraph.PlotMany(data,
		asciigraph.Width(cols+1), asciigraph.Height(rows), asciigraph.Offset(2),
		asciigraph.LowerBound(0), asciigraph.UpperBound(upper),
		asciigraph.SeriesChars(chars...), asciigraph.SeriesColors(colors...),
		asciigraph.YAxisValueFormatter(func(v float64) string {
			if !shown(v) {
				return "      "
			}
			if c.Log {
				v = math.Pow(10, math.Round(v)+floor)
			}
			return Right(c.Label(v), 6)
		}))
	lines := strings.Split(plot, "\n")
	at := c.column(c.Cursor, cols)
	ranges := c.ranges(cols, rows, floor, upper)
	for y := range lines {
		// A first value turns the axis into ┼, which says nothing.
		lines[y] = over(Fit(strings.Replace(lines[y], "┼", "┤", 1), w), func(x int) string {
			switch x -= ChartMargin; {
			case x < 0:
				return ""
			case x < cols && y < len(ranges) && ranges[y][x] != nil:
				p := ranges[y][x]
				return p.style.Faint().Styled(p.chars.VerticalLine)
			case c.Cursor >= 0 && x == at:
				return Dim.Styled("┊")
			}
			return ""
		})
	}
	return Sized(append(lines[:min(len(lines), h-1)], c.axis(cols, at)), w, h)
}

// ranges are the pens that fill the cells between the least and the most of a
// column, by row from the top and column; nil where none does.
func (c *Chart) ranges(cols, rows int, floor, upper float64) [][]*Pen {
	out := make([][]*Pen, rows+1)
	for y := range out {
		out[y] = make([]*Pen, cols)
	}
	row := func(v float64) int { // as the plotting library rounds
		return rows - int(math.Round(v*float64(rows)/upper))
	}
	for i := range c.Series {
		s := &c.Series[i]
		for x := range min(cols, len(s.Low), len(s.High)) {
			low, high := c.scaled(s.Low[x], floor, upper), c.scaled(s.High[x], floor, upper)
			if math.IsNaN(high) {
				continue
			}
			if math.IsNaN(low) { // below what a logarithm can show
				low = 0
			}
			if top, bottom := row(high), row(low); top < bottom {
				for y := max(top, 0); y <= min(bottom, rows); y++ {
					out[y][x] = &s.Pen
				}
			}
		}
	}
	return out
}

// over puts cells into a line where it is blank; an empty one leaves it so.
func over(line string, cell func(x int) string) string {
	var b strings.Builder
	var state byte
	pen := "" // the style of the line here
	for x := 0; len(line) > 0; {
		seq, width, n, next := ansi.DecodeSequence(line, state, nil)
		switch {
		case width == 0:
			pen = seq
		case seq == " ":
			if s := cell(x); s != "" {
				seq = ansi.ResetStyle + s + pen
			}
		}
		b.WriteString(seq)
		x += width
		line, state = line[n:], next
	}
	return b.String()
}

func (c *Chart) scaled(v, floor, upper float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return math.NaN()
	}
	if c.Log {
		if v <= 0 {
			return math.NaN()
		}
		v = math.Log10(v) - floor
	}
	return math.Min(math.Max(v, 0), upper)
}

func (c *Chart) least(upper float64) float64 {
	low := upper
	for _, s := range c.Series {
		for _, v := range slices.Concat(s.Values, s.Low) {
			if v > 0 && v < low {
				low = v
			}
		}
	}
	return math.Max(low, upper/1e6)
}

// labelEvery is how many rows share a label.
func labelEvery(rows int) int { return (rows + 8) / 9 }

type axisLabel struct {
	x    int
	text string
}

// labels are the marks in sight, each cut to the room before the next one: what
// is there for no more than its sign keeps that.
func (c *Chart) labels(cols int) []axisLabel {
	var all []axisLabel
	for _, m := range c.Marks {
		if x := c.column(m.At, cols); x >= 0 {
			all = append(all, axisLabel{x, Cut(m.Text, 16)})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].x < all[j].x })
	var out []axisLabel
	end := 0 // of the label before
	for i, l := range all {
		if i+1 < len(all) && all[i+1].x == l.x {
			continue // the newest of one column speaks for it
		}
		next := cols
		if i+1 < len(all) {
			next = all[i+1].x - 1
		} else if x := max(cols-Width(l.text), end); x < l.x {
			l.x = x // the last one may reach back
		}
		if room := max(next-l.x, 1); Width(l.text) > room {
			if room >= 3 {
				l.text = Cut(l.text, room)
			} else {
				l.text = string([]rune(l.text)[:1])
			}
		}
		end = l.x + Width(l.text) + 1
		out = append(out, l)
	}
	return out
}

func (c *Chart) column(at time.Duration, cols int) int {
	if at < c.From || c.Span <= 0 || at > c.From+c.Span {
		return -1
	}
	return min(int(float64(at-c.From)/float64(c.Span)*float64(cols)), cols-1)
}

// axis is the line below: times at the quarters, what the user did, and an
// exclamation mark wherever the generator was not well.
func (c *Chart) axis(cols, cursor int) string {
	cell := make([]rune, cols)
	style := make([]*ansi.Style, cols)
	for i := range cell {
		cell[i] = ' '
	}
	put := func(x int, s string, st *ansi.Style) {
		r := []rune(s)
		x = min(x, cols-len(r))
		if x < 0 {
			return
		}
		for i := range r {
			if st == &Dim && (cell[x+i] != ' ' || i == len(r)-1 && x+i+1 < cols && cell[x+i+1] != ' ' || i == 0 && x > 0 && cell[x-1] != ' ') {
				return // a time gives way
			}
		}
		for i := range r {
			cell[x+i], style[x+i] = r[i], st
		}
	}
	for _, m := range c.labels(cols) {
		put(m.x, m.text, &Modified)
	}
	if cursor >= 0 {
		put(max(cursor-1, 0), "◀▶", &Accent)
	}
	quarters := 4
	if cols < 40 {
		quarters = 2
	}
	for i := 0; i <= quarters; i++ {
		t := c.Clock(c.From + c.Span*time.Duration(i)/time.Duration(quarters))
		x := cols * i / quarters
		if i == quarters {
			x = cols - len(t)
		}
		put(x, t, &Dim)
	}
	if c.Suspect != nil {
		for i := range cell {
			from := c.From + time.Duration(float64(c.Span)*float64(i)/float64(cols))
			to := c.From + time.Duration(float64(c.Span)*float64(i+1)/float64(cols))
			if (cell[i] == ' ' || style[i] == &Dim) && c.Suspect(from, to) {
				cell[i], style[i] = '!', &BadBold
			}
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", ChartMargin))
	for i := 0; i < cols; {
		j := i + 1
		for j < cols && style[j] == style[i] {
			j++
		}
		if style[i] == nil {
			b.WriteString(string(cell[i:j]))
		} else {
			b.WriteString(style[i].Styled(string(cell[i:j])))
		}
		i = j
	}
	return b.String()
}
