package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Text writes the comparison for a terminal: of the total every number, of an
// endpoint what changed.
func (c *Comparison) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "tload compare\n  base  %s\n  run   %s\n", plain(c.Base), plain(c.Run))
	if c.Steady {
		b.WriteString("  the seconds in which all users ran; intervals hold 99 % of what chance does\n")
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "  ! %s\n", plain(n))
	}
	fmt.Fprintf(&b, "\n  %-30s %-14s%10s%10s   %s\n", "ENDPOINT", "", "BASE", "RUN", "CHANGE")
	for _, r := range c.Rows {
		name := strings.TrimSpace(r.Method + " " + r.Name)
		total := name == ""
		if total {
			name = "all requests"
		}
		shown := false
		var few []string
		for _, x := range r.Metrics {
			if x.Verdict == "few" && !total {
				few = append(few, x.Metric)
				continue
			}
			if x.Verdict == "none" && !total {
				continue
			}
			fmt.Fprintf(&b, "  %s %-14s%10s%10s   %s\n", fit(plain(name), 30), x.Metric, figure(x.Base, x.Unit), figure(x.Run, x.Unit), x.words())
			name, shown = "", true
		}
		switch {
		case len(few) > 0:
			words := "too few requests or seconds to tell about " + strings.Join(few, ", ")
			if !shown {
				words = "no change that can be told; " + words
			}
			fmt.Fprintf(&b, "  %s %s\n", fit(plain(name), 30), words)
		case !shown:
			fmt.Fprintf(&b, "  %s no change that can be told\n", fit(plain(name), 30))
		}
	}
	for _, list := range []struct {
		what  string
		names []string
	}{{"only in base", c.OnlyBase}, {"only in run", c.OnlyRun}} {
		for _, n := range list.names {
			fmt.Fprintf(&b, "  %s %s\n", fit(plain(n), 30), list.what)
		}
	}
	if c.Regressed {
		b.WriteString("\n  ✗ a regression\n")
	} else {
		b.WriteString("\n  ✓ no regression that can be told\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func figure(v float64, unit string) string {
	switch unit {
	case "ms":
		return millis(time.Duration(v * 1e6))
	case "/s":
		return rate(v)
	}
	return fmt.Sprintf("%.2f%%", v)
}

// words is a change as a person says it: p95 +12 % (9 to 15) worse.
func (x *Change) words() string {
	unit := " %"
	if x.Unit == "%" {
		unit = " points"
	}
	number := func(v float64) string {
		if x.Unit == "%" {
			return fmt.Sprintf("%.2f", v)
		}
		return fmt.Sprintf("%.3g", v)
	}
	switch {
	case x.Verdict == "none":
		return "no change that can be told"
	case x.Verdict == "few" && x.Base == x.Run:
		return "no change that can be told"
	case x.Verdict == "few":
		return "too few requests or seconds to tell"
	case x.Change == nil:
		return ""
	}
	s := number(*x.Change) + unit
	if *x.Change > 0 {
		s = "+" + s
	}
	if x.Low != nil {
		s += fmt.Sprintf(" (%s to %s)  %s", number(*x.Low), number(*x.High), x.Verdict)
	}
	return s
}
