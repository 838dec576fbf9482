package tui

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/stats/exchange"
	"tload/tui/draw"
)

// exchange is one request and what came back, whole. It holds on to the
// exchange it shows, whatever becomes of it in later snapshots.
type exchangeScreen struct {
	blankScreen
	x         *stats.Exchange
	among     *samples     // what it is listed with
	group     *groupScreen // whose it is; nil for none
	part      int
	raw       bool
	hex       bool
	text      draw.Text
	shown     docKey                              // what the text shows
	sent      map[*stats.Exchange]*stats.Exchange // what came back when one was sent again
	sending   *stats.Exchange
	other     *stats.Exchange // compared with
	diff      []exchange.Line
	diffOf    [2]*stats.Exchange
	comparing [2]*stats.Exchange
	w         int // of the main pane, drawn last
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

func newExchange(x *stats.Exchange, among *samples, g *groupScreen) *exchangeScreen {
	e := &exchangeScreen{x: x, among: among, group: g, sent: map[*stats.Exchange]*stats.Exchange{}}
	e.text.Numbers = true
	return e
}

func (e *exchangeScreen) name() string { return "Exchange" }

func exchangePage() *page {
	return &page{
		make: func() screen { return &exchangeScreen{} }, search: findsText(), end: "◀ [ prev  next ] ▶ ", reads: true,
		footer: []string{"y", "c", "e save", "/ find n/N", "b", "x", "tab part", "esc", "!", "R", "w", "]"},
		keys: slices.Concat([]binding{
			bind("y", "body", "copy the body, to the clipboard and a file", on((*exchangeScreen).copyBody)),
			bind("Y", "", "copy the whole exchange", on((*exchangeScreen).copyWhole)),
			bind("c", "curl", "copy the request as a curl command", on((*exchangeScreen).copyCurl)),
			bind("!", "again", "send this request once more, and compare", on((*exchangeScreen).sendAgain)),
			bind("R", "secrets", "show or mask secrets", on((*exchangeScreen).toggleSecrets)),
			bind("b", "raw", "body as it came, or indented", on((*exchangeScreen).toggleRaw)),
			bind("x", "hex", "body as hex, or as text", on((*exchangeScreen).toggleHex)),
			wrapLines(),
		}, matchKeys(), []binding{
			bind("]", "sample", "next sample", on(func(e *exchangeScreen, m *model) tea.Cmd { return e.neighbour(m, 1) })).as("[ ]"),
			bind("[", "", "previous sample", on(func(e *exchangeScreen, m *model) tea.Cmd { return e.neighbour(m, -1) })),
		}),
	}
}

func (e *exchangeScreen) title() string {
	n, of := e.among.number(e.x)
	if n == 0 {
		return "a sample that was replaced since"
	}
	return fmt.Sprintf("sample %d of %d", n, of)
}

func (e *exchangeScreen) key(m *model) docKey {
	return docKey{x: e.x, request: e.part == partRequest, raw: e.raw, hex: e.hex, revealed: m.reveal}
}

func (e *exchangeScreen) notice(m *model, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case diffMsg:
		if msg.a == e.x && msg.b == e.other {
			e.diff, e.diffOf = msg.lines, [2]*stats.Exchange{msg.a, msg.b}
			e.text.Top = 0
			return e.prepare(m)
		}
		return nil
	case sentMsg:
		if msg.to != e.sending {
			return nil
		}
		e.sending = nil
		if msg.err != nil {
			m.complain("not sent: %v", msg.err)
			return nil
		}
		e.sent[msg.to] = msg.fresh
		if msg.to == e.x {
			e.part = partCompare
		}
		m.say("sent again: %s in %s ms", m.outcomeOf(msg.fresh), millis(msg.fresh.Took))
		return e.prepare(m)
	case tickMsg, docMsg:
		return e.prepare(m)
	}
	return nil
}

func (m *model) outcomeOf(x *stats.Exchange) string {
	if line, _ := exchange.FirstLine(x.Response.Head); line != "" {
		return m.masker().Text(line)
	}
	return x.Kind.String() + " " + m.masker().Text(x.Message)
}

func shortOutcome(x *stats.Exchange) string {
	if x.Status != 0 {
		return fmt.Sprint(x.Status)
	}
	return x.Kind.String()
}

