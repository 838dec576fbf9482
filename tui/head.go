package tui

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// View draws the whole screen: exactly as many lines as it has, none wider.
func (m *model) View() (v tea.View) {
	defer func() {
		if r := recover(); r != nil {
			m.fail(fmt.Errorf("panic while drawing: %v\n%s", r, debug.Stack()))
			v = tea.NewView("")
			v.AltScreen = true
		}
	}()
	began := time.Now()
	lines := m.lines()
	if m.o.ASCII {
		for i, l := range lines {
			lines[i] = draw.ASCII(l)
		}
	}
	v = tea.NewView(m.theme.Paint(strings.Join(lines, "\n")))
	v.AltScreen = true
	if m.mouse.ours && !m.layout.tiny {
		v.MouseMode = tea.MouseModeCellMotion
	}
	m.drew = time.Since(began)
	return v
}

func (m *model) lines() []string {
	f := m.layout
	m.mouse.areas = m.mouse.areas[:0]
	if m.fault != nil {
		return draw.Sized(nil, f.w, f.h)
	}
	if f.tiny {
		return m.tinyLines()
	}
	var out []string
	if m.form != nil {
		out = m.form.view(m, f.w, f.h).Lines
	} else {
		out = append(out, m.status(), m.numbers(), m.tabLine())
		body := m.screen().view(m, f.w, f.body)
		m.mouse.areas = append(m.mouse.areas, body.At(0, headLines)...)
		out = append(out, draw.Sized(body.Lines, f.w, f.body)...)
		out = append(out, m.noteLine(), m.footer())
	}
	out = draw.Sized(out, f.w, f.h)
	out[0] = draw.Barred(out[0])
	if len(m.dialogs) == 0 {
		return out
	}
	var boxes [][]string
	for _, d := range m.dialogs {
		boxes = append(boxes, d.view(m, f.w, f.h))
	}
	out, m.mouse.layers = draw.Over(out, boxes, f.w, f.h)
	return out
}

// tinyLines are what a screen too small for anything else still shows.
func (m *model) tinyLines() []string {
	f, s := m.layout, m.snap
	small := fmt.Sprintf("too small: %dx%d (%dx%d)", f.w, f.h, leastWidth, leastHeight)
	if m.form != nil {
		return draw.Sized([]string{"tload: new run", small}, f.w, f.h)
	}
	t := m.shown(&s.Total)
	state := map[swarm.State]string{swarm.Running: "RUN", swarm.Spawning: "SPAWN", swarm.Stopping: "ENDS", swarm.Stopped: "ENDED", swarm.Paused: "PAUSE"}[s.State]
	if state == "" {
		state = s.State.String()
	}
	rps, fails, p95 := draw.Short(t.RPS)+" rps", share(t.Failures, t.Requests), "p95 "+draw.Squeeze(millis(t.OK.P95), 5)
	all := state + " " + clock(s.Elapsed) + " " + rps + " " + fails + " fail " + p95
	lines := []string{draw.FirstThatFits(f.w, all, state+" "+rps+" "+fails+" fail "+p95, rps+" "+fails+" fail "+p95, fails+" "+p95)}
	if draw.Width(rps+" "+fails+" fail "+p95) > f.w && f.h >= 4 { // in several lines, then
		lines = draw.WrapText(all, f.w)
	}
	small = draw.FirstThatFits(f.w, small, fmt.Sprintf("too small: %dx%d", f.w, f.h), "too small")
	if !m.healthy() {
		small = draw.BadBold.Render("▲ GEN") + " " + small
	}
	if m.stalled() {
		lines = append(lines, draw.Warning.Render(draw.FirstThatFits(f.w, m.stallText(), "▲ no reply for "+inSeconds(m.pulse.quiet))))
	}
	lines = append(lines, small)
	if m.prompt != nil {
		lines = append([]string{"/ " + m.prompt.text.View(max(f.w-14, 1), true) + " enter/esc"}, lines...)
	}
	if n := len(m.dialogs); n > 0 {
		asked := []string{m.dialogs[n-1].brief()}
		if draw.Width(asked[0]) > f.w && f.h >= 4 && !strings.Contains(asked[0], "\x1b") {
			asked = draw.WrapText(asked[0], f.w)
		}
		lines = append(asked, lines...)
	}
	return draw.Sized(lines, f.w, f.h)
}

