package tui

import (
	tea "charm.land/bubbletea/v2"
)

func newField(text string) *field { return makeField(text, clean) }

// prompt is the filter or search being typed, in the footer's place.
type prompt struct {
	text *field
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
	p.text.key(k)
	m.screen().filtered(m, p.text.value())
	return nil
}

func (p *prompt) view(m *model, w int) string {
	look := m.page().search
	word, hint := look.word, look.hint
	if why := look.problem(p.text.value()); why != "" {
		lead := " " + accent.Styled(word+" /") + " "
		why = cut(why, max(w-width(lead)-10, 1)) + " "
		return between(lead+p.text.view(max(w-width(lead)-width(why)-1, 1), true), badBold.Styled(why), w)
	}
	room := w - len(word) - 5 - len(hint)
	if room < 16 {
		hint, room = "", w-len(word)-4
	}
	return between(" "+accent.Styled(word+" /")+" "+p.text.view(max(room, 1), true), dim.Styled(hint), w)
}
