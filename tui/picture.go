package tui

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tload/stats"
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
}

// What pictures there are of a run.
const (
	ofLatency = iota
	ofRate
	ofUsers
)

// picture is a chart of the run, w by h with its title; of ends, the longest that
// fits stands at the end of that.
func (l look) picture(m *model, what, w, h int, focused bool, ends ...string) []string {
	c := &draw.Chart{From: l.from, Span: l.span, Cursor: l.cursor, Log: l.log && what == ofLatency, Marks: marksOf(m), Suspect: suspectIn(l.seconds), Label: draw.Short, Clock: clock}
	var title, id string
	title, id, c.Series = l.series(what, max(w-draw.ChartMargin, 1))
	var all [][]float64
	for _, s := range c.Series {
		all = append(all, s.High)
	}
	c.Upper = func(rows int) float64 {
		return m.scale(fmt.Sprint(id, l.span, rows)).Reach(draw.Most(all...), rows, m.now())
	}
	if what == ofLatency {
		c.Label = func(v float64) string {
			if v < 10000 {
				return strconv.FormatFloat(v, 'g', 4, 64)
			}
			return draw.Short(v)
		}
		if w >= 50 && c.Suspect(l.from, l.from+l.span) {
			title += "  " + draw.BadBold.Styled("!") + " suspect"
		}
	}
	st := draw.Heading
	if focused {
		st = draw.Accent
	}
	word, rest, _ := strings.Cut(title, " ")
	title, end := st.Styled(word)+" "+rest+" ", ""
	for _, e := range ends {
		if end == "" && draw.Width(title)+draw.Width(e)+3 < w {
			end = e
		}
	}
	lines := []string{draw.Rule(title, end, w, focused)}
	return append(lines, c.Draw(w, h-1)...)
}

// series are the lines of a picture with so many columns, its title, and a name
// for its scale.
func (l look) series(what, cols int) (title, id string, lines []draw.Series) {
	line := func(p draw.Pen, join func([]float64) float64, of func(*stats.Level) float64) {
		lines = append(lines, columnsOf(l.seconds, l.from, l.span, cols, p, of, join))
	}
	switch what {
	case ofLatency:
		title, id = "LATENCY ms ", "latency"
		for _, p := range l.set {
			line(p.pen, largest, func(x *stats.Level) float64 {
				if v := p.of(x); v > 0 {
					return float64(v)
				}
				return math.NaN()
			})
		}
		for _, p := range slices.Backward(l.set) {
			title += " " + p.pen.Legend(p.name)
			id += p.name
		}
	case ofRate:
		title, id = "RPS  "+draw.PenHeavy.Legend("ok")+" "+draw.PenBad.Legend("fail"), "rps"
		line(draw.PenHeavy, mean, func(x *stats.Level) float64 { return float64(x.OK) })
		line(draw.PenBad, mean, func(x *stats.Level) float64 { return float64(x.Failed) })
	case ofUsers:
		title, id = "USERS  "+draw.PenDots.Legend("target")+" "+draw.PenHeavy.Legend("running"), "users"
		line(draw.PenDots, largest, func(x *stats.Level) float64 { return float64(x.Target) })
		line(draw.PenHeavy, largest, func(x *stats.Level) float64 { return float64(x.Users) })
	}
	return title, id, lines
}

// marksOf are the moments that explain a bend: changes of the users, segments
// and marks.
func marksOf(m *model) []draw.ChartMark {
	var marks []draw.ChartMark
	for _, c := range m.snap.Changes {
		if c.To != c.From && c.At > time.Second {
			marks = append(marks, draw.ChartMark{At: c.At, Text: fmt.Sprintf("▲%+du", c.To-c.From)})
		}
	}
	for i, s := range m.snap.Segments {
		if i > 0 && s.Name != "" {
			marks = append(marks, draw.ChartMark{At: s.From, Text: clean("▸" + s.Name)})
		}
	}
	for _, k := range m.snap.Marks {
		marks = append(marks, draw.ChartMark{At: k.At, Text: clean("▲" + k.Name)})
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
