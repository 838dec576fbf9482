package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tload/stats"
)

// exchange is one request and what came back, whole. It holds on to the
// exchange it shows, whatever becomes of it in later snapshots.
type exchange struct {
	blankScreen
	x         *stats.Exchange
	group     *group
	part      int
	raw       bool
	hex       bool
	text      textview
	shown     docKey // what the text shows
	fresh     *stats.Exchange
	sending   bool
	other     *stats.Exchange // compared with
	diff      []diffLine
	diffOf    [2]*stats.Exchange
	comparing [2]*stats.Exchange
	w         int // of the main pane, drawn last
	typed     string
}

var partNames = []string{"Response", "Request", "Timing", "Headers", "Raw", "Compare"}

const (
	partResponse = iota
	partRequest
	partTiming
	partHeaders
	partRaw
	partCompare
)

func newExchange(x *stats.Exchange, g *group) *exchange {
	e := &exchange{x: x, group: g}
	e.text.numbers = true
	return e
}

func (e *exchange) place() place { return inExchange }

func (e *exchange) title() string {
	n, of := e.group.number(e.x)
	if n == 0 {
		return "a sample that was replaced since"
	}
	return fmt.Sprintf("sample %d of %d", n, of)
}

func (e *exchange) key(m *model) docKey {
	return docKey{x: e.x, request: e.part == partRequest, raw: e.raw, hex: e.hex, revealed: m.reveal}
}

func (e *exchange) notice(m *model, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case diffMsg:
		if msg.a == e.x && msg.b == e.other {
			e.diff, e.diffOf = msg.lines, [2]*stats.Exchange{msg.a, msg.b}
			e.text.top = 0
			return e.prepare(m)
		}
		return nil
	case sentMsg:
		if msg.to != e.x {
			return nil
		}
		e.sending = false
		if msg.err != nil {
			m.complain("not sent: %v", msg.err)
			return nil
		}
		e.fresh, e.part = msg.fresh, partCompare
		m.say("sent again: %s in %s ms", outcomeOf(msg.fresh), millis(msg.fresh.Took))
		return e.prepare(m)
	case tickMsg, docMsg:
		return e.prepare(m)
	}
	return nil
}

func outcomeOf(x *stats.Exchange) string {
	if line, _ := firstLine(x.Response.Head); line != "" {
		return line
	}
	return x.Kind.String() + " " + x.Message
}

func shortOutcome(x *stats.Exchange) string {
	if x.Status != 0 {
		return fmt.Sprint(x.Status)
	}
	return x.Kind.String()
}

// prepare puts the text of the part that is shown in place, or has it made.
func (e *exchange) prepare(m *model) tea.Cmd {
	switch e.part {
	case partResponse, partRequest, partTiming:
		k := e.key(m)
		d, cmd := m.doc(k)
		if d == nil {
			return cmd
		}
		if e.shown != k {
			e.text.set(d.lines, e.shown.x == k.x && e.shown.request == k.request && e.shown.hex == k.hex && e.shown.raw == k.raw)
			e.text.numbers, e.text.colour = !d.hex, nil
			if d.json {
				e.text.colour = colourJSON
			}
			e.shown = k
		}
	case partHeaders:
		e.plain(m, e.headerLines(m))
	case partRaw:
		if e.shown != (docKey{x: e.x, raw: true, revealed: m.reveal, request: true, hex: true}) {
			e.plain(m, textLines(describe(e.x, m.secrets, m.reveal)))
			e.shown = docKey{x: e.x, raw: true, revealed: m.reveal, request: true, hex: true}
		}
	case partCompare:
		e.other = e.fresh
		if e.other == nil {
			e.other = m.snap.Success[e.x.Key]
			if e.diffOf[0] == e.x && e.diffOf[1] != nil && e.other != nil {
				e.other = e.diffOf[1] // not another one under the reader's eyes
			}
		}
		if e.other == nil {
			e.plain(m, []string{"no successful exchange of this endpoint was kept yet: nothing to compare with", "! sends the request again and compares with that"})
			return nil
		}
		if e.diffOf != [2]*stats.Exchange{e.x, e.other} {
			e.plain(m, []string{"…"})
			if e.comparing == [2]*stats.Exchange{e.x, e.other} {
				return nil
			}
			e.comparing = [2]*stats.Exchange{e.x, e.other}
			a, b, s, reveal := e.x, e.other, m.secrets, m.reveal
			return safely(func() tea.Msg { return diffMsg{a, b, compare(a, b, s, reveal)} })
		}
		lines := unified(e.diff)
		if e.w >= 110 {
			lines = sideBySide(e.diff, e.w-2)
		}
		e.plain(m, lines)
		e.text.colour = colourDiff
	}
	return nil
}

