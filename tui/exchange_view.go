package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tload/stats"
	"tload/stats/exchange"
	"tload/tui/draw"
)

func (e *exchangeScreen) view(m *model, w, h int) draw.Pane {
	f := m.layout
	if w < 120 || h < 24 {
		return e.main(m, w).Draw(w, h, f.boxed)
	}
	lw, rw := f.parts(w, 48)
	return f.beside(e.side(m, lw, h), e.main(m, rw).Draw(rw, h, f.boxed), lw)
}

// side is what a wide screen shows on the left: samples, group, timing.
func (e *exchangeScreen) side(m *model, w, h int) draw.Pane {
	f := m.layout
	edges, in := f.edges(), f.inner(w)
	var parts []draw.Section
	part := func(title string, lines ...string) {
		parts = append(parts, draw.Section{Title: title, Body: draw.Lines(lines...)})
	}
	if e.group != nil {
		g := e.group.last
		part("GROUP ", fmt.Sprintf(" %s failures  %s/s", thousands(g.Count), rate(m.rateOf(g))),
			fmt.Sprintf(" first %s   last %s ago", g.First.Local().Format("15:04:05"), ago(m.now(), g.Last)),
			fmt.Sprintf(" began at %s users", thousands(g.Users)), " "+draw.Spark(g.Trend, in-2))
		if len(g.Variants) > 1 {
			var lines []string
			for i, v := range g.Variants {
				if i == 4 {
					lines = append(lines, draw.Dim.Render(fmt.Sprintf(" … %d more", len(g.Variants)-4)))
					break
				}
				lines = append(lines, draw.Between(" "+draw.Cut(clean(oneLine(v.Message)), in-12), thousands(v.Count)+" ", in))
			}
			part("VARIANTS ", lines...)
		}
	}
	part("TIMING ", e.timing(in)...)
	from := []string{fmt.Sprintf(" user %s  iteration %s", thousands(e.x.User), thousands(e.x.Iteration)), " " + draw.Cut(clean(strings.Trim(e.x.Behaviour+" › "+e.x.Task, " ›")), in-2)}
	if e.x.Worker != "" {
		from = append(from, " worker "+draw.Cut(clean(e.x.Worker), in-9))
	}
	part("FROM ", from...)

	below := 0
	for _, p := range parts {
		below += len(p.Body(in, 0).Lines) + edges
	}
	list := max(h-below, min(5, h))
	for i, r := range e.among.table.Rows {
		if r.Exchange == e.x {
			e.among.table.To(i)
		}
	}
	small := e.among.table.Table
	small.Columns = slices.DeleteFunc(slices.Clone(small.Columns), func(c draw.Column[sample]) bool { return c.Name == "STATUS" && e.group != nil || c.Width == 0 })
	small.Columns = append(small.Columns, draw.Column[sample]{Name: "", Cell: func(sample) string { return "" }})
	small.Columns[len(small.Columns)-1].Width = 1
	small.Sort = 0
	var out draw.Pane
	out.Put(draw.Section{Title: fmt.Sprintf("SAMPLES %d ", len(e.among.all)), Body: func(w, h int) draw.Pane {
		return draw.Pane{Lines: small.Draw(w, h, true).Lines}
	}}.Draw(w, list, f.boxed))
	for _, p := range parts {
		if room := h - len(out.Lines); room > edges {
			out.Put(p.Draw(w, min(len(p.Body(in, 0).Lines)+edges, room), f.boxed))
		}
	}
	out.Lines = draw.Sized(out.Lines, w, h)
	return out
}

// endedBy is how an exchange ended that got no byte of a reply; empty if one came,
// or if it is of a protocol whose replies are not kept.
func endedBy(x *stats.Exchange) string {
	if len(x.Response.Head) > 0 || x.Response.Size > 0 || x.Status != 0 {
		return ""
	}
	switch x.Kind {
	case stats.DNS:
		return "the name did not resolve"
	case stats.Connect:
		return "no connection"
	case stats.TLS:
		return "the handshake failed"
	case stats.Timeout:
		return "the time was up"
	case stats.Reset:
		return "reset"
	case stats.EOF:
		return "the peer closed"
	}
	return ""
}

