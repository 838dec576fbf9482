package capacity

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tload/stats"
)

// Goal is a statement that holds at a low load and no longer at a high one: that
// of what is counted at most so many are bad.
type Goal struct {
	Text  string  `json:"expr"`
	Limit float64 `json:"limit"`           // bad of each one
	Share bool    `json:"share,omitempty"` // both are counts, so that Limit is a part of 1; else it is of milliseconds
	Guard bool    `json:"guard,omitempty"` // nobody asked for it: it can fail a level, and need not be shown to hold

	// Count is how many were bad, and of how many.
	Count func(*stats.Batch) (bad, of float64) `json:"-"`
}

// Show is what was counted of the goal, or may be, as a person reads it.
func (g *Goal) Show(bad float64) string {
	switch {
	case bad < 0:
		return stats.None
	case g.Share:
		return strconv.FormatFloat(100*bad, 'g', 3, 64) + "%"
	}
	return strconv.FormatFloat(bad, 'g', 3, 64) + " ms"
}

// Verdict is what a level turned out to be.
type Verdict uint8

// The verdicts. Unsure is a level so near the limit that it could not be told.
const (
	Unsure Verdict = iota
	Holds
	Fails
)

var verdicts = [...]string{"unsure", "holds", "fails"}

// String is the verdict in a word.
func (v Verdict) String() string { return verdicts[v] }

// MarshalText writes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word.
func (v *Verdict) UnmarshalText(b []byte) error {
	i := slices.Index(verdicts[:], string(b))
	if i < 0 {
		return fmt.Errorf("%q is no verdict", b)
	}
	*v = Verdict(i)
	return nil
}

// Step is a level that was tried.
type Step struct {
	Level   float64   `json:"level"`
	Verdict Verdict   `json:"verdict"`
	From    float64   `json:"from_s"` // of the run, when the level stood
	To      float64   `json:"to_s"`
	Bad     []float64 `json:"bad"` // of each goal, in the order of Result.Goals; -1 where nothing was counted
	Why     string    `json:"why,omitempty"`
	Again   bool      `json:"again,omitempty"` // it was tried once more
}

// Result is what is known so far.
type Result struct {
	Goals []Goal `json:"goals"`
	Unit  string `json:"unit"` // "users" or "arrivals/s"
	Done  bool   `json:"done"`
	Found bool   `json:"found"`

	Level      float64 `json:"level,omitempty"` // the highest that holds, at best knowledge
	Low        float64 `json:"low,omitempty"`   // the highest that was seen to hold
	High       float64 `json:"high,omitempty"`  // the lowest that was seen to fail; 0 for none
	Confidence float64 `json:"confidence,omitempty"`
	Why        string  `json:"why,omitempty"` // it was not found

	Steps []Step `json:"steps"`
	Now   string `json:"-"` // what is going on, in a few words
}

// Asked are the goals that somebody asked for, in a line.
func (r *Result) Asked() string {
	var list []string
	for _, g := range r.Goals {
		if !g.Guard {
			list = append(list, g.Text)
		}
	}
	return strings.Join(list, ", ")
}

// String is the result in a line: an interval, or why there is none.
func (r *Result) String() string {
	s := Search{unit: r.Unit}
	known := "nothing was seen to hold"
	switch {
	case r.Low > 0 && r.High > 0:
		known = s.holds(r.Low) + ", " + s.show(r.High) + " do not"
	case r.Low > 0:
		known = s.holds(r.Low)
	case r.High > 0:
		known = "nothing was seen to hold, " + s.show(r.High) + " did not"
	}
	switch {
	case r.Found:
		return fmt.Sprintf("%s; %s (%.0f%% sure)", s.show(r.Level), known, 100*r.Confidence)
	case r.Done:
		return "could not be told: " + r.Why + "; " + known
	case r.Now != "":
		return r.Now + "; " + known
	}
	return known
}
