package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tload/stats"
	"tload/stats/capacity"
)

// ParseGoals reads what a search for capacity holds loads against: conditions like
// those of ParseCondition that are true of a load that the target can take, with
// commas between them. What fails is not served and what starts late is not the
// load, so that there are guards against both unless the text has its own. The
// error says where something is wrong.
func ParseGoals(text string, arrivals bool) ([]capacity.Goal, error) {
	var goals []capacity.Goal
	has := map[string]bool{}
	add := func(part string, guard bool) error {
		c, err := ParseCondition(part)
		if err != nil {
			return err
		}
		g, err := c.goal(arrivals)
		if err != nil {
			return err
		}
		g.Guard = guard
		goals, has[c.metric] = append(goals, g), true
		return nil
	}
	at := 0
	for part := range strings.SplitSeq(text, ",") {
		word := strings.TrimSpace(part)
		if word == "" {
			return nil, &ConditionError{text, at + 1, "a goal is expected here, such as p95<300ms or errors<1%"}
		}
		if err := add(word, false); err != nil {
			if c := (*ConditionError)(nil); errors.As(err, &c) {
				return nil, &ConditionError{text, at + strings.Index(part, word) + c.Column, c.Message}
			}
			return nil, err
		}
		at += len(part) + 1
	}
	if !has["errors"] && !has["failures"] {
		if err := add("errors<1%", true); err != nil {
			return nil, err
		}
	}
	if arrivals && !has["late"] {
		if err := add("late<1%", true); err != nil {
			return nil, err
		}
	}
	return goals, nil
}

// goal is the condition as a ratio, which is less than a limit at a low load.
func (c *Condition) goal(arrivals bool) (g capacity.Goal, err error) {
	fail := func(format string, args ...any) (capacity.Goal, error) {
		return g, &ConditionError{c.Text, 1, fmt.Sprintf(format, args...)}
	}
	if c.op != "<" && c.op != "<=" {
		return fail("a search needs what a low load keeps below a limit: write it with <, such as %s<%s", c.metricName(), c.example())
	}
	g = capacity.Goal{Text: strings.ReplaceAll(c.Text, " ", ""), Share: true}
	if c.name != "" {
		g.Text = c.Text
	}
	var count func(*stats.Delta) (bad, of float64)
	switch c.metric {
	case "latency":
		of := func(d *stats.Delta) *stats.Histogram { return &d.OK }
		switch {
		case c.of == "failed":
			of = func(d *stats.Delta) *stats.Histogram { return &d.Failed }
		case c.of == "corrected" || c.of == "" && arrivals:
			of = func(d *stats.Delta) *stats.Histogram { return &d.Corrected }
		}
		if c.limit <= 0 {
			return fail("a latency is above 0: write it as p95<300ms")
		}
		limit := time.Duration(c.limit * 1e6)
		switch c.quantile {
		case -1:
			return fail("the fastest request says nothing of a load: use p50 to p99.99, mean or max")
		case -2:
			g.Share, g.Limit = false, c.limit
			count = func(d *stats.Delta) (float64, float64) {
				h := of(d)
				return float64(h.Sum()) / 1e6, float64(h.Count())
			}
		default:
			g.Limit = math.Round((1-c.quantile)*1e6) / 1e6
			count = func(d *stats.Delta) (float64, float64) {
				h := of(d)
				return float64(h.Count() - h.CountBelow(limit)), float64(h.Count())
			}
		}
	case "errors", "failures", "late", "not_started":
		if c.unit != "%" && c.limit != 0 {
			return fail("a search needs a share: write it as %s<1%%", c.metric)
		}
		if c.unit != "%" && c.op == "<" {
			return fail("there are never fewer than none: write it as %s<=0", c.metric)
		}
		if g.Limit = c.limit / 100; g.Limit < 0 || g.Limit >= 1 || g.Limit == 0 && c.op == "<" {
			return fail("a share lies between 0 and 100 %%: write it as %s<1%%", c.metric)
		}
		count = map[string]func(*stats.Delta) (float64, float64){
			"errors": func(d *stats.Delta) (float64, float64) { return float64(d.Failed.Count()), float64(d.Requests()) },
			"late": func(d *stats.Delta) (float64, float64) {
				return float64(d.Late + d.NotStarted), float64(d.Due + d.NotStarted)
			},
			"not_started": func(d *stats.Delta) (float64, float64) { return float64(d.NotStarted), float64(d.Due + d.NotStarted) },
		}[strings.Replace(c.metric, "failures", "errors", 1)]
	default:
		return fail("%s does not say whether a load is held: use a latency, errors, late or not_started", c.metricName())
	}
	tasks := c.metric == "errors" || c.metric == "failures"
	g.Count = func(b *stats.Batch) (bad, of float64) {
		for i := range b.Errors {
			if e := &b.Errors[i]; tasks && e.Key.Key.Class == stats.Task && (c.name == "" || c.names(e.Key.Key)) {
				bad, of = bad+float64(e.Count), of+float64(e.Count)
			}
		}
		for key, d := range b.Rows {
			if c.counts(key) {
				x, n := count(d)
				bad, of = bad+x, of+n
			}
		}
		return bad, of
	}
	return g, nil
}

// counts says that the row is one of those that the condition is of.
func (c *Condition) counts(key stats.Key) bool {
	if c.name == "" {
		return key.Class == stats.Request
	}
	return c.names(key)
}

// metricName is what is measured, as it is written.
func (c *Condition) metricName() string {
	if c.metric == "counter" {
		return c.counter
	}
	if c.metric != "latency" {
		return c.metric
	}
	if name, ok := map[float64]string{-1: "p50", -2: "mean", 1: "max"}[c.quantile]; ok {
		return name
	}
	return fmt.Sprintf("p%g", 100*stats.Percentiles[slices.Index(stats.Percentiles[:], c.quantile)])
}
