package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tload/stats"
)

func TestConditions(t *testing.T) {
	r := shop()
	for _, c := range []struct {
		text  string
		holds bool // as a --fail-if
		value float64
		none  bool // nothing to measure
	}{
		{text: "p95>300ms", holds: true, value: 44},
		{text: "p95 > 40 ms", holds: false, value: 44},
		{text: "p95>0.04s", holds: false, value: 44},
		{text: "max>44ms", holds: true, value: 44},
		{text: "p100>=44ms", holds: false, value: 44},
		{text: "median>12.1ms", holds: true, value: 12},
		{text: "failed p99>1s", holds: false, value: 1204},
		{text: "failed max<=1204ms", holds: false, value: 1204},
		{text: "mean<1ms", holds: true, value: 14.642},
		{text: "errors>1%", holds: true, value: 0.909},
		{text: "errors>0", holds: false, value: 10},
		{text: "errors>0.5/s", holds: false, value: 1},
		{text: "rps<100", holds: true, value: 110},
		{text: "rps<200/s", holds: false, value: 110},
		{text: "requests<1100", holds: true, value: 1100},
		{text: "aborted==0", holds: false, value: 0},
		{text: "POST /cart p99>1s", holds: true, value: 44},
		{text: "post /cart errors>5%", holds: false, value: 10},
		{text: "/cart errors>5%", holds: false, value: 10},
		{text: "browse p50>100ms", holds: true, value: 60},
		{text: "corrected p99>1s", none: true},
		{text: "late>1%", none: true},
		{text: "GET /nowhere p99>1s", none: true},
	} {
		cond, err := ParseCondition(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := cond.FailIf(r.Snapshot)
		switch {
		case c.none:
			if got.Held || got.Value != nil {
				t.Errorf("%s: got %+v, want nothing to measure, which does not hold", c.text, got)
			}
		case got.Value == nil || got.Held != c.holds || *got.Value < c.value*0.996 || *got.Value > c.value*1.004:
			t.Errorf("%s: got held %v, value %v; want %v, %v", c.text, got.Held, deref(got.Value), c.holds, c.value)
		}
	}
}

func TestAnUnknownEndpointNamesTheNearest(t *testing.T) {
	r := shop()
	for text, want := range map[string]string{
		"POST /crat p99>1s":   "there was no POST /crat (did you mean POST /cart?)",
		"GET /cart p99>1s":    "there was no GET /cart (did you mean POST /cart?)",
		"/crat errors>0":      "there was no /crat (did you mean /cart?)",
		"brwose p50>100ms":    "there was no brwose (did you mean browse?)",
		"GET /nowhere max>1s": "there was no GET /nowhere",
		"corrected p99>1s":    "",
	} {
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		got := c.FailIf(r.Snapshot).Note
		if !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"host", "html", "out", "headless", "GET /cart"}
	for word, want := range map[string]string{"hots": "host", "head": "headless", "HOST": "host", "q": "", "ou": "out", "get /crat": "GET /cart", "something": ""} {
		if got := stats.Nearest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

func deref(f *float64) any {
	if f == nil {
		return nil
	}
	return *f
}

func TestConditionErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		text, want string
		column     int
	}{
		{"", "comparison is missing", 1},
		{"p95", "comparison is missing", 4},
		{">300ms", "what is compared", 1},
		{"p95>300", "unit is missing: write 300ms", 8},
		{"p95>300parsecs", "no unit of time", 8},
		{"p95>", "a number is expected", 5},
		{"p95>fast", "a number is expected", 5},
		{"p42>1s", "is not measured", 1},
		{"GET /a speed>1", "is not measured", 8},
		{"erors>1%", "did you mean errors?", 1},
		{"cart erors>1", "did you mean errors?", 6},
		{"lat>1%", "did you mean late?", 1},
		{"sold out>10ms", `sold out cannot be in "ms"`, 12},
		{"GET /ä errors>1ms", `cannot be in "ms"`, 16},
		{"corrected errors>1", "only latencies", 1},
		{"p95=>300ms", "no comparison", 4},
		{"rps<1%", "cannot be in", 6},
	} {
		_, err := ParseCondition(c.text)
		var e *ConditionError
		if !errors.As(err, &e) {
			t.Errorf("%q: got %v, want a ConditionError", c.text, err)
			continue
		}
		if e.Column != c.column || !strings.Contains(e.Message, c.want) {
			t.Errorf("%q: got column %d, %q; want %d, %q", c.text, e.Column, e.Message, c.column, c.want)
		}
		lines := strings.Split(err.Error(), "\n")
		if caret := lines[len(lines)-1]; len(caret) != 2+c.column || !strings.HasSuffix(caret, "^") {
			t.Errorf("%q: caret line %q is not under column %d", c.text, caret, c.column)
		}
	}
}

func FuzzParseCondition(f *testing.F) {
	f.Add("POST /cart p99>1s")
	f.Add("errors>1%")
	r := shop()
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		c.FailIf(r.Snapshot)
	})
}

// TestConditionsOfWhatBehavioursCount: what nobody counted is none, and says so; no share of
// it is known.
func TestConditionsOfWhatBehavioursCount(t *testing.T) {
	row := func(name string, calls, n uint64) stats.Row {
		return stats.Row{Key: stats.Key{Class: stats.Counter, Name: name}, Run: stats.Summary{Requests: calls, In: n, Span: 10 * time.Second}}
	}
	s := &stats.Snapshot{Counters: []stats.Row{row("sold out", 12, 12), row("cache hit", 200, 180), row("cart errors", 3, 3)}}
	for _, c := range []struct {
		text string
		held bool
		note string
	}{
		{"sold out>10", false, ""},
		{"sold out>12", true, ""},
		{"Sold Out>=12", false, ""},
		{"sold out>1/s", false, ""},
		{"sold out>1.2/s", true, ""},
		{"cache hit<90%", true, ""},
		{"cache hit<95%", false, ""},
		{"cart errors>2", false, ""},
		{"sould out>10", true, "did you mean sold out?"},
		{"refunds>0", true, "nothing was counted as refunds"},
		{"refunds<90%", false, "nothing was counted as refunds"},
		{"refunds<1", false, "nothing was counted as refunds"},
	} {
		cond, err := ParseCondition(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		if got := cond.FailIf(s); got.Held != c.held || !strings.Contains(got.Note, c.note) || c.note == "" && got.Note != "" {
			t.Errorf("%s: held %v, note %q; want %v, %q", c.text, got.Held, got.Note, c.held, c.note)
		}
	}
}

// TestAllMetricsAreListed for who asks what there is, and what is listed can be asked for.
func TestAllMetricsAreListed(t *testing.T) {
	listed := ""
	for _, m := range Metrics() {
		listed += " " + m.Names
		for word := range strings.FieldsSeq(m.Means) {
			if word = strings.TrimRight(word, ",;"); strings.ContainsAny(word, "<>") {
				if _, err := ParseCondition(word); err != nil {
					t.Errorf("%s: %v", word, err)
				}
			}
		}
	}
	for name := range units {
		if name != "counter" && name != "failures" && !strings.Contains(listed, name) {
			t.Errorf("%s is not listed", name)
		}
	}
}
