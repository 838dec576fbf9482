package tui

import (
	"fmt"
	"strings"
	"time"

	"tload/tui/draw"
)

// toast is a message that stands above the footer for a while.
type toast struct {
	text string
	bad  bool
	till time.Time
}

func (m *model) say(format string, args ...any) { m.sayFor(4*time.Second, format, args...) }

func (m *model) sayFor(long time.Duration, format string, args ...any) {
	m.toast = toast{text: clean(fmt.Sprintf(format, args...)), till: time.Now().Add(long)}
}

func (m *model) complain(format string, args ...any) {
	m.sayFor(6*time.Second, format, args...)
	m.toast.bad = true
}

// noteLine is the rule above the footer, or the message in its place.
func (m *model) noteLine() string {
	w := m.layout.w
	if m.toast.text == "" || time.Now().After(m.toast.till) {
		m.toast = toast{}
		if f := m.snap.Find; f != nil && m.form == nil {
			st := draw.Accent
			if f.Done && !f.Found {
				st = draw.WarnBold
			}
			return draw.Rule(" find "+clean(f.Asked())+": "+st.Render(draw.Cut(f.String(), w-16-draw.Width(clean(f.Asked()))))+" ", "", w, false)
		}
		return m.progressLine(w)
	}
	st, sign := draw.Bold, " "
	if m.toast.bad {
		st, sign = draw.BadBold, " ✗ "
	}
	return draw.Rule(sign+st.Render(draw.Cut(m.toast.text, w-8))+" ", "", w, false)
}

// progressLine is a rule; as far as a run with an end has come, it is heavy.
func (m *model) progressLine(w int) string {
	done := 0
	if s := m.snap; s.RunTime > 0 && m.form == nil {
		done = int(min(float64(s.Elapsed)/float64(s.RunTime), 1) * float64(w))
	}
	if done == 0 {
		return draw.Edge.Render(strings.Repeat("─", w))
	}
	return draw.Focus.Render(strings.Repeat("━", done)) + draw.Edge.Render(strings.Repeat("─", w-done))
}
