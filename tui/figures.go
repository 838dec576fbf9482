package tui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tload/stats"
)

// The figures that other outputs show too are written as they write them.

func thousands[N int | int64 | uint64 | uint32](n N) string { return stats.Thousands(int64(n)) }

func rate(v float64) string { return stats.Rate(v) }

func millis(d time.Duration) string { return stats.Millis(d) }

func percent(v float64) string { return stats.Percent(v) }

func size(n float64) string { return stats.Size(n) }

func clock(d time.Duration) string { return stats.Clock(d) }

// share is part of whole with its sign; what does not apply has none.
func share(part, whole uint64) string {
	if whole == 0 {
		return stats.None
	}
	return stats.Share(part, whole) + "%"
}

// phase is a duration in milliseconds with one decimal, for the timings.
func phase(d time.Duration) string {
	t := int64(math.Round(float64(d) / float64(100*time.Microsecond)))
	return thousands(t/10) + "." + strconv.FormatInt(t%10, 10)
}

// inTime is a number of seconds to come in words: 12 s, 5 min, 3 h, 11 days.
func inTime(seconds float64) string {
	switch s := math.Ceil(seconds); {
	case math.IsNaN(s) || s >= 366*86400:
		return "> 1 year"
	case s < 120:
		return strconv.Itoa(int(s)) + " s"
	case s < 120*60:
		return strconv.Itoa(int(math.Ceil(s/60))) + " min"
	case s < 48*3600:
		return strconv.Itoa(int(math.Ceil(s/3600))) + " h"
	default:
		return strconv.Itoa(int(math.Ceil(s/86400))) + " days"
	}
}

// ago is how long before now t was, in one unit.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "-"
	case d < time.Minute:
		return strconv.Itoa(int(max(d, 0)/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + "d"
}

// typed is a duration as a person types it: 10s, 5m, 1h20m.
func typed(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return thousands(n) + " " + word + "s"
}

// clean is the one way onto the screen for text that is not our own.
func clean(s string) string { return stats.Clean(s) }
