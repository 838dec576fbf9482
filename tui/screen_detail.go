package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/tui/draw"
)

// endpointScreen is one endpoint on the whole screen.
type endpointScreen struct {
	blankScreen
	key  stats.Key
	past past
	text draw.Text
}

func newDetail(k stats.Key) *endpointScreen { return &endpointScreen{key: k, past: past{key: &k}} }

func (d *endpointScreen) name() string { return "Endpoint" }

func endpointPage() *page {
	return &page{
		make: func() screen { return &endpointScreen{} }, search: findsText(),
		footer: []string{"E", "C", "a", "esc", "e", "f"},
		keys:   slices.Concat([]binding{wrapLines()}, matchKeys(), []binding{wholeRun(), errorsOf(), chartsOf()}, steering(), nextTabs()),
	}
}

func (d *endpointScreen) title() string { return endpointName(d.key) }

func (d *endpointScreen) move(_ *model, by draw.Move) tea.Cmd { d.text.Move(by); return nil }
func (d *endpointScreen) endpoint() (stats.Key, bool)         { return d.key, true }
func (d *endpointScreen) export(m *model) tea.Cmd             { return m.askExport("endpoint", "") }

func (d *endpointScreen) filtered(_ *model, text string) { d.text.Find(text) }

func (d *endpointScreen) filterText() string { return d.text.Sought }

func (d *endpointScreen) notice(m *model, msg tea.Msg) tea.Cmd { return d.past.notice(m, msg) }

func (d *endpointScreen) view(m *model, w, h int) draw.Pane {
	f := m.layout
	r := m.row(d.key)
	if r == nil {
		return draw.Section{Title: d.title(), Focused: true, Body: draw.Lines(" no requests yet")}.Draw(w, h, f.boxed)
	}
	e := endpoint{Row: r, s: m.shown(r)}
	ok, failed := d.spread(m)
	c, _ := tabOf[*chartsScreen](m)
	from, span := c.span(m)
	over := m.lookAt(d.past.points(m), from, span, percentileSets[0]).picture(m, ofLatency, false, w, " window "+c.windowName(m)+" ")
	top := draw.Section{Title: draw.Heading.Render(d.title()) + "  " + m.windowName() + " ", End: " E: its errors · C: its charts · a: window ", Focused: true}
	figures, more := figureLines(e, f.inner(w)), d.moreLines(m, f.inner(w))
	d.text.Flush = true
	if w < 100 || h < 24 {
		top.Body = func(w, h int) draw.Pane {
			body := append(figures, histogram(ok, failed, e.measured(), w, 24)...)
			body = append(body, over.Draw(w, 9, false).Lines...)
			d.text.Set(trimmed(append(body, more...)), true)
			return draw.Pane{Lines: d.text.Draw(w, h), Areas: []draw.Area{{W: w, H: h, Wheel: d.text.Move}}}
		}
		return top.Draw(w, h, f.boxed)
	}
	edges := f.edges()
	out := func() draw.Pane {
		top.Body = draw.Lines(figures...)
		return top.Draw(w, len(figures)+edges, f.boxed)
	}()
	rest := h - len(out.Lines)
	below := min(max(len(more)+edges, 4), rest/3)
	lw, rw := f.parts(w, w/2)
	spread := draw.Section{Title: heading("SPREAD", false) + " of latency ms  " + draw.Bad.Render("█") + " failed ", Body: func(w, h int) draw.Pane {
		return draw.Pane{Lines: histogram(ok, failed, e.measured(), w, h)}
	}}
	out.Put(f.beside(spread.Draw(lw, rest-below, f.boxed), over.Draw(rw, rest-below, f.boxed), lw))
	out.Put(draw.Section{Title: "MORE ", Body: func(w, h int) draw.Pane {
		d.text.Set(trimmed(more), true)
		return draw.Pane{Lines: d.text.Draw(w, h), Areas: []draw.Area{{W: w, H: h, Wheel: d.text.Move}}}
	}}.Draw(w, below, f.boxed))
	return out
}

// measured are the latencies of successes, or of failures where there is nothing else.
func (e endpoint) measured() *stats.Latency {
	if e.s.OK.Count == 0 {
		return &e.s.Failed
	}
	return &e.s.OK
}

