package draw

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/guptarohit/asciigraph"
)

// The plotting library panics on an empty series and on infinity, collapses
// flat data to one row and shifts sideways as its labels grow. chart is the
// one place that calls it and gives it only what it can take: a fixed width,
// both bounds, labels of six characters, and gaps as NaN.

// Chart is one picture: series over a window of time.
type Chart struct {
	Series     []Series               // the first is drawn first
	From, Span time.Duration          // the window
	Upper      func(rows int) float64 // a round number of steps, one per row
	Log        bool                   // the scale is logarithmic
	Dots       bool                   // in dots of Braille, not in lines of the library
	Label      func(float64) string   // of a value, at most six cells
	Clock      func(time.Duration) string
	Marks      []ChartMark
	Suspect    func(from, to time.Duration) bool // nil: nowhere
	Cursor     time.Duration                     // below 0: none
}

// Series is a line, and the range about it.
type Series struct {
	Values    []float64 // Columns of them, and one for the edge; NaN for a gap
	Low, High []float64 // between what a column's values lie, as long as Values, or nil
	Fill      bool      // what is below it is filled, where there are dots
	Pen       Pen
}

// ChartMark is a named moment. Its sign is one or two cells, such as ▲3.
type ChartMark struct {
	At   time.Duration
	Sign string
}

// Pen is how a series looks: a line of its own besides a colour.
type Pen struct {
	sign  string // for the legend
	chars asciigraph.CharSet
	color asciigraph.AnsiColor
	style lipgloss.Style
	fill  lipgloss.Style // of what is below it
}

var (
	heavy = asciigraph.CharSet{Horizontal: "━", VerticalLine: "┃", ArcDownRight: "┏", ArcDownLeft: "┓", ArcUpRight: "┗", ArcUpLeft: "┛", EndCap: "╸", StartCap: "╺"}
	dots  = asciigraph.CharSet{Horizontal: "┄", VerticalLine: "┆", ArcDownRight: "╭", ArcDownLeft: "╮", ArcUpRight: "╰", ArcUpLeft: "╯", EndCap: "┄", StartCap: "┄"}
	thin  = asciigraph.DefaultCharSet

	PenHeavy = newPen("━", heavy, asciigraph.Teal, lipgloss.Cyan, lipgloss.Blue)
	PenDots  = newPen("┄", dots, asciigraph.Olive, lipgloss.Yellow, lipgloss.BrightYellow)
	PenThin  = newPen("─", thin, asciigraph.Purple, lipgloss.Magenta, lipgloss.BrightMagenta)
	PenBad   = newPen("┄", dots, asciigraph.Maroon, lipgloss.Red, lipgloss.BrightRed)
)

func newPen(sign string, chars asciigraph.CharSet, color asciigraph.AnsiColor, line, fill ansi.BasicColor) Pen {
	return Pen{sign, chars, color, lipgloss.NewStyle().Foreground(line), lipgloss.NewStyle().Foreground(fill)}
}

// Legend names a pen in a title: "p95 ┄".
func (p Pen) Legend(name string) string { return name + " " + p.style.Render(p.sign) }

// ChartMargin is how many cells a label and the axis take.
const ChartMargin = 8

// Columns is how many values a series has in a chart of that width.
func (c *Chart) Columns(w int) int {
	n := max(w-ChartMargin, 1)
	if c.Dots {
		n *= 2
	}
	return n
}

// Draw is the picture in h lines of w: below the plot is a line of marks, if there are
// any in sight, and the time axis.
func (c *Chart) Draw(w, h int) []string {
	cols, below := w-ChartMargin, 1
	marks := c.marks(cols)
	if marks != "" && h >= 6 {
		below++
	}
	rows := h - 1 - below
	if cols < 4 || rows < 1 {
		return Sized(nil, w, h)
	}
	upper := c.Upper(rows)
	if !(upper > 0) || math.IsInf(upper, 0) {
		upper = float64(rows)
	}
	floor, step := 0.0, upper/float64(rows)
	if c.Log {
		floor = math.Floor(math.Log10(c.least(upper)))
		upper = math.Max(math.Ceil(math.Log10(upper)-1e-9), floor+1) - floor
	}
	every := labelEvery(rows)
	shown := func(v float64) bool { return int(math.Round(v/step))%every == 0 }
	if c.Log { // the row nearest to each power of ten
		shown = func(v float64) bool { return math.Abs(v-math.Round(v)) < 0.5*upper/float64(rows)-1e-9 }
	}
	label := func(v float64) string {
		if !shown(v) {
			return "      "
		}
		if c.Log {
			v = math.Pow(10, math.Round(v)+floor)
		} else if v < step/2 { // what the library makes of 0
			v = 0
		}
		return Right(c.Label(v), 6)
	}
	lines := c.plotted(cols, rows, floor, upper, label)
	at := c.column(c.Cursor, cols)
	cursor := func(x int) string {
		if c.Cursor >= 0 && x == at {
			return Dim.Render("┊")
		}
		return ""
	}
	if c.Dots {
		dots := c.dotted(cols, rows+1, floor, upper)
		for y := range lines {
			lines[y] = ansi.Truncate(lines[y], ChartMargin, "") + dots.row(y, cursor)
		}
	} else {
		ranges := c.ranges(cols, rows, floor, upper)
		for y := range lines {
			lines[y] = over(Fit(lines[y], w), func(x int) string {
				switch x -= ChartMargin; {
				case x < 0:
					return ""
				case x < cols && y < len(ranges) && ranges[y][x] != nil:
					p := ranges[y][x]
					return p.style.Faint(true).Render(p.chars.VerticalLine)
				}
				return cursor(x)
			})
		}
	}
	if below > 1 {
		lines = append(lines, strings.Repeat(" ", ChartMargin)+marks)
	}
	return Sized(append(lines, c.axis(cols, at)), w, h)
}