// timing is where the time went, phase by phase.
func (e *exchangeScreen) timing(w int) []string {
	x := e.x
	p := x.Phases
	total := max(x.Took, 1)
	narrow := w < 60
	row := func(name string, d time.Duration, note string) string {
		line := " " + draw.Fit(name, 16) + draw.Right(phase(d), 8) + " ms  "
		if narrow {
			line = " " + draw.Fit(name, 15) + draw.Right(phase(d), 8) + " ms "
		}
		room := w - draw.Width(line) - 1
		if note != "" && !narrow {
			room = min(room, max(room-draw.Width(note)-2, 10))
		}
		b := ""
		if d > 0 {
			b = draw.Bar(float64(d)/float64(total), max(room, 1))
		}
		line += draw.Modified.Render(b)
		if note != "" && !narrow {
			line += "  " + draw.Cut(clean(note), max(w-draw.Width(line)-3, 0))
		}
		return line
	}
	var out []string
	if x.Late >= time.Millisecond {
		out = append(out, row("started late", x.Late, "(behind its schedule: not in the total)"))
	}
	where := strings.Trim(x.Conn.Local+" → "+x.Conn.Remote, " →")
	if x.Conn.Reused {
		out = append(out, " "+draw.Fit("connection", 16)+draw.Cut("reused  "+clean(where), max(w-18, 0)))
	}
	ended := endedBy(x)
	for _, part := range []struct {
		name  string
		d     time.Duration
		note  string
		needs bool // shown even where it took no time
	}{
		{"DNS", p.DNS, "", false},
		{"TCP connect", p.Connect, "new connection " + where, ended == "" && !x.Conn.Reused && where != ""},
		{"TLS handshake", p.TLS, x.Conn.TLS, ended == "" && !x.Conn.Reused && x.Conn.TLS != ""},
		{"request written", p.Write, "", ended == ""},
	} {
		if part.d > 0 || part.needs {
			out = append(out, row(part.name, part.d, part.note))
		}
	}
	if ended != "" { // without a byte of a reply
		if rest := x.Took - p.DNS - p.Connect - p.TLS - p.Write; rest > 0 && (p.Write > 0 || strings.Contains(x.Message, "first byte")) {
			out = append(out, row("no reply", rest, fmt.Sprintf("waited %s ms for the first byte, then %s", phase(rest), ended)))
			if narrow {
				out = append(out, " "+draw.Cut("then "+ended, w-2))
			}
		} else if rest > 0 {
			out = append(out, row("then", rest, ended))
		}
	} else {
		note := ""
		if x.Response.Cut() {
			note = fmt.Sprintf("%s of %s B kept", thousands(len(x.Response.Body)), thousands(x.Response.Size))
		}
		out = append(out, row("first byte", p.FirstByte, ""), row("body read", p.Body, note))
	}
	name := 16
	if narrow {
		name = 15
	}
	return append(out, " "+draw.Bold.Render(draw.Fit("total", name)+draw.Right(phase(x.Took), 8)+" ms"))
}

// main is the part that is read.
func (e *exchangeScreen) main(m *model, w int) draw.Section {
	var tabs []string
	for i, n := range partNames {
		if i == e.part {
			n = draw.Accent.Render("[" + n + "]")
		}
		tabs = append(tabs, n)
	}
	title := strings.Join(tabs, "  ")
	if draw.Width(title) > w-24 {
		title = draw.Accent.Render("["+partNames[e.part]+"]") + fmt.Sprintf(" %d/%d tab", e.part+1, len(partNames))
	}
	s := draw.Section{Title: title + " ", Focused: true, Body: func(w, h int) draw.Pane { return e.body(m, w, h) }}
	s.Where = func() string {
		if where := e.text.Where(thousands[int]); where != "" {
			return " " + where
		}
		return ""
	}
	return s
}

// body is the part without its title.
func (e *exchangeScreen) body(m *model, w, h int) draw.Pane {
	e.w = w
	var out []string
	d := m.docs.made[e.key(m)]
	switch e.part {
	case partResponse, partRequest:
		out = append(out, e.headOf(m, w, h)...)
		out = append(out, draw.Edge.Render(strings.Repeat("─", w)))
	case partTiming:
		out = append(out, e.timing(w)...)
		kind := "Response body"
		if d != nil {
			kind += " · " + d.kind
		}
		out = append(out, draw.Rule(kind+" ", "", w, false))
	case partCompare:
		with := "newest success"
		if e.sent[e.x] != nil {
			with = "sent again"
		}
		if e.other != nil {
			out = append(out, draw.Cut(fmt.Sprintf(" - this: %s in %s ms   + %s: %s in %s ms", clean(shortOutcome(e.x)), millis(e.x.Took), with, clean(shortOutcome(e.other)), millis(e.other.Took)), w-1))
		}
	}
	foot := e.footLines(m, d, w, h)
	room := max(h-len(out)-len(foot), 0)
	wheel := draw.Area{Y: len(out), W: w, H: room, Wheel: e.text.Move}
	var body []string
	switch {
	case e.part <= partTiming && e.shown != e.key(m):
		body = []string{draw.Dim.Render(" …")}
	case e.part <= partTiming && len(e.text.Lines) == 0:
		body = []string{draw.Dim.Render(" (no body)")}
	default:
		body = e.text.Draw(w, room)
	}
	out = append(out, draw.Sized(body, w, room)...)
	return draw.Pane{Lines: append(out, foot...), Areas: []draw.Area{wheel}}
}

