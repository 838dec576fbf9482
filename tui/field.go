package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// field is one line of text to type into. The library edits, we draw: what is
// left of it shows as an underscore, and it never blinks over a slow line.
type field struct {
	in      textinput.Model
	touched bool // since it was filled in for the user
}

func newField(text string) *field {
	in := textinput.New()
	in.CharLimit = 2000
	in.KeyMap.Paste = key.NewBinding() // the terminal's own paste comes as text
	in.SetValue(text)
	in.CursorEnd()
	in.Focus()
	return &field{in: in}
}

func (f *field) update(msg tea.Msg)    { f.in, _ = f.in.Update(msg) }
func (f *field) value() string         { return f.in.Value() }
func (f *field) set(s string)          { f.in.SetValue(s); f.in.CursorEnd() }
func (f *field) trimmed() string       { return strings.TrimSpace(f.in.Value()) }
func (f *field) key(k tea.KeyPressMsg) { f.update(k) }

// view is the text in w cells, with the cursor when it has the focus.
func (f *field) view(w int, focused bool) string {
	text, at := []rune(clean(f.in.Value())), f.in.Position()
	if !isPlain(f.in.Value()) {
		at = len([]rune(clean(string([]rune(f.in.Value())[:at]))))
	}
	start := max(at-w+1, 0)
	var b strings.Builder
	n := 0
	for i := start; i < len(text) && n < w; i++ {
		cw := width(string(text[i]))
		if n+cw > w {
			break
		}
		if focused && i == at {
			b.WriteString(inverse.Styled(string(text[i])))
		} else {
			b.WriteRune(text[i])
		}
		n += cw
	}
	if focused && at >= len(text) && n < w {
		b.WriteString(inverse.Styled("_"))
		n++
	}
	if n < w {
		b.WriteString(dim.Styled(strings.Repeat("_", w-n)))
	}
	return b.String()
}

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
