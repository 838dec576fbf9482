package tui

import (
	"fmt"
	"strings"
	"time"

	"tload/swarm"
)

// noteLine is the rule above the footer; a message takes its place for a while.
func (m *model) noteLine() string {
	w := m.frame.w
	if m.toast == "" || time.Now().After(m.toastTill) {
		m.toast = ""
		return strings.Repeat("─", w)
	}
	st, sign := bold, "─ "
	if m.toastBad {
		st, sign = badBold, "─ ✗ "
	}
	return rule(sign[len("─"):]+st.Styled(cut(m.toast, w-8))+" ", "", w, false)
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
		if x+width(label)+2+len(last) > w {
			break
		}
		m.areas = append(m.areas, area{x: x, y: m.frame.h - 1, w: width(label), h: 1, press: press})
		line += label + "  "
		x += width(label) + 2
	}
	m.areas = append(m.areas, area{x: x, y: m.frame.h - 1, w: 6, h: 1, press: "?"})
	return line + accent.Styled("?") + " help"
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
	return accent.Styled("+") + fmt.Sprintf("%d ", up) + accent.Styled("-") + fmt.Sprintf("%d users", down)
}
