package cli

import (
	"strings"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
)

// TestALineSaysWhatDoesNotApply: a number that there is none of is never 0.
func TestALineSaysWhatDoesNotApply(t *testing.T) {
	key := stats.Key{Method: "GET", Name: "/"}
	for _, test := range []struct {
		name   string
		add    func(*stats.Delta)
		want   []string
		absent string
	}{
		{"nothing ended", func(*stats.Delta) {}, []string{"00:12", "RPS 0 ", "fail -  p50 -  p95 -  p99 - ms"}, "late"},
		{"nothing succeeded", func(d *stats.Delta) { d.Failed.AddN(time.Millisecond, 1500) }, []string{"RPS 150 ", "fail 100% (150/s)  p50 -  p95 -  p99 - ms", "requests 1 500  failures 1 500"}, "late"},
		{"nothing failed", func(d *stats.Delta) { d.OK.AddN(time.Millisecond, 5) }, []string{"RPS 0.5 ", "fail 0.0% (0/s)  p50 1.0  p95 1.0  p99 1.0 ms"}, "late"},
		{"one of many failed", func(d *stats.Delta) { d.OK.AddN(time.Millisecond, 9999); d.Failed.Add(time.Second) }, []string{"fail <0.1% (0.1/s)"}, "late"},
		{"starts were due", func(d *stats.Delta) {
			d.OK.AddN(time.Millisecond, 5)
			d.Corrected.AddN(3*time.Millisecond, 5)
			d.Due = 5
		}, []string{"corrected p99 3.0 ms  late 0.0%  waiting 0"}, "NaN"},
	} {
		l := stats.NewLedger(0, 0)
		var b stats.Batch
		l.Fold(&b, 3*time.Second, stats.Users{})
		test.add(b.Row(key))
		l.Fold(&b, 4*time.Second, stats.Users{})
		l.Fold(&stats.Batch{}, 12900*time.Millisecond, stats.Users{})
		line := progress(&swarm.Snapshot{Snapshot: l.Snapshot(), State: swarm.Running})
		for _, want := range test.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s: no %q in %s", test.name, want, line)
			}
		}
		if strings.Contains(line, test.absent) {
			t.Errorf("%s: %q in %s", test.name, test.absent, line)
		}
	}
}
