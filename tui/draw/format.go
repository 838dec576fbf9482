package draw

import (
	"math"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Short is a number in at most five characters: 950, 4.8k, 1.2M.
func Short(v float64) string {
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

// Squeeze makes a number that is too long for w cells shorter in words, 13 741
// as 13.7k: a number that lost its last digits would be another number.
func Squeeze(s string, w int) string {
	if Width(s) <= w {
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
	return strings.Replace(s, text, Short(v)+tail, 1)
}

// Few is a number at the right end of w cells, never cut.
func Few(s string, w int) string { return Right(Squeeze(s, w), w) }

// FirstThatFits is the first, and so the fullest, of the lines that fits w; the
// last if none does.
func FirstThatFits(w int, lines ...string) string {
	for _, l := range lines {
		if Width(l) <= w {
			return l
		}
	}
	return lines[len(lines)-1]
}

var sparks = []rune("▁▂▃▄▅▆▇█")

// Spark draws values as n characters; several values fall into one character as
// their sum. Nothing at all is drawn as blanks.
func Spark[N float64 | uint32](values []N, n int) string {
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

// Bar is share (0 to 1) of w characters; anything above zero is seen.
func Bar(share float64, w int) string {
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

// Width is how many cells s takes on the screen.
func Width(s string) int { return ansi.StringWidth(s) }

// Fit cuts or pads s to exactly w cells.
func Fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := Width(s)
	if n > w {
		s = whole(ansi.Truncate(s, w, ""))
		n = Width(s)
	}
	if n < w {
		s += strings.Repeat(" ", w-n)
	}
	return s
}

// Cut shortens s to w cells with an ellipsis at its end.
func Cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if Width(s) <= w {
		return s
	}
	return whole(ansi.Truncate(s, w-1, "")) + "…"
}

// whole takes the beginning of an escape such as ‹U+202E› off the end of a text
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

// CutMiddle shortens s to w cells with an ellipsis in its middle, where a path
// says least.
func CutMiddle(s string, w int) string {
	n := Width(s)
	if n <= w {
		return s
	}
	if w <= 1 {
		return Cut(s, w)
	}
	left := w / 2
	return ansi.Truncate(s, left, "") + "…" + ansi.TruncateLeft(s, n-(w-1-left), "")
}

// Right puts s at the right end of w cells.
func Right(s string, w int) string {
	if n := Width(s); n < w {
		return strings.Repeat(" ", w-n) + s
	}
	return Fit(s, w)
}

// Between puts left and end at the two ends of w cells; end gives way.
func Between(left, end string, w int) string {
	gap := w - Width(left) - Width(end)
	if gap < 1 {
		return Fit(left, w)
	}
	return left + strings.Repeat(" ", gap) + end
}

// WrapText breaks text at words into lines of at most w.
func WrapText(s string, w int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for Width(word) > w {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := strings.TrimRight(Fit(word, w), " ")
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
		case Width(line)+1+Width(word) <= w:
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

// Strip is a drawn line without its styles.
func Strip(line string) string { return ansi.Strip(line) }

// First is the first w cells of a styled line.
func First(s string, w int) string { return ansi.Truncate(s, w, "") + "\x1b[m" }

// Rest is a styled line without its first w cells.
func Rest(s string, w int) string { return ansi.TruncateLeft(s, w, "") }