// prepare puts the text of the part that is shown in place, or has it made.
func (e *exchangeScreen) prepare(m *model) tea.Cmd {
	switch e.part {
	case partResponse, partRequest, partTiming:
		k := e.key(m)
		d, cmd := m.doc(k)
		if d == nil {
			return cmd
		}
		if e.shown != k {
			e.text.Set(d.lines, e.shown.x == k.x && e.shown.request == k.request && e.shown.hex == k.hex && e.shown.raw == k.raw)
			e.text.Numbers, e.text.Colour = !d.hex, nil
			if d.runs != nil {
				e.text.Colour = func(i int, _ string) string { return d.line(i) }
			}
			e.shown = k
		}
	case partHeaders:
		e.showLines(e.headerLines(m))
	case partRaw:
		if e.shown != (docKey{x: e.x, raw: true, revealed: m.reveal, request: true, hex: true}) {
			e.showLines(textLines(exchange.HTTP(e.x, m.masker())))
			e.shown = docKey{x: e.x, raw: true, revealed: m.reveal, request: true, hex: true}
		}
	case partCompare:
		e.other = e.sent[e.x]
		if e.other == nil {
			e.other = m.snap.Success[e.x.Key]
			if e.diffOf[0] == e.x && e.diffOf[1] != nil && e.other != nil {
				e.other = e.diffOf[1] // not another one under the reader's eyes
			}
		}
		if e.other == nil {
			e.showLines(draw.WrapText("no successful exchange of this endpoint was kept yet: there is nothing to compare with. ! sends the request again, and compares with what comes", max(e.w-2, 20)))
			return nil
		}
		if e.diffOf != [2]*stats.Exchange{e.x, e.other} {
			e.showLines([]string{"…"})
			if e.comparing == [2]*stats.Exchange{e.x, e.other} {
				return nil
			}
			e.comparing = [2]*stats.Exchange{e.x, e.other}
			a, b, mask := e.x, e.other, m.masker()
			return safely(func() tea.Msg { return diffMsg{a, b, compared(exchange.Compare(a, b, mask))} })
		}
		lines := unified(e.diff)
		if e.w >= 110 {
			lines = sideBySide(e.diff, e.w-2)
		}
		e.showLines(lines)
		e.text.Colour = func(_ int, line string) string { return colourDiff(line) }
	}
	return nil
}

func colourDiff(line string) string {
	switch {
	case strings.HasPrefix(line, "── "):
		return draw.Heading.Render(line)
	case strings.HasPrefix(line, "- "):
		return draw.Bad.Render(line)
	case strings.HasPrefix(line, "+ "):
		return draw.Good.Render(line)
	}
	for _, sign := range []string{" ≠ ", " < ", " > "} {
		if i := strings.Index(line, sign); i > 0 && draw.Width(line) > 100 {
			return draw.Modified.Render(line)
		}
	}
	return line
}

func (e *exchangeScreen) showLines(lines []string) {
	same := len(lines) == len(e.text.Lines) && e.shown.x == nil
	e.text.Set(lines, same)
	e.text.Numbers, e.text.Colour = false, nil
	e.shown = docKey{}
}

func (e *exchangeScreen) headerLines(m *model) []string {
	var out []string
	mask := m.masker()
	for _, p := range []struct {
		name string
		head []byte
	}{{"RESPONSE", e.x.Response.Head}, {"REQUEST", e.x.Request.Head}} {
		h := mask.Head(p.head)
		out = append(out, p.name)
		line, _ := exchange.FirstLine(h)
		if line == "" {
			out = append(out, "  (none)", "")
			continue
		}
		if p.name == "RESPONSE" && exchange.Headless(e.x) {
			h = mask.Received(p.head)
			out = append(out, "  the head is not valid; as received:")
			for _, l := range textLines(h) {
				out = append(out, "  "+l)
			}
			out = append(out, "")
			continue
		}
		out = append(out, "  "+clean(line))
		for _, l := range exchange.Headers(h) {
			out = append(out, "  "+clean(l))
		}
		out = append(out, "")
	}
	for i, h := range e.x.Hops {
		u, to := mask.URL(h.URL), mask.URL(h.Location)
		out = append(out, fmt.Sprintf("REDIRECT %d  %d  %s ms", i+1, h.Status, millis(h.Took)), "  "+clean(u), "  → "+clean(to), "")
	}
	return out
}

func (e *exchangeScreen) filtered(_ *model, text string) { e.text.Find(text) }
func (e *exchangeScreen) filterText() string             { return e.text.Sought }

