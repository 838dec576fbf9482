package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// chartsScreen is latency, requests and users over time, of everything or of
// one endpoint, with a cursor that opens the errors of its second.
type chartsScreen struct {
	blankScreen
	key     *stats.Key // nil: all
	seconds []stats.Second
	askedAt time.Time
	window  int
	log     bool
	which   int // set of percentiles
	focus   int // which picture
	big     bool
	cursor  time.Duration    // below 0: none
	zoom    [2]time.Duration // a part of the run that the mouse chose; zero for none
	pressed time.Duration    // where the mouse went down, below 0 when it is up
}

var (
	windows     = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 0}
	windowNames = []string{"1m", "2m", "5m", "15m", "all"}
)

func newCharts() *chartsScreen { return &chartsScreen{window: 1, cursor: -1, pressed: -1} }

func (c *chartsScreen) name() string { return "Charts" }

func chartsPage() *page {
	return &page{
		key: "3", make: func() screen { return newCharts() }, search: filtersRows(),
		footer: []string{"tab", "enter maximise", "h", "z", "L", "p", "E", "f", "+", "q"},
		keys: slices.Concat([]binding{
			bind("z", "window", "longer window: 1m 2m 5m 15m all", on((*chartsScreen).zoomOut)).as("z/Z"),
			bind("Z", "", "shorter window", on((*chartsScreen).zoomIn)),
			bind("L", "log", "logarithmic or linear scale", on((*chartsScreen).toggleLog)),
			bind("p", "series", "which percentiles are drawn", on((*chartsScreen).nextSeries)),
			bind("E", "errors", errorsOfHelp, on((*chartsScreen).errors)),
		}, fineSteps(), steering(), nextTabs()),
	}
}

func (c *chartsScreen) show(k stats.Key) {
	c.key, c.seconds, c.askedAt = &k, nil, time.Time{}
}

// filterText: an endpoint is a filter, which esc takes away.
func (c *chartsScreen) filterText() string {
	if c.key != nil {
		return endpointName(*c.key)
	}
	return ""
}

func (c *chartsScreen) filtered(m *model, text string) {
	c.key = nil
	if text == "" {
		return
	}
	q := parseQuery(text)
	for i := range m.snap.Rows {
		if r := &m.snap.Rows[i]; q.match(keySubject(r.Key)) {
			c.show(r.Key)
			return
		}
	}
}

func (c *chartsScreen) back() bool {
	if c.big || c.cursor >= 0 || c.zoom[1] > 0 {
		c.big, c.cursor, c.zoom = false, -1, [2]time.Duration{}
		return true
	}
	return false
}

func (c *chartsScreen) notice(m *model, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tickMsg:
		if c.key != nil && !m.frozen && time.Since(c.askedAt) >= time.Second {
			c.askedAt = time.Now()
			return m.history(*c.key)
		}
	case historyMsg:
		if c.key != nil && msg.key == *c.key {
			c.seconds = msg.seconds
		}
	}
	return nil
}

func (c *chartsScreen) data(m *model) []stats.Second {
	if c.key == nil {
		return m.seconds()
	}
	if r := m.row(*c.key); len(c.seconds) == 0 && r != nil {
		return m.beginning(r)
	}
	return c.seconds
}

// seconds are the points of all requests.
func (m *model) seconds() []stats.Second {
	if len(m.snap.Seconds) > 0 {
		return m.snap.Seconds
	}
	return m.beginning(&m.snap.Total)
}

// beginning is a run that has not seen its first full second yet, or ended
// before, as one point.
func (m *model) beginning(r *stats.Row) []stats.Second {
	s, l := &r.Run, &r.Run.OK
	if s.Requests == 0 || m.snap.Elapsed <= 0 || m.snap.Elapsed >= 2*time.Second {
		return nil
	}
	return []stats.Second{{
		Span: m.snap.Elapsed, OK: s.Requests - min(s.Failures, s.Requests), Failed: s.Failures, Late: s.Late, NotStarted: s.NotStarted, In: s.In, Out: s.Out,
		P50: l.P50, P95: l.P95, P99: l.P99, P999: l.P999, Max: l.Max, CorrectedP99: s.Corrected.P99, Users: max(m.snap.Running, m.snap.Peak), Target: m.snap.Target,
	}}
}