func colourDiff(line string) string {
	switch {
	case strings.HasPrefix(line, "── "):
		return heading.Styled(line)
	case strings.HasPrefix(line, "- "):
		return bad.Styled(line)
	case strings.HasPrefix(line, "+ "):
		return good.Styled(line)
	}
	for _, sign := range []string{" ≠ ", " < ", " > "} {
		if i := strings.Index(line, sign); i > 0 && width(line) > 100 {
			return modified.Styled(line)
		}
	}
	return line
}

func (e *exchange) plain(_ *model, lines []string) {
	same := len(lines) == len(e.text.lines) && e.shown.x == nil
	e.text.set(lines, same)
	e.text.numbers, e.text.colour = false, nil
	e.shown = docKey{}
}

func (e *exchange) headerLines(m *model) []string {
	var out []string
	for _, p := range []struct {
		name string
		head []byte
	}{{"RESPONSE", e.x.Response.Head}, {"REQUEST", e.x.Request.Head}} {
		h := p.head
		if !m.reveal {
			h = m.secrets.head(h, hideButScheme)
		}
		out = append(out, p.name)
		line, _ := firstLine(h)
		if line == "" {
			out = append(out, "  (none)", "")
			continue
		}
		out = append(out, "  "+clean(line))
		for _, l := range headers(h) {
			out = append(out, "  "+clean(l))
		}
		out = append(out, "")
	}
	for i, h := range e.x.Hops {
		u, to := h.URL, h.Location
		if !m.reveal {
			u, to = m.secrets.urlText(u, hide), m.secrets.urlText(to, hide)
		}
		out = append(out, fmt.Sprintf("REDIRECT %d  %d  %s ms", i+1, h.Status, millis(h.Took)), "  "+clean(u), "  → "+clean(to), "")
	}
	return out
}

func (e *exchange) filtered(_ *model, text string) { e.typed = text; e.text.find(text) }
func (e *exchange) filterText() string             { return e.typed }

func (e *exchange) act(m *model, do action) tea.Cmd {
	if e.text.act(do) {
		return nil
	}
	switch do {
	case nextPane:
		e.part = (e.part + 1) % len(partNames)
		return e.prepare(m)
	case prevPane:
		e.part = (e.part + len(partNames) - 1) % len(partNames)
		return e.prepare(m)
	case nextSample, prevSample:
		step := 1
		if do == prevSample {
			step = -1
		}
		x, ok := e.group.neighbour(e.x, step)
		if !ok {
			m.say("no more samples")
			return nil
		}
		e.x, e.fresh, e.other, e.diffOf = x, nil, nil, [2]*stats.Exchange{}
		return e.prepare(m)
	case rawBody:
		e.raw = !e.raw
		return e.prepare(m)
	case hexBody:
		e.hex = !e.hex
		return e.prepare(m)
	case reveal:
		m.reveal = !m.reveal
		e.diffOf, e.comparing = [2]*stats.Exchange{}, [2]*stats.Exchange{}
		if m.reveal {
			m.say("secrets are shown, and go into copies and files, until R")
		} else {
			m.say("secrets are masked")
		}
		return e.prepare(m)
	case copyPart:
		return e.copyBody(m)
	case copyAll:
		text := string(describe(e.x, m.secrets, m.reveal))
		dir, file := e.dir(m), e.file()+".http"
		return safely(func() tea.Msg { return copied(dir, "exchange", file, text) })
	case copyCurl:
		return e.copyCurl(m)
	case export:
		dir, x, n, s, show := e.dir(m), e.x, e.n(), m.secrets, m.reveal
		return safely(func() tea.Msg { return saveExchange(dir, x, n, s, show) })
	case sendAgain:
		return e.sendAgain(m)
	}
	return nil
}

