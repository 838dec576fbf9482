package draw

import (
	"math"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// What is drawn is drawn in slots: the sixteen colours that every terminal has, each
// with one meaning, two backgrounds, and a scale. A Theme says what the slots are on a
// terminal; it is put over a whole frame when that is done (Paint), so that nothing that
// draws has to know it. Without one the slots are the terminal's own sixteen colours,
// whose meaning its user chose, light or dark. No meaning rests on colour alone.
var (
	Bold     = lipgloss.NewStyle().Bold(true)
	Dim      = lipgloss.NewStyle().Faint(true)
	Inverse  = lipgloss.NewStyle().Reverse(true)
	Accent   = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
	Good     = lipgloss.NewStyle().Foreground(lipgloss.Green)
	Warning  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	Bad      = lipgloss.NewStyle().Foreground(lipgloss.Red)
	BadBold  = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)
	GoodBold = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Green)
	WarnBold = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Yellow)
	Heading  = lipgloss.NewStyle().Bold(true)
	Edge     = lipgloss.NewStyle().Foreground(lipgloss.BrightBlack) // of a section
	Focus    = lipgloss.NewStyle().Foreground(lipgloss.Cyan)        // … that has the keys
	matched  = lipgloss.NewStyle().Reverse(true).Foreground(lipgloss.Yellow)
	Name     = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	Literal  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	Number   = lipgloss.NewStyle().Foreground(lipgloss.Magenta)
	Modified = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
)

// Shades is how many steps the scale has, from little to much.
const Shades = 10

// firstShade is the slot of the first of them: they are among the 256 colours, as the
// sixteen have their meanings.
const firstShade = 240

// shades are their styles.
var shades = func() (out [Shades]lipgloss.Style) {
	for i := range out {
		out[i] = lipgloss.NewStyle().Foreground(lipgloss.ANSIColor(firstShade + i))
	}
	return out
}()

// Shade is the style of a step of the scale, from 0.
func Shade(step int) lipgloss.Style { return shades[min(max(step, 0), Shades-1)] }

// ShadeOf is the style of a latency: from 1 ms to 10 s, ten steps that are as far apart
// on a logarithmic scale. It is the one scale for whatever shows latencies in colour.
func ShadeOf(d time.Duration) lipgloss.Style {
	return Shade(int(2.5 * math.Log10(math.Max(float64(d)/1e6, 1))))
}

// The slots of backgrounds, as SGR parameters.
const (
	tintSlot = "100" // of the row that is selected
	barSlot  = "40"  // of the line at the top
)

// Theme is what the slots look like.
type Theme struct {
	Name  string
	fore  [16]string     // SGR parameters of each slot; "" for the terminal's own. 4, 9, 11 and 13 fill what lies below lines of 6, 1, 3 and 5
	dim   string         // in place of faint
	tint  string         // under the selected row; reverse lets the row have no other colour
	bar   string         // under the top line; "" for nothing
	shade [Shades]string // of the scale

	painted map[string]string // sequences that were asked for before
}

const reverse = "7"

// color is an indexed colour as a foreground.
func color(n int) string { return "38;5;" + strconv.Itoa(n) }

func under(n int) string { return "48;5;" + strconv.Itoa(n) }

func colors(n ...int) (out [Shades]string) {
	for i := range out {
		out[i] = color(n[i])
	}
	return out
}

// themes are those that can be asked for by name. The first one is for a terminal of
// which nothing is known.
var themes = []Theme{
	{
		Name: "terminal", dim: "2", tint: reverse, fore: [16]string{8: "2"}, // a grey of its own may be the background's
		shade: [Shades]string{"36", "36", "36", "32", "32", "32", "33", "33", "31", "31"},
	},
	{
		Name: "night", dim: color(245), tint: under(238), bar: under(236),
		fore:  [16]string{1: color(203), 2: color(114), 3: color(221), 4: color(24), 5: color(177), 6: color(80), 8: color(240), 9: color(88), 11: color(58), 13: color(54)},
		shade: colors(74, 74, 80, 79, 114, 150, 186, 215, 209, 203),
	},
	{
		Name: "ember", dim: color(246), tint: under(237), bar: under(235),
		fore:  [16]string{1: color(167), 2: color(142), 3: color(221), 4: color(94), 5: color(175), 6: color(215), 8: color(239), 9: color(52), 11: color(58), 13: color(53)},
		shade: colors(109, 109, 108, 143, 179, 215, 214, 208, 203, 197),
	},
	{
		Name: "paper", dim: color(243), tint: under(254), bar: under(255),
		fore:  [16]string{1: color(160), 2: color(28), 3: color(130), 4: color(153), 5: color(91), 6: color(24), 8: color(250), 9: color(217), 11: color(223), 13: color(183)},
		shade: colors(31, 31, 30, 29, 28, 64, 100, 130, 166, 160),
	},
}

