package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"

	"tload/stats"
)

// A chart is drawn once, as SVG, in Go: the page needs no script for it, and a
// browser can print or save it. All charts of a page share their time axis, and
// the same bands and lines: seconds in which the generator was not well,
// segments, marks.
type chart struct {
	title string
	unit  string
	lines []line
}

type line struct {
	name  string
	class string // c1 … c5, for the style sheet
	value func(*stats.Level) (v float64, ok bool)
}

const (
	chartWidth  = 960
	chartHeight = 220
	chartLeft   = 64
	chartRight  = 12
	chartTop    = 10
	chartBottom = 24
)

// charts are those of a run.
func charts(r *Run) []template.HTML {
	s := r.Snapshot
	latency := func(of func(*stats.Level) float32) func(*stats.Level) (float64, bool) {
		return func(l *stats.Level) (float64, bool) { return float64(of(l)), of(l) > 0 }
	}
	always := func(of func(*stats.Level) float32) func(*stats.Level) (float64, bool) {
		return func(l *stats.Level) (float64, bool) { return float64(of(l)), true }
	}
	list := []chart{
		{"Requests per second", "/s", []line{
			{"ok", "c1", always(func(l *stats.Level) float32 { return l.OK })},
			{"failed", "c5", always(func(l *stats.Level) float32 { return l.Failed })},
		}},
		{"Latency of successes", "ms", []line{
			{"p50", "c1", latency(func(l *stats.Level) float32 { return l.P50 })},
			{"p95", "c2", latency(func(l *stats.Level) float32 { return l.P95 })},
			{"p99", "c3", latency(func(l *stats.Level) float32 { return l.P99 })},
		}},
		{"Users", "", []line{
			{"running", "c1", always(func(l *stats.Level) float32 { return float32(l.Users) })},
			{"target", "c4", always(func(l *stats.Level) float32 { return float32(l.Target) })},
		}},
	}
	if timed(&s.Total.Run) {
		list[1].lines = append(list[1].lines, line{"corrected p99", "c5", latency(func(l *stats.Level) float32 { return l.CorrectedP99 })})
	}
	out := make([]template.HTML, len(list))
	for i, c := range list {
		out[i] = c.draw(s, r.seconds())
	}
	return out
}

func (c chart) draw(s *stats.Snapshot, seconds []stats.Second) template.HTML {
	end := s.Elapsed.Seconds()
	for i := range seconds {
		end = math.Max(end, (seconds[i].At + seconds[i].Span).Seconds())
	}
	end = math.Max(end, 1)
	top := 0.0
	for _, l := range c.lines {
		for i := range seconds {
			_, high := seconds[i].Levels()
			if v, ok := l.value(&high); ok {
				top = math.Max(top, v)
			}
		}
	}
	step := niceStep(top / 4)
	top = math.Max(math.Ceil(top/step), 1) * step
	x := func(at float64) float64 { return chartLeft + at/end*(chartWidth-chartLeft-chartRight) }
	y := func(v float64) float64 { return chartHeight - chartBottom - v/top*(chartHeight-chartTop-chartBottom) }

	var b strings.Builder
	fmt.Fprintf(&b, `<figure><figcaption>%s`, html.EscapeString(c.title))
	for _, l := range c.lines {
		fmt.Fprintf(&b, ` <span class="key %s">%s</span>`, l.class, html.EscapeString(l.name))
	}
	fmt.Fprintf(&b, `</figcaption><svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, html.EscapeString(c.title))
	for i := range seconds {
		if p := &seconds[i]; p.Suspect {
			from, to := x(p.At.Seconds()), x((p.At + p.Span).Seconds())
			fmt.Fprintf(&b, `<rect class="suspect" x="%.1f" y="%d" width="%.1f" height="%d"><title>the load generator was not well</title></rect>`,
				from, chartTop, math.Max(to-from, 1), chartHeight-chartTop-chartBottom)
		}
	}
	for v := 0.0; v <= top*1.0001; v += step {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="axis" x="%d" y="%.1f" text-anchor="end">%s</text>`,
			chartLeft, chartWidth-chartRight, y(v), y(v), chartLeft-6, y(v)+4, html.EscapeString(axis(v)+c.unitOf(v, top, step)))
	}
	every := timeStep(end / 8)
	for at := 0.0; at <= end; at += every {
		fmt.Fprintf(&b, `<text class="axis" x="%.1f" y="%d" text-anchor="middle">%s</text>`, x(at), chartHeight-6, clockAxis(at))
	}
	at := func(moment time.Duration, class, name string) {
		px := x(moment.Seconds())
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"><title>%s</title></line><text class="%s" x="%.1f" y="%d">%s</text>`,
			class, px, px, chartTop, chartHeight-chartBottom, html.EscapeString(plain(name)), class, px+3, chartTop+9, html.EscapeString(cut(plain(name), 24)))
	}
	for _, g := range s.Segments {
		at(g.From, "segment", g.Name)
	}
	for _, m := range s.Marks {
		at(m.At, "mark", m.Name)
	}
	for _, l := range c.lines {
		if d := reach(seconds, l.value, x, y); d != "" {
			fmt.Fprintf(&b, `<path class="%s reach" d="%s"><title>%s: least and most of one second</title></path>`, l.class, d, html.EscapeString(l.name))
		}
	}
	for _, l := range c.lines {
		fmt.Fprintf(&b, `<path class="%s" d="%s"><title>%s</title></path>`, l.class, path(seconds, l.value, x, y), html.EscapeString(l.name))
	}
	b.WriteString(`</svg></figure>`)
	return template.HTML(b.String())
}

