package tui

import (
	"strings"

	"tload/stats/exchange"
	"tload/tui/draw"
)

// compared is a comparison with lines that are safe to draw.
func compared(lines []exchange.Line) []exchange.Line {
	for i := range lines {
		l := &lines[i]
		l.Text = clean(l.Text[:min(len(l.Text), longLine)])
	}
	return lines
}

// unified draws a comparison one line after the other.
func unified(lines []exchange.Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		switch l.Sign {
		case '#':
			out[i] = "── " + l.Text + " ──"
		default:
			out[i] = string(l.Sign) + " " + l.Text
		}
	}
	return out
}

// sideBySide draws a comparison in two columns.
func sideBySide(lines []exchange.Line, w int) []string {
	lw := (w - 3) / 2
	rw := w - 3 - lw
	var out []string
	for i := 0; i < len(lines); {
		switch l := lines[i]; l.Sign {
		case '#':
			out = append(out, draw.Fit("── "+l.Text+" "+strings.Repeat("─", max(w-len(l.Text)-4, 0)), w))
			i++
		case ' ':
			out = append(out, draw.Fit(draw.Cut(l.Text, lw), lw)+"   "+draw.Fit(draw.Cut(l.Text, rw), rw))
			i++
		default:
			var l, r []string
			for ; i < len(lines) && lines[i].Sign == '-'; i++ {
				l = append(l, lines[i].Text)
			}
			for ; i < len(lines) && lines[i].Sign == '+'; i++ {
				r = append(r, lines[i].Text)
			}
			for k := range max(len(l), len(r)) {
				a, b, sign := "", "", " ≠ "
				if k < len(l) {
					a = l[k]
				} else {
					sign = " > "
				}
				if k < len(r) {
					b = r[k]
				} else {
					sign = " < "
				}
				out = append(out, draw.Fit(draw.Cut(a, lw), lw)+sign+draw.Fit(draw.Cut(b, rw), rw))
			}
		}
	}
	return out
}
