package tui

import (
	"fmt"
	"slices"
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
	in := m.screen().place()
	const last = "? help "
	line, x := " ", 1
	show := footers[in]
	if m.snap.State == swarm.Stopped { // what changes a run has no place here
		show = slices.DeleteFunc(slices.Clone(show), func(do action) bool {
			return slices.Contains([]action{moreUsers, plusOne, setUsers, stop, pause, segment, quit}, do)
		})
		if in != inExchange {
			show = append([]action{quit}, show...)
			if m.o.Launch != nil {
				show = append([]action{newRun}, show...)
			}
		}
	}
	for _, do := range show {
		label := m.footLabel(in, do)
		if label == "" {
			continue
		}
		if x+width(label)+2+len(last) > w {
			break
		}
		m.areas = append(m.areas, area{x: x, y: m.frame.h - 1, w: width(label), h: 1, do: do})
		line += label + "  "
		x += width(label) + 2
	}
	m.areas = append(m.areas, area{x: x, y: m.frame.h - 1, w: 6, h: 1, do: help})
	return line + accent.Styled("?") + " help"
}

func (m *model) footLabel(in place, do action) string {
	b, ok := bound(in, do)
	if !ok {
		return ""
	}
	keys, words := b.keys[0], b.foot
	switch do {
	case moreUsers:
		t := m.target()
		if upBy, downBy := stepAt(t), stepAt(t-1); upBy == downBy {
			return accent.Styled("+/-") + fmt.Sprintf(" %d users", upBy)
		} else {
			return accent.Styled("+") + fmt.Sprintf("%d ", upBy) + accent.Styled("-") + fmt.Sprintf("%d users", downBy)
		}
	case plusOne:
		return accent.Styled("w/W s/S") + " 1/10"
	case left:
		keys, words = "h/l", "cursor"
	case down:
		keys, words = "j/k", "scroll"
	case sortNext:
		keys = "o/O"
	case filter:
		if in&(inExchange) != 0 {
			words = "find n/N"
		}
	case zoomOut:
		keys = "z/Z"
	case nextPane:
		if in == inExchange {
			words = "part"
		}
	case export:
		if words = "export"; in == inExchange {
			words = "save"
		}
	case open:
		if in == inCharts {
			words = "maximise"
		}
	case nextSample:
		keys, words = "[ ]", "sample"
	case pause:
		if m.snap.State == swarm.Paused {
			words = "resume"
		}
	case freeze:
		if m.frozen {
			words = "go live"
		}
	}
	return accent.Styled(keys) + " " + words
}
