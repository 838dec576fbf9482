package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestKnownLatencies: 5, 50 and 500 ms in exact proportions, through recorder
// and ledger, are what every view of the snapshot says.
func TestKnownLatencies(t *testing.T) {
	r := NewRecorder(Limits{})
	l := NewLedger(0, 0)
	var b Batch
	var all []time.Duration
	for sec := range 10 {
		for user := range 10 {
			s := r.Sink()
			m := s.Meter(Key{Request, "GET", "/"})
			for i := range 100 {
				took := 5 * time.Millisecond
				switch {
				case i >= 98:
					took = 500 * time.Millisecond
				case i >= 80:
					took = 50 * time.Millisecond
				}
				all = append(all, took)
				s.Begin()
				s.Record(m, Sample{Status: 200, Took: took, Due: true, Late: time.Duration(user) * time.Microsecond})
			}
		}
		r.Take(&b)
		l.Fold(&b, time.Duration(sec+1)*time.Second, Users{})
	}
	slices.Sort(all)
	s := l.Snapshot()
	near := func(where string, q float64, got time.Duration) {
		want := nearestRank(all, q)
		if d := math.Abs(float64(got - want)); d > 0.01*float64(want)+0.3e6 {
			t.Errorf("%s p%g: got %v, want %v within 1 %% and 0.3 ms", where, q*100, got, want)
		}
	}
	for i, q := range Percentiles {
		near("total", q, s.Total.Run.OK.At(i))
		near("row", q, s.Rows[0].Run.Latency.At(i))
		near("window", q, s.Total.Window.OK.At(i))
		near("corrected", q, s.Total.Run.Corrected.At(i))
		near("segment", q, s.Segments[0].Total.OK.At(i))
	}
	for _, x := range s.Seconds {
		near("second", .5, x.P50)
		near("second", .95, x.P95)
		near("second", .99, x.P99)
	}
	if got, want := s.Total.Run.Latency.Mean, (80*5+18*50+2*500)*time.Millisecond/100; got != want {
		t.Errorf("mean: got %v, want exactly %v", got, want)
	}
}