func (c *chartsScreen) windowName() string {
	if c.zoom[1] > 0 {
		return clock(c.zoom[0]) + "-" + clock(c.zoom[1])
	}
	return windowNames[c.window]
}

// span is where the window begins and how long it is.
func (c *chartsScreen) span(m *model) (from, span time.Duration) {
	if c.zoom[1] > 0 {
		return c.zoom[0], c.zoom[1] - c.zoom[0]
	}
	elapsed := m.snap.Elapsed
	if span = windows[c.window]; span == 0 {
		span = wholeSpan(elapsed)
	}
	// No room for what will never come.
	end := m.snap.RunTime
	if m.snap.State == swarm.Stopped {
		end = elapsed
	}
	if end > 0 {
		const quarters = 4 * time.Second
		end = (max(end, elapsed, quarters) + quarters - 1) / quarters * quarters
		span = min(span, end)
	}
	return window(elapsed, span), span
}

// step is how far the cursor goes at once, in a window that begins at from.
func (c *chartsScreen) step(m *model) (from, step time.Duration) {
	from, span := c.span(m)
	return from, max(span/120, time.Second).Round(time.Second)
}

func (c *chartsScreen) move(m *model, by draw.Move) tea.Cmd {
	from, step := c.step(m)
	now := m.snap.Elapsed.Truncate(time.Second)
	switch by {
	case draw.MoveLeft, draw.MoveRight:
		if c.cursor < 0 {
			c.cursor = now
		}
		if by == draw.MoveLeft {
			step = -step
		}
		c.cursor = min(max(c.cursor+step, from), now)
	case draw.MoveTop:
		c.cursor = from
	case draw.MoveBottom:
		c.cursor = -1
	case draw.MoveUp:
		return c.pane(m, -1)
	case draw.MoveDown:
		return c.pane(m, 1)
	}
	return nil
}

func (c *chartsScreen) pane(_ *model, step int) tea.Cmd {
	c.focus = (c.focus + step + 3) % 3
	return nil
}
func (c *chartsScreen) open(*model) tea.Cmd      { c.big = !c.big; return nil }
func (c *chartsScreen) toggleLog(*model) tea.Cmd { c.log = !c.log; return nil }
func (c *chartsScreen) nextSeries(*model) tea.Cmd {
	c.which = (c.which + 1) % len(percentileSets)
	return nil
}
func (c *chartsScreen) zoomIn(m *model) tea.Cmd {
	if c.window == 0 {
		m.say("this is the shortest window")
	}
	c.window = max(c.window-1, 0)
	return nil
}
func (c *chartsScreen) export(m *model) tea.Cmd { return m.askExport("chart", secondsCSV(c.data(m))) }

func (c *chartsScreen) zoomOut(m *model) tea.Cmd {
	if c.zoom[1] > 0 {
		c.zoom = [2]time.Duration{}
		return nil
	}
	if c.window == len(windows)-1 {
		m.say("this is the longest window")
	}
	c.window = min(c.window+1, len(windows)-1)
	return nil
}

// errors are those of the second under the cursor, of the endpoint that is
// shown, or all.
func (c *chartsScreen) errors(m *model) tea.Cmd {
	switch {
	case c.cursor >= 0:
		_, step := c.step(m)
		at := m.snap.Started.Add(c.cursor)
		e, tab := alone[*errorsScreen](m)
		e.only, e.from, e.to = c.key, at, at.Add(step)
		return m.goTo(tab)
	case c.key != nil:
		return m.errorsOf(*c.key)
	}
	_, tab := tabOf[*errorsScreen](m)
	return m.goTo(tab)
}

