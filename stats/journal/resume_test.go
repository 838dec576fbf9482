package journal

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
)

// tellSecond tells a ledger one second of a run of two nodes: b's is sometimes late.
func tellSecond(l *stats.Ledger, second int64) {
	key := stats.Key{Method: "GET", Name: "/"}
	batch := func(node string, second int64) *stats.Batch {
		r := rand.New(rand.NewPCG(uint64(second), uint64(len(node))))
		b := new(stats.Batch)
		d := b.Row(key)
		n := uint64(1 + r.IntN(20))
		d.OK.AddN(time.Duration(1+r.IntN(1000))*time.Millisecond, n)
		d.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 200, Count: n}}
		if second%3 == 0 {
			d.Failed.Add(time.Second)
			when := begin.Add(time.Duration(second) * time.Second)
			x := &stats.Exchange{When: when, Key: key, Kind: stats.HTTP, Status: 503, Message: "503", Response: stats.Part{Body: []byte(fmt.Sprint(node, " ", second)), Size: 8, Expected: -1}}
			b.Errors = []stats.ErrorDelta{{
				Key: stats.GroupKey{Key: key, Kind: stats.HTTP, Status: 503, Print: "#"}, Count: 1, First: when, Last: when,
				Variants: map[string]uint64{"503": 1}, Kept: []stats.Kept{{Exchange: x, First: second < 8, Recent: true, Random: -1}},
			}}
		}
		return b
	}
	late := func(second int64) bool { return second%5 == 2 }
	b := batch("a", second)
	if !late(second) {
		b.Merge(batch("bb", second))
	}
	switch second {
	case 4:
		l.Segment("s")
	case 7:
		l.Mark("")
	}
	l.Fold(b, time.Duration(second+1)*time.Second, stats.Users{Running: 2, Target: 2})
	but := map[string]int64{}
	if late(second) {
		but["bb"] = second
	}
	if late(second - 1) {
		l.Late(batch("bb", second-1), second-1)
	}
	l.Told(second+1, but)
}

// TestResumeAtEveryByte kills a run at every byte of its journal and goes on with it:
// in the end it is as if nothing had happened.
func TestResumeAtEveryByte(t *testing.T) {
	const seconds = 12
	path := filepath.Join(t.TempDir(), Name)
	options := func(l **stats.Ledger, held *atomic.Pointer[stats.Snapshot]) Options {
		return Options{Samples: 8, Memory: 1 << 20, Held: held.Load}
	}
	tell := func(w *Writer, l *stats.Ledger, held *atomic.Pointer[stats.Snapshot], from int64) {
		l.Tap = w
		for s := from; s < seconds; s++ {
			tellSecond(l, s)
			held.Store(l.Snapshot())
			until(t, "the disk to keep up", func() bool { return w.Synced() == s+1 }) // else seconds are merged
		}
		if err := closing(t, w); err != nil {
			t.Fatal(err)
		}
	}
	var held atomic.Pointer[stats.Snapshot]
	live := stats.NewLedger(8, 1<<20)
	w, err := Create(path, options(&live, &held))
	if err != nil {
		t.Fatal(err)
	}
	tell(w, live, &held, 0)
	want := live.Snapshot()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resume(path, Options{}, func(Options) stats.Tap { return stats.NewLedger(0, 0) }); !errors.Is(err, ErrOver) {
		t.Errorf("a run that has ended: got %v, want ErrOver", err)
	}
	step := 7
	if testing.Short() {
		step = 29
	}
	for cut := len(header) + 64; cut < len(whole)-frame; cut += step {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		var held atomic.Pointer[stats.Snapshot]
		var l *stats.Ledger
		w, past, err := Resume(path, options(&l, &held), func(o Options) stats.Tap {
			l = stats.NewLedger(o.Samples, o.Memory)
			return l
		})
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
		}
		if past.Elapsed != time.Duration(past.First)*time.Second {
			t.Fatalf("cut at %d: it stands at %v, and %d seconds are told", cut, past.Elapsed, past.First)
		}
		held.Store(l.Snapshot())
		tell(w, l, &held, past.First)
		for name, got := range map[string]*stats.Snapshot{"the run": l.Snapshot(), "its journal": replayed(t, path)} {
			same := func(what string, got, want any) {
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("cut at %d of %d, %s: %s differ: got\n%.3000s, want\n%.3000s", cut, len(whole), name, what, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
				}
			}
			same("total", got.Total, want.Total)
			same("rows", got.Rows, want.Rows)
			same("seconds", got.Seconds, want.Seconds)
			same("segments", got.Segments, want.Segments)
			same("marks", got.Marks, want.Marks)
			if got.Groups[0].Count != want.Groups[0].Count || len(got.Groups[0].Samples) < 1 {
				t.Fatalf("cut at %d, %s: got %d failures and %d samples, want %d and some", cut, name, got.Groups[0].Count, len(got.Groups[0].Samples), want.Groups[0].Count)
			}
		}
	}
}

func replayed(t *testing.T, path string) *stats.Snapshot {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := stats.NewLedger(0, 0)
	info, err := Read(io.Reader(f), func(o Options) stats.Tap {
		l = stats.NewLedger(o.Samples, o.Memory)
		return l
	})
	if err != nil || !info.Ended || len(info.Notes) > 0 {
		t.Fatalf("got %+v and %v, want a whole journal", info, err)
	}
	return l.Snapshot()
}