func (e *exchangeScreen) move(_ *model, by draw.Move) tea.Cmd { e.text.Move(by); return nil }

func (e *exchangeScreen) pane(m *model, step int) tea.Cmd {
	e.part = (e.part + step + len(partNames)) % len(partNames)
	return e.prepare(m)
}

func (e *exchangeScreen) neighbour(m *model, step int) tea.Cmd {
	x, ok := e.among.neighbour(e.x, step)
	if !ok {
		m.say("no more samples")
		return nil
	}
	e.x, e.other, e.diffOf = x, nil, [2]*stats.Exchange{}
	return e.prepare(m)
}

func (e *exchangeScreen) toggleRaw(m *model) tea.Cmd { return e.toggle(m, &e.raw) }
func (e *exchangeScreen) toggleHex(m *model) tea.Cmd { return e.toggle(m, &e.hex) }

// toggle changes how a body is shown, where one is.
func (e *exchangeScreen) toggle(m *model, how *bool) tea.Cmd {
	if e.part > partTiming {
		m.say("b and x are for bodies: tab goes to the response, the request or the timing")
		return nil
	}
	*how = !*how
	return e.prepare(m)
}

func (e *exchangeScreen) toggleSecrets(m *model) tea.Cmd {
	if m.fromFile && maskedInFile(e.x) {
		m.say("this file holds no secrets: they were masked when it was written")
		return nil
	}
	m.reveal = !m.reveal
	e.diffOf, e.comparing = [2]*stats.Exchange{}, [2]*stats.Exchange{}
	if m.reveal {
		m.say("secrets are shown, and go into copies and files, until R")
	} else {
		m.say("secrets are masked")
	}
	return e.prepare(m)
}

func (e *exchangeScreen) copyWhole(m *model) tea.Cmd {
	text := string(exchange.HTTP(e.x, m.masker()))
	dir, file := e.dir(m), e.file()+".http"
	return safely(func() tea.Msg { return copied(dir, "exchange", file, text) })
}

// export saves the exchange; there is no table to write.
func (e *exchangeScreen) export(m *model) tea.Cmd {
	dir, base, x, mask := e.dir(m), e.file(), e.x, m.masker()
	return safely(func() tea.Msg { return saveExchange(dir, base, x, mask) })
}

// maskedInFile says that an exchange was masked before it was written down.
func maskedInFile(x *stats.Exchange) bool {
	if strings.Contains(x.URL, exchange.Masked) {
		return true
	}
	for _, b := range [][]byte{x.Request.Head, x.Request.Body, x.Response.Head, x.Response.Body} {
		if bytes.Contains(b, []byte(exchange.Masked)) {
			return true
		}
	}
	return false
}

func (e *exchangeScreen) n() int {
	n, _ := e.among.number(e.x)
	return n
}
func (e *exchangeScreen) dir(m *model) string { return filepath.Join(m.dir, "errors") }
func (e *exchangeScreen) file() string {
	return fmt.Sprintf("%s-%03d", exchange.FileName(e.x.Kind, e.x.Status, e.x.Key), e.n())
}

func (e *exchangeScreen) copyBody(m *model) tea.Cmd {
	p, ending, what := e.x.Response, ".body", "response body"
	if e.part == partRequest {
		p, ending, what = e.x.Request, ".request-body", "request body"
	}
	dir, file, x, mask := e.dir(m), e.file()+ending, e.x, m.masker()
	return safely(func() tea.Msg {
		mask.Learn(x)
		return copied(dir, what, file, string(mask.Part(p).Body))
	})
}

func (e *exchangeScreen) copyCurl(m *model) tea.Cmd {
	dir, file, x, mask := e.dir(m), e.file(), e.x, m.masker()
	return safely(func() tea.Msg {
		sent := filepath.Join(dir, file+".request-body")
		if abs, err := filepath.Abs(sent); err == nil {
			sent = abs
		}
		text := exchange.Curl(x, mask, sent)
		if exchange.NeedsFile(x.Request.Body) {
			if err := writeFile(sent, mask.Part(x.Request).Body, 0o600); err != nil {
				return savedMsg{err: err}
			}
		}
		return copied(dir, "curl command", file+".curl.sh", text+"\n")
	})
}

func (e *exchangeScreen) sendAgain(m *model) tea.Cmd {
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
	case e.sending != nil:
		m.say("one is on its way already")
		return nil
	}
	e.sending = e.x
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