func (c *chartsScreen) view(m *model, w, h int) draw.Pane {
	if m.layout.w < 40 || h < 6 {
		return draw.Pane{Lines: []string{draw.Rule("CHARTS", "", w, true), " the screen is too small for charts"}}
	}
	from, span := c.span(m)
	l := look{c.data(m), from, span, percentileSets[c.which], c.log, c.cursor}
	who := "all endpoints"
	if c.key != nil {
		who = draw.CutMiddle(endpointName(*c.key), 24)
	}
	scaleName := "lin"
	if c.log {
		scaleName = "log"
	}
	ends := []string{
		fmt.Sprintf(" window %s (z)  scale %s (L)  %s ", c.windowName(), scaleName, who),
		fmt.Sprintf(" %s (z)  %s (L)  %s ", c.windowName(), scaleName, who), fmt.Sprintf(" %s  %s ", c.windowName(), who), " " + who + " ",
	}
	plot := func(what, w, h int, ends ...string) []string {
		return l.picture(m, what, w, h, c.focus == what, ends...)
	}
	foot := c.at(m, w)
	room := h - len(foot)
	out := draw.Pane{Areas: []draw.Area{{W: w, H: room,
		Click: func(x, y int) { c.pointAt(m, x, y, w, room) },
		Wheel: func(by draw.Move) {
			if by == draw.MoveUp {
				c.zoomIn(m)
			} else {
				c.zoomOut(m)
			}
		},
		Release: func(x, y int) { c.dragged(m, x, y, w, room) },
	}}}
	switch {
	case c.big || w < 60 || room < 14:
		out.Add(plot(c.focus, w, room, ends...)...)
	case w < 80:
		topH := room / 2
		second := ofRate
		if c.focus == ofUsers {
			second = ofUsers
		}
		out.Add(plot(ofLatency, w, topH, ends...)...)
		out.Add(plot(second, w, room-topH)...)
	default:
		topH := room - room*2/5
		lw := (w - 1) / 2
		out.Add(plot(ofLatency, w, topH, ends...)...)
		out.Add(draw.Beside(plot(ofRate, lw, room-topH), plot(ofUsers, w-1-lw, room-topH), lw, w-1-lw)...)
	}
	out.Add(foot...)
	return out
}

// pointAt puts the cursor where it was clicked, on the chart above or below.
func (c *chartsScreen) pointAt(m *model, x, y, w, room int) {
	c.pressed = -1
	if at, ok := c.secondAt(m, x, y, w, room); ok {
		c.cursor, c.pressed = min(at, m.snap.Elapsed.Truncate(time.Second)), at
	}
}

// dragged zooms to what lies between where the mouse went down and up.
func (c *chartsScreen) dragged(m *model, x, y, w, room int) {
	at, ok := c.secondAt(m, x, y, w, room)
	if from, to := min(at, c.pressed), max(at, c.pressed); ok && c.pressed >= 0 && to-from >= 4*time.Second {
		c.zoom, c.cursor = [2]time.Duration{from, to}, -1
		m.say("%s to %s (esc: back)", clock(from), clock(to))
	}
	c.pressed = -1
}

// secondAt is the second under a cell of the charts; the chart there gets the focus.
func (c *chartsScreen) secondAt(m *model, x, y, w, room int) (time.Duration, bool) {
	from, span := c.span(m)
	left, cols := 0, w
	if top := room - room*2/5; w >= 80 && !c.big && room >= 14 && y >= top {
		lw := (w - 1) / 2
		c.focus, cols = ofRate, lw
		if x > lw {
			c.focus, left, cols = ofUsers, lw+1, w-1-lw
		}
	} else if !c.big {
		c.focus = ofLatency
	}
	n := cols - draw.ChartMargin
	i := x - left - draw.ChartMargin
	if i < 0 || i >= n {
		return 0, false
	}
	return (from + time.Duration(float64(span)*float64(i)/float64(n))).Truncate(time.Second), true
}

