package stats

import (
	"testing"
	"time"
)

// TestCountersAddUp over batches and users, and are in no other number of the run.
func TestCountersAddUp(t *testing.T) {
	r := NewRecorder(Limits{})
	l := NewLedger(0, 0)
	a, b := r.Sink(), r.Sink()
	key := Key{Class: Counter, Name: "sold out"}
	var batch Batch
	want := uint64(0)
	for i := range 5 {
		for n := range int64(4) {
			a.Record(a.Meter(key), Sample{In: n})
			b.Record(b.Meter(key), Sample{In: 10 * n})
			want += uint64(11 * n)
		}
		r.Take(&batch)
		l.Fold(&batch, time.Duration(i+1)*time.Second, Users{})
	}
	s := l.Snapshot()
	if len(s.Counters) != 1 || len(s.Rows) != 0 || s.Total.Run.Requests != 0 || s.Total.Run.In != 0 {
		t.Fatalf("%d counters, %d endpoints, %d requests, %d bytes", len(s.Counters), len(s.Rows), s.Total.Run.Requests, s.Total.Run.In)
	}
	if c := s.Counters[0]; c.Run.Counted() != want || c.Run.Requests != 40 || c.Window.Counted() != want {
		t.Errorf("counted %d, in the window %d, by %d calls; want %d by 40", c.Run.Counted(), c.Window.Counted(), c.Run.Requests, want)
	}
}
