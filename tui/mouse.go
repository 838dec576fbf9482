package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/tui/draw"
)

// mouse is what lies where on the screen, as it was drawn last.
type mouse struct {
	ours    bool // and not the terminal's, to select text
	areas   []draw.Area
	layers  *draw.Layers // the dialogs
	hit     [2]int       // clicked last
	clicked time.Time
}

func (m *model) releaseMouse() tea.Cmd {
	if m.mouse.ours = !m.mouse.ours; m.mouse.ours {
		m.say("the mouse is ours again")
	} else {
		m.say("the mouse is the terminal's: select text as usual, m takes it back")
	}
	return nil
}

// pointed is the mouse doing something.
func (m *model) pointed(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	if n := len(m.dialogs); n > 0 && m.mouse.layers != nil {
		if _, ok := msg.(tea.MouseClickMsg); ok && at.Button == tea.MouseLeft {
			return m.clickedDialog(at.X, at.Y)
		}
	}
	if len(m.dialogs) > 0 || m.prompt != nil || m.form != nil {
		return nil
	}
	for _, a := range m.mouse.areas {
		if !a.Has(at.X, at.Y) {
			continue
		}
		switch msg.(type) {
		case tea.MouseWheelMsg:
			if a.Wheel == nil {
				continue
			}
			by := draw.MoveDown
			if at.Button == tea.MouseWheelUp {
				by = draw.MoveUp
			}
			for range 3 {
				a.Wheel(by)
			}
			return m.screen().notice(m, tickMsg{})
		case tea.MouseReleaseMsg:
			if a.Release != nil {
				a.Release(at.X-a.X, at.Y-a.Y)
				return nil
			}
		case tea.MouseClickMsg:
			if at.Button != tea.MouseLeft {
				return nil
			}
			if a.Press != "" {
				return m.press(a.Press)
			}
			if a.Click != nil {
				again := m.mouse.hit == [2]int{at.X, at.Y} && time.Since(m.mouse.clicked) < 500*time.Millisecond
				m.mouse.hit, m.mouse.clicked = [2]int{at.X, at.Y}, time.Now()
				a.Click(at.X-a.X, at.Y-a.Y)
				if again {
					return m.press("enter")
				}
				return m.screen().notice(m, tickMsg{})
			}
		}
	}
	return nil
}

// clickedDialog is a click while one is open: beside it, that goes back.
func (m *model) clickedDialog(x, y int) tea.Cmd {
	top := len(m.dialogs) - 1
	press := ""
	if box, _, atY := m.mouse.layers.Hit(x, y); box != top {
		press = "esc"
	} else if d, ok := m.dialogs[top].(interface{ pressAt(y int) string }); ok {
		press = d.pressAt(atY)
	}
	switch press {
	case "":
		return nil
	case "esc":
		return m.key(tea.KeyPressMsg{Code: tea.KeyEscape})
	case "enter":
		return m.key(tea.KeyPressMsg{Code: tea.KeyEnter})
	}
	return m.key(tea.KeyPressMsg{Code: []rune(press)[0], Text: press})
}