func (e *exchange) n() int {
	n, _ := e.group.number(e.x)
	return n
}
func (e *exchange) dir(m *model) string { return filepath.Join(m.dir, "errors") }
func (e *exchange) file() string        { return fileName(e.x, e.n()) }

func (e *exchange) copyBody(m *model) tea.Cmd {
	p, ending, what := e.x.Response, ".body", "response body"
	if e.part == partRequest {
		p, ending, what = e.x.Request, ".request-body", "request body"
	}
	dir, file, s, show := e.dir(m), e.file()+ending, m.secrets, m.reveal
	return safely(func() tea.Msg {
		body := p.Body
		if !show {
			body, _ = maskedBody(p, s)
		}
		return copied(dir, what, file, string(body))
	})
}

func (e *exchange) copyCurl(m *model) tea.Cmd {
	dir, file, x, s, show := e.dir(m), e.file(), e.x, m.secrets, m.reveal
	return safely(func() tea.Msg {
		sent := filepath.Join(dir, file+".request-body")
		if abs, err := filepath.Abs(sent); err == nil {
			sent = abs
		}
		text := curl(x, s, show, sent)
		if needsFile(x.Request.Body) {
			body := x.Request.Body
			if !show {
				body, _ = maskedBody(x.Request, s)
			}
			if err := writeFile(sent, body, 0o600); err != nil {
				return savedMsg{err: err}
			}
		}
		return copied(dir, "curl command", file+".curl.sh", text+"\n")
	})
}

func (e *exchange) sendAgain(m *model) tea.Cmd {
	switch {
	case m.o.Send == nil && m.o.Launch == nil:
		m.say("this run was opened to be read: nothing is sent")
		return nil
	case m.o.Send == nil:
		m.say("requests of this run cannot be sent again")
		return nil
	case e.x.URL == "":
		m.say("only HTTP requests can be sent again")
		return nil
	case e.x.Request.Cut():
		m.say("its body is cut: %s of %s bytes were kept, it cannot be sent again", thousands(len(e.x.Request.Body)), thousands(e.x.Request.Size))
		return nil
	case e.sending:
		return nil
	}
	e.sending = true
	m.say("sending …")
	send, x := m.o.Send, e.x
	return safely(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		fresh, err := send(ctx, x)
		if err == nil && fresh == nil {
			err = context.DeadlineExceeded
		}
		return sentMsg{x, fresh, err}
	})
}

func (e *exchange) view(m *model, w, h int) []string {
	if w < 120 || h < 24 {
		return e.main(m, w, h)
	}
	lw := 44
	rw := w - lw - 1
	return beside(e.side(m, lw, h), e.main(m, rw, h), lw, rw)
}

