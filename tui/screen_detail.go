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
	text draw.Text
}

func newDetail(k stats.Key) *endpointScreen { return &endpointScreen{key: k} }

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

func (d *endpointScreen) view(m *model, w, h int) draw.Pane {
	r := m.row(d.key)
	if r == nil {
		return draw.Pane{Lines: []string{draw.Rule(d.title(), "", w, true), " no requests yet"}}
	}
	lines := detailLines(m, endpoint{Row: r, s: m.shown(r)}, w, 40, "E: its errors · C: its charts · a: window")
	for len(lines) > 1 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	title := lines[0]
	body := append([]string(nil), lines[1:]...)
	body = append(body, "", " "+acts(d.key)+" of the last 60 s  "+draw.Spark(r.Trend, min(60, max(w-30, 10))))
	s := m.shown(r)
	line := fmt.Sprintf(" %s %s  %s failed (%s)  %s aborted", thousands(s.Requests), acts(d.key), thousands(s.Failures), share(s.Failures, s.Requests), thousands(s.Aborted))
	if d.key.Class == stats.Request {
		line += fmt.Sprintf("  connections opened %s  TLS handshakes %s  reconnects %s", thousands(s.Dialled), thousands(s.Handshakes), thousands(s.Reconnects))
	}
	body = append(body, line)
	first := true
	for _, g := range m.snap.Groups {
		if g.Key.Key != d.key {
			continue
		}
		if first {
			body, first = append(body, "", draw.Heading.Styled(" errors")), false
		}
		body = append(body, fmt.Sprintf("  %s  %s  %s", draw.Right(thousands(m.count(g)), 9), g.Label(), clean(g.Message)))
	}
	if m.windowName() == "whole run" || !first {
		for _, sg := range m.snap.Segments {
			for i := range sg.Rows {
				if x := &sg.Rows[i]; x.Key == d.key {
					body = append(body, fmt.Sprintf(" segment %s  %s-%s  %s %s  %s/s  p95 %s ms", clean(sg.Name), clock(sg.From), clock(sg.To),
						thousands(x.Run.Requests), acts(d.key), rate(x.Run.RPS), millis(x.Run.OK.P95)))
				}
			}
		}
	}
	for i := range body {
		body[i] = strings.TrimRight(body[i], " ")
	}
	d.text.Flush = true
	d.text.Set(body, true)
	return draw.Pane{Lines: append([]string{title}, d.text.Draw(w, h-1)...)}
}

// detailLines are the numbers of one endpoint in full.
func detailLines(m *model, e endpoint, w, h int, hint string) []string {
	s := e.s
	end := ""
	if hint != "" && w >= 80 {
		end = " " + hint + " "
	}
	out := []string{draw.Rule(draw.Heading.Styled(endpointName(e.Key))+"  "+m.windowName()+" ", end, w, false)}
	l := &s.OK
	line := " "
	for i, p := range []string{"p50", "p66", "p75", "p80", "p90", "p95", "p98", "p99", "p99.9", "p99.99"} {
		if p == "p80" || p == "p99.99" && w < 100 {
			continue
		}
		line += p + " " + draw.Bold.Styled(millis(l.At(i))) + "  "
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
		out = append(out, draw.Bad.Styled(" failed")+fmt.Sprintf("  p50 %s  p95 %s  p99 %s  max %s ms", millis(f.P50), millis(f.P95), millis(f.P99), millis(f.Max)))
	}
	out = append(out, outcomeLine(s, w))
	bars := trimBars(s.Bars, max(h-len(out), 0))
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
		share := ratio(float64(b.Count), float64(total))
		room := max(min(w-36, 60), 1)
		out = append(out, draw.Right(label, 15)+" ms "+draw.Good.Styled(draw.Fit(draw.Bar(share, room), room))+draw.Right(fmt.Sprintf("%.1f%%", share*100), 7))
		from = b.To
	}
	return draw.Sized(out, w, h)
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
		part := "  " + label + " " + st.Styled(strings.TrimRight(b, " ")) + " " + thousands(o.Count)
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