// ThemeNames are the names of all themes.
func ThemeNames() (names []string) {
	for _, t := range themes {
		names = append(names, t.Name)
	}
	return names
}

// ThemeOf is the theme of that name, otherwise the terminal's own colours.
func ThemeOf(name string) *Theme {
	for _, t := range themes {
		if t.Name == name {
			return newTheme(t)
		}
	}
	return newTheme(themes[0])
}

// ThemeFor is the name of a theme for a dark or a light background.
func ThemeFor(dark bool) string {
	if dark {
		return "night"
	}
	return "paper"
}

func newTheme(t Theme) *Theme {
	t.painted = map[string]string{}
	return &t
}

// Tinted is a line as the selected one.
func Tinted(line string) string { return on(tintSlot, line) }

// Barred is a line as the bar at the top.
func Barred(line string) string { return on(barSlot, line) }

// on has a background under a line, whatever ends styles in it.
func on(slot, line string) string {
	begin := "\x1b[" + slot + "m"
	return begin + strings.ReplaceAll(strings.ReplaceAll(line, "\x1b[0m", "\x1b[m"), "\x1b[m", "\x1b[m"+begin) + "\x1b[m"
}

// Paint puts the theme over what was drawn.
func (t *Theme) Paint(frame string) string {
	var out strings.Builder
	out.Grow(len(frame) + len(frame)/4)
	reversed := false // in a row that is selected by reverse video
	for {
		i := strings.IndexByte(frame, '\x1b')
		if i < 0 {
			break
		}
		out.WriteString(frame[:i])
		frame = frame[i:]
		end := strings.IndexByte(frame, 'm')
		if end < 0 || !strings.HasPrefix(frame, "\x1b[") {
			break
		}
		seq := frame[2:end]
		frame = frame[end+1:]
		switch {
		case t.tint != reverse:
			out.WriteString(t.sequence(seq))
		case seq == tintSlot:
			if !reversed {
				out.WriteString("\x1b[" + reverse + "m")
			}
			reversed = true
		case !reversed:
			out.WriteString(t.sequence(seq))
		case seq == "" && !strings.HasPrefix(frame, "\x1b["+tintSlot+"m"):
			out.WriteString("\x1b[m")
			reversed = false
		}
	}
	out.WriteString(frame)
	return out.String()
}

// sequence is one in the colours of the theme.
func (t *Theme) sequence(seq string) string {
	if s, ok := t.painted[seq]; ok {
		return s
	}
	var out []string
	list := strings.Split(seq, ";")
	for i := 0; i < len(list); i++ {
		n, _ := strconv.Atoi(list[i])
		p := list[i]
		switch {
		case p == tintSlot:
			p = t.tint
		case p == barSlot:
			p = t.bar
		case n == 2:
			p = t.dim
		case n >= 30 && n <= 37:
			p = or(t.fore[n-30], p)
		case n >= 90 && n <= 97:
			p = or(t.fore[n-90+8], p)
		case n == 38 && i+2 < len(list) && list[i+1] == "5":
			slot, _ := strconv.Atoi(list[i+2])
			i += 2
			p = t.indexed(slot)
		}
		if p != "" || seq == "" {
			out = append(out, p)
		}
	}
	s := ""
	if len(out) > 0 {
		s = "\x1b[" + strings.Join(out, ";") + "m"
	}
	if len(t.painted) < 1000 {
		t.painted[seq] = s
	}
	return s
}

func (t *Theme) indexed(slot int) string {
	switch {
	case slot >= firstShade && slot < firstShade+Shades:
		return t.shade[slot-firstShade]
	case slot >= 0 && slot < len(t.fore):
		return or(t.fore[slot], color(slot))
	}
	return color(slot)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
