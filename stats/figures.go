package stats

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Figures as people read them. The screen, the lines of a run without one and
// the reports all write them so, that one number is one text.

// None is what stands where a number does not apply.
const None = "-"

// Thousands is n with a space between groups of three digits.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return sign + s
}

// Rate is a number per second: one decimal while it is small.
func Rate(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return None
	case v == 0:
		return "0"
	case v < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Thousands(int64(math.Round(v)))
}

// Millis is a duration in milliseconds, without the unit. Zero is None: nothing
// that is measured takes no time.
func Millis(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	switch {
	case d <= 0:
		return None
	case v < 0.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Thousands(int64(math.Round(v)))
}

// Percent is a percentage without its sign. A small one does not look like
// none, nor a large one like all.
func Percent(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return None
	case v >= 100:
		return "100"
	case v > 99.95:
		return ">99.9"
	case v > 0 && v < 0.05:
		return "<0.1"
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// Share is part of whole in percent, without the sign; None where there is no
// whole.
func Share(part, whole uint64) string {
	if whole == 0 {
		return None
	}
	return Percent(percent(part, whole))
}

// Size is a number of bytes: 97 B, 1.2 KiB, 11 MiB.
func Size(n float64) string {
	if n < 1024 {
		return strconv.FormatFloat(math.Max(math.Round(n), 0), 'f', 0, 64) + " B"
	}
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		n /= 1024
		if n < 9.95 {
			return strconv.FormatFloat(n, 'f', 1, 64) + " " + u
		}
		if n < 1023.5 || u == "TiB" {
			return strconv.FormatFloat(n, 'f', 0, 64) + " " + u
		}
	}
	return ""
}

// Clock is a time since the run began, or a span of it, in full seconds: mm:ss,
// with hours when there are any.
func Clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// CPU is what a process takes of the CPUs that it may use, both in percent of
// one: 7% of 200%.
func CPU(taken, cores float64) string {
	if cores <= 0 {
		return None
	}
	return fmt.Sprintf("%.0f%% of %.0f%%", taken, 100*cores)
}

// GroupsInWords is how many failures there are in groups, requests and errors of
// tasks told apart, in full and without the numbers of groups; count is what
// counts of a group.
func GroupsInWords(groups []*Group, count func(*Group) uint64) (full, brief string) {
	type sum struct {
		what     string
		failures uint64
		groups   int
	}
	requests, tasks := sum{what: "failed request"}, sum{what: "task error"}
	for _, g := range groups {
		s := &requests
		if g.Exception() {
			s = &tasks
		}
		s.failures += count(g)
		s.groups++
	}
	list := []sum{requests, tasks}
	switch {
	case tasks.groups == 0:
		list = list[:1]
	case requests.groups == 0:
		list = list[1:]
	}
	var long, short []string
	for _, s := range list {
		if s.failures != 1 {
			s.what += "s"
		}
		words := Thousands(int64(s.failures)) + " " + s.what
		long, short = append(long, fmt.Sprintf("%s in %d", words, s.groups)), append(short, words)
	}
	in := " groups"
	if len(groups) == 1 {
		in = " group"
	}
	return strings.Join(long, ", ") + in, strings.Join(short, ", ")
}
