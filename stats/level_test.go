package stats

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestASpikeOfOneSecondStays runs for three hours of the clock and holds what the
// coarse points say of their seconds against the seconds themselves.
func TestASpikeOfOneSecondStays(t *testing.T) {
	key := Key{Method: "GET", Name: "/a"}
	r := rand.New(rand.NewPCG(3, 4))
	l := NewLedger(0, 0)
	var truth []Level
	const hours = 3 * 3600
	for second := range int64(hours) {
		var b Batch
		d := b.Row(key)
		n, took := 5+r.IntN(5), 10*time.Millisecond
		users := 3
		switch {
		case second%977 == 0: // a spike
			n, took, users = 100, 900*time.Millisecond, 40
		case second%1409 < 70: // a silence, longer than a minute
			n = 0
		}
		for i := range n {
			if i%7 == 6 {
				d.Failed.Add(took)
			} else {
				d.OK.Add(took)
			}
		}
		l.Fold(&b, time.Duration(second+1)*time.Second, Users{Running: users, Target: users})
		s := d.second(0, time.Second, users, users, false)
		truth = append(truth, s.Level())
	}
	for name, list := range map[string][]Second{"total": l.Snapshot().Seconds, "row": l.History(key)} {
		coarse := 0
		for i := range list {
			s := &list[i]
			low, high := s.Levels()
			var want *reach
			for at := s.At; at < s.At+s.Span; at += time.Second {
				one := truth[at/time.Second]
				if name == "row" {
					one.Users, one.Target = 0, 0
				}
				want = want.and(Second{Span: time.Second, reach: &reach{one, one}})
			}
			if low != want.low || high != want.high {
				t.Fatalf("%s, %v from %v:\n got %+v\n  to %+v\nwant %+v\n  to %+v", name, s.Span, s.At, low, high, want.low, want.high)
			}
			if mean := s.Level(); mean.OK < low.OK-1e-3 || mean.OK > high.OK+1e-3 {
				t.Fatalf("%s: a mean of %v outside %v to %v", name, mean.OK, low.OK, high.OK)
			}
			if s.Span > time.Second {
				coarse++
			}
		}
		if coarse < 200 {
			t.Errorf("%s: %d points are of more than a second, want many", name, coarse)
		}
	}
}

// TestALateSpikeWidens adds to a span whose seconds are forgotten.
func TestALateSpikeWidens(t *testing.T) {
	key := Key{Method: "GET", Name: "/a"}
	l := NewLedger(0, 0)
	for second := range int64(3600) {
		var b Batch
		b.Row(key).OK.Add(10 * time.Millisecond)
		l.Fold(&b, time.Duration(second+1)*time.Second, Users{})
	}
	var b Batch
	for range 20 {
		b.Row(key).OK.Add(500 * time.Millisecond)
	}
	l.Late(&b, 25)
	for name, list := range map[string][]Second{"total": l.Snapshot().Seconds, "row": l.History(key)} {
		for i := range list {
			s := &list[i]
			low, high := s.Levels()
			at := 25*time.Second >= s.At && 25*time.Second < s.At+s.Span
			if at && (high.Max < 490 || low.P50 > 11 || high.OK < s.Level().OK || low.OK > 1) || !at && high.Max > 11 {
				t.Errorf("%s, %v from %v: %+v to %+v", name, s.Span, s.At, low, high)
			}
		}
	}
}