// status is the first line: host, state, clock, users, how the generator is.
func (m *model) status() string {
	s, f := m.snap, m.layout
	state := stateStyle(s.State).Render(s.State.String())
	elapsed := clock(s.Elapsed)
	if s.RunTime > 0 {
		elapsed += "/" + clock(s.RunTime)
	}
	users := thousands(s.Running)
	past := clock(s.Elapsed)
	target := s.Target
	if !s.Open {
		target = int(m.wanted.or(float64(s.Target)))
	}
	target += s.Own
	if target != s.Running {
		users += "/" + thousands(target)
	}
	host := hostName(s.Host)
	light := m.light()
	var extra []string
	tail := ""
	if m.frozen {
		behind := m.live.Taken.Sub(s.Taken).Round(time.Second)
		tail += "  " + draw.Inverse.Render(" FROZEN "+inSeconds(behind)+" behind ")
	}
	if m.terminal.lags(m.every) {
		tail += "  " + draw.Warning.Render("slow link")
	}
	// The light stays whatever else has to go.
	fixed := draw.FirstThatFits(f.w-draw.Width(light)-2,
		fmt.Sprintf("  %s %s  %s users", state, elapsed, users)+tail, fmt.Sprintf("  %s %s  %s users", state, past, users)+tail,
		fmt.Sprintf(" %s %s %su", state, past, users)+tail, fmt.Sprintf(" %s %s %su", state, past, users), fmt.Sprintf(" %s %su", state, users))
	if s.WarmUp > 0 && s.Apart == 0 && s.State.Active() {
		extra = append(extra, draw.Warning.Render("warm-up "+clock(s.Elapsed)+"/"+clock(s.WarmUp)))
	}
	if m.o.ReadOnly {
		extra = append(extra, draw.Warning.Render("looking on"))
	}
	if what := follows(s); what != "" {
		if s.ByHand {
			extra = append(extra, draw.Warning.Render("by hand (A)"))
		} else {
			extra = append(extra, what)
		}
	}
	if s.Open {
		a := rate(m.wanted.or(s.Rate)) + "/s arrivals"
		if s.Backlog > 0 {
			a += ", " + thousands(s.Backlog) + " wait"
		}
		extra = append(extra, a)
	}
	if f.w >= 72 {
		if b := behaviours(s, f.w >= 120); b != "" {
			extra = append(extra, b)
		}
	}
	if f.w >= 130 && s.RunTime > 0 {
		extra = append(extra, progress(s.Elapsed, s.RunTime, 20))
	}
	if f.w >= 130 && s.RunID != "" {
		extra = append(extra, draw.Dim.Render("run "+clean(s.RunID)))
	}
	room := f.w - draw.Width(fixed) - draw.Width(light) - 9
	lead := ""
	switch { // the state and the light matter more
	case room >= 6:
		lead = " " + draw.Bold.Render("tload") + " " + draw.CutMiddle(clean(host), min(room, 40))
	case room >= -2:
		lead = " " + draw.Bold.Render("tload")
	}
	lead += fixed
	for _, e := range extra {
		if draw.Width(lead)+2+draw.Width(e)+2+draw.Width(light) < f.w {
			lead += "  " + e
		}
	}
	return draw.Between(draw.Fit(lead, min(draw.Width(lead), f.w-draw.Width(light)-2)), light+" ", f.w)
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }

