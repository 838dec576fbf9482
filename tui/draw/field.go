package draw

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// Field is one line of text to type into. The library edits, we draw: what is
// left of it shows as an underscore, and it never blinks over a slow line.
type Field struct {
	in      textinput.Model
	clean   func(string) string // makes text safe to draw
	Touched bool                // since it was filled in for the user
}

// NewField is a field that holds text to begin with; clean makes text safe to
// draw, a rune at least for each that is there.
func NewField(text string, clean func(string) string) *Field {
	in := textinput.New()
	in.CharLimit = 2000
	in.KeyMap.Paste = key.NewBinding() // the terminal's own paste comes as text
	in.SetValue(text)
	in.CursorEnd()
	in.Focus()
	return &Field{in: in, clean: clean}
}

// Update takes a message of the library: a key, a paste.
func (f *Field) Update(msg tea.Msg) { f.in, _ = f.in.Update(msg) }

// Value is the text as it was typed.
func (f *Field) Value() string { return f.in.Value() }

// Trimmed is the text without blanks around it.
func (f *Field) Trimmed() string { return strings.TrimSpace(f.in.Value()) }

// Set puts text in the place of what is there, with the cursor behind it.
func (f *Field) Set(s string) { f.in.SetValue(s); f.in.CursorEnd() }

// Key types a key.
func (f *Field) Key(k tea.KeyPressMsg) { f.Update(k) }

// View is the text in w cells, with the cursor when it has the focus.
func (f *Field) View(w int, focused bool) string {
	typed := []rune(f.in.Value())
	text, at := []rune(f.clean(string(typed))), len([]rune(f.clean(string(typed[:f.in.Position()]))))
	start := max(at-w+1, 0)
	var b strings.Builder
	n := 0
	for i := start; i < len(text) && n < w; i++ {
		cw := Width(string(text[i]))
		if n+cw > w {
			break
		}
		if focused && i == at {
			b.WriteString(Inverse.Render(string(text[i])))
		} else {
			b.WriteRune(text[i])
		}
		n += cw
	}
	if focused && at >= len(text) && n < w {
		b.WriteString(Inverse.Render("_"))
		n++
	}
	if n < w {
		b.WriteString(Dim.Render(strings.Repeat("_", w-n)))
	}
	return b.String()
}