// unitOf names the unit at the topmost label alone.
func (c chart) unitOf(v, top, step float64) string {
	if c.unit == "" || v+step/2 < top {
		return ""
	}
	return " " + c.unit
}

// path breaks off where there is no value.
func path(points []stats.Second, value func(*stats.Level) (float64, bool), x, y func(float64) float64) string {
	var b strings.Builder
	pen := byte('M')
	for i := range points {
		p := &points[i]
		v, ok := valueAt(points, i, value)
		if !ok {
			pen = 'M'
			continue
		}
		px, py := x((p.At + p.Span/2).Seconds()), y(v)
		fmt.Fprintf(&b, "%c%.1f %.1f", pen, px, py)
		if _, more := valueAt(points, i+1, value); pen == 'M' && !more {
			b.WriteString("h1") // a point by itself
		}
		pen = 'L'
	}
	return b.String()
}

func valueAt(points []stats.Second, i int, value func(*stats.Level) (float64, bool)) (float64, bool) {
	if i >= len(points) {
		return 0, false
	}
	l := points[i].Level()
	return value(&l)
}

// reach is a stroke from the least to the most of any one second, in each column of
// the picture whose points stand for many seconds: their line is a mean, which hides
// a spike.
func reach(points []stats.Second, value func(*stats.Level) (float64, bool), x, y func(float64) float64) string {
	var b strings.Builder
	least, most, last := math.Inf(1), math.Inf(-1), -1
	stroke := func() {
		if bottom, top := y(least), y(most); least < most && bottom-top >= 0.5 {
			fmt.Fprintf(&b, "M%d %.1fV%.1f", last, bottom, top)
		}
		least, most = math.Inf(1), math.Inf(-1)
	}
	for i := range points {
		p := &points[i]
		low, high := p.Levels()
		for at, end := int(x(p.At.Seconds())), int(x((p.At + p.Span).Seconds())); at <= end; at++ {
			if at > last {
				stroke()
				last = at
			}
			if v, ok := value(&low); ok && p.Span > time.Second {
				least = math.Min(least, v)
			}
			if v, ok := value(&high); ok && p.Span > time.Second {
				most = math.Max(most, v)
			}
		}
	}
	stroke()
	return b.String()
}

// niceStep is the 1, 2 or 5 times a power of ten that is next above v.
func niceStep(v float64) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*base >= v {
			return m * base
		}
	}
	return 10 * base
}

func timeStep(v float64) float64 {
	for _, s := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400} {
		if s >= v {
			return s
		}
	}
	return 86400 * math.Ceil(v/86400)
}

func axis(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

func clockAxis(seconds float64) string {
	s := int(seconds)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