func hostName(h string) string {
	if _, rest, ok := strings.Cut(h, "://"); ok {
		h = rest
	}
	return strings.TrimSuffix(h, "/")
}

func behaviours(s *swarm.Snapshot, all bool) string {
	if len(s.Behaviours) == 0 {
		return ""
	}
	first := clean(s.Behaviours[0].Name)
	if !all {
		if n := len(s.Behaviours) - 1; n > 0 {
			first += fmt.Sprintf("+%d", n)
		}
		return draw.CutMiddle(first, 24)
	}
	var names []string
	for _, b := range s.Behaviours {
		names = append(names, fmt.Sprintf("%s×%s", clean(b.Name), thousands(b.Running)))
	}
	return draw.Cut(strings.Join(names, " "), 50)
}

func progress(done, all time.Duration, w int) string {
	share := min(float64(done)/float64(all), 1)
	n := int(share * float64(w))
	return fmt.Sprintf("▕%s%s▏%3.0f%%", strings.Repeat("█", n), strings.Repeat("░", w-n), share*100)
}

func stateStyle(s swarm.State) lipgloss.Style {
	switch s {
	case swarm.Running:
		return draw.GoodBold
	case swarm.Spawning, swarm.Paused, swarm.Stopping:
		return draw.WarnBold
	}
	return draw.Bold
}

// healthy says that the generator has nothing to complain of.
func (m *model) healthy() bool {
	h := m.snap.Health
	return h.OK || len(h.Reasons) == 0
}

// light says in a word whether the numbers are the target's or this machine's.
func (m *model) light() string {
	switch {
	case m.snap.State == swarm.Ready || m.snap.Taken.IsZero():
		return draw.Dim.Render("● idle")
	case !m.healthy() && m.layout.w < 80:
		return draw.BadBold.Render("▲ GEN")
	case !m.healthy():
		return draw.BadBold.Render("▲ GENERATOR")
	case m.snap.State == swarm.Stopped && m.snap.Health.SuspectSeconds > 0:
		return draw.Warning.Render("▲ was suspect")
	}
	if h := &m.snap.Health; m.layout.w >= 120 && h.Cores > 0 {
		most := stats.CPU(100*h.Cores, h.Cores) // what stands beside it keeps its place
		return "generator " + draw.Good.Render("● ok") + " cpu " + draw.Right(stats.CPU(h.CPU, h.Cores), draw.Width(most))
	}
	return draw.Good.Render("● ok")
}

