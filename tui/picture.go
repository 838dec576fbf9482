package tui

import (
	"fmt"
	"math"
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

// picture is a chart of one of the three things, w by h with its title.
func picture(m *model, seconds []stats.Second, what int, from, span time.Duration, set []percentile, log bool, cursor time.Duration, w, h int, focused bool, ends ...string) []string {
	cols := max(w-chartMargin, 1)
	c := &chart{from: from, span: span, cursor: cursor, marks: marksOf(m), suspect: suspectIn(seconds)}
	title, id := "", ""
	pick := func(of func(*stats.Second) float64, join func([]float64) float64) []float64 {
		return columnsOf(seconds, from, span, cols, of, join)
	}
	switch what {
	case 0:
		title, id = "LATENCY ms ", "latency"
		c.log = log
		for _, p := range set {
			c.series = append(c.series, series{pick(p.of, largest), p.pen})
		}
		for i := len(set) - 1; i >= 0; i-- {
			title += " " + set[i].pen.legend(set[i].name)
			id += set[i].name
		}
	case 1:
		title, id = "RPS  "+penHeavy.legend("ok")+" "+penBad.legend("fail"), "rps"
		c.series = []series{
			{pick(func(s *stats.Second) float64 { return ratio(float64(s.OK), s.Span.Seconds()) }, mean), penHeavy},
			{pick(func(s *stats.Second) float64 { return s.FailRate() }, mean), penBad},
		}
	case 2:
		title, id = "USERS  "+penDots.legend("target")+" "+penHeavy.legend("running"), "users"
		c.series = []series{
			{pick(func(s *stats.Second) float64 { return float64(s.Target) }, largest), penDots},
			{pick(func(s *stats.Second) float64 { return float64(s.Users) }, largest), penHeavy},
		}
	}
	var all [][]float64
	for _, s := range c.series {
		all = append(all, s.values)
	}
	c.upper = func(rows int) float64 { return m.scale(fmt.Sprint(id, span, rows)).reach(most(all...), rows, m.now()) }
	if what == 0 && w >= 50 && c.suspect(from, from+span) {
		title += "  " + draw.BadBold.Styled("!") + " suspect"
	}
	c.label = draw.Short
	if what == 0 {
		c.label = func(v float64) string {
			if v < 10000 {
				return strconv.FormatFloat(v, 'g', 4, 64)
			}
			return draw.Short(v)
		}
	}
	st := draw.Heading
	if focused {
		st = draw.Accent
	}
	word, rest, _ := strings.Cut(title, " ")
	title, end := st.Styled(word)+" "+rest+" ", ""
	for _, e := range ends { // the longest that fits
		if end == "" && draw.Width(title)+draw.Width(e)+3 < w {
			end = e
		}
	}
	lines := []string{draw.Rule(title, end, w, focused)}
	return append(lines, c.draw(w, h-1)...)
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
