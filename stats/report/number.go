package report

import (
	"fmt"
	"strings"
	"time"

	"tload/stats"
)

// Numbers are written as the screen writes them.

func count(n uint64) string { return stats.Thousands(int64(n)) }

func millis(d time.Duration) string { return stats.Millis(d) }

func rate(r float64) string { return stats.Rate(r) }

func percent(part, whole uint64) string { return stats.Share(part, whole) }

// share is the same with its sign.
func share(part, whole uint64) string {
	if whole == 0 {
		return stats.None
	}
	return percent(part, whole) + "%"
}

func size(n uint64) string { return stats.Size(float64(n)) }

// clock is the time of a run. One of less than a second has its milliseconds.
func clock(d time.Duration) string {
	s := stats.Clock(d)
	if d > 0 && d < time.Second {
		s += fmt.Sprintf(".%03d", d/time.Millisecond)
	}
	return s
}

// plain is text from outside, safe to print on one line.
func plain(s string) string { return stats.Clean(s) }

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

// fitName is a name in exactly n columns: what is too long gives way in its middle,
// where a path says least.
func fitName(s string, n int) string {
	if columns(s) > n && n > 2 {
		r := []rune(s)
		left, right := 0, len(r)
		for columns(string(r[:left+1])) <= n/2 {
			left++
		}
		for columns(string(r[right-1:])) <= n-n/2-1 {
			right--
		}
		s = string(r[:left]) + "…" + string(r[right:])
	}
	return fit(s, n)
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
