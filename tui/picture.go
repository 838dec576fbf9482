package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tload/stats"
	"tload/swarm/shape"
	"tload/tui/draw"
)

type percentile struct {
	name string
	pen  draw.Pen
	of   func(*stats.Level) float32
}

var (
	lineP50  = percentile{"p50", draw.PenHeavy, func(l *stats.Level) float32 { return l.P50 }}
	lineP95  = percentile{"p95", draw.PenDots, func(l *stats.Level) float32 { return l.P95 }}
	lineP99  = percentile{"p99", draw.PenThin, func(l *stats.Level) float32 { return l.P99 }}
	lineP999 = percentile{"p99.9", draw.PenThin, func(l *stats.Level) float32 { return l.P999 }}
	lineMax  = percentile{"max", draw.PenBad, func(l *stats.Level) float32 { return l.Max }}
	lineCorr = percentile{"corrected p99", draw.PenBad, func(l *stats.Level) float32 { return l.CorrectedP99 }}

	percentileSets = [][]percentile{{lineP99, lineP95, lineP50}, {lineP99, lineP50}, {lineMax, lineP999, lineP99}, {lineCorr, lineP99}, {lineP95}}
)

// look is how a run is looked at: which part of it, and what of that.
type look struct {
	seconds    []stats.Second
	from, span time.Duration
	set        []percentile
	log        bool          // latency on a logarithmic scale
	cursor     time.Duration // below 0: none
	open       bool          // the load is of arrivals
	shape      []shape.Point // … over time; nil for none
}

// lookAt is how everything of a run is looked at.
func (m *model) lookAt(seconds []stats.Second, from, span time.Duration, set []percentile) look {
	return look{seconds: seconds, from: from, span: span, set: set, cursor: -1, open: m.snap.Open, shape: m.snap.Shape}
}

// shaped is the curve of the load's shape, what is still to come of it, too.
func (l look) shaped(cols int) draw.Series {
	s := draw.Series{Values: slices.Repeat([]float64{math.NaN()}, cols+1), Pen: draw.PenThin}
	at := 0
	for x := range s.Values {
		t := l.from + time.Duration((float64(x)+0.5)/float64(cols)*float64(l.span))
		for at < len(l.shape) && l.shape[at].At <= t {
			at++
		}
		if at == 0 || at == len(l.shape) {
			continue
		}
		a, b := l.shape[at-1], l.shape[at]
		s.Values[x] = a.Level + (b.Level-a.Level)*float64(t-a.At)/float64(b.At-a.At)
	}
	s.Low, s.High = s.Values, s.Values
	return s
}

// behind is the look of a frame ago, for what stands at the right of another picture:
// the library sends all that lies between the first change of a line and the last, so
// two that change in one frame cost the whole width of a line, and two that change one
// after the other the two changes.
func (l look) behind(m *model, p *past) look {
	if before := m.before; p.key == nil && len(before) > 0 && before[len(before)-1].At <= m.snap.Elapsed {
		l.seconds = before
	}
	return l
}

// What pictures there are of a run.
const (
	ofLatency = iota
	ofRate
	ofUsers
	ofSpread
)

// picture is a chart of the run; of ends, the longest that fits stands at the end of
// its title.
func (l look) picture(m *model, what int, focused bool, w int, ends ...string) draw.Section {
	c := &draw.Chart{
		From: l.from, Span: l.span, Cursor: l.cursor, Log: l.log && what == ofLatency, Dots: m.dots(), Marks: signsOf(m.moments()), Suspect: suspectIn(l.seconds),
		Label: draw.Short, Clock: clock,
	}
	title, id := l.titleOf(what)
	if what == ofLatency {
		c.Label = func(v float64) string {
			if v < 10000 {
				return strconv.FormatFloat(v, 'g', 4, 64)
			}
			return draw.Short(v)
		}
		if w >= 50 && c.Suspect(l.from, l.from+l.span) {
			title += "  " + draw.BadBold.Render("!") + " suspect"
		}
	}
	st := draw.Heading
	if focused {
		st = draw.Accent
	}
	word, rest, _ := strings.Cut(title, " ")
	title, end := st.Render(word)+" "+rest+" ", ""
	for _, e := range ends {
		if end == "" && draw.Width(title)+draw.Width(e)+3 < m.layout.inner(w) {
			end = e
		}
	}
	return draw.Section{Title: title, End: end, Focused: focused, Body: func(w, h int) draw.Pane {
		c.Series = l.series(what, c.Columns(w))
		var all [][]float64
		for _, s := range c.Series {
			all = append(all, s.High)
		}
		c.Upper = func(rows int) float64 {
			return m.scale(fmt.Sprint(id, l.span, rows)).Reach(draw.Most(all...), rows, m.now())
		}
		return draw.Pane{Lines: c.Draw(w, h)}
	}}
}

