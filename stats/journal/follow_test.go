package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"tload/stats"
)

// play tells a ledger, and so the journal before it, of a second with failures.
func play(l *stats.Ledger, second int) {
	r := stats.NewRecorder(stats.Limits{})
	sink := r.Sink()
	for i := range 50 {
		key := stats.Key{Class: stats.Request, Method: "GET", Name: fmt.Sprintf("/%d", i%5)}
		m := sink.Meter(key)
		sink.Begin()
		if i%10 == 0 {
			x := stats.Sample{Took: time.Duration(second+i) * time.Millisecond, Kind: stats.HTTP, Status: 503}
			if k := sink.Fail(m, x, "503"); k.Wanted() {
				sink.Keep(k, &stats.Exchange{When: time.Unix(int64(second), int64(i)), Key: key, Kind: stats.HTTP, Status: 503, Message: "503", User: i})
			}
			continue
		}
		sink.Record(m, stats.Sample{Took: time.Duration(i) * time.Millisecond, Status: 200})
	}
	var b stats.Batch
	r.Take(&b)
	l.Fold(&b, time.Duration(second+1)*time.Second, stats.Users{Running: 10 + second, Target: 20})
}

// TestAFollowerSeesWhatThereIs: second by second what the run's own ledger has, also of what
// is written in the place of something else, and at the end what a reader makes of the file.
func TestAFollowerSeesWhatThereIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	own := stats.NewLedger(4, 0)
	meta := ""
	w, err := Create(path, Options{Samples: 4, Meta: func() []byte { return []byte(meta) }, Held: func() *stats.Snapshot { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	own.Tap = w
	var seen *stats.Ledger
	var f *Follower
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		f, err = Follow(path, func(o Options) stats.Tap {
			seen = stats.NewLedger(o.Samples, o.Memory)
			return seen
		})
		if err == nil {
			break
		}
		if !errors.Is(err, ErrEmpty) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	defer f.Close()
	agree := func(second int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, err := f.Poll(); err != nil {
				t.Fatal(err)
			}
			if seen != nil {
				a, b := own.Snapshot(), seen.Snapshot()
				if a.Elapsed == b.Elapsed && a.Total.Run.Requests == b.Total.Run.Requests && len(a.Marks) == len(b.Marks) && len(a.Segments) == len(b.Segments) {
					if !reflect.DeepEqual(a.Total, b.Total) || !reflect.DeepEqual(a.Rows, b.Rows) || !reflect.DeepEqual(a.Seconds, b.Seconds) || len(a.Segments) != len(b.Segments) {
						t.Fatalf("second %d: other numbers", second)
					}
					return
				}
			}
			if time.Now().After(end) {
				t.Fatalf("second %d was never seen", second)
			}
		}
	}
	for second := range 12 {
		play(own, second)
		if second == 4 {
			own.Mark("here")
			own.Segment("more")
		}
		if second == 8 {
			own.Reset("again")
		}
		meta = fmt.Sprintf("of second %d", second)
		agree(second)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); !f.Info().Ended; time.Sleep(5 * time.Millisecond) {
		if _, err := f.Poll(); err != nil || time.Now().After(end) {
			t.Fatalf("no end: %v", err)
		}
	}
	if got := string(f.Info().Meta); got != meta {
		t.Errorf("the newest word is %q, want %q", got, meta)
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var read *stats.Ledger
	if _, err := Read(in, func(o Options) stats.Tap { read = stats.NewLedger(o.Samples, o.Memory); return read }); err != nil {
		t.Fatal(err)
	}
	if a, b := read.Snapshot(), seen.Snapshot(); !reflect.DeepEqual(a.Total, b.Total) || !reflect.DeepEqual(a.Rows, b.Rows) {
		t.Error("a reader of the file has other numbers")
	}
}

// TestAFollowerHasTheExchanges that the run holds, and no more of them than it does.
func TestAFollowerHasTheExchanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	own := stats.NewLedger(8, 0)
	w, err := Create(path, Options{Samples: 8, Held: func() *stats.Snapshot { return own.Snapshot() }})
	if err != nil {
		t.Fatal(err)
	}
	for second := range 3 { // by this goroutine alone, as Held looks at the ledger
		own.Tap = nil
		play(own, second)
		var b stats.Batch
		for _, g := range own.Snapshot().Groups {
			b.Errors = append(b.Errors, stats.ErrorDelta{Key: g.Key, Count: 1, First: g.First, Last: g.Last, Variants: map[string]uint64{"503": 1}})
		}
		w.Fold(&b, time.Duration(second+1)*time.Second, stats.Users{})
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seen *stats.Ledger
	f, err := Follow(path, func(o Options) stats.Tap { seen = stats.NewLedger(o.Samples, o.Memory); return seen })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Poll(); err != nil {
		t.Fatal(err)
	}
	groups := seen.Snapshot().Groups
	if len(groups) == 0 {
		t.Fatal("no groups")
	}
	for _, g := range groups {
		if n := len(g.Samples); n == 0 || n > 8 {
			t.Errorf("%v: %d exchanges", g.Key, n)
		}
	}
}

// TestAFollowerOfWhatIsTorn waits for what is being written, passes what never will be, and
// says when the file is another one.
func TestAFollowerOfWhatIsTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	own := stats.NewLedger(0, 0)
	w, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	own.Tap = w
	for second := range 6 {
		play(own, second)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// It grows by a few bytes at a time.
	growing := filepath.Join(t.TempDir(), Name)
	os.WriteFile(growing, whole[:len(header)], 0o600)
	var seen *stats.Ledger
	f, err := Follow(growing, func(o Options) stats.Tap { seen = stats.NewLedger(o.Samples, o.Memory); return seen })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := len(header); n <= len(whole); n += 97 {
		os.WriteFile(growing, whole[:n], 0o600)
		if _, err := f.Poll(); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(growing, whole, 0o600)
	if _, err := f.Poll(); err != nil || !f.Info().Ended || f.Info().Skipped != 0 {
		t.Fatalf("%v, ended %v, skipped %d", err, f.Info().Ended, f.Info().Skipped)
	}
	if got, want := seen.Snapshot().Total.Run.Requests, own.Snapshot().Total.Run.Requests; got != want {
		t.Errorf("%d requests, want %d", got, want)
	}
	os.Truncate(growing, 100)
	if _, err := f.Poll(); !errors.Is(err, ErrReplaced) {
		t.Errorf("a file that was cut: %v", err)
	}
	for _, bad := range []string{"", "tload-jour", "something else altogether"} {
		os.WriteFile(growing, []byte(bad), 0o600)
		if _, err := Follow(growing, nil); !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzFollow: whatever a file holds, following it ends, and says no more than reading does.
func FuzzFollow(f *testing.F) {
	f.Add([]byte(header))
	f.Add(appendRecord([]byte(header), markRecord, []byte("x")))
	f.Add(appendRecord([]byte(header), keptRecord, []byte{1, metaRecord, 1, '{'}))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), Name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Follow(path, func(o Options) stats.Tap { return stats.NewLedger(o.Samples, o.Memory) })
		if err != nil {
			return
		}
		defer w.Close()
		for range 3 {
			w.stuck = time.Now().Add(-time.Hour) // it has waited long enough
			if _, err := w.Poll(); err != nil {
				return
			}
		}
	})
}
