package draw

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Only the terminal's own sixteen colours and attributes, and no background:
// the theme decides, light or dark, and nothing has to be asked of the
// terminal. No meaning rests on colour alone.
var (
	Bold     = ansi.Style{}.Bold()
	Dim      = ansi.Style{}.Faint()
	Inverse  = ansi.Style{}.Reverse(true)
	Accent   = ansi.Style{}.Bold().ForegroundColor(ansi.Cyan)
	Good     = ansi.Style{}.ForegroundColor(ansi.Green)
	Warning  = ansi.Style{}.ForegroundColor(ansi.Yellow)
	Bad      = ansi.Style{}.ForegroundColor(ansi.Red)
	BadBold  = ansi.Style{}.Bold().ForegroundColor(ansi.Red)
	Heading  = ansi.Style{}.Bold()
	matched  = ansi.Style{}.Underline(true).Bold().ForegroundColor(ansi.Yellow)
	Name     = ansi.Style{}.ForegroundColor(ansi.Cyan)
	Literal  = ansi.Style{}.ForegroundColor(ansi.Green)
	Number   = ansi.Style{}.ForegroundColor(ansi.Magenta)
	Modified = ansi.Style{}.ForegroundColor(ansi.Yellow)
)

// Reversed is a line as the selected one: whatever styles it had end reverse
// video half way, so they go.
func Reversed(line string) string { return Inverse.Styled(ansi.Strip(line)) }

// Sign is a sign and a word's colour for something well or not.
func Sign(ok bool) string {
	if ok {
		return Good.Styled("✓")
	}
	return BadBold.Styled("✗")
}

// Rule is a line that opens a pane: ─TITLE────── with something at its end.
func Rule(title, end string, w int, focused bool) string {
	if w <= 0 {
		return ""
	}
	st := Heading
	if focused {
		st = Accent
	}
	line := "─"
	if title != "" {
		if strings.Contains(title, "\x1b") {
			line += title
		} else {
			line += st.Styled(title)
		}
	}
	gap := w - Width(line) - Width(end)
	if end != "" {
		gap--
	}
	if gap < 0 {
		end, gap = "", max(w-Width(line), 0)
	}
	line += strings.Repeat("─", gap)
	if end != "" {
		line += end + "─"
	}
	return Fit(line, w)
}

// Beside joins two panes of the same height with a rule between them. The
// first line is their titles'.
func Beside(left, end []string, lw, rw int) []string {
	out := make([]string, max(len(left), len(end)))
	for i := range out {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(end) {
			r = end[i]
		}
		sep := "│"
		if i == 0 {
			sep = "┬"
		}
		out[i] = Fit(l, lw) + sep + Fit(r, rw)
	}
	return out
}

// Sized is lines cut and padded to exactly w by h.
func Sized(lines []string, w, h int) []string {
	out := make([]string, max(h, 0))
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], w)
		} else {
			out[i] = strings.Repeat(" ", max(w, 0))
		}
	}
	return out
}

// Over lays a box on the middle of a frame.
func Over(frame []string, box []string, w, h int) []string {
	bw := 0
	for _, l := range box {
		bw = max(bw, Width(l))
	}
	bw, bh := min(bw, w), min(len(box), h)
	x, y := (w-bw)/2, max((h-bh)/3, 0)
	for i := range bh {
		line := frame[y+i]
		frame[y+i] = Fit(ansi.Cut(line, 0, x), x) + "\x1b[m" + Fit(box[i], bw) + "\x1b[m" + Fit(ansi.Cut(line, x+bw, w), w-x-bw)
	}
	return frame
}

// Boxed draws a border with a title round lines that are w wide.
func Boxed(title string, lines []string, w int) []string {
	top := "┌─ " + Heading.Styled(title) + " "
	out := []string{top + strings.Repeat("─", max(w+1-Width(top), 0)) + "┐"}
	for _, l := range lines {
		out = append(out, "│"+Fit(l, w)+"│")
	}
	return append(out, "└"+strings.Repeat("─", w)+"┘")
}
