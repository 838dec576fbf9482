package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Only the terminal's own sixteen colours and attributes, and no background:
// the theme decides, light or dark, and nothing has to be asked of the
// terminal. No meaning rests on colour alone.
var (
	bold     = ansi.Style{}.Bold()
	dim      = ansi.Style{}.Faint()
	inverse  = ansi.Style{}.Reverse(true)
	accent   = ansi.Style{}.Bold().ForegroundColor(ansi.Cyan)
	good     = ansi.Style{}.ForegroundColor(ansi.Green)
	warning  = ansi.Style{}.ForegroundColor(ansi.Yellow)
	bad      = ansi.Style{}.ForegroundColor(ansi.Red)
	badBold  = ansi.Style{}.Bold().ForegroundColor(ansi.Red)
	heading  = ansi.Style{}.Bold()
	matched  = ansi.Style{}.Underline(true).Bold().ForegroundColor(ansi.Yellow)
	name     = ansi.Style{}.ForegroundColor(ansi.Cyan)
	literal  = ansi.Style{}.ForegroundColor(ansi.Green)
	number   = ansi.Style{}.ForegroundColor(ansi.Magenta)
	modified = ansi.Style{}.ForegroundColor(ansi.Yellow)
)

// reversed is a line as the selected one: whatever styles it had end reverse
// video half way, so they go.
func reversed(line string) string { return inverse.Styled(ansi.Strip(line)) }

// tick is a sign and a word's colour for something well or not.
func tick(ok bool) string {
	if ok {
		return good.Styled("✓")
	}
	return badBold.Styled("✗")
}

// rule is a line that opens a pane: ─TITLE────── with something at its end.
func rule(title, end string, w int, focused bool) string {
	if w <= 0 {
		return ""
	}
	st := heading
	if focused {
		st = accent
	}
	line := "─"
	if title != "" {
		if strings.Contains(title, "\x1b") {
			line += title
		} else {
			line += st.Styled(title)
		}
	}
	gap := w - width(line) - width(end)
	if end != "" {
		gap--
	}
	if gap < 0 {
		end, gap = "", max(w-width(line), 0)
	}
	line += strings.Repeat("─", gap)
	if end != "" {
		line += end + "─"
	}
	return fit(line, w)
}

// beside joins two panes of the same height with a rule between them. The
// first line is their titles'.
func beside(left, end []string, lw, rw int) []string {
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
		out[i] = fit(l, lw) + sep + fit(r, rw)
	}
	return out
}

// sized is lines cut and padded to exactly w by h.
func sized(lines []string, w, h int) []string {
	out := make([]string, max(h, 0))
	for i := range out {
		if i < len(lines) {
			out[i] = fit(lines[i], w)
		} else {
			out[i] = strings.Repeat(" ", max(w, 0))
		}
	}
	return out
}

// over lays a box on the middle of a frame.
func over(frame []string, box []string, w, h int) []string {
	bw := 0
	for _, l := range box {
		bw = max(bw, width(l))
	}
	bw, bh := min(bw, w), min(len(box), h)
	x, y := (w-bw)/2, max((h-bh)/3, 0)
	for i := range bh {
		line := frame[y+i]
		frame[y+i] = fit(ansi.Cut(line, 0, x), x) + "\x1b[m" + fit(box[i], bw) + "\x1b[m" + fit(ansi.Cut(line, x+bw, w), w-x-bw)
	}
	return frame
}

// boxed draws a border with a title round lines that are w wide.
func boxed(title string, lines []string, w int) []string {
	top := "┌─ " + heading.Styled(title) + " "
	out := []string{top + strings.Repeat("─", max(w+1-width(top), 0)) + "┐"}
	for _, l := range lines {
		out = append(out, "│"+fit(l, w)+"│")
	}
	return append(out, "└"+strings.Repeat("─", w)+"┘")
}
