package shape

import (
	"math"
	"testing"
	"time"
)

// TestAFuncIsAsMuchAsItsShape: driven in steps it does as much in all, jumps and all.
func TestAFuncIsAsMuchAsItsShape(t *testing.T) {
	for _, text := range []string{"hold 10 4s, spike 500 1s, hold 5s", "ramp 0 100 10s, hold 0 3s, step 7 1s x4", "wave 3 90 4s x3"} {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		const step = 250 * time.Millisecond
		var want, got float64
		for at := time.Duration(0); at < s.Length(); at += step {
			want += s.Mean(at, at+step)
			got += Func(s.At).Mean(at, at+step)
		}
		if math.Abs(got-want) > want/1000 {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
