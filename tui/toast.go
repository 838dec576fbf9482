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
		return strings.Repeat("─", w)
	}
	st, sign := draw.Bold, " "
	if m.toast.bad {
		st, sign = draw.BadBold, " ✗ "
	}
	return draw.Rule(sign+st.Styled(draw.Cut(m.toast.text, w-8))+" ", "", w, false)
}