// TestRecorderIsExactWhateverDiffers has successes and failures that differ in
// status, sizes and time, from many goroutines, taken meanwhile: every batch
// makes sense by itself, and their sum is exact.
func TestRecorderIsExactWhateverDiffers(t *testing.T) {
	r := NewRecorder(Limits{})
	const users, each = 8, 10_000
	var mu sync.Mutex
	want := new(Delta)
	var wg sync.WaitGroup
	for u := range users {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(u), 1))
			s := r.Sink()
			m := s.Meter(Key{Request, "GET", "/"})
			mine := new(Delta)
			for range each {
				x := Sample{Status: 200, Took: time.Duration(math.Exp(rng.Float64() * 33)), In: int64(rng.IntN(3) * 100), Out: int64(rng.IntN(2)), Due: rng.IntN(2) == 0}
				if rng.IntN(3) == 0 {
					x.Status = 200 + rng.IntN(40) // more than there are places for
				}
				if rng.IntN(10) == 0 {
					x.Kind = HTTP
				}
				if rng.IntN(100) == 0 {
					x.Kind, x.Due = Aborted, false
				}
				switch rng.IntN(20) {
				case 0:
					x.Dialled = true
					mine.Dialled++
				case 1:
					x.Handshake = true
					mine.Handshakes++
				case 2:
					x.Reconnect = true
					mine.Reconnects++
				case 3:
					x.Redirects = 2
					mine.Redirects += 2
				case 4:
					x.Stalled = true
					mine.Stalled++
				}
				s.Begin()
				s.Record(m, x)
				switch x.Kind {
				case OK:
					mine.OK.Add(x.Took)
				case Aborted:
					mine.Aborted.Add(x.Took)
				default:
					mine.Failed.Add(x.Took)
				}
				if x.Due {
					mine.Corrected.Add(x.Took)
					mine.Due++
				}
				mine.outcome(x.Kind, x.Status, 1)
				mine.In += uint64(x.In)
				mine.Out += uint64(x.Out)
			}
			mu.Lock()
			defer mu.Unlock()
			want.Merge(mine)
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var b Batch
	got := new(Delta)
	take := func() {
		r.Take(&b)
		for _, d := range b.Rows {
			if d.In > 1<<40 || d.Out > 1<<40 {
				t.Errorf("a batch has %d bytes in and %d out", d.In, d.Out)
			}
			var outcomes uint64
			for _, o := range d.Outcomes {
				outcomes += o.Count
			}
			if outcomes > users*each {
				t.Errorf("a batch has %d outcomes", outcomes)
			}
			got.Merge(d)
		}
		if b.InFlight < 0 || b.InFlight > users {
			t.Errorf("in flight: got %d with %d users", b.InFlight, users)
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
	if b.InFlight != 0 || r.InFlight() != 0 {
		t.Errorf("in flight at the end: got %d and %d, want 0", b.InFlight, r.InFlight())
	}
	if g, w := got.AppendTo(nil), want.AppendTo(nil); !slices.Equal(g, w) {
		t.Errorf("got and want differ: counters %v and %v, latencies\n%+v\n%+v", values(got), values(want), got.OK.Latency(), want.OK.Latency())
	}
}

// TestWindowIsTheLastTenSeconds: whatever came and went, the window is what the
// last ten seconds merge to, bounds included.
func TestWindowIsTheLastTenSeconds(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	l := NewLedger(0, 0)
	key := Key{Request, "GET", "/"}
	var past []*Delta
	for sec := range 200 {
		d := new(Delta)
		if r.IntN(4) > 0 { // some seconds are empty
			d = randomDelta(r)
		}
		past = append(past, d)
		var b Batch
		b.Row(key).Merge(d)
		l.Fold(&b, time.Duration(sec+1)*time.Second, Users{})
		want := new(Delta)
		for _, p := range past[max(0, len(past)-10):] {
			want.Merge(p)
		}
		got := l.Snapshot().Rows
		if len(got) == 0 {
			continue // nothing has happened yet
		}
		if w := want.Summary(got[0].Window.Span); !reflect.DeepEqual(got[0].Window, w) {
			if len(got[0].Window.Outcomes)+len(w.Outcomes) > 0 || got[0].Window.Requests != w.Requests || got[0].Window.Latency != w.Latency {
				t.Fatalf("second %d: got\n%+v\nwant\n%+v", sec, got[0].Window, w)
			}
		}
	}
}

func values(d *Delta) (out []uint64) {
	for _, p := range d.counters() {
		out = append(out, *p)
	}
	return out
}

// TestSpilledBuckets fills a bucket beyond what its word holds.
func TestSpilledBuckets(t *testing.T) {
	var l live
	want := new(Histogram)
	add := func(d time.Duration, n int) {
		for range n {
			l.add(int64(d))
		}
		want.AddN(d, uint64(n))
	}
	add(1500, 9_000_000)           // more than half of the count
	add(125*time.Second, 3000)     // more than half of the sum
	add(3*time.Hour, 5)            // never packed
	add(200*time.Hour, 2)          // past the last bucket
	add(time.Millisecond+1, 1_000) // an ordinary one
	got := new(Histogram)
	if n := l.drain(got); n != want.Count() {
		t.Errorf("drained: got %d, want %d", n, want.Count())
	}
	if !reflect.DeepEqual(got.appendTo(nil), want.appendTo(nil)) {
		t.Errorf("got %+v, sum %v; want %+v, sum %v", got.Latency(), got.Sum(), want.Latency(), want.Sum())
	}
	if n := l.drain(got); n != 0 {
		t.Errorf("drained again: got %d, want nothing", n)
	}
}

// TestLedgerOfADayIsFlat: with 50 rows, what the ledger holds after a day is
// what it held after three hours, but for the coarse slots.
func TestLedgerOfADayIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates a day")
	}
	l := NewLedger(0, 0)
	var b Batch
	rows := make([]Key, 50)
	for i := range rows {
		rows[i] = Key{Request, "GET", fmt.Sprint("/", string(rune('a'+i)))}
		b.Row(rows[i])
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	base := heap()
	var early uint64
	const day = 24 * 3600 // a second at a time
	for sec := range day {
		if sec%10 == 0 {
			for i, k := range rows {
				d := b.Row(k)
				d.Reset()
				d.OK.AddN(time.Duration(1+(sec/10+i)%50)*time.Millisecond, 100)
			}
		} else if sec%10 == 1 {
			b.Reset()
		}
		l.Fold(&b, time.Duration(sec+1)*time.Second, Users{Running: 1})
		if sec == 3*3600 {
			early = heap() - base
		}
	}
	late := heap() - base
	if late > 2*early {
		t.Errorf("heap of the ledger: %d KiB after three hours, %d KiB after a day", early>>10, late>>10)
	}
	if got, want := l.Snapshot().Total.Run.Requests, uint64(day/10*100*len(rows)); got != want {
		t.Errorf("requests: got %d, want %d", got, want)
	}
}

