package tui

import (
	tea "charm.land/bubbletea/v2"
	"tload/tui/draw"
)

func newField(text string) *draw.Field { return draw.NewField(text, clean) }

// prompt is the filter or search being typed, in the footer's place.
type prompt struct {
	text *draw.Field
	was  string
}

func newPrompt(text string) *prompt { return &prompt{newField(text), text} }

func (p *prompt) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter", "tab":
		m.prompt = nil
		return m.screen().notice(m, tickMsg{})
	case "esc":
		m.prompt = nil
		m.screen().filtered(m, "")
		return nil
	case "down", "up":
		m.prompt = nil
		return m.key(k)
	}
	p.text.Key(k)
	m.screen().filtered(m, p.text.Value())
	return nil
}

func (p *prompt) view(m *model, w int) string {
	look := m.page().search
	word, hint := look.word, look.hint
	if why := look.problem(p.text.Value()); why != "" {
		lead := " " + draw.Accent.Render(word+" /") + " "
		why = draw.Cut(why, max(w-draw.Width(lead)-10, 1)) + " "
		return draw.Between(lead+p.text.View(max(w-draw.Width(lead)-draw.Width(why)-1, 1), true), draw.BadBold.Render(why), w)
	}
	room := w - len(word) - 5 - len(hint)
	if room < 16 {
		hint, room = "", w-len(word)-4
	}
	return draw.Between(" "+draw.Accent.Render(word+" /")+" "+p.text.View(max(room, 1), true), draw.Dim.Render(hint), w)
}