// heat is how the latencies lie at each moment.
func (l look) heat(m *model, focused bool, w int, ends ...string) draw.Section {
	h := &draw.Heat{
		Chart: draw.Chart{From: l.from, Span: l.span, Cursor: l.cursor, Clock: clock, Marks: signsOf(m.moments()), Suspect: suspectIn(l.seconds)},
		Bound: func(step int) string { return millis(stats.SpreadBound(step)) },
		Style: func(step int) lipgloss.Style { return draw.ShadeOf(stats.SpreadBound(step)) },
	}
	title, end := heading("SPREAD", focused)+" of latency ms, above and below ", ""
	for _, e := range ends {
		if end == "" && draw.Width(title)+draw.Width(e)+5 < w {
			end = e
		}
	}
	return draw.Section{Title: title, End: end, Focused: focused, Body: func(w, lines int) draw.Pane {
		h.Counts = l.spreads(h.Columns(w))
		return draw.Pane{Lines: h.Draw(w, lines)}
	}}
}

// spreads are how many latencies lie in each step of each of n columns.
func (l look) spreads(n int) [][]float64 {
	out := make([][]float64, n)
	c := draw.Chart{From: l.from, Span: l.span}
	first := 0
	for x := range out {
		from, to := c.SpanOf(x, n)
		for first < len(l.seconds) && l.seconds[first].At+l.seconds[first].Span <= from {
			first++
		}
		for i := first; i < len(l.seconds) && l.seconds[i].At < to; i++ {
			for _, s := range []*stats.Spread{l.seconds[i].Spread, l.seconds[i].FailedSpread} {
				if s == nil {
					continue
				}
				if out[x] == nil {
					out[x] = make([]float64, len(s))
				}
				for j, k := range s {
					out[x][j] += float64(k)
				}
			}
		}
	}
	return out
}

// spreadInWords are the steps in which most latencies of a second lie.
func spreadInWords(s *stats.Second, w int) string {
	var all stats.Spread
	all.Add(s.Spread)
	all.Add(s.FailedSpread)
	steps := make([]int, len(all))
	for i := range steps {
		steps[i] = i
	}
	slices.SortStableFunc(steps, func(a, b int) int { return cmp.Compare(all[b], all[a]) })
	line := ""
	for _, i := range steps {
		text := fmt.Sprintf(" %s-%s ms: %s ", millis(stats.SpreadBound(i)), millis(stats.SpreadBound(i+1)), thousands(all[i]))
		if all[i] == 0 || draw.Width(line)+len(text) > w {
			break
		}
		line += text
	}
	return line
}

// titleOf is a picture's title, and a name for its scale.
func (l look) titleOf(what int) (title, id string) {
	switch what {
	case ofRate:
		return "RPS  " + draw.PenHeavy.Legend("ok") + " " + draw.PenBad.Legend("fail"), "rps"
	case ofUsers:
		title, id = "USERS  "+draw.PenDots.Legend("target")+" "+draw.PenHeavy.Legend("running"), "users"
		if l.open {
			title, id = "ARRIVALS/s  "+draw.PenDots.Legend("asked")+" "+draw.PenHeavy.Legend("started"), "arrivals"
		}
		if len(l.shape) > 0 {
			title += " " + draw.PenThin.Legend("shape")
		}
		return title, id
	}
	title, id = "LATENCY ms ", "latency"
	for _, p := range slices.Backward(l.set) {
		title += " " + p.pen.Legend(p.name)
		id += p.name
	}
	return title, id
}

