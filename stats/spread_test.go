package stats

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestASpreadCountsEachOnce holds every step against a count of the durations
// themselves.
func TestASpreadCountsEachOnce(t *testing.T) {
	if SpreadBound(0) != 16384 || SpreadBound(1) != 18432 || SpreadBound(8) != 32768 {
		t.Fatalf("bounds %v %v %v", SpreadBound(0), SpreadBound(1), SpreadBound(8))
	}
	r := rand.New(rand.NewPCG(7, 7))
	var h Histogram
	if h.spread() != nil {
		t.Error("nothing is spread")
	}
	var want Spread
	for range 20_000 {
		d := time.Duration(r.Int64N(1 << (3 + r.IntN(42))))
		h.Add(d)
		i := len(want) - 1
		for i > 0 && d < SpreadBound(i) {
			i--
		}
		want[i]++
	}
	got := h.spread()
	if *got != want {
		t.Errorf("got %v\nwant %v", *got, want)
	}
	var twice Spread
	twice.Add(got)
	twice.Add(nil)
	twice.Add(got)
	for i := range twice {
		if twice[i] != 2*want[i] {
			t.Fatalf("step %d: %d, want %d", i, twice[i], 2*want[i])
		}
	}
}
