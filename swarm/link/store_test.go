package link

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// kept is what a store gave back, in order.
type kept struct {
	workers []workerState
	deltas  []string
	numbers []dealt
}

func reopen(t *testing.T, dir string) (s *store, k kept) {
	t.Helper()
	s, err := openStore(dir, true, func(d dealt) { k.numbers = append(k.numbers, d) },
		func(w workerState) { k.workers = append(k.workers, w) },
		func(id string, b []byte) { k.deltas = append(k.deltas, id+" "+string(b)) })
	if err != nil {
		t.Fatal(err)
	}
	return s, k
}

func TestAStoreCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	s, _ := reopen(t, dir)
	if err := s.begin(time.Now(), []workerState{{ID: "a", Seq: 7}}, nil); err != nil {
		t.Fatal(err)
	}
	ends := []int64{s.end}
	for i := range 5 {
		if err := s.write(appendDelta(nil, "a", fmt.Append(nil, "delta ", i)), int64(i)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, s.end)
	}
	whole, err := os.ReadFile(s.files[0].path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		cut := t.TempDir()
		if err := os.WriteFile(filepath.Join(cut, "told-000001"), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0 // of the records that are whole
		for want < len(ends) && ends[want] <= int64(n) {
			want++
		}
		next, k := reopen(t, cut)
		if got := len(k.workers) + len(k.deltas); got != want {
			t.Fatalf("cut at byte %d: %d records came back, want %d", n, got, want)
		}
		for i, d := range k.deltas {
			if want := fmt.Sprint("a delta ", i); d != want {
				t.Fatalf("cut at byte %d: record %d is %q, want %q", n, i, d, want)
			}
		}
		// What is written next comes behind what was torn, and not into it.
		if err := next.begin(time.Now(), nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := next.write(appendDelta(nil, "b", []byte("next")), 9); err != nil {
			t.Fatal(err)
		}
		if _, k := reopen(t, cut); len(k.deltas) == 0 || k.deltas[len(k.deltas)-1] != "b next" {
			t.Fatalf("cut at byte %d: what was written next is not there: %q", n, k.deltas)
		}
	}
}

func TestAStoreForgetsWhatTheJournalHas(t *testing.T) {
	dir := t.TempDir()
	s, _ := reopen(t, dir)
	now := time.Now()
	s.size = 100
	for i := range 50 {
		if s.due(now) {
			if err := s.begin(now, []workerState{{ID: "a", Seq: uint64(i)}}, deals{"rows": {next: int64(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.write(appendDelta(nil, "a", bytes.Repeat([]byte{byte(i)}, 60)), int64(i+1)); err != nil {
			t.Fatal(err)
		}
		s.forget(int64(i))
		if files, _ := os.ReadDir(dir); len(files) > storeLag+3 || len(files) != len(s.files) {
			t.Fatalf("%d files after second %d, and %d are known", len(files), i, len(s.files))
		}
	}
	_, k := reopen(t, dir)
	if len(k.deltas) < storeLag || k.workers[0].Seq == 0 {
		t.Errorf("%d deltas of the last seconds, want at least %d; the oldest file begins at delta %d", len(k.deltas), storeLag, k.workers[0].Seq)
	}
	if n := k.numbers; len(n) == 0 || n[len(n)-1].N < 40 {
		t.Errorf("numbers given out: got %v, want the newest", n)
	}
	s.remove()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after the run there still is %s: %v", dir, err)
	}
}

func TestADiskThatFailsAndComesBack(t *testing.T) {
	dir := t.TempDir()
	s, _ := reopen(t, dir)
	if err := s.begin(time.Now(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.write(appendDelta(nil, "a", []byte("before")), 1); err != nil {
		t.Fatal(err)
	}
	s.out.Close() // as if the disk were gone
	if err := s.write(appendDelta(nil, "a", []byte("lost")), 2); err == nil {
		t.Fatal("written to a file that is closed")
	}
	if err := s.begin(time.Now(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.write(appendDelta(nil, "a", []byte("after")), 2); err != nil {
		t.Fatal(err)
	}
	if _, k := reopen(t, dir); fmt.Sprint(k.deltas) != "[a before a after]" {
		t.Errorf("got %q", k.deltas)
	}
}
