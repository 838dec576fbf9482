package tui

import (
	"fmt"
	"strings"

	"tload/swarm"
	"tload/tui/draw"
)

// footer is the last line: what keys do here, as many as there is room for.
func (m *model) footer() string {
	w := m.layout.w
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
		m.mouse.areas = append(m.mouse.areas, draw.Area{X: x, Y: m.layout.h - 1, W: draw.Width(label), H: 1, Press: press})
		line += label + "  "
		x += draw.Width(label) + 2
	}
	m.mouse.areas = append(m.mouse.areas, draw.Area{X: x, Y: m.layout.h - 1, W: 6, H: 1, Press: "?"})
	return line + draw.Accent.Render("?") + " help"
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
	l := m.level()
	up, down, unit := stepAt(l), -fewer(l), "users"
	if m.live.Open {
		unit = "arrivals/s"
	}
	if up == down {
		return footItem("+/-", fmt.Sprintf("%g %s", up, unit))
	}
	return draw.Accent.Render("+") + fmt.Sprintf("%g ", up) + draw.Accent.Render("-") + fmt.Sprintf("%g %s", down, unit)
}