// footLines say how much of a body there is, and what was done to it.
func (e *exchangeScreen) footLines(m *model, d *document, w, h int) []string {
	if e.part > partTiming {
		return nil
	}
	part := e.x.Response
	if e.part == partRequest {
		part = e.x.Request
	}
	note := kept(part, m.fromFile)
	if d != nil && len(part.Body) == 0 && len(d.lines) > 0 {
		note = d.kind
	}
	if d != nil && len(part.Body) > 0 {
		note = join(note, d.kind, d.note, d.marked)
	}
	if e.x.Surplus > 0 && e.part != partRequest { // first: a narrow screen cuts the rest
		note = join(fmt.Sprintf("%s B too many behind it", thousands(e.x.Surplus)), note)
	}
	if part.Cut() && len(part.SHA256) > 0 {
		note = join(note, fmt.Sprintf("sha256 of all: %x…", part.SHA256[:min(len(part.SHA256), 4)]))
	}
	if d != nil && d.json {
		note = draw.FirstThatFits(w-2, join(note, "b: raw", "x: hex"), note)
	}
	lines := draw.WrapText(note, max(w-2, 8))
	if len(lines) > 1 && h < 12 {
		return []string{" " + draw.Cut(note, w-2)}
	}
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines[:min(len(lines), 2)]
}

// headOf is the start line and the headers, as many as leave room for the body.
func (e *exchangeScreen) headOf(m *model, w, h int) []string {
	x, part := e.x, e.x.Response
	if e.part == partRequest {
		part = x.Request
	}
	mask := m.masker()
	head := mask.Head(part.Head)
	line, _ := exchange.FirstLine(head)
	end := fmt.Sprintf("%s ms   %s ", millis(x.Took), size(float64(part.Size)))
	styled := ""
	switch {
	case e.part == partRequest:
		styled = draw.Bold.Render(clean(line))
		if line == "" {
			styled = draw.Bold.Render(clean(strings.TrimSpace(x.Key.Method + " " + m.url(x))))
		}
	case line != "":
		styled = statusStyled(x, clean(line))
	default:
		styled = draw.BadBold.Render(x.Kind.String()) + "  no response"
	}
	out := []string{draw.Between(" "+draw.Cut(styled, max(w-draw.Width(end)-2, 4))+"\x1b[m", end, w)}
	if x.Message != "" && e.part == partResponse && (x.Kind != stats.HTTP || line == "") {
		for i, l := range draw.WrapText(clean(oneLine(x.Message)), max(w-12, 8)) {
			if i == 3 {
				break
			}
			lead := "          "
			if i == 0 {
				lead = " " + draw.BadBold.Render(draw.Fit(x.Kind.String(), 8)) + " "
			}
			out = append(out, lead+l)
		}
	}
	hs := exchange.Headers(head)
	if e.part == partResponse && exchange.Headless(x) {
		return out // all of it stands below
	}
	room := max(h/4, 2)
	if h >= 30 && len(hs) <= h/3 {
		for _, l := range hs {
			out = append(out, " "+headerStyled(clean(l)))
		}
		return out
	}
	// Several to a line, on a small screen.
	row, n := " ", 0
	for i, l := range hs {
		l = draw.Cut(clean(l), w-2)
		if n > 0 && draw.Width(row)+3+draw.Width(l) > w-1 {
			out = append(out, row)
			row, n = " ", 0
			if len(out) > room {
				out[len(out)-1] = draw.Between(draw.Fit(out[len(out)-1], w-16), draw.Dim.Render(fmt.Sprintf("… %d more ", len(hs)-i)), w)
				return out
			}
		}
		if n > 0 {
			row += "   "
		}
		row += headerStyled(l)
		n++
	}
	if n > 0 {
		out = append(out, row)
	}
	return out
}

func headerStyled(l string) string {
	k, v, ok := strings.Cut(l, ":")
	if !ok {
		return l
	}
	return draw.Name.Render(k) + ":" + v
}
