package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"tload/stats"
)

// TestGoals holds what each goal counts against a batch whose numbers are known.
func TestGoals(t *testing.T) {
	b := new(stats.Batch)
	cart := b.Row(stats.Key{Class: stats.Request, Method: "POST", Name: "/cart"})
	cart.OK.AddN(10*time.Millisecond, 90)
	cart.OK.AddN(400*time.Millisecond, 10)
	cart.Failed.AddN(time.Second, 5)
	cart.Corrected.AddN(500*time.Millisecond, 30)
	cart.Corrected.AddN(time.Millisecond, 75)
	cart.Due, cart.Late = 105, 30
	b.Row(stats.Key{Class: stats.Request, Method: "GET", Name: "/"}).OK.AddN(20*time.Millisecond, 100)
	b.Row(stats.Key{Class: stats.Request}).NotStarted = 15
	b.Row(stats.Key{Class: stats.Task, Method: "Buyer", Name: "buy"}).OK.AddN(2*time.Second, 7)

	for _, tt := range []struct {
		text           string
		arrivals       bool
		bad, of, limit float64
	}{
		{"p95<300ms", false, 10, 200, 0.05},
		{"p99.9 <= 300ms", false, 10, 200, 0.001},
		{"POST /cart p95<300ms", false, 10, 100, 0.05},
		{"/cart median<9ms", false, 100, 100, 0.5},
		{"failed p90<1s", false, 0, 5, 0.1},
		{"p95<300ms", true, 30, 105, 0.05},
		{"ok p95<300ms", true, 10, 200, 0.05},
		{"corrected max<300ms", false, 30, 105, 0},
		{"mean<30ms", false, 90*10 + 10*400 + 100*20, 200, 30},
		{"errors<1%", false, 5, 205, 0.01},
		{"failures<=0", false, 5, 205, 0},
		{"late<1%", true, 45, 120, 0.01},
		{"not_started<2%", true, 15, 120, 0.02},
		{"buy p95<1s", false, 7, 7, 0.05},
	} {
		goals, err := ParseGoals(tt.text, tt.arrivals)
		if err != nil {
			t.Error(err)
			continue
		}
		bad, of := goals[0].Count(b)
		if math.Abs(bad-tt.bad) > 1e-6*tt.bad || of != tt.of || goals[0].Limit != tt.limit || goals[0].Guard {
			t.Errorf("%s: got %v of %v, at most %v; want %v of %v, at most %v", tt.text, bad, of, goals[0].Limit, tt.bad, tt.of, tt.limit)
		}
	}
	for text, want := range map[string]string{
		"p95<300ms":           "errors<1%",
		"p95<300ms,errors<5%": "",
	} {
		goals, err := ParseGoals(text, false)
		if got := ""; err != nil {
			t.Error(err)
		} else {
			for _, g := range goals {
				if g.Guard {
					got += g.Text
				}
			}
			if got != want {
				t.Errorf("%s: the guards are %q, want %q", text, got, want)
			}
		}
	}
}

// TestGoalsThatAreNone are refused with a word about what to write.
func TestGoalsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "a goal is expected",
		"p95<300ms,":            "column 11: a goal is expected",
		"p95<300ms, errors>1%":  "column 12: a search needs what a low load keeps below",
		"p95==300ms":            "write it with <, such as p95<300ms",
		"p95<0ms":               "above 0",
		"min<3ms":               "the fastest request says nothing",
		"rps<100":               "does not say whether",
		"requests<100":          "does not say whether",
		"aborted<1":             "does not say whether",
		"errors<2/s":            "write it as errors<1%",
		"errors<0":              "write it as errors<=0",
		"errors<5":              "write it as errors<1%",
		"errors<100%":           "between 0 and 100 %",
		"errors<0%":             "between 0 and 100 %",
		"p95<300ms and p99<1s":  "",
		"p95":                   "a comparison is missing",
		"p95<300ms,p97.3<300ms": "is not measured",
	} {
		_, err := ParseGoals(text, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
