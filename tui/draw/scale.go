package draw

import (
	"math"
	"time"
)

// Scale is what one row of a chart stands for: a round number, so that the rows
// can carry labels. It grows at once and shrinks only after half a minute of
// needing less.
type Scale struct {
	step  float64
	loose time.Time
}

// Reach is the upper bound of that many rows that most fits below.
func (s *Scale) Reach(most float64, rows int, now time.Time) float64 {
	want := roundUp(most / float64(rows))
	switch {
	case want >= s.step:
		s.step, s.loose = want, time.Time{}
	case s.loose.IsZero():
		s.loose = now
	case now.Sub(s.loose) >= 30*time.Second:
		s.step, s.loose = want, time.Time{}
	}
	return s.step * float64(rows)
}

// roundUp is the next of 1, 2, 2.5, 5 × 10^n.
func roundUp(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if v <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// Most is the largest of all values that can be drawn; 0 where there is none.
func Most(values ...[]float64) float64 {
	top := 0.0
	for _, vs := range values {
		for _, v := range vs {
			if v > top && !math.IsInf(v, 0) {
				top = v
			}
		}
	}
	return top
}
