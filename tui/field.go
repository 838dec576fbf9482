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
	clean   func(string) string // makes text safe to draw
	touched bool                // since it was filled in for the user
}

// makeField holds text to begin with.
func makeField(text string, clean func(string) string) *field {
	in := textinput.New()
	in.CharLimit = 2000
	in.KeyMap.Paste = key.NewBinding() // the terminal's own paste comes as text
	in.SetValue(text)
	in.CursorEnd()
	in.Focus()
	return &field{in: in, clean: clean}
}

// update takes a message of the library: a key, a paste.
func (f *field) update(msg tea.Msg)    { f.in, _ = f.in.Update(msg) }
func (f *field) value() string         { return f.in.Value() }
func (f *field) set(s string)          { f.in.SetValue(s); f.in.CursorEnd() }
func (f *field) trimmed() string       { return strings.TrimSpace(f.in.Value()) }
func (f *field) key(k tea.KeyPressMsg) { f.update(k) }

// view is the text in w cells, with the cursor when it has the focus.
func (f *field) view(w int, focused bool) string {
	typed := []rune(f.in.Value())
	text, at := []rune(f.clean(string(typed))), len([]rune(f.clean(string(typed[:f.in.Position()]))))
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