// plotted is what the plotting library draws: the axis with its labels, and the series
// unless they come in dots.
func (c *Chart) plotted(cols, rows int, floor, upper float64, label func(float64) string) []string {
	var data [][]float64
	var chars []asciigraph.CharSet
	var colors []asciigraph.AnsiColor
	series := c.Series
	if c.Dots || len(series) == 0 {
		series = []Series{{Pen: PenThin}}
	}
	for _, s := range series {
		data = append(data, c.scaledAll(s.Values, cols+1, floor, upper))
		chars = append(chars, s.Pen.chars)
		colors = append(colors, s.Pen.color)
	}
	plot := asciigraph.PlotMany(data,
		asciigraph.Width(cols+1), asciigraph.Height(rows), asciigraph.Offset(2),
		asciigraph.LowerBound(0), asciigraph.UpperBound(upper),
		asciigraph.SeriesChars(chars...), asciigraph.SeriesColors(colors...), asciigraph.YAxisValueFormatter(label))
	lines := strings.Split(plot, "\n")
	for i, l := range lines {
		// A first value turns the axis into ┼, which says nothing.
		lines[i] = strings.Replace(l, "┼", "┤", 1)
	}
	return lines[:min(len(lines), rows+1)]
}

// dotted are the series in dots.
func (c *Chart) dotted(cols, rows int, floor, upper float64) *canvas {
	out := newCanvas(cols, rows)
	all := make([][]float64, len(c.Series))
	end := 0
	for i := range c.Series {
		all[i] = c.scaledAll(c.Series[i].Values, 2*cols, floor, upper)
		for x, v := range all[i] {
			if !math.IsNaN(v) {
				end = max(end, x+1)
			}
		}
	}
	if end > 1 { // the half of a cell waits for the other: each goes over the line once
		end -= end % 2
	}
	for i := range c.Series {
		s := &c.Series[i]
		all[i] = all[i][:end]
		if s.Fill {
			out.area(all[i], upper, &s.Pen.fill)
		}
	}
	for i := range c.Series {
		s := &c.Series[i]
		out.band(c.scaledAll(s.Low, min(end, len(s.Low)), floor, upper), c.scaledAll(s.High, min(end, len(s.High)), floor, upper), upper, &s.Pen.fill)
	}
	for i := range c.Series {
		out.line(all[i], upper, &c.Series[i].Pen.style)
	}
	return out
}

// scaledAll are n values as the plot has them; what there is none of is a gap.
func (c *Chart) scaledAll(values []float64, n int, floor, upper float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
		if i < len(values) {
			out[i] = c.scaled(values[i], floor, upper)
		}
	}
	return out
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

// marks is the line of marks: each at its moment, and an exclamation mark wherever the
// generator was not well. It is empty where there are none.
func (c *Chart) marks(cols int) string {
	if cols < 1 {
		return ""
	}
	cell := make([]string, cols)
	any := false
	if c.Suspect != nil {
		for i := range cell {
			from := c.From + time.Duration(float64(c.Span)*float64(i)/float64(cols))
			to := c.From + time.Duration(float64(c.Span)*float64(i+1)/float64(cols))
			if c.Suspect(from, to) {
				cell[i], any = BadBold.Render("!"), true
			}
		}
	}
	all := slices.Clone(c.Marks)
	sort.SliceStable(all, func(i, j int) bool { return all[i].At < all[j].At })
	free := cols
	for _, m := range slices.Backward(all) { // the newest of one place speaks for it
		x := c.column(m.At, cols)
		n := Width(m.Sign)
		if x < 0 || n == 0 {
			continue
		}
		if x = min(x, cols-n); x < 0 || x+n > free {
			continue
		}
		free, any = x, true
		cell[x] = Modified.Render(m.Sign)
		for i := x + 1; i < x+n; i++ {
			cell[i] = "-" // taken
		}
	}
	if !any {
		return ""
	}
	var b strings.Builder
	for _, s := range cell {
		switch s {
		case "":
			b.WriteByte(' ')
		case "-":
		default:
			b.WriteString(s)
		}
	}
	return b.String()
}

func (c *Chart) column(at time.Duration, cols int) int {
	if at < c.From || c.Span <= 0 || at > c.From+c.Span {
		return -1
	}
	return min(int(float64(at-c.From)/float64(c.Span)*float64(cols)), cols-1)
}

// tickSteps are between what moments an axis has its ticks.
var tickSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
}

// axis is the line below: round times, as many as there is room for.
func (c *Chart) axis(cols, cursor int) string {
	cell := []rune(strings.Repeat(" ", cols))
	wide := Width(c.Clock(c.From+c.Span)) + 4
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if float64(s)/float64(max(c.Span, 1))*float64(cols) >= float64(max(wide, cols/8)) {
			step = s
			break
		}
	}
	end := 0
	for at := (c.From + step - 1) / step * step; at <= c.From+c.Span; at += step {
		text := []rune(c.Clock(at))
		x := c.column(at, cols)
		if x < end {
			continue
		}
		if x+len(text) > cols { // the last one reaches back
			if x = cols - len(text); x < end || at < c.From+c.Span {
				continue
			}
		}
		copy(cell[x:], text)
		end = x + len(text) + 1
	}
	lead := strings.Repeat(" ", ChartMargin)
	if cursor < 0 || cursor >= cols {
		return lead + Dim.Render(string(cell))
	}
	x := min(max(cursor-1, 0), cols-2)
	return lead + Dim.Render(string(cell[:x])) + Accent.Render("◀▶") + Dim.Render(string(cell[x+2:]))
}
