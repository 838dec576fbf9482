package stats

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestSamplesAreDistinct: a group shows every one of its failures until there
// are more than it keeps, and then that many different ones, in a storm as in a
// trickle, with the first and the last of them.
func TestSamplesAreDistinct(t *testing.T) {
	for _, every := range []time.Duration{0, 10 * time.Millisecond, time.Second} {
		for _, n := range []int{1, 8, 20, 31, 32, 33, 1000} {
			for _, keep := range []int{32, 64} {
				t.Run(fmt.Sprintf("%d of %d every %v", keep, n, every), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { samplesAreDistinct(t, n, keep, every) })
				})
			}
		}
	}
}

func samplesAreDistinct(t *testing.T, n, keep int, every time.Duration) {
	r, l := NewRecorder(Limits{Samples: keep}), NewLedger(keep, 0)
	s := r.Sink()
	m := s.Meter(Key{Request, "GET", "/"})
	begin := time.Now()
	var b Batch
	for i := range n {
		time.Sleep(every)
		s.Begin()
		if k := s.Fail(m, Sample{Kind: HTTP, Status: 503}, "503"); k.Wanted() {
			s.Keep(k, &Exchange{Iteration: i, When: time.Now()})
		}
		if i%10 == 9 || i == n-1 {
			r.Take(&b)
			l.Fold(&b, time.Since(begin)+time.Duration(i), Users{})
		}
	}
	snap := l.Snapshot()
	got := map[int]bool{}
	for _, x := range snap.Groups[0].Samples {
		got[x.Iteration] = true
	}
	if want := min(n, keep); len(got) != want || len(snap.Groups[0].Samples) != want {
		t.Errorf("got %d samples, %d of them different; want %d", len(snap.Groups[0].Samples), len(got), want)
	}
	for i := range min(n, keep/4) {
		if !got[i] {
			t.Errorf("failure %d, one of the first, is not kept", i)
		}
		if every == time.Second && !got[n-1-i] {
			t.Errorf("failure %d of %d, one of the last, is not kept", n-1-i, n)
		}
	}
	held := 0
	for _, x := range snap.Groups[0].Samples {
		held += x.Weight()
	}
	if held != snap.Captured {
		t.Errorf("captured: says %d bytes, samples hold %d", snap.Captured, held)
	}
}

// TestMiddleIsUnbiased: each failure between the first and the last ones is as
// likely to be kept, whether it came in a storm or in a trickle.
func TestMiddleIsUnbiased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, runs = 400, 400
		early := 0
		for range runs {
			r, l := NewRecorder(Limits{}), NewLedger(0, 0)
			s := r.Sink()
			m := s.Meter(Key{Request, "GET", "/"})
			for i := range n {
				if i < n/2 {
					time.Sleep(time.Second) // the first half trickles, the second storms
				}
				s.Begin()
				if k := s.Fail(m, Sample{Kind: HTTP, Status: 503}, "503"); k.Wanted() {
					s.Keep(k, &Exchange{Iteration: i})
				}
			}
			var b Batch
			r.Take(&b)
			l.Fold(&b, time.Second, Users{})
			for _, x := range l.groups.list[0].random {
				if x.Iteration < n/2 {
					early++
				}
			}
		}
		// A half of 6,400, with a standard deviation of at most 40.
		if all := runs * DefaultSamples / 2; early < all/2-300 || early > all/2+300 {
			t.Errorf("of %d in the reservoirs %d are of the first half, want about half", all, early)
		}
	})
}