// at are the numbers of the second under the cursor.
func (c *chartsScreen) at(m *model, w int) []string {
	seconds := c.data(m)
	var s *stats.Second
	for i := len(seconds) - 1; i >= 0; i-- {
		if c.cursor < 0 || seconds[i].At <= c.cursor {
			s = &seconds[i]
			break
		}
	}
	if s == nil {
		return []string{draw.Rule("AT", "", w, false), " nothing yet", ""}
	}
	title := draw.Heading.Styled("NOW") + "  h/l: time cursor "
	if c.cursor >= 0 {
		title = draw.Heading.Styled("AT "+m.snap.Started.Add(s.At).Local().Format("15:04:05")) + fmt.Sprintf("  %s into the run ", clock(s.At))
		if s.Span > time.Second {
			title += fmt.Sprintf("(%s) ", typed(s.Span))
		}
	}
	secs := max(s.Span.Seconds(), 1e-9)
	line := ""
	for _, part := range []string{
		"users " + thousands(s.Users), "RPS " + rate(s.RPS()), "fail " + rate(s.FailRate()) + "/s", "p50 " + millis(s.P50), "p95 " + millis(s.P95),
		"p99 " + millis(s.P99), "max " + millis(s.Max) + " ms", "in " + size(float64(s.In)/secs) + "/s", "out " + size(float64(s.Out)/secs) + "/s",
	} {
		if draw.Width(line)+draw.Width(part)+2 < w {
			line += " " + part + " "
		}
	}
	second := ""
	if s.Suspect {
		second += draw.BadBold.Styled(" ! the load generator was not well") + "  "
	}
	if s.NotStarted > 0 {
		second += fmt.Sprintf(" %s not started ", thousands(s.NotStarted))
	}
	if s.Late > 0 {
		second += fmt.Sprintf(" %s late ", thousands(s.Late))
	}
	if s.Failed > 0 {
		from := m.snap.Started.Add(s.At)
		var what []string
		for _, g := range m.snap.Groups {
			if c.key != nil && g.Key.Key != *c.key {
				continue
			}
			if n := failuresIn(g, s.At, s.Span, m.snap.Elapsed); n > 0 || !g.First.After(from) && !g.Last.Before(from) && n < 0 {
				t := g.Label() + " " + endpointName(g.Key.Key)
				if n > 0 {
					t += " " + thousands(n)
				}
				what = append(what, t)
			}
		}
		second += " errors: " + strings.Join(what, " · ") + "  " + draw.Dim.Styled("(E: open)")
	}
	return []string{draw.Rule(title, "", w, false), line, second}
}

// failuresIn is how many failures of a group fell into a second, from its trend
// of the last minute; -1 where that is too long ago to know.
func failuresIn(g *stats.Group, at, span, elapsed time.Duration) int {
	last := int(elapsed/time.Second) - 1 // the newest full second
	i := len(g.Trend) - 1 - (last - int(at/time.Second))
	if span > time.Second || i < 0 {
		return -1
	}
	if i >= len(g.Trend) {
		return 0
	}
	return int(g.Trend[i])
}

func secondsCSV(seconds []stats.Second) string {
	var b strings.Builder
	b.WriteString("second,span,users,target,rps,failures_per_s,p50_ms,p95_ms,p99_ms,p99.9_ms,max_ms,in_bytes,out_bytes,late,not_started,suspect\n")
	for i := range seconds {
		s := &seconds[i]
		fmt.Fprintf(&b, "%.0f,%.0f,%d,%d,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%d,%d,%d,%d,%v\n", s.At.Seconds(), s.Span.Seconds(), s.Users, s.Target, s.RPS(), s.FailRate(),
			float64(s.P50)/1e6, float64(s.P95)/1e6, float64(s.P99)/1e6, float64(s.P999)/1e6, float64(s.Max)/1e6, s.In, s.Out, s.Late, s.NotStarted, s.Suspect)
	}
	return b.String()
}