// side is what a wide screen shows on the left: samples, group, timing.
func (e *exchange) side(m *model, w, h int) []string {
	g := e.group
	list := min(max(len(g.table.rows)+2, 5), h/3)
	out := []string{rule(fmt.Sprintf("SAMPLES %d ", len(g.last.Samples)), "", w, false)}
	for i, r := range g.table.rows {
		if r.Exchange == e.x {
			g.table.to(i)
		}
	}
	small := *g.table
	small.columns = append(append([]column[sample](nil), g.table.columns[:2]...), g.table.columns[3:6]...)
	small.columns = append(small.columns, column[sample]{name: "", cell: func(sample) string { return "" }})
	small.columns[len(small.columns)-1].width = 1
	small.sort = 0
	out = append(out, small.draw(w, list-1, true)...)
	out = append(out, rule("GROUP ", "", w, false))
	out = append(out, fmt.Sprintf(" %s failures  %s/s", thousands(g.last.Count), rate(g.last.Rate)),
		fmt.Sprintf(" first %s   last %s ago", g.last.First.Local().Format("15:04:05"), ago(m.now(), g.last.Last)),
		fmt.Sprintf(" began at %s users", thousands(g.last.Users)), " "+spark(g.last.Trend, w-2))
	if len(g.last.Variants) > 1 {
		out = append(out, rule("VARIANTS ", "", w, false))
		for i, v := range g.last.Variants {
			if i == 4 {
				out = append(out, dim.Styled(fmt.Sprintf(" … %d more", len(g.last.Variants)-4)))
				break
			}
			out = append(out, between(" "+cut(clean(oneLine(v.Message)), w-12), thousands(v.Count)+" ", w))
		}
	}
	out = append(out, rule("TIMING ", "", w, false))
	out = append(out, e.timing(w)...)
	out = append(out, rule("FROM ", "", w, false), fmt.Sprintf(" user %s  iteration %s", thousands(e.x.User), thousands(e.x.Iteration)),
		" "+cut(clean(strings.Trim(e.x.Behaviour+" › "+e.x.Task, " ›")), w-2))
	return sized(out, w, h)
}

// timing is where the time went, phase by phase.
func (e *exchange) timing(w int) []string {
	x := e.x
	p := x.Phases
	total := max(x.Took, 1)
	narrow := w < 60
	row := func(name string, d time.Duration, note string) string {
		line := " " + fit(name, 16) + right(phase(d), 8) + " ms  "
		if narrow {
			line = " " + fit(name, 15) + right(phase(d), 8) + " ms "
		}
		room := w - width(line) - 1
		if note != "" && !narrow {
			room = min(room, max(room-width(note)-2, 10))
		}
		b := ""
		if d > 0 {
			b = bar(float64(d)/float64(total), max(room, 1))
		}
		line += modified.Styled(b)
		if note != "" && !narrow {
			line += "  " + cut(clean(note), max(w-width(line)-3, 0))
		}
		return line
	}
	var out []string
	if x.Late >= time.Millisecond {
		out = append(out, row("started late", x.Late, "(behind its schedule: not in the total)"))
	}
	where := strings.Trim(x.Conn.Local+" → "+x.Conn.Remote, " →")
	if x.Conn.Reused {
		out = append(out, " "+fit("connection", 16)+cut("reused  "+clean(where), max(w-18, 0)))
	} else {
		if p.DNS > 0 {
			out = append(out, row("DNS", p.DNS, ""))
		}
		out = append(out, row("TCP connect", p.Connect, "new connection "+where))
		if p.TLS > 0 || x.Conn.TLS != "" {
			out = append(out, row("TLS handshake", p.TLS, x.Conn.TLS))
		}
	}
	out = append(out, row("request written", p.Write, ""), row("first byte", p.FirstByte, ""))
	note := ""
	if x.Response.Cut() {
		note = fmt.Sprintf("%s of %s B kept", thousands(len(x.Response.Body)), thousands(x.Response.Size))
	}
	out = append(out, row("body read", p.Body, note))
	return append(out, " "+bold.Styled(fit("total", 16)+right(phase(x.Took), 8)+" ms"))
}