// series are the lines of a picture with so many columns, the first at the back.
func (l look) series(what, cols int) (lines []draw.Series) {
	line := func(p draw.Pen, fill bool, join func([]float64) float64, of func(*stats.Level) float64) {
		s := columnsOf(l.seconds, l.from, l.span, cols, p, of, join)
		s.Fill = fill
		lines = append(lines, s)
	}
	switch what {
	case ofLatency:
		for _, p := range l.set {
			line(p.pen, p.name == "p50", largest, func(x *stats.Level) float64 {
				if v := p.of(x); v > 0 {
					return float64(v)
				}
				return math.NaN()
			})
		}
	case ofRate: // failures below, successes on top of them
		line(draw.PenHeavy, true, mean, func(x *stats.Level) float64 { return float64(x.OK + x.Failed) })
		line(draw.PenBad, true, mean, func(x *stats.Level) float64 {
			if x.Failed == 0 {
				return math.NaN()
			}
			return float64(x.Failed)
		})
	case ofUsers:
		if len(l.shape) > 0 {
			lines = append(lines, l.shaped(cols))
		}
		if l.open {
			line(draw.PenHeavy, true, mean, func(x *stats.Level) float64 { return float64(x.Due) })
			line(draw.PenDots, false, mean, func(x *stats.Level) float64 { return float64(x.Due + x.NotStarted) })
			break
		}
		line(draw.PenHeavy, true, largest, func(x *stats.Level) float64 { return float64(x.Users) })
		line(draw.PenDots, false, largest, func(x *stats.Level) float64 { return float64(x.Target) })
	}
	return lines
}

// moment is one that explains a bend: a change of the users, a segment, a mark.
type moment struct {
	at   time.Duration
	sign string // ▲1, ▸2: its number among them
	what string
}

// together is within what time changes of the users are one: somebody who presses +
// five times makes one change.
const together = 5 * time.Second

// moments are those of the run in their order.
func (m *model) moments() (out []moment) {
	last, from, of := -1, 0.0, ""
	for _, c := range m.snap.Changes {
		if c.To == c.From || c.At <= time.Second {
			continue
		}
		if c.Who == "shape" {
			continue // its curve is drawn
		}
		unit := "users"
		if c.Arrivals {
			unit = "arrivals/s"
		}
		if c.Weight != "" {
			unit = "weight of " + clean(c.Weight)
		}
		if last >= 0 && of == unit && c.At-out[last].at <= together {
			out[last].what = fmt.Sprintf("%+g %s", c.To-from, unit)
			continue
		}
		from, last, of = c.From, len(out), unit
		out = append(out, moment{c.At, "▲", fmt.Sprintf("%+g %s", c.To-c.From, unit)})
	}
	for i, s := range m.snap.Segments {
		if i > 0 {
			out = append(out, moment{s.From, "▸", cmp.Or(clean(s.Name), "reset")})
		}
	}
	for _, k := range m.snap.Marks {
		if !slices.ContainsFunc(m.snap.Segments, func(s stats.Segment) bool { return s.From == k.At && s.Name == k.Name }) { // a reset is both
			out = append(out, moment{k.At, "▲", clean(k.Name)})
		}
	}
	slices.SortStableFunc(out, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	for i := range out {
		out[i].sign += strconv.Itoa(i + 1)
	}
	return out
}

func signsOf(list []moment) []draw.ChartMark {
	marks := make([]draw.ChartMark, len(list))
	for i, x := range list {
		marks[i] = draw.ChartMark{At: x.at, Sign: x.sign}
	}
	return marks
}

func suspectIn(seconds []stats.Second) func(from, to time.Duration) bool {
	return func(from, to time.Duration) bool {
		for i := len(seconds) - 1; i >= 0 && seconds[i].At+seconds[i].Span > from; i-- {
			if seconds[i].Suspect && seconds[i].At < to {
				return true
			}
		}
		return false
	}
}
