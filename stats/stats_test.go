package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
)

// nearestRank is the definition, on the sorted values themselves.
func nearestRank(sorted []time.Duration, q float64) time.Duration {
	return sorted[max(int(math.Ceil(q*float64(len(sorted))-1e-9*float64(len(sorted)))), 1)-1]
}

func TestQuantileIsNearestRank(t *testing.T) {
	var h Histogram
	for i := 1; i <= 100; i++ {
		h.Add(time.Duration(i) * time.Millisecond)
	}
	for _, c := range []struct {
		q    float64
		want int
	}{{0, 1}, {.5, 50}, {.95, 95}, {.99, 99}, {1, 100}} {
		got := h.Quantile(c.q)
		want := time.Duration(c.want) * time.Millisecond
		if math.Abs(float64(got-want)) > 0.004*float64(want) {
			t.Errorf("p%g of 1..100 ms: got %v, want %v", c.q*100, got, want)
		}
	}
	if h.Quantile(1) != h.Max() {
		t.Errorf("p100: got %v, want the maximum %v", h.Quantile(1), h.Max())
	}
}

func randomDuration(r *rand.Rand) time.Duration {
	return time.Duration(math.Exp(r.Float64() * 30)) // 1 ns to 3 hours
}

func TestQuantileErrorBound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + r.IntN(2000)
		values := make([]time.Duration, n)
		var h Histogram
		for i := range values {
			values[i] = randomDuration(r)
			h.Add(values[i])
		}
		slices.Sort(values)
		for _, q := range append(Percentiles[:], 0, 1, r.Float64()) {
			got, want := h.Quantile(q), nearestRank(values, q)
			if math.Abs(float64(got-want)) > 0.004*float64(want) {
				t.Fatalf("%d values, q %v: got %v, want %v within 0.4 %%", n, q, got, want)
			}
		}
		if h.Min() != values[0] || h.Max() != values[n-1] {
			t.Fatalf("bounds: got %v–%v, want %v–%v", h.Min(), h.Max(), values[0], values[n-1])
		}
	}
}

func randomDelta(r *rand.Rand) *Delta {
	d := new(Delta)
	for range r.IntN(50) {
		d.OK.Add(randomDuration(r))
		d.outcome(OK, 200+r.IntN(5), 1)
	}
	for range r.IntN(20) {
		d.Failed.Add(randomDuration(r))
		d.outcome(HTTP, 500+r.IntN(5), 1)
	}
	for _, p := range d.counters() {
		*p = uint64(r.IntN(1000))
	}
	return d
}

func TestMergeIsAssociativeAndCommutative(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		a, b, c := randomDelta(r), randomDelta(r), randomDelta(r)
		left := a.Clone()
		left.Merge(b)
		left.Merge(c)
		bc := c.Clone()
		bc.Merge(b)
		bc.Merge(a)
		if got, want := bc.AppendTo(nil), left.AppendTo(nil); !slices.Equal(got, want) {
			t.Fatalf("(a+b)+c and (c+b)+a differ:\n%x\n%x", want, got)
		}
	}
}

func TestPackedDeltaComesBackWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		d := randomDelta(r)
		packed := d.AppendTo(nil)
		var back Delta
		rest, err := back.MergePacked(append(slices.Clip(packed), "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatalf("got rest %q and error %v", rest, err)
		}
		if got := back.AppendTo(nil); !slices.Equal(got, packed) {
			t.Fatalf("packed again it differs:\n%x\n%x", packed, got)
		}
		for cut := range packed {
			var half Delta
			if _, err := half.MergePacked(packed[:cut]); err == nil {
				t.Fatalf("cut at %d of %d: no error", cut, len(packed))
			}
		}
	}
}

func FuzzMergePacked(f *testing.F) {
	f.Add(randomDelta(rand.New(rand.NewPCG(7, 8))).AppendTo(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Delta
		if _, err := d.MergePacked(b); err != nil {
			return
		}
		var again Delta
		if _, err := again.MergePacked(d.AppendTo(nil)); err != nil {
			t.Fatalf("what was read does not pack again: %v", err)
		}
	})
}

