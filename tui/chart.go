package tui

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/guptarohit/asciigraph"

	"tload/stats"
	"tload/tui/draw"
)

// The plotting library panics on an empty series and on infinity, collapses
// flat data to one row and shifts sideways as its labels grow. chart is the
// one place that calls it and gives it only what it can take: a fixed width,
// both bounds, labels of six characters, and gaps as NaN.

// chart is one picture: series over a window of the run.
type chart struct {
	series  []series
	from    time.Duration // the window's start, since the run began
	span    time.Duration
	upper   func(rows int) float64 // a round number of steps, one per row
	log     bool
	label   func(float64) string
	marks   []chartMark
	suspect func(from, to time.Duration) bool
	cursor  time.Duration // below 0: none
}

type series struct {
	values    []float64 // one more than there are columns; NaN for a gap
	low, high []float64 // between what the seconds of a column lie, as long as values
	pen       pen
}

type chartMark struct {
	at   time.Duration
	text string
}

// pen is how a series looks: a line of its own besides a colour.
type pen struct {
	sign  string // for the legend
	chars asciigraph.CharSet
	color asciigraph.AnsiColor
	style ansi.Style
}

var (
	heavy = asciigraph.CharSet{Horizontal: "━", VerticalLine: "┃", ArcDownRight: "┏", ArcDownLeft: "┓", ArcUpRight: "┗", ArcUpLeft: "┛", EndCap: "╸", StartCap: "╺"}
	dots  = asciigraph.CharSet{Horizontal: "┄", VerticalLine: "┆", ArcDownRight: "╭", ArcDownLeft: "╮", ArcUpRight: "╰", ArcUpLeft: "╯", EndCap: "┄", StartCap: "┄"}
	thin  = asciigraph.DefaultCharSet

	penHeavy = pen{"━", heavy, asciigraph.Teal, ansi.Style{}.ForegroundColor(ansi.Cyan)}
	penDots  = pen{"┄", dots, asciigraph.Olive, ansi.Style{}.ForegroundColor(ansi.Yellow)}
	penThin  = pen{"─", thin, asciigraph.Purple, ansi.Style{}.ForegroundColor(ansi.Magenta)}
	penBad   = pen{"┄", dots, asciigraph.Maroon, ansi.Style{}.ForegroundColor(ansi.Red)}
)

// legend names a pen in a title: "p95 ┄".
func (p pen) legend(name string) string { return name + " " + p.style.Styled(p.sign) }

const chartMargin = 8 // label and axis

// draw is the picture in h lines of w; the last is the time axis.
func (c *chart) draw(w, h int) []string {
	cols, rows := w-chartMargin, h-2
	if cols < 4 || rows < 1 {
		return draw.Sized(nil, w, h)
	}
	upper := c.upper(rows)
	if !(upper > 0) || math.IsInf(upper, 0) {
		upper = float64(rows)
	}
	every, floor := labelEvery(rows), 0.0
	step := upper / float64(rows)
	if c.log {
		floor = math.Floor(math.Log10(c.least(upper)))
		upper = math.Max(math.Ceil(math.Log10(upper)-1e-9), floor+1) - floor
	}
	var data [][]float64
	var chars []asciigraph.CharSet
	var colors []asciigraph.AnsiColor
	for _, s := range c.series {
		v := make([]float64, cols+1)
		for i := range v {
			v[i] = math.NaN()
			if i < len(s.values) {
				v[i] = c.scaled(s.values[i], floor, upper)
			}
		}
		data = append(data, v)
		chars = append(chars, s.pen.chars)
		colors = append(colors, s.pen.color)
	}
	if len(data) == 0 {
		data = [][]float64{make([]float64, cols+1)}
		for i := range data[0] {
			data[0][i] = math.NaN()
		}
	}
	shown := func(v float64) bool { return int(math.Round(v/step))%every == 0 }
	if c.log { // the row nearest to each power of ten
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
			if c.log {
				v = math.Pow(10, math.Round(v)+floor)
			}
			return draw.Right(c.label(v), 6)
		}))
	lines := strings.Split(plot, "\n")
	at := c.column(c.cursor, cols)
	ranges := c.ranges(cols, rows, floor, upper)
	for y := range lines {
		// A first value turns the axis into ┼, which says nothing.
		lines[y] = over(draw.Fit(strings.Replace(lines[y], "┼", "┤", 1), w), func(x int) string {
			switch x -= chartMargin; {
			case x < 0:
				return ""
			case x < cols && y < len(ranges) && ranges[y][x] != nil:
				p := ranges[y][x]
				return p.style.Faint().Styled(p.chars.VerticalLine)
			case c.cursor >= 0 && x == at:
				return draw.Dim.Styled("┊")
			}
			return ""
		})
	}
	return draw.Sized(append(lines[:min(len(lines), h-1)], c.axis(cols, at)), w, h)
}

