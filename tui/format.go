package tui

import (
	"math"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// short is a number in at most five characters: 950, 4.8k, 1.2M.
func short(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	unit := ""
	for _, u := range []string{"k", "M", "G", "T", "P"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	switch {
	case v == math.Trunc(v) && unit == "" || v >= 99.95:
		return sign + strconv.FormatFloat(v, 'f', 0, 64) + unit
	case v < 1 && unit == "":
		return sign + strconv.FormatFloat(v, 'g', 2, 64)
	}
	return sign + strconv.FormatFloat(v, 'f', 1, 64) + unit
}

// squeeze makes a number that is too long for w cells shorter in words, 13 741
// as 13.7k: a number that lost its last digits would be another number.
func squeeze(s string, w int) string {
	if width(s) <= w {
		return s
	}
	text := ansi.Strip(s)
	n, tail := strings.TrimSpace(text), ""
	if strings.HasSuffix(n, "%") {
		n, tail = n[:len(n)-1], "%"
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(n, " ", ""), 64)
	if err != nil {
		return s
	}
	return strings.Replace(s, text, short(v)+tail, 1)
}

// few is a number at the right end of w cells, never cut.
func few(s string, w int) string { return right(squeeze(s, w), w) }

// firstThatFits is the first, and so the fullest, of the lines that fits w; the
// last if none does.
func firstThatFits(w int, lines ...string) string {
	for _, l := range lines {
		if width(l) <= w {
			return l
		}
	}
	return lines[len(lines)-1]
}

var sparks = []rune("▁▂▃▄▅▆▇█")

// spark draws values as n characters; several values fall into one character as
// their sum. Nothing at all is drawn as blanks.
func spark[N float64 | uint32](values []N, n int) string {
	if n <= 0 {
		return ""
	}
	per := max((len(values)+n-1)/n, 1)
	var sums []float64
	for end := len(values); end > 0 && len(sums) < n; end -= per {
		sum := 0.0
		for _, v := range values[max(end-per, 0):end] {
			sum += float64(v)
		}
		sums = append(sums, sum)
	}
	top := 0.0
	for _, s := range sums {
		top = math.Max(top, s)
	}
	out := make([]rune, n)
	for i := range out {
		out[i] = ' '
		if j := n - 1 - i; j < len(sums) && top > 0 {
			out[i] = sparks[min(max(int(math.Ceil(sums[j]/top*8))-1, 0), 7)]
		}
	}
	return string(out)
}

var eighths = []rune(" ▏▎▍▌▋▊▉")

// bar is share (0 to 1) of w characters; anything above zero is seen.
func bar(share float64, w int) string {
	if w <= 0 || math.IsNaN(share) || share <= 0 {
		return ""
	}
	n := int(math.Round(math.Min(share, 1) * float64(w) * 8))
	n = max(n, 1)
	s := strings.Repeat("█", n/8)
	if n%8 > 0 && n/8 < w {
		s += string(eighths[n%8])
	}
	return s
}

// width is how many cells s takes on the screen.
func width(s string) int { return ansi.StringWidth(s) }

// fit cuts or pads s to exactly w cells.
func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := width(s)
	if n > w {
		s = whole(ansi.Truncate(s, w, ""))
		n = width(s)
	}
	if n < w {
		s += strings.Repeat(" ", w-n)
	}
	return s
}

// cut shortens s to w cells with an ellipsis at its end.
func cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if width(s) <= w {
		return s
	}
	return whole(ansi.Truncate(s, w-1, "")) + "…"
}

// whole takes the beginning of a mark such as ‹U+202E› off the end of a text
// that was cut inside it.
func whole(s string) string {
	at := strings.LastIndex(s, "‹")
	if at < 0 || strings.Contains(s[at:], "›") {
		return s
	}
	end := at + len("‹")
	for _, next := range []string{"U", "+"} {
		if strings.HasPrefix(s[end:], next) {
			end += len(next)
		}
	}
	for end < len(s) && strings.IndexByte("0123456789ABCDEF", s[end]) >= 0 {
		end++
	}
	return s[:at] + s[end:] // the styles after it stay
}

// cutMiddle shortens s to w cells with an ellipsis in its middle, where a path
// says least.
func cutMiddle(s string, w int) string {
	n := width(s)
	if n <= w {
		return s
	}
	if w <= 1 {
		return cut(s, w)
	}
	left := w / 2
	return ansi.Truncate(s, left, "") + "…" + ansi.TruncateLeft(s, n-(w-1-left), "")
}

// right puts s at the right end of w cells.
func right(s string, w int) string {
	if n := width(s); n < w {
		return strings.Repeat(" ", w-n) + s
	}
	return fit(s, w)
}

// between puts left and end at the two ends of w cells; end gives way.
func between(left, end string, w int) string {
	gap := w - width(left) - width(end)
	if gap < 1 {
		return fit(left, w)
	}
	return left + strings.Repeat(" ", gap) + end
}

// wrapText breaks text at words into lines of at most w.
func wrapText(s string, w int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for width(word) > w {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := strings.TrimRight(fit(word, w), " ")
			if head == "" { // a mark, or a character, wider than the line
				head = ansi.Truncate(word, max(w, 2), "")
			}
			if head == "" {
				return append(lines, line)
			}
			lines = append(lines, head)
			word = strings.TrimPrefix(word, head)
		}
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= w:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// plainText is a drawn line without its styles.
func plainText(line string) string { return ansi.Strip(line) }

// ansiCut is the first w cells of a styled line.
func ansiCut(s string, w int) string { return ansi.Truncate(s, w, "") + "\x1b[m" }

// ansiRest is a styled line without its first w cells.
func ansiRest(s string, w int) string { return ansi.TruncateLeft(s, w, "") }