// numbers is the second line. Its numbers keep their places, and what does not
// fit gives way as a whole.
func (m *model) numbers() string {
	s, f := m.snap, m.layout
	t := m.shown(&s.Total)
	if m.dry { // one of each has no rate
		return fmt.Sprintf(" dry run: %s, %s failed   slowest %s ms", plural(int(t.Requests), "request"), thousands(t.Failures), millis(t.Latency.Max))
	}
	rps := draw.Bold.Render(draw.Few(rate(t.RPS), 6))
	failed := share(t.Failures, t.Requests)
	fail := failed + " (" + draw.Squeeze(rate(t.FailRate), 5) + "/s)"
	late := share(t.Late, t.Due)
	if t.Failures > 0 {
		failed, fail = draw.Bad.Render(failed), draw.Bad.Render(fail)
	}
	if t.LatePercent() >= 1 {
		late = draw.BadBold.Render(late)
	}
	l := &t.OK
	p50, p95, p99 := draw.Few(millis(l.P50), 5), draw.Bold.Render(draw.Few(millis(l.P95), 5)), draw.Few(millis(l.P99), 5)
	wide := fmt.Sprintf(" RPS %s   FAIL %s   p50 %s  p95 %s  p99 %s  max %s ms   IN %s/s   IN FLIGHT %s   LATE %s",
		rps, draw.Fit(fail, 16), p50, p95, p99, draw.Few(millis(l.Max), 6), draw.Right(size(perSecond(t.In, t.Span)), 8), draw.Few(thousands(s.InFlight), 5), late)
	if c := t.Corrected; c.Count > 0 && f.w >= 140 {
		wide = draw.FirstThatFits(f.w, wide+"   CORRECTED p99 "+millis(c.P99), wide)
	}
	line := fmt.Sprintf(" RPS %s  fail %s p50 %s p95 %s p99 %s ms  late %s", rps, draw.Fit(fail, 16), p50, p95, p99, late)
	if m.stalled() {
		stall := draw.Warning.Render(m.stallText())
		return draw.FirstThatFits(f.w, wide+"   "+stall, line+"  "+stall, fmt.Sprintf(" RPS %s  fail %s  p95 %s ms  ", rps, failed, strings.TrimLeft(p95, " "))+stall,
			fmt.Sprintf(" RPS %s  fail %s  ", rps, failed)+stall, " "+stall, " "+draw.Warning.Render("▲ no reply for "+inSeconds(m.pulse.quiet)))
	}
	return draw.FirstThatFits(f.w, wide, line+"  in flight "+draw.Few(thousands(s.InFlight), 5), line,
		fmt.Sprintf(" RPS %s fail %s p50/95/99 %s/%s/%s ms", rps, draw.Fit(failed, 6), draw.Squeeze(millis(l.P50), 5), draw.Bold.Render(draw.Squeeze(millis(l.P95), 5)), draw.Squeeze(millis(l.P99), 5)),
		fmt.Sprintf(" RPS %s fail %s p95 %s ms", rps, draw.Fit(failed, 6), draw.Bold.Render(draw.Squeeze(millis(l.P95), 5))),
		fmt.Sprintf(" %s rps %s p95 %s", rps, failed, draw.Bold.Render(draw.Squeeze(millis(l.P95), 5))))
}

func perSecond(n uint64, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return float64(n) / span.Seconds()
}

// tabLine is the third line: the tabs, or where one is below them.
func (m *model) tabLine() string {
	f := m.layout
	window := m.windowName() + " "
	if st := m.tabs[m.tab]; len(st) > 1 {
		home := m.tabPage().name
		crumbs := []string{home}
		for _, s := range st[1:] {
			crumbs = append(crumbs, s.title())
		}
		end := window
		if e := m.page().end; e != "" {
			end = e
		}
		line := " " + strings.Join(crumbs[:len(crumbs)-1], " › ") + " › "
		line += draw.Accent.Render(crumbs[len(crumbs)-1])
		m.mouse.areas = append(m.mouse.areas, draw.Area{X: 0, Y: 2, W: draw.Width(home) + 2, H: 1, Press: "esc"})
		return draw.Between(line, end, f.w)
	}
	// All names, then closer together, then only the one that is open: the
	// window's name says what every number means, and stays.
	for _, how := range []struct{ names, close bool }{{true, false}, {true, true}, {false, false}, {false, true}} {
		var b strings.Builder
		areas, x := []draw.Area(nil), 0
		for i, p := range m.pages.tabs {
			n := p.name
			if s, ok := m.tabs[i][0].(interface{ count(*model) int }); ok && s.count(m) > 0 {
				n = fmt.Sprintf("%s(%d)", n, s.count(m))
			}
			label := " " + p.key + " " + n + " "
			if i != m.tab && !how.names {
				label = " " + p.key + " "
			}
			if how.close {
				label = label[:len(label)-1]
			}
			areas = append(areas, draw.Area{X: x, Y: 2, W: draw.Width(label), H: 1, Press: p.key})
			x += draw.Width(label)
			if i == m.tab {
				label = draw.Inverse.Render(label)
			}
			b.WriteString(label)
		}
		if x+1+draw.Width(window) <= f.w || how.close && !how.names {
			m.mouse.areas = append(m.mouse.areas, areas...)
			return draw.Between(b.String(), window, f.w)
		}
	}
	return ""
}