func trimmed(lines []string) []string {
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// spread is how latencies lie in the window that is shown.
func (d *endpointScreen) spread(m *model) (ok, failed stats.Spread) {
	from := time.Duration(0)
	switch {
	case !m.wholeRun():
		from = m.snap.Elapsed - stats.WindowSpan
	case m.windowName() == "since reset":
		from = m.snap.Elapsed - m.snap.Total.Shown.Span
	}
	for _, s := range d.past.points(m) {
		if s.At+s.Span > from {
			ok.Add(s.Spread)
			failed.Add(s.FailedSpread)
		}
	}
	return ok, failed
}

// moreLines are what is known of the endpoint besides its latency.
func (d *endpointScreen) moreLines(m *model, w int) (out []string) {
	r := m.row(d.key)
	s := m.shown(r)
	out = append(out, " "+acts(d.key)+" of the last 60 s  "+draw.Spark(r.Trend, min(60, max(w-30, 10))))
	line := fmt.Sprintf(" %s %s  %s failed (%s)  %s aborted", thousands(s.Requests), acts(d.key), thousands(s.Failures), share(s.Failures, s.Requests), thousands(s.Aborted))
	if d.key.Class == stats.Request {
		line += fmt.Sprintf("  connections opened %s  TLS handshakes %s  reconnects %s", thousands(s.Dialled), thousands(s.Handshakes), thousands(s.Reconnects))
	}
	out = append(out, line)
	first := true
	for _, g := range m.snap.Groups {
		if g.Key.Key != d.key {
			continue
		}
		if first {
			out, first = append(out, draw.Heading.Render(" errors")), false
		}
		out = append(out, fmt.Sprintf("  %s  %s  %s", draw.Right(thousands(m.count(g)), 9), g.Label(), clean(g.Message)))
	}
	for _, sg := range m.snap.Segments {
		for i := range sg.Rows {
			if x := &sg.Rows[i]; x.Key == d.key {
				out = append(out, fmt.Sprintf(" segment %s  %s-%s  %s %s  %s/s  p95 %s ms", clean(sg.Name), clock(sg.From), clock(sg.To),
					thousands(x.Run.Requests), acts(d.key), rate(x.Run.RPS), millis(x.Run.OK.P95)))
			}
		}
	}
	return out
}

// detailOf are the numbers of one endpoint, and roughly how its latencies lie.
func detailOf(m *model, e endpoint, w int, hint string) draw.Section {
	s := draw.Section{Title: draw.Heading.Render(endpointName(e.Key)) + "  " + m.windowName() + " "}
	if w >= 80 {
		s.End = " " + hint + " "
	}
	s.Body = func(w, h int) draw.Pane {
		lines := figureLines(e, w)
		return draw.Pane{Lines: append(lines, barLines(e.s, w, max(h-len(lines), 0))...)}
	}
	return s
}

// figureLines are the numbers of one endpoint.
func figureLines(e endpoint, w int) (out []string) {
	s := e.s
	l := &s.OK
	line := " "
	for i, p := range []string{"p50", "p66", "p75", "p80", "p90", "p95", "p98", "p99", "p99.9", "p99.99"} {
		if p == "p80" || p == "p99.99" && w < 98 {
			continue
		}
		line += p + " " + shaded(l.At(i)) + "  "
	}
	out = append(out, line)
	line = fmt.Sprintf(" min %s  mean %s  max %s ms", millis(l.Min), millis(l.Mean), millis(l.Max))
	if e.Key.Class == stats.Request {
		average := stats.None
		if s.Requests > 0 {
			average = size(ratio(float64(s.In), float64(s.Requests)))
		}
		line += fmt.Sprintf("   size %s avg   in %s/s  out %s/s", average, size(perSecond(s.In, s.Span)), size(perSecond(s.Out, s.Span)))
	}
	out = append(out, line)
	if c := &s.Corrected; c.Count > 0 {
		out = append(out, fmt.Sprintf(" corrected (from when it was due)  p50 %s  p95 %s  p99 %s  max %s ms   late %s",
			millis(c.P50), millis(c.P95), millis(c.P99), millis(c.Max), share(s.Late, s.Due)))
	}
	if f := &s.Failed; f.Count > 0 {
		out = append(out, draw.Bad.Render(" failed")+fmt.Sprintf("  p50 %s  p95 %s  p99 %s  max %s ms", millis(f.P50), millis(f.P95), millis(f.P99), millis(f.Max)))
	}
	return append(out, outcomeLine(s, w))
}

// barLines are at most n lines that say how latencies lie.
func barLines(s *stats.Summary, w, n int) (out []string) {
	bars := trimBars(s.Bars, n)
	total := uint64(0)
	for _, b := range bars {
		total += b.Count
	}
	from := time.Duration(0)
	for i, b := range bars {
		label := "≤ " + millis(b.To)
		if i > 0 {
			label = millis(from) + "-" + millis(b.To)
		}
		part := ratio(float64(b.Count), float64(total))
		room := max(min(w-36, 60), 1)
		out = append(out, draw.Right(label, 15)+" ms "+draw.ShadeOf(b.To).Render(draw.Fit(draw.Bar(part, room), room))+draw.Right(fmt.Sprintf("%.1f%%", part*100), 7))
		from = b.To
	}
	return out
}

// histogram is how latencies lie, in at most n lines, with the percentiles where they
// are; failures stand behind successes.
func histogram(ok, failed stats.Spread, l *stats.Latency, w, n int) []string {
	least, most, top := -1, 0, uint32(1)
	total := 0.0
	for i := range ok {
		if ok[i]+failed[i] == 0 {
			continue
		}
		if least < 0 {
			least = i
		}
		most = i
		total += float64(ok[i]) + float64(failed[i])
	}
	if least < 0 || n < 1 {
		return []string{draw.Dim.Render(" nothing yet")}
	}
	per := (most - least + n) / n
	type bin struct{ ok, failed uint32 }
	var bins []bin
	for i := least; i <= most; i += per {
		var b bin
		for j := i; j < min(i+per, len(ok)); j++ {
			b.ok, b.failed = b.ok+ok[j], b.failed+failed[j]
		}
		bins = append(bins, b)
		top = max(top, b.ok+b.failed)
	}
	const lead, tail = 15, 26
	room := max(w-lead-tail, 4)
	var out []string
	for i, b := range bins {
		from, to := stats.SpreadBound(least+i*per), stats.SpreadBound(min(least+(i+1)*per, len(ok)))
		good := draw.Bar(float64(b.ok)/float64(top), room)
		bad := ""
		if b.failed > 0 {
			bad = draw.Bar(float64(b.failed)/float64(top), max(room-draw.Width(good), 1))
		}
		line := draw.Right(millis(from)+"-"+millis(to), lead-1) + " " + draw.Fit(draw.ShadeOf(from).Render(good)+draw.Bad.Render(bad), room) +
			draw.Right(fmt.Sprintf("%.1f%%", 100*float64(b.ok+b.failed)/total), 7)
		for _, p := range []struct {
			name string
			at   time.Duration
		}{{"p50", l.P50}, {"p95", l.P95}, {"p99", l.P99}} {
			if l.Count > 0 && p.at >= from && p.at < to {
				line += " " + draw.Bold.Render("◀"+p.name)
			}
		}
		out = append(out, line)
	}
	return out
}

// acts are what a row counts.
func acts(k stats.Key) string {
	if k.Class == stats.Request {
		return "requests"
	}
	return "runs"
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// outcomeLine is how the requests ended, by status and kind.
func outcomeLine(s *stats.Summary, w int) string {
	line := " ended"
	top := uint64(0)
	for _, o := range s.Outcomes {
		top = max(top, o.Count)
	}
	for _, o := range s.Outcomes {
		label := o.Kind.String()
		switch {
		case o.Status != 0 && (o.Kind == stats.OK || o.Kind == stats.HTTP):
			label = fmt.Sprint(o.Status)
		case o.Status != 0:
			label = fmt.Sprintf("%s %d", o.Kind, o.Status)
		}
		b := draw.Bar(float64(o.Count)/float64(top), 12)
		st := draw.Good
		if o.Kind.Failed() {
			st = draw.Bad
		}
		part := "  " + label + " " + st.Render(strings.TrimRight(b, " ")) + " " + thousands(o.Count)
		if draw.Width(line)+draw.Width(part) > w-2 {
			line += " …"
			break
		}
		line += part
	}
	if s.Aborted > 0 {
		line += "  aborted " + thousands(s.Aborted)
	}
	if s.NotStarted > 0 {
		line += "  not started " + thousands(s.NotStarted)
	}
	return line
}

// trimBars joins the thin ends until at most n are left.
func trimBars(bars []stats.Bar, n int) []stats.Bar {
	out := append([]stats.Bar(nil), bars...)
	for len(out) > n && len(out) > 1 {
		if out[0].Count <= out[len(out)-1].Count {
			out[1].Count += out[0].Count
			out = out[1:]
		} else {
			last := len(out) - 1
			out[last-1].Count += out[last].Count
			out[last-1].To = out[last].To
			out = out[:last]
		}
	}
	if n == 0 {
		return nil
	}
	return out
}