func (e *exchange) main(m *model, w, h int) []string {
	e.w = w
	var tabs []string
	for i, n := range partNames {
		if i == e.part {
			n = accent.Styled("[" + n + "]")
		}
		tabs = append(tabs, n)
	}
	title := strings.Join(tabs, "  ")
	if width(title) > w-22 {
		title = accent.Styled("["+partNames[e.part]+"]") + fmt.Sprintf(" %d/%d tab", e.part+1, len(partNames))
	}
	out := []string{""} // the title needs to know how far the text is scrolled
	d := m.docs[e.key(m)]
	switch e.part {
	case partResponse, partRequest:
		out = append(out, e.headOf(m, w, h)...)
		out = append(out, dim.Styled(strings.Repeat("─", w)))
	case partTiming:
		out = append(out, e.timing(w)...)
		kind := "Response body"
		if d != nil {
			kind += " · " + d.kind
		}
		out = append(out, rule(kind+" ", "", w, false))
	case partCompare:
		with := "newest success"
		if e.fresh != nil {
			with = "sent again"
		}
		if e.other != nil {
			out = append(out, cut(fmt.Sprintf(" - this: %s in %s ms   + %s: %s in %s ms", clean(shortOutcome(e.x)), millis(e.x.Took), with, clean(shortOutcome(e.other)), millis(e.other.Took)), w-1))
		}
	}
	foot := []string{}
	part := e.x.Response
	if e.part == partRequest {
		part = e.x.Request
	}
	if e.part <= partTiming {
		note := kept(part)
		if d != nil && len(part.Body) > 0 {
			note = join(note, d.kind, d.note, d.marked)
			if d.json {
				note = join(note, "b: raw", "x: hex")
			}
		}
		if part.Cut() && len(part.SHA256) > 0 {
			note = join(note, fmt.Sprintf("sha256 of all: %x…", part.SHA256[:min(len(part.SHA256), 4)]))
		}
		foot = []string{" " + cut(note, w-2)}
	}
	room := max(h-len(out)-len(foot), 0)
	m.areas = append(m.areas, area{x: m.frame.w - w, y: headLines + len(out), w: w, h: room, wheel: func(do action) { e.text.act(do) }})
	var body []string
	switch {
	case e.part <= partTiming && e.shown != e.key(m):
		body = []string{dim.Styled(" …")}
	case e.part <= partTiming && len(part.Body) == 0:
		body = []string{dim.Styled(" (no body)")}
	default:
		body = e.text.draw(w, room)
	}
	end := ""
	if where := e.text.where(); where != "" && room > 0 {
		end = " " + where
	}
	out[0] = rule(title, end, w, false)
	out = append(out, sized(body, w, room)...)
	return append(out, foot...)
}

// headOf is the start line and the headers, as many as leave room for the body.
func (e *exchange) headOf(m *model, w, h int) []string {
	x, part := e.x, e.x.Response
	if e.part == partRequest {
		part = x.Request
	}
	head := part.Head
	if !m.reveal {
		head = m.secrets.head(head, hideButScheme)
	}
	line, _ := firstLine(head)
	end := fmt.Sprintf("%s ms   %s ", millis(x.Took), size(float64(part.Size)))
	styled := ""
	switch {
	case e.part == partRequest:
		styled = bold.Styled(clean(line))
		if line == "" {
			styled = bold.Styled(clean(strings.TrimSpace(x.Key.Method + " " + m.url(x))))
		}
	case line != "":
		styled = statusStyled(x, clean(line))
	default:
		styled = badBold.Styled(x.Kind.String()) + "  no response"
	}
	out := []string{between(" "+ansi.Truncate(styled, max(w-width(end)-2, 4), "…")+"\x1b[m", end, w)}
	if x.Message != "" && e.part == partResponse && (x.Kind != stats.HTTP || line == "") {
		for i, l := range wrapText(clean(oneLine(x.Message)), max(w-12, 8)) {
			if i == 3 {
				break
			}
			lead := "          "
			if i == 0 {
				lead = " " + badBold.Styled(fit(x.Kind.String(), 8)) + " "
			}
			out = append(out, lead+l)
		}
	}
	hs := headers(head)
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
		l = cut(clean(l), w-2)
		if n > 0 && width(row)+3+width(l) > w-1 {
			out = append(out, row)
			row, n = " ", 0
			if len(out) > room {
				out[len(out)-1] = between(fit(out[len(out)-1], w-16), dim.Styled(fmt.Sprintf("… %d more ", len(hs)-i)), w)
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
	return name.Styled(k) + ":" + v
}
