package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// count is n with a space between the thousands.
func count(n uint64) string { return group(strconv.FormatUint(n, 10)) }

func group(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

// millis is d in milliseconds with two or three digits that mean something.
func millis(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms < 0.9995:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	case ms < 9.995:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return group(strconv.FormatFloat(ms, 'f', 0, 64))
}

// rate is events per second.
func rate(r float64) string {
	switch {
	case r == 0:
		return "0"
	case r < 9.95:
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return group(strconv.FormatFloat(r, 'f', 0, 64))
}

// percent keeps a small share from looking like none, and a large one from
// looking like all.
func percent(part, whole uint64) string {
	if whole == 0 {
		return "0.0"
	}
	p := 100 * float64(part) / float64(whole)
	if part > 0 && p < 0.05 {
		return "<0.1"
	}
	if part < whole && p > 99.9 {
		return ">99.9"
	}
	return strconv.FormatFloat(p, 'f', 1, 64)
}

// size is a number of bytes as a person reads it.
func size(n uint64) string {
	f, unit := float64(n), 0
	for f >= 1024 && unit < 5 {
		f /= 1024
		unit++
	}
	if unit == 0 {
		return strconv.FormatUint(n, 10) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + [...]string{"", "KiB", "MiB", "GiB", "TiB", "PiB"}[unit]
}

// clock is a span in minutes and seconds, with hours when there are any, and in
// milliseconds where there is nothing else.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%dh%02dm%02ds", s/3600, s/60%60, s%60)
	}
	if d > 0 && d < 100*time.Millisecond {
		return millis(d) + "ms"
	}
	if d < 10*time.Second {
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + "s"
	}
	return fmt.Sprintf("%dm%02ds", s/60, s%60)
}

// plain makes a string safe to print on one line of a terminal: control
// characters, escapes, direction overrides and broken UTF-8 become visible.
func plain(s string) string {
	clean := true
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}

// columns is how many cells s takes at most: it counts everything from the
// first wide script on as two, so that a line never wraps.
func columns(s string) (n int) {
	for _, r := range s {
		n++
		if r >= 0x1100 && !(r >= 0x2000 && r < 0x2e80) {
			n++
		}
	}
	return n
}

// fit is s cut or filled to exactly n columns, so far as columns can tell.
func fit(s string, n int) string {
	s = cut(s, n)
	return s + strings.Repeat(" ", max(n-columns(s), 0))
}

// cut shortens s to at most n columns, and shows that it did.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		w := columns(string(r))
		if used+w > n-1 {
			return s[:i] + "~"
		}
		used += w
	}
	return s
}