// ranges are the pens that fill the cells between the least and the most of a
// column, by row from the top and column; nil where none does.
func (c *chart) ranges(cols, rows int, floor, upper float64) [][]*pen {
	out := make([][]*pen, rows+1)
	for y := range out {
		out[y] = make([]*pen, cols)
	}
	row := func(v float64) int { // as the plotting library rounds
		return rows - int(math.Round(v*float64(rows)/upper))
	}
	for i := range c.series {
		s := &c.series[i]
		for x := range min(cols, len(s.low), len(s.high)) {
			low, high := c.scaled(s.low[x], floor, upper), c.scaled(s.high[x], floor, upper)
			if math.IsNaN(high) {
				continue
			}
			if math.IsNaN(low) { // below what a logarithm can show
				low = 0
			}
			if top, bottom := row(high), row(low); top < bottom {
				for y := max(top, 0); y <= min(bottom, rows); y++ {
					out[y][x] = &s.pen
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

func (c *chart) scaled(v, floor, upper float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return math.NaN()
	}
	if c.log {
		if v <= 0 {
			return math.NaN()
		}
		v = math.Log10(v) - floor
	}
	return math.Min(math.Max(v, 0), upper)
}

func (c *chart) least(upper float64) float64 {
	low := upper
	for _, s := range c.series {
		for _, v := range slices.Concat(s.values, s.low) {
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
func (c *chart) labels(cols int) []axisLabel {
	var all []axisLabel
	for _, m := range c.marks {
		if x := c.column(m.at, cols); x >= 0 {
			all = append(all, axisLabel{x, draw.Cut(clean(m.text), 16)})
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
		} else if x := max(cols-draw.Width(l.text), end); x < l.x {
			l.x = x // the last one may reach back
		}
		if room := max(next-l.x, 1); draw.Width(l.text) > room {
			if room >= 3 {
				l.text = draw.Cut(l.text, room)
			} else {
				l.text = string([]rune(l.text)[:1])
			}
		}
		end = l.x + draw.Width(l.text) + 1
		out = append(out, l)
	}
	return out
}

func (c *chart) column(at time.Duration, cols int) int {
	if at < c.from || c.span <= 0 || at > c.from+c.span {
		return -1
	}
	return min(int(float64(at-c.from)/float64(c.span)*float64(cols)), cols-1)
}

// axis is the line below: times at the quarters, what the user did, and an
// exclamation mark wherever the generator was not well.
func (c *chart) axis(cols, cursor int) string {
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
			if st == &draw.Dim && (cell[x+i] != ' ' || i == len(r)-1 && x+i+1 < cols && cell[x+i+1] != ' ' || i == 0 && x > 0 && cell[x-1] != ' ') {
				return // a time gives way
			}
		}
		for i := range r {
			cell[x+i], style[x+i] = r[i], st
		}
	}
	for _, m := range c.labels(cols) {
		put(m.x, m.text, &draw.Modified)
	}
	if cursor >= 0 {
		put(max(cursor-1, 0), "◀▶", &draw.Accent)
	}
	quarters := 4
	if cols < 40 {
		quarters = 2
	}
	for i := 0; i <= quarters; i++ {
		t := clock(c.from + c.span*time.Duration(i)/time.Duration(quarters))
		x := cols * i / quarters
		if i == quarters {
			x = cols - len(t)
		}
		put(x, t, &draw.Dim)
	}
	if c.suspect != nil {
		for i := range cell {
			from := c.from + time.Duration(float64(c.span)*float64(i)/float64(cols))
			to := c.from + time.Duration(float64(c.span)*float64(i+1)/float64(cols))
			if (cell[i] == ' ' || style[i] == &draw.Dim) && c.suspect(from, to) {
				cell[i], style[i] = '!', &draw.BadBold
			}
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", chartMargin))
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

// window is the part of a run that a chart shows. It fills from left to right
// and jumps on by a quarter when it is full: a picture that stands still but
// for its newest column is read more easily, and costs a slow line twenty
// times less than one that scrolls.
func window(elapsed, span time.Duration) (from time.Duration) {
	if elapsed <= span {
		return 0
	}
	step := span / 4
	return (elapsed - span + step - 1) / step * step
}

// wholeSpan is a window that holds all of a run, doubling as it grows.
func wholeSpan(elapsed time.Duration) time.Duration {
	span := time.Minute
	for span < elapsed {
		span *= 2
	}
	return span
}

// fewSeconds is what a line goes through without leaving much out.
const fewSeconds = 3 * time.Second

// columnsOf is one value per column of a window, and one more for the edge: join
// makes it of what pick finds in the seconds that the column covers. Its high and its
// low are of single seconds, also where a point stands for many; the low is where the
// line is in a column of few, lest a picture of a minute be all stripes.
func columnsOf(seconds []stats.Second, from, span time.Duration, n int, p pen, pick func(*stats.Level) float64, join func([]float64) float64) series {
	n = max(n, 1)
	gaps := func() []float64 { return slices.Repeat([]float64{math.NaN()}, n+1) }
	out := series{gaps(), gaps(), gaps(), p}
	var in []float64
	for i := range n + 1 {
		lo := from + time.Duration(float64(span)*float64(i)/float64(n))
		hi := max(from+time.Duration(float64(span)*float64(i+1)/float64(n)), lo+1)
		in = in[:0]
		least, most := math.NaN(), math.NaN()
		first := sort.Search(len(seconds), func(j int) bool { return seconds[j].At+max(seconds[j].Span, 1) > lo })
		j := first
		for ; j < len(seconds) && seconds[j].At < hi; j++ {
			l := seconds[j].Level()
			if v := pick(&l); !math.IsNaN(v) {
				in = append(in, v)
			}
			low, high := seconds[j].Levels()
			if v := pick(&low); !math.IsNaN(v) && !(v >= least) { // a NaN is replaced
				least = v
			}
			if v := pick(&high); !math.IsNaN(v) && !(v <= most) {
				most = v
			}
		}
		if len(in) == 0 {
			continue
		}
		v := join(in)
		if last := seconds[j-1]; last.At+last.Span-seconds[first].At <= fewSeconds {
			least = v
		}
		out.values[i], out.low[i], out.high[i] = v, least, most
	}
	return out
}

func mean(vs []float64) float64 {
	sum := 0.0
	for _, v := range vs {
		sum += v
	}
	return sum / float64(len(vs))
}

func largest(vs []float64) float64 {
	top := vs[0]
	for _, v := range vs[1:] {
		top = math.Max(top, v)
	}
	return top
}

// scale is what one row of a chart stands for: a round number, so that the rows
// can carry labels. It grows at once and shrinks only after half a minute of
// needing less.
type scale struct {
	step  float64
	loose time.Time
}

// reach is the upper bound of that many rows that most fits below.
func (s *scale) reach(most float64, rows int, now time.Time) float64 {
	want := roundUp(most / float64(rows))
	switch {
	case want >= s.step:
		s.step, s.loose = want, time.Time{}
	case s.loose.IsZero():
		s.loose = now
	case now.Sub(s.loose) >= 30*time.Second:
		s.step, s.loose = want, time.Time{}
	}
	return s.step * float64(rows)
}

// roundUp is the next of 1, 2, 2.5, 5 × 10^n.
func roundUp(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if v <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

func most(values ...[]float64) float64 {
	top := 0.0
	for _, vs := range values {
		for _, v := range vs {
			if v > top && !math.IsInf(v, 0) {
				top = v
			}
		}
	}
	return top
}
