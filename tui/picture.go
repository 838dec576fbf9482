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
	pen  pen
	of   func(*stats.Second) float64
}

func inMillis(d time.Duration, n uint64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(d) / 1e6
}

var (
	lineP50  = percentile{"p50", penHeavy, func(s *stats.Second) float64 { return inMillis(s.P50, s.OK) }}
	lineP95  = percentile{"p95", penDots, func(s *stats.Second) float64 { return inMillis(s.P95, s.OK) }}
	lineP99  = percentile{"p99", penThin, func(s *stats.Second) float64 { return inMillis(s.P99, s.OK) }}
	lineP999 = percentile{"p99.9", penThin, func(s *stats.Second) float64 { return inMillis(s.P999, s.OK) }}
	lineMax  = percentile{"max", penBad, func(s *stats.Second) float64 { return inMillis(s.Max, s.OK) }}
	lineCorr = percentile{"corrected p99", penBad, func(s *stats.Second) float64 { return inMillis(s.CorrectedP99, uint64(s.CorrectedP99)) }}

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
	c := &chart{from: l.from, span: l.span, cursor: l.cursor, log: l.log && what == ofLatency, marks: marksOf(m), suspect: suspectIn(l.seconds), label: draw.Short}
	var title, id string
	title, id, c.series = l.series(what, max(w-chartMargin, 1))
	var all [][]float64
	for _, s := range c.series {
		all = append(all, s.values)
	}
	c.upper = func(rows int) float64 {
		return m.scale(fmt.Sprint(id, l.span, rows)).reach(most(all...), rows, m.now())
	}
	if what == ofLatency {
		c.label = func(v float64) string {
			if v < 10000 {
				return strconv.FormatFloat(v, 'g', 4, 64)
			}
			return draw.Short(v)
		}
		if w >= 50 && c.suspect(l.from, l.from+l.span) {
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
	return append(lines, c.draw(w, h-1)...)
}

// series are the lines of a picture with so many columns, its title, and a name
// for its scale.
func (l look) series(what, cols int) (title, id string, lines []series) {
	line := func(p pen, of func(*stats.Second) float64, join func([]float64) float64) {
		lines = append(lines, series{columnsOf(l.seconds, l.from, l.span, cols, of, join), p})
	}
	switch what {
	case ofLatency:
		title, id = "LATENCY ms ", "latency"
		for _, p := range l.set {
			line(p.pen, p.of, largest)
		}
		for _, p := range slices.Backward(l.set) {
			title += " " + p.pen.legend(p.name)
			id += p.name
		}
	case ofRate:
		title, id = "RPS  "+penHeavy.legend("ok")+" "+penBad.legend("fail"), "rps"
		line(penHeavy, func(s *stats.Second) float64 { return ratio(float64(s.OK), s.Span.Seconds()) }, mean)
		line(penBad, func(s *stats.Second) float64 { return s.FailRate() }, mean)
	case ofUsers:
		title, id = "USERS  "+penDots.legend("target")+" "+penHeavy.legend("running"), "users"
		line(penDots, func(s *stats.Second) float64 { return float64(s.Target) }, largest)
		line(penHeavy, func(s *stats.Second) float64 { return float64(s.Users) }, largest)
	}
	return title, id, lines
}

// marksOf are the moments that explain a bend: changes of the users, segments
// and marks.
func marksOf(m *model) []chartMark {
	var marks []chartMark
	for _, c := range m.snap.Changes {
		if c.To != c.From && c.At > time.Second {
			marks = append(marks, chartMark{c.At, fmt.Sprintf("▲%+du", c.To-c.From)})
		}
	}
	for i, s := range m.snap.Segments {
		if i > 0 && s.Name != "" {
			marks = append(marks, chartMark{s.From, "▸" + s.Name})
		}
	}
	for _, k := range m.snap.Marks {
		marks = append(marks, chartMark{k.At, "▲" + k.Name})
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
