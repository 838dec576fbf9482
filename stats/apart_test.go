package stats

import (
	"testing"
	"time"
)

// TestApart holds that what was before is in one segment and on the charts, and that
// each act is in one of the two, also when it is told late.
func TestApart(t *testing.T) {
	key := Key{Class: Request, Method: "GET", Name: "/"}
	act := func(took time.Duration, ok, failed uint64) *Batch {
		b := new(Batch)
		b.Row(key).OK.AddN(took, ok)
		if failed > 0 {
			b.Row(key).Failed.AddN(took, failed)
			b.Errors = []ErrorDelta{{Key: GroupKey{Key: key, Kind: HTTP, Status: 503}, Count: failed, First: time.Unix(1, 0), Last: time.Unix(2, 0), Variants: map[string]uint64{"x": failed}}}
		}
		return b
	}
	l := NewLedger(0, 0)
	second := func(b *Batch) { l.Fold(b, l.now+time.Second, Users{Running: 1}) }
	second(act(time.Second, 10, 2))
	l.Segment("steady")
	l.Reset("you")
	second(act(time.Second, 20, 0))
	l.Apart("warm-up")
	if s := l.Snapshot(); s.Total.Run.Requests != 0 || s.Total.Shown.Requests != 0 || s.Apart != 2*time.Second || len(s.Segments) != 2 {
		t.Fatalf("at once: %+v", s)
	}
	second(act(time.Millisecond, 100, 0))
	second(act(time.Millisecond, 100, 5))
	l.Late(act(3*time.Second, 7, 1), 0)
	l.Late(act(2*time.Millisecond, 3, 0), 2)
	l.Segment("ramp to 5")
	second(act(time.Millisecond, 1, 0))

	s := l.Snapshot()
	run := s.Total.Run
	if run.Requests != 209 || run.Failures != 5 || run.OK.Max != 2*time.Millisecond || run.Span != 3*time.Second || s.Elapsed != 5*time.Second {
		t.Errorf("the run: %d requests, %d failed, at most %v, in %v of %v", run.Requests, run.Failures, run.OK.Max, run.Span, s.Elapsed)
	}
	if s.Total.Shown.Requests != run.Requests || s.Rows[0].Run.Requests != run.Requests || s.Rows[0].Shown.Span != run.Span {
		t.Errorf("the row: %+v", s.Rows[0])
	}
	warm := s.Segments[0]
	if warm.Name != "warm-up" || warm.Total.Requests != 40 || warm.Total.Failures != 3 || warm.Total.OK.Max != 3*time.Second || warm.From != 0 || warm.To != 2*time.Second {
		t.Errorf("the warm-up: %+v", warm)
	}
	if len(warm.Rows) != 1 || warm.Rows[0].Run.Requests != 40 {
		t.Errorf("its rows: %+v", warm.Rows)
	}
	var sum, charts uint64
	for _, g := range s.Segments {
		sum += g.Total.Requests
	}
	for _, x := range s.Seconds {
		charts += x.OK + x.Failed
	}
	if sum != 249 || charts != 249 {
		t.Errorf("segments have %d requests and the charts %d, want 249", sum, charts)
	}
	if g := s.Groups[0]; len(s.Groups) != 1 || g.Count != 5 || g.Shown != 5 || g.Apart != 3 || g.Variants[0].Count != 5 {
		t.Errorf("the group: %+v", g)
	}
}
