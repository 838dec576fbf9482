package tui

import (
	"fmt"
	"strings"
	"time"

	"tload/swarm"
	"tload/tui/draw"
)

// noteLine is the rule above the footer; a message takes its place for a while.
func (m *model) noteLine() string {
	w := m.frame.w
	if m.toast == "" || time.Now().After(m.toastTill) {
		m.toast = ""
		return strings.Repeat("─", w)
	}
	st, sign := draw.Bold, "─ "
	if m.toastBad {
		st, sign = draw.BadBold, "─ ✗ "
	}
	return draw.Rule(sign[len("─"):]+st.Styled(draw.Cut(m.toast, w-8))+" ", "", w, false)
}

// footer is the last line: what keys do here, as many as there is room for.
func (m *model) footer() string {
	w := m.frame.w
	if m.prompt != nil {
		return m.prompt.view(m, w)
	}
	const last = "? help "
	p := m.page()
	line, x := " ", 1
	for _, item := range m.footItems(p) {
		press, label := p.foot(m, item)
		if x+draw.Width(label)+2+len(last) > w {
			break
		}
		m.areas = append(m.areas, draw.Area{X: x, Y: m.frame.h - 1, W: draw.Width(label), H: 1, Press: press})
		line += label + "  "
		x += draw.Width(label) + 2
	}
	m.areas = append(m.areas, draw.Area{X: x, Y: m.frame.h - 1, W: 6, H: 1, Press: "?"})
	return line + draw.Accent.Styled("?") + " help"
}

// footItems are the page's. What changes a run has no place there once it is over.
func (m *model) footItems(p *page) []string {
	if m.snap.State != swarm.Stopped {
		return p.footer
	}
	var out []string
	if !p.reads {
		if m.o.Launch != nil {
			out = append(out, "R")
		}
		out = append(out, "q")
	}
	for _, item := range p.footer {
		press, _, _ := strings.Cut(item, " ")
		if b, _ := p.bound(press); !b.steer && press != "q" {
			out = append(out, item)
		}
	}
	return out
}

// stepWords are the steps by which + and - go now.
func (m *model) stepWords() string {
	t := m.target()
	up, down := stepAt(t), stepAt(t-1)
	if up == down {
		return footItem("+/-", fmt.Sprintf("%d users", up))
	}
	return draw.Accent.Styled("+") + fmt.Sprintf("%d ", up) + draw.Accent.Styled("-") + fmt.Sprintf("%d users", down)
}