// TestRecorderLosesNothing takes while users record, and holds the sum of all
// batches against what was recorded.
func TestRecorderLosesNothing(t *testing.T) {
	r := NewRecorder(Limits{})
	const users, each = 8, 20000
	var wg sync.WaitGroup
	for u := range users {
		wg.Go(func() {
			s := r.Sink()
			m := s.Meter(Key{Request, "GET", "/"})
			for i := range each {
				s.Begin()
				x := Sample{Status: 200, Took: time.Duration(1+i) * time.Microsecond, In: 2, Out: 3}
				if i%10 == 0 {
					x.Kind, x.Status = HTTP, 503+u%2
					s.Fail(m, x, "503 Service Unavailable")
					continue
				}
				s.Record(m, x)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var b Batch
	var total Delta
	var failures uint64
	take := func() {
		r.Take(&b)
		for _, d := range b.Rows {
			total.Merge(d)
		}
		for _, e := range b.Errors {
			failures += e.Count
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		take()
	}
	take()
	if got, want := total.Requests(), uint64(users*each); got != want {
		t.Errorf("requests: got %d, want %d", got, want)
	}
	if got, want := failures, uint64(users*each/10); got != want || total.Failed.Count() != want {
		t.Errorf("failures: got %d in groups and %d in the row, want %d", got, total.Failed.Count(), want)
	}
	if total.In != 2*users*each || total.Out != 3*users*each {
		t.Errorf("bytes: got %d in, %d out", total.In, total.Out)
	}
	var sum time.Duration
	for i := range each {
		sum += time.Duration(1+i) * time.Microsecond
	}
	if got := total.OK.Sum() + total.Failed.Sum(); got != users*sum {
		t.Errorf("sum of times: got %v, want %v", got, users*sum)
	}
	if got := total.OK.Max(); got != each*time.Microsecond {
		t.Errorf("max: got %v, want %v", got, each*time.Microsecond)
	}
	var outcomes uint64
	for _, o := range total.Outcomes {
		outcomes += o.Count
	}
	if outcomes != users*each {
		t.Errorf("outcomes: got %d, want %d", outcomes, users*each)
	}
	if r.InFlight() != 0 {
		t.Errorf("in flight: got %d, want 0", r.InFlight())
	}
}

func TestWindowDecaysToZero(t *testing.T) {
	l := NewLedger(0, 0)
	key := Key{Request, "GET", "/"}
	for i := range 5 {
		var b Batch
		for range 100 {
			b.Row(key).OK.Add(time.Millisecond)
		}
		l.Fold(&b, time.Duration(i+1)*time.Second, Users{Running: 3, Target: 3})
	}
	if got := l.Snapshot().Rows[0].Window.RPS; got != 100 {
		t.Errorf("RPS after five seconds of 100: got %v, want 100", got)
	}
	for i := range 11 {
		l.Fold(&Batch{}, time.Duration(i+6)*time.Second, Users{})
	}
	s := l.Snapshot()
	if got := s.Rows[0].Window.RPS; got != 0 {
		t.Errorf("RPS eleven quiet seconds later: got %v, want 0", got)
	}
	if got := s.Rows[0].Run.Requests; got != 500 {
		t.Errorf("requests: got %d, want 500", got)
	}
	if got, want := s.Rows[0].Run.RPS, 500/16.0; got != want {
		t.Errorf("RPS of the run: got %v, want %v", got, want)
	}
	if len(s.Seconds) != 16 || s.Seconds[0].OK != 100 || s.Seconds[0].Users != 3 || s.Seconds[15].OK != 0 {
		t.Errorf("seconds: got %d, first %+v", len(s.Seconds), s.Seconds[0])
	}
}

func TestResetKeepsTheOldSegment(t *testing.T) {
	l := NewLedger(0, 0)
	key := Key{Request, "GET", "/"}
	one := func(at time.Duration) {
		var b Batch
		b.Row(key).OK.Add(time.Millisecond)
		l.Fold(&b, at, Users{})
	}
	one(time.Second)
	one(2 * time.Second)
	l.Reset("after the warm-up")
	one(3 * time.Second)
	s := l.Snapshot()
	if got := s.Rows[0].Shown.Requests; got != 1 {
		t.Errorf("shown after the reset: got %d, want 1", got)
	}
	if got := s.Rows[0].Run.Requests; got != 3 {
		t.Errorf("whole run: got %d, want 3", got)
	}
	if len(s.Segments) != 2 || s.Segments[0].Total.Requests != 2 || s.Segments[1].Name != "after the warm-up" {
		t.Errorf("segments: got %+v", s.Segments)
	}
}

func TestDayInFixedMemory(t *testing.T) {
	var s slots
	var d Delta
	size := func() (n int) {
		for _, tier := range s.tiers {
			n += len(tier)
		}
		return n
	}
	var most int
	for sec := range int64(3 * 24 * 3600) {
		d.OK.Add(time.Duration(sec%1000) * time.Microsecond)
		s.push(slot{from: sec}, &d)
		d.Reset()
		most = max(most, size())
	}
	if limit := 600 + 720 + 1440 + 3; most > limit {
		t.Errorf("slots: got %d at the most, want at most %d", most, limit)
	}
	var all Delta
	for _, tier := range s.tiers {
		for _, x := range tier {
			x.unpack(&all)
		}
	}
	first := s.tiers[2][0].from
	if got, want := all.Requests(), uint64(3*24*3600-first); got != want {
		t.Errorf("requests since second %d: got %d, want %d", first, got, want)
	}
}

func TestFingerprint(t *testing.T) {
	for _, c := range [][]string{
		{"dial tcp 10.0.0.1:51022->10.3.4.5:80: refused", "dial tcp 10.0.0.9:1->10.3.4.6:443: refused"},
		{"request 7f0c1a52 failed", "request 99aabbcc failed"},
		{`unknown item "shoe"`, `unknown item "hat"`},
		{"id 550e8400-e29b-41d4-a716-446655440000", "id 6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"took 15ms", "took 7ms"},
	} {
		if a, b := Fingerprint(c[0]), Fingerprint(c[1]); a != b {
			t.Errorf("%q and %q: got %q and %q, want one", c[0], c[1], a, b)
		}
	}
	if a, b := Fingerprint("connection refused"), Fingerprint("connection reset"); a == b {
		t.Errorf("two causes have one fingerprint %q", a)
	}
}

func TestUniqueMessagesStayBounded(t *testing.T) {
	r := NewRecorder(Limits{})
	s := r.Sink()
	m := s.Meter(Key{Request, "GET", "/"})
	l := NewLedger(0, 1<<20)
	const n = 1_000_000
	letters := func(i int) string {
		b := make([]byte, 8)
		for j := range b {
			b[j] = 'g' + byte(i%20)
			i /= 20
		}
		return string(b)
	}
	var b Batch
	for i := range n {
		s.Begin()
		if k := s.Fail(m, Sample{Kind: Error, Took: 1}, "cause "+letters(i)); k.Wanted() {
			s.Keep(k, &Exchange{Response: Part{Body: make([]byte, 4096)}})
		}
		if i%1000 == 0 {
			r.Take(&b)
			l.Fold(&b, time.Duration(i)*time.Millisecond, Users{})
		}
	}
	r.Take(&b)
	l.Fold(&b, n*time.Millisecond, Users{})
	snap := l.Snapshot()
	if len(snap.Groups) > MaxGroups+1 {
		t.Errorf("groups: got %d, want at most %d", len(snap.Groups), MaxGroups+1)
	}
	grouped := uint64(0)
	for _, g := range snap.Groups {
		grouped += g.Count
	}
	if grouped != n || snap.Total.Run.Failures != n {
		t.Errorf("failures: got %d in groups, %d in total, want %d", grouped, snap.Total.Run.Failures, n)
	}
	if snap.Captured > 1<<20 {
		t.Errorf("captured: got %d bytes, want at most %d", snap.Captured, 1<<20)
	}
	held := 0
	seen := map[*Exchange]bool{}
	for _, g := range snap.Groups {
		for _, x := range g.Samples {
			if !seen[x] {
				seen[x] = true
				held += x.Weight()
			}
		}
	}
	if held != snap.Captured {
		t.Errorf("captured: says %d bytes, samples hold %d", snap.Captured, held)
	}
}

// TestFailuresPastTheGroupsKeepTheirKind: what failed how often, and whether it
// was a request, is known of each failure, in a process and where several meet.
func TestFailuresPastTheGroupsKeepTheirKind(t *testing.T) {
	kinds := []Kind{HTTP, Timeout, Reset, Check}
	merged := NewLedger(0, 0)
	for process := range 2 {
		r := NewRecorder(Limits{Names: 5000})
		s := r.Sink()
		for i := range 3000 {
			key := Key{Request, "GET", fmt.Sprintf("/%d/x%d", process, i)}
			s.Begin()
			s.Fail(s.Meter(key), Sample{Kind: kinds[i%len(kinds)], Took: 1}, "cause")
			s.Exception(Key{Task, "Shopper", fmt.Sprint(process, i)}, Error, "cause", &Exchange{})
		}
		var b Batch
		r.Take(&b)
		merged.Fold(&b, time.Duration(process+1)*time.Second, Users{})
	}
	snap := merged.Snapshot()
	got, exceptions := map[Kind]uint64{}, uint64(0)
	for _, g := range snap.Groups {
		if g.Exception() {
			exceptions += g.Count
		} else {
			got[g.Key.Kind] += g.Count
		}
	}
	for _, k := range kinds {
		if got[k] != 2*3000/uint64(len(kinds)) {
			t.Errorf("%v: got %d in groups, want %d", k, got[k], 2*3000/len(kinds))
		}
	}
	if exceptions != 2*3000 {
		t.Errorf("got %d exceptions, want %d", exceptions, 2*3000)
	}
	if n := len(snap.Groups); n > MaxGroups+2*len(kinds) {
		t.Errorf("groups: got %d, want %d and a few", n, MaxGroups)
	}
}

func TestNamesFoldAndStayBounded(t *testing.T) {
	r := NewRecorder(Limits{Names: 100})
	keys := map[Key]bool{}
	for i := range 5000 {
		keys[r.Meter(Key{Request, "GET", "/items/" + string(rune('0'+i%10)) + time.Duration(i).String()[:1] + "123" + string(rune('0'+i/10%10)) + "4"}).Key()] = true
		keys[r.Meter(Key{Request, "GET", "/word/" + string(rune('g'+i%19)) + string(rune('g'+i/19%19)) + "x"}).Key()] = true
	}
	if len(keys) > 101 {
		t.Errorf("rows: got %d, want at most 101", len(keys))
	}
	// Requests leave room for tasks, and the other way round.
	for i := range 300 {
		keys[r.Meter(Key{Task, "Visitor", fmt.Sprintf("task%d", i)}).Key()] = true
	}
	if n := len(keys); n > 202 || !keys[Key{Task, "Visitor", "task99"}] {
		t.Errorf("rows with those of tasks: got %d, want 202 at most, and 100 tasks among them", n)
	}
	for _, want := range []Key{{Request, "GET", "/items/[id]"}, {Request, "", Other}, {Task, "", Other}} {
		if !keys[want] {
			t.Errorf("no row %v", want)
		}
	}
}

func TestSnapshotsAreImmutable(t *testing.T) {
	l := NewLedger(0, 0)
	key := Key{Request, "GET", "/"}
	fold := func(i int) {
		var b Batch
		b.Row(key).Failed.Add(time.Millisecond)
		b.Row(key).outcome(HTTP, 500+i%3, 1)
		b.Errors = []ErrorDelta{{Key: GroupKey{Key: key, Kind: HTTP}, Count: 1, Variants: map[string]uint64{"x": 1},
			Kept: []Kept{{Exchange: &Exchange{}, First: true, Random: -1}}}}
		l.Fold(&b, time.Duration(i)*300*time.Millisecond, Users{Running: i})
	}
	for i := range 10 {
		fold(i)
	}
	s := l.Snapshot()
	before := *s
	group := *s.Groups[0]
	rows := slices.Clone(s.Rows)
	for i := range 100 {
		fold(10 + i)
		l.Snapshot()
	}
	if !reflect.DeepEqual(before, *s) || !reflect.DeepEqual(group, *s.Groups[0]) || !reflect.DeepEqual(rows, s.Rows) {
		t.Error("a snapshot changed after it was made")
	}
}

func BenchmarkRecord(b *testing.B) {
	r := NewRecorder(Limits{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s := r.Sink()
		m := s.Meter(Key{Request, "GET", "/"})
		x := Sample{Status: 200, Took: 1234567, In: 100, Out: 50}
		for pb.Next() {
			s.Begin()
			s.Record(m, x)
		}
	})
}

func BenchmarkHistogram(b *testing.B) {
	var l live
	b.RunParallel(func(pb *testing.PB) {
		v := int64(1234567)
		for pb.Next() {
			l.add(v)
			v = v*5/4%10000000 + 100000
		}
	})
}

func benchmarkLedger() (*Ledger, *Recorder) {
	r := NewRecorder(Limits{})
	l := NewLedger(0, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	var b Batch
	for sec := range 20 {
		for i := range 100 {
			s := r.Sink()
			m := s.Meter(Key{Request, "GET", "/" + string(rune('a'+i/26)) + string(rune('a'+i%26))})
			for range 200 {
				s.Begin()
				s.Record(m, Sample{Status: 200, Took: time.Duration(1e6 * (1 + rng.ExpFloat64()*5))})
			}
		}
		r.Take(&b)
		l.Fold(&b, time.Duration(sec)*time.Second, Users{})
	}
	return l, r
}

func BenchmarkTake100(b *testing.B) {
	_, r := benchmarkLedger()
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		r.Take(&batch)
	}
}

func BenchmarkSnapshot100(b *testing.B) {
	l, _ := benchmarkLedger()
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range l.order {
			r.news, r.moved = true, true
		}
		l.Snapshot()
	}
}