// TestFoldedNamesTakeNoWriteLock: with the write lock taken by nobody and the
// read lock by somebody, a name that shares a row is found at once.
func TestFoldedNamesTakeNoWriteLock(t *testing.T) {
	r := NewRecorder(Limits{Names: 40})
	for i := range 100 {
		r.Meter(Key{Request, "GET", fmt.Sprintf("/items/%d", 1000+i)})
	}
	for i := range 100 {
		r.Meter(Key{Request, "GET", "/" + string(rune('a'+i%26)) + string(rune('a'+i/26))})
	}
	r.names.mu.RLock()
	defer r.names.mu.RUnlock()
	got := make(chan [2]*Meter)
	go func() {
		got <- [2]*Meter{r.Meter(Key{Request, "GET", "/items/99999"}), r.Meter(Key{Request, "GET", "/never-seen"})}
	}()
	select {
	case m := <-got:
		if m[0].Key().Name != "/items/[id]" || m[1].Key().Name != Other {
			t.Errorf("got %v and %v", m[0].Key(), m[1].Key())
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a look-up waits for the write lock")
	}
	// A long list asks for such a row with each request.
	for _, name := range []string{"/items/99999", "/never-seen?q=1"} {
		if n := testing.AllocsPerRun(100, func() { r.Meter(Key{Request, "GET", name}) }); n > 0 {
			t.Errorf("%s: a look-up allocates %g times", name, n)
		}
	}
	if !r.names.folded.Load() || len(r.names.meters) > 41 {
		t.Errorf("folded %v, %d rows; want at most 41", r.names.folded.Load(), len(r.names.meters))
	}
}

// BenchmarkRecordOneShard is two goroutines that share a shard: what two users
// of the same shard cost when they happen to record at the same time.
func BenchmarkRecordOneShard(b *testing.B) {
	r := NewRecorder(Limits{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s := r.Sink()
		s.shard = 0
		m := s.Meter(Key{Request, "GET", "/"})
		x := Sample{Status: 200, Took: 1234567, In: 100, Out: 50}
		for pb.Next() {
			s.Begin()
			s.Record(m, x)
			x.Took = x.Took*5/4%10000000 + 100000
		}
	})
}

// TestSuspectSecondsAreMarkedWhole: every second that a bad batch lies in, and
// no other.
func TestSuspectSecondsAreMarkedWhole(t *testing.T) {
	for _, tt := range []struct {
		name    string
		batches []float64 // where they end, in seconds; a minus says that one is bad
		want    []int     // the marked ones of the first ten
	}{
		{"none", []float64{1, 2, 3}, nil},
		{"one", []float64{0.5, 1.01, 1.5, -2.01, 2.5, 3}, []int{1}},
		{"a standstill of five seconds", []float64{1, 2, 3, 3.5, -8.6, 9, 10}, []int{3, 4, 5, 6, 7, 8}},
		{"the first", []float64{-1.001, 2, 3}, []int{0}},
		{"one that ends as the next begins", []float64{0.75, -1.3, 2}, []int{0, 1}},
	} {
		l := NewLedger(0, 0)
		for _, end := range tt.batches {
			l.Fold(&Batch{}, time.Duration(math.Abs(end)*float64(time.Second)), Users{Suspect: end < 0})
		}
		l.Fold(&Batch{}, 11*time.Second, Users{})
		var got []int
		for i, s := range l.Snapshot().Seconds {
			if s.Suspect {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestGroupsStandForTheSameMomentsAsRows: whichever span of time is shown, the
// failures of the rows are those of the groups.
func TestGroupsStandForTheSameMomentsAsRows(t *testing.T) {
	r := NewRecorder(Limits{})
	s := r.Sink()
	l := NewLedger(0, 0)
	var b Batch
	for tick := 1; tick <= 4*90; tick++ {
		now := time.Duration(tick) * 250 * time.Millisecond
		for i := range tick % 7 {
			if tick > 4*15 && tick < 4*80 && i > 0 { // one of them pauses for over a minute
				continue
			}
			s.Begin()
			s.Fail(s.Meter(Key{Request, "GET", fmt.Sprint("/", i)}), Sample{Kind: HTTP, Status: 500, Took: 1}, "cause")
		}
		r.Take(&b)
		l.Fold(&b, now, Users{})
		if tick == 4*5+2 || tick == 4*40 {
			l.Reset("again")
		}
		if tick%9 == 0 { // a node that was not heard of for a while
			s.Begin()
			s.Fail(s.Meter(Key{Request, "GET", fmt.Sprint("/late", tick%2)}), Sample{Kind: HTTP, Status: 500, Took: 1}, "cause")
			r.Take(&b)
			l.Late(&b, max(l.Second()-int64(tick%15), 0))
		}
		snap := l.Snapshot()
		var run, shown, window uint64
		for _, g := range snap.Groups {
			run, shown, window = run+g.Count, shown+g.Shown, window+g.Window
		}
		if w := &snap.Total; run != w.Run.Failures || shown != w.Shown.Failures || window != w.Window.Failures {
			t.Fatalf("after %v: the groups have %d failures, %d since the reset, %d in the window; the rows %d, %d, %d",
				now, run, shown, window, w.Run.Failures, w.Shown.Failures, w.Window.Failures)
		}
	}
}

func TestFigures(t *testing.T) {
	for _, test := range []struct{ what, got, want string }{
		{"nothing took no time", Millis(0), "-"}, {"a share of nothing", Share(0, 0), "-"},
		{"a small share", Share(1, 100_000), "<0.1"}, {"a large one", Share(99_999, 100_000), ">99.9"}, {"all", Share(7, 7), "100"}, {"none", Share(0, 7), "0.0"},
		{"half a millisecond", Millis(500 * time.Microsecond), "0.50"}, {"one", Millis(time.Millisecond), "1.0"}, {"many", Millis(12345 * time.Millisecond), "12 345"},
		{"a clock does not run ahead", Clock(21900 * time.Millisecond), "00:21"}, {"an hour", Clock(time.Hour + time.Second), "1:00:01"},
		{"a slow rate", Rate(0.25), "0.2"}, {"a fast one", Rate(12345.6), "12 346"}, {"CPU", CPU(7.2, 2), "7% of 200%"},
		{"CPUs unknown", CPU(7, 0), "-"}, {"bytes", Size(97), "97 B"}, {"more of them", Size(237_000), "231 KiB"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.what, test.got, test.want)
		}
	}
}

func TestRequestsAndTaskErrorsAreToldApart(t *testing.T) {
	http, reset := &Group{Key: GroupKey{Kind: HTTP, Status: 503}, Count: 1200}, &Group{Key: GroupKey{Kind: Reset}, Count: 34}
	own, panics := &Group{Key: GroupKey{Key: Key{Class: Task}, Kind: Error}, Count: 1}, &Group{Key: GroupKey{Key: Key{Class: Task}, Kind: Panic}, Count: 2}
	for _, test := range []struct {
		groups      []*Group
		full, brief string
	}{
		{nil, "0 failed requests in 0 groups", "0 failed requests"},
		{[]*Group{http}, "1 200 failed requests in 1 group", "1 200 failed requests"},
		{[]*Group{own}, "1 task error in 1 group", "1 task error"},
		{[]*Group{panics, http, own, reset}, "1 234 failed requests in 2, 3 task errors in 2 groups", "1 234 failed requests, 3 task errors"},
	} {
		if full, brief := GroupsInWords(test.groups, func(g *Group) uint64 { return g.Count }); full != test.full || brief != test.brief {
			t.Errorf("got %q and %q, want %q and %q", full, brief, test.full, test.brief)
		}
	}
	for _, test := range []struct {
		g    *Group
		want string
	}{{http, "HTTP 503"}, {reset, "RESET"}, {own, "TASK"}, {panics, "PANIC"}} {
		if got := test.g.Label(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestABatchHasAFailureWhole: whenever a batch ends, what failed in it is in the
// rows and in the groups.
func TestABatchHasAFailureWhole(t *testing.T) {
	r := NewRecorder(Limits{})
	var users sync.WaitGroup
	const each, all = 20_000, 4 * 20_000
	for range 4 {
		users.Go(func() {
			s := r.Sink()
			for i := range each {
				s.Begin()
				s.Fail(s.Meter(Key{Request, "GET", fmt.Sprint("/", i/500)}), Sample{Kind: HTTP, Status: 500, Took: 1}, "cause")
			}
		})
	}
	var b Batch
	for taken := uint64(0); taken < all; {
		r.Take(&b)
		var rows, groups uint64
		for _, d := range b.Rows {
			rows += d.Failed.Count()
		}
		for i := range b.Errors {
			groups += b.Errors[i].Count
		}
		if rows != groups {
			t.Fatalf("a batch has %d failures in its rows and %d in its groups", rows, groups)
		}
		taken += rows
	}
	users.Wait()
}
