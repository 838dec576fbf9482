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
	past
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
	c.past.of(&k)
}

// filterText: an endpoint is a filter, which esc takes away.
func (c *chartsScreen) filterText() string {
	if c.key != nil {
		return endpointName(*c.key)
	}
	return ""
}

func (c *chartsScreen) filtered(m *model, text string) {
	c.past.of(nil)
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

func (c *chartsScreen) notice(m *model, msg tea.Msg) tea.Cmd { return c.past.notice(m, msg) }

func (c *chartsScreen) windowName(m *model) string {
	if c.zoom[1] > 0 {
		return clock(c.zoom[0]) + "-" + clock(c.zoom[1])
	}
	if span := grown(m.snap.Elapsed, windows[c.window]); span < windows[c.window] { // it grows up to that
		return typed(span)
	}
	return windowNames[c.window]
}

// span is where the window begins and how long it is.
func (c *chartsScreen) span(m *model) (from, span time.Duration) {
	if c.zoom[1] > 0 {
		return c.zoom[0], c.zoom[1] - c.zoom[0]
	}
	elapsed := m.snap.Elapsed
	if span = grown(elapsed, windows[c.window]); span == 0 {
		span = wholeSpan(elapsed)
	}
	// No room for what will never come.
	end := m.snap.RunTime
	if n := len(m.snap.Shape); n > 0 && (end == 0 || m.snap.Shape[n-1].At < end) {
		end = m.snap.Shape[n-1].At
	}
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

func (c *chartsScreen) pane(m *model, step int) tea.Cmd {
	n := c.pictures(m)
	c.focus = (c.focus + step + n) % n
	return nil
}

// pictures is how many there is room for.
func (c *chartsScreen) pictures(m *model) int {
	if m.layout.w >= 100 && m.layout.h >= 24 {
		return 4
	}
	return 3
}

// open makes a picture large. In that of the spread, the cursor leads to the errors of
// its second.
func (c *chartsScreen) open(m *model) tea.Cmd {
	if c.focus == ofSpread && c.cursor >= 0 {
		return c.errors(m)
	}
	c.big = !c.big
	return nil
}
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
func (c *chartsScreen) export(m *model) tea.Cmd { return m.askExport("chart", secondsCSV(c.points(m))) }

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
	l := m.lookAt(c.points(m), from, span, percentileSets[c.which])
	l.log, l.cursor = c.log, c.cursor
	right := l.behind(m, &c.past)
	c.focus %= c.pictures(m)
	who := "all endpoints"
	if c.key != nil {
		who = draw.CutMiddle(endpointName(*c.key), 24)
	}
	scaleName := "lin"
	if c.log {
		scaleName = "log"
	}
	ends := []string{
		fmt.Sprintf(" window %s (z)  scale %s (L)  %s ", c.windowName(m), scaleName, who),
		fmt.Sprintf(" %s (z)  %s (L)  %s ", c.windowName(m), scaleName, who), fmt.Sprintf(" %s  %s ", c.windowName(m), who), " " + who + " ",
	}
	plot := func(what, w, h int, ends ...string) draw.Pane {
		l := l
		if !c.big && (what == ofSpread || what == ofUsers) {
			l = right
		}
		if what == ofSpread {
			return l.heat(m, c.focus == what, w, " enter: errors of the second under the cursor ", " enter: errors ").Draw(w, h, m.layout.boxed)
		}
		return l.picture(m, what, c.focus == what, w, ends...).Draw(w, h, m.layout.boxed)
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
	lw, rw := m.layout.parts(w, w/2)
	topH := room - room*2/5
	switch {
	case c.big || w < 60 || room < 14:
		out.Put(plot(c.focus, w, room, ends...))
	case w < 80:
		second := ofRate
		if c.focus == ofUsers {
			second = ofUsers
		}
		out.Put(plot(ofLatency, w, room/2, ends...))
		out.Put(plot(second, w, room-room/2))
	default:
		if c.pictures(m) > 3 {
			out.Put(m.layout.beside(plot(ofLatency, lw, topH, ends...), plot(ofSpread, rw, topH), lw))
		} else {
			out.Put(plot(ofLatency, w, topH, ends...))
		}
		out.Put(m.layout.beside(plot(ofRate, lw, room-topH), plot(ofUsers, rw, room-topH), lw))
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
	lw, rw := m.layout.parts(w, w/2)
	side := func(l, r int) {
		if c.focus, cols = l, lw; x >= w-rw {
			c.focus, left, cols = r, w-rw, rw
		}
	}
	switch top := room - room*2/5; {
	case c.big:
	case w >= 80 && room >= 14 && y >= top:
		side(ofRate, ofUsers)
	case c.pictures(m) > 3:
		side(ofLatency, ofSpread)
	default:
		c.focus = ofLatency
	}
	if m.layout.boxed {
		left, cols = left+1, cols-2
	}
	n := cols - draw.ChartMargin
	i := x - left - draw.ChartMargin
	if i < 0 || i >= n {
		return 0, false
	}
	return (from + time.Duration(float64(span)*float64(i)/float64(n))).Truncate(time.Second), true
}

// momentsIn are what explains the bends in sight, those near the cursor first, as many
// as fit w.
func (c *chartsScreen) momentsIn(m *model, w int) string {
	from, span := c.span(m)
	_, step := c.step(m)
	var near, rest []string
	for _, x := range slices.Backward(m.moments()) {
		text := draw.Modified.Render(x.sign) + " " + draw.Cut(x.what, 24)
		switch {
		case x.at < from || x.at > from+span:
		case c.cursor >= 0 && (x.at-c.cursor).Abs() <= 2*step:
			near = append(near, text)
		default:
			rest = append(rest, text)
		}
	}
	line := ""
	for _, text := range append(near, rest...) {
		if draw.Width(line)+draw.Width(text)+3 > w {
			break
		}
		line += " " + text + " "
	}
	return line
}

// at are the numbers of the second under the cursor.
func (c *chartsScreen) at(m *model, w int) []string {
	seconds := c.points(m)
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
	title := draw.Heading.Render("NOW") + "  h/l: time cursor "
	if c.cursor >= 0 {
		title = draw.Heading.Render("AT "+m.snap.Started.Add(s.At).Local().Format("15:04:05")) + fmt.Sprintf("  %s into the run ", clock(s.At))
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
	if c.focus == ofSpread {
		second = spreadInWords(s, w/2)
	}
	if s.Suspect {
		second += draw.BadBold.Render(" ! the load generator was not well") + "  "
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
		second += " errors: " + strings.Join(what, " · ") + "  " + draw.Dim.Render("(E: open)")
	}
	return []string{draw.Rule(title, c.momentsIn(m, w-draw.Width(title)-3), w, false), line, second}
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
