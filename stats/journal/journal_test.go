package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
)

var begin = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

// requests is how many a run that drive told of has, with those that came late.
func requests(seconds int) uint64 {
	late := 0
	if seconds > 2 {
		late = 3
	}
	return uint64(seconds*4*11 + late)
}

// drive tells a ledger a short run, four batches a second, with failures,
// marks, segments and a reset.
func drive(l *stats.Ledger, seconds int, pace func()) {
	home, cart := stats.Key{Method: "GET", Name: "/"}, stats.Key{Method: "POST", Name: "/cart"}
	for tick := range 4 * seconds {
		var b stats.Batch
		b.InFlight = tick % 3
		d := b.Row(home)
		d.OK.AddN(time.Duration(1+tick)*time.Millisecond, 10)
		d.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 200, Count: 10}}
		d.In = 100
		c := b.Row(cart)
		c.Failed.Add(time.Second)
		c.Outcomes = []stats.Outcome{{Kind: stats.HTTP, Status: 503, Count: 1}}
		when := begin.Add(time.Duration(tick) * 250 * time.Millisecond)
		x := &stats.Exchange{When: when, Key: cart, Kind: stats.HTTP, Status: 503, Message: "503", Response: stats.Part{Body: []byte(fmt.Sprint("body ", tick)), Size: 8, Expected: -1}}
		b.Errors = []stats.ErrorDelta{{
			Key: stats.GroupKey{Key: cart, Kind: stats.HTTP, Status: 503, Print: "#"}, Count: 1, First: when, Last: when,
			Variants: map[string]uint64{"503": 1}, Kept: []stats.Kept{{Exchange: x, First: tick < 8, Recent: true, Random: -1}},
		}}
		switch tick {
		case 3:
			l.Segment("steady")
		case 9:
			l.Mark("deploy")
		case 11:
			var late stats.Batch
			late.Row(home).OK.AddN(3*time.Millisecond, 2)
			late.Row(cart).Failed.Add(2 * time.Second)
			l.Late(&late, 1)
		case 13:
			l.Reset("warm")
		}
		if pace != nil {
			pace()
		}
		l.Fold(&b, time.Duration(tick+1)*250*time.Millisecond, stats.Users{Running: 3, Target: 4, Suspect: tick == 6})
	}
}

// memory is a file in memory whose disk can be full.
type memory struct {
	mu     sync.Mutex
	b      []byte
	limit  int
	closed bool
	hold   chan struct{} // if set, Sync waits for it
}

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	room := max(m.limit-int(at), 0)
	n := min(len(b), room)
	m.b = append(m.b, make([]byte, max(int(at)+n-len(m.b), 0))...)
	copy(m.b[at:], b[:n])
	if n < len(b) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func (m *memory) Truncate(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b = m.b[:min(int(n), len(m.b))]
	return nil
}

func (m *memory) Sync() error {
	if m.hold != nil {
		<-m.hold
	}
	return nil
}

func (m *memory) Close() error { m.closed = true; return nil }

func (m *memory) read() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.b)
}

func (m *memory) setLimit(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = n
}

func closing(t *testing.T, w *Writer) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return w.Close(ctx)
}

// written is the journal of a run, and the ledger that it is a journal of.
func written(t testing.TB, seconds int) ([]byte, *stats.Ledger) {
	t.Helper()
	m := &memory{limit: 1 << 30}
	var held atomic.Pointer[stats.Snapshot]
	w := start(m, "", Options{Samples: 8, Memory: 1 << 20, Meta: func() []byte { return []byte("meta") }, Held: held.Load})
	l := stats.NewLedger(8, 1<<20)
	l.Tap = w
	drive(l, seconds, func() {
		until(t, "the disk to keep up", func() bool { return w.queued() == 0 })
		held.Store(l.Snapshot())
	})
	held.Store(l.Snapshot())
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return m.b, l
}

// queued is how many records wait.
func (w *Writer) queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

func replay(b []byte) (*Info, *stats.Ledger, error) {
	l := stats.NewLedger(0, 0)
	info, err := Read(bytes.NewReader(b), func(o Options) stats.Tap {
		l = stats.NewLedger(o.Samples, o.Memory)
		return l
	})
	return info, l, err
}

func TestReplayShowsTheSame(t *testing.T) {
	b, live := written(t, 5)
	info, again, err := replay(b)
	if err != nil {
		t.Fatal(err)
	}
	if !info.Ended || len(info.Notes) > 0 || string(info.Meta) != "meta" {
		t.Errorf("got %+v, want a whole journal", info)
	}
	got, want := again.Snapshot(), live.Snapshot()
	if got.Elapsed != want.Elapsed || got.InFlight != want.InFlight {
		t.Errorf("got %v and %d in flight, want %v and %d", got.Elapsed, got.InFlight, want.Elapsed, want.InFlight)
	}
	same := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s differ: got\n%.2000s, want\n%.2000s", what, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
		}
	}
	same("total", got.Total, want.Total)
	same("rows", got.Rows, want.Rows)
	same("seconds", got.Seconds, want.Seconds)
	same("segments", got.Segments, want.Segments)
	same("marks", got.Marks, want.Marks)
	if len(got.Groups) != 1 || got.Groups[0].Count != want.Groups[0].Count || len(got.Groups[0].Samples) != len(want.Groups[0].Samples) {
		t.Fatalf("groups: got %+v, want %+v", got.Groups, want.Groups)
	}
	for i, x := range got.Groups[0].Samples {
		if string(x.Response.Body) != string(want.Groups[0].Samples[i].Response.Body) || !x.When.Equal(want.Groups[0].Samples[i].When) {
			t.Errorf("sample %d: got %q, want %q", i, x.Response.Body, want.Groups[0].Samples[i].Response.Body)
		}
	}
}

// TestCutAtEveryByte: what was written before the cut is there, and more never
// gives less.
func TestCutAtEveryByte(t *testing.T) {
	if _, _, err := replay([]byte("tload-journal 2\n")); !errors.Is(err, ErrFormat) {
		t.Errorf("another version: got error %v, want ErrFormat", err)
	}
	b, _ := written(t, 3)
	var before uint64
	for cut := range b {
		info, l, err := replay(b[:cut])
		if cut < len(header) {
			if !errors.Is(err, ErrEmpty) {
				t.Fatalf("cut at %d: got error %v, want ErrEmpty", cut, err)
			}
			continue
		}
		if err != nil || info.Ended || len(info.Notes) == 0 {
			t.Fatalf("cut at %d of %d: got %+v and error %v, want a note and no error", cut, len(b), info, err)
		}
		n := l.Snapshot().Total.Run.Requests
		if n < before {
			t.Fatalf("cut at %d: got %d requests, fewer than with one byte less", cut, n)
		}
		before = n
	}
	if before != requests(3) {
		t.Errorf("with all but the last byte: got %d requests, want %d", before, requests(3))
	}
}

// TestDamageInTheMiddle: a flipped byte costs its record and nothing else.
func TestDamageInTheMiddle(t *testing.T) {
	b, _ := written(t, 4)
	for at := len(header) + frame; at < len(b); at += 7 {
		bad := bytes.Clone(b)
		bad[at] ^= 0x55
		info, l, err := replay(bad)
		if err != nil || len(info.Notes) == 0 {
			t.Fatalf("byte %d: got %v and notes %v", at, err, info.Notes)
		}
		// A batch here is at most one second of four.
		n := l.Snapshot().Total.Run.Requests
		if n < requests(3)-11 {
			t.Fatalf("byte %d: got %d requests of %d", at, n, requests(4))
		}
		if n+info.Lost != requests(4) {
			t.Fatalf("byte %d: got %d requests, %d lost of %d", at, n, info.Lost, requests(4))
		}
		if said := strings.Contains(strings.Join(info.Notes, " "), fmt.Sprintf("%d of the run's %d requests", info.Lost, requests(4))); said != (info.Lost > 0) {
			t.Fatalf("byte %d: %d requests are lost, and the notes are %q", at, info.Lost, info.Notes)
		}
	}
}

// TestManyBadBytes: of what is left everything is shown, and never more than
// there was.
func TestManyBadBytes(t *testing.T) {
	b, _ := written(t, 4)
	r := rand.New(rand.NewPCG(1, 2))
	lost := 0
	for range 500 {
		bad := bytes.Clone(b)
		for range 40 {
			bad[len(header)+r.IntN(len(b)-len(header))] ^= byte(1 + r.IntN(255))
		}
		info, l, err := replay(bad)
		if err != nil || len(info.Notes) == 0 {
			t.Fatalf("got %v and notes %q", err, info.Notes)
		}
		if n := l.Snapshot().Total.Run.Requests + info.Lost; n > requests(4) {
			t.Fatalf("got %d requests with the lost ones, there were %d", n, requests(4))
		}
		if info.Lost > 0 {
			lost++
		}
	}
	if lost < 400 {
		t.Errorf("in %d of 500 damaged journals it is known what is lost; want most", lost)
	}
}

// TestKilledEarly: what happened up to a quarter of a second before is there
// while the run is young, and all seconds that are over later.
func TestKilledEarly(t *testing.T) {
	for _, tt := range []struct{ ticks, want int }{{1, 1}, {3, 3}, {4, 4}, {5, 5}, {12, 12}, {15, 12}} {
		m := &memory{limit: 1 << 30}
		w := start(m, "", Options{})
		l := stats.NewLedger(0, 0)
		l.Tap = w
		var b stats.Batch
		b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(time.Millisecond, 100)
		for i := range tt.ticks {
			until(t, "the disk to keep up", func() bool { return w.queued() == 0 })
			l.Fold(&b, time.Duration(i+1)*250*time.Millisecond, stats.Users{})
		}
		read := func() int {
			_, l, err := replay(m.read())
			if err != nil {
				return -1
			}
			return int(l.Snapshot().Total.Run.Requests) / 100
		}
		until(t, "what is to be seen", func() bool { return read() >= tt.want })
		if got := read(); got != tt.want {
			t.Errorf("after %d ticks: got %d of them, want %d", tt.ticks, got, tt.want)
		}
		closing(t, w)
	}
}

// TestCutLater: of a journal that lost its end, and not to a kill, it is known how
// much that was.
func TestCutLater(t *testing.T) {
	m := &memory{limit: 1 << 30}
	w := start(m, "", Options{})
	l := stats.NewLedger(0, 0)
	l.Tap = w
	const seconds = 20
	total := uint64(0) // which takes three bytes more at the end than it did
	for i := range seconds {
		var b stats.Batch
		b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(time.Millisecond, 1<<i)
		total += 1 << i
		l.Fold(&b, time.Duration(i+1)*time.Second, stats.Users{})
		until(t, "the disk to keep up", func() bool {
			info, l, err := replay(m.read())
			return err == nil && l.Snapshot().Total.Run.Requests == total && info.Lost == 0
		})
	}
	if err := closing(t, w); err != nil {
		t.Fatal(err)
	}
	whole := m.read()
	for cut := len(whole) / 4; cut < len(whole); cut++ {
		info, l, err := replay(whole[:cut])
		if err != nil {
			t.Fatal(err)
		}
		if n := l.Snapshot().Total.Run.Requests; n+info.Lost != total {
			t.Fatalf("cut at %d of %d: got %d requests, %d are said to be lost, want %d with them", cut, len(whole), n, info.Lost, total)
		}
	}
}

// TestFailuresTakeNoMoreThanTheStore: an hour of long failures, and bodies whose
// length differs, take the room of what is held and not of what was.
func TestFailuresTakeNoMoreThanTheStore(t *testing.T) {
	const memoryLimit = 4 << 20
	r := rand.New(rand.NewPCG(1, 2))
	body := make([]byte, 64<<10)
	for i := range body {
		body[i] = byte(r.Uint32())
	}
	m := &memory{limit: 1 << 30}
	w := &Writer{file: m, options: Options{Memory: memoryLimit}}
	if err := w.write(append([]byte(header), appendRecord(nil, optionsRecord, []byte(`{"memory":4194304}`))...)); err != nil {
		t.Fatal(err)
	}
	rec, l := stats.NewRecorder(stats.Limits{}), stats.NewLedger(0, memoryLimit)
	sink := rec.Sink()
	var b stats.Batch
	var appended, most int64
	const seconds = 900
	for second := range seconds {
		for i := range 24 {
			key := stats.Key{Method: "GET", Name: fmt.Sprint("/", i%3)}
			sink.Begin()
			if k := sink.Fail(rec.Meter(key), stats.Sample{Kind: stats.HTTP, Status: 500, Took: 1}, "500"); k.Wanted() {
				when := begin.Add(time.Duration(second)*time.Second + time.Duration(i)*time.Millisecond)
				sink.Keep(k, &stats.Exchange{When: when, Key: key, Kind: stats.HTTP, Status: 500, Response: stats.Part{Body: body[:1+r.IntN(len(body))], Expected: -1}})
			}
		}
		rec.Take(&b)
		now := time.Duration(second+1) * time.Second
		l.Fold(&b, now, stats.Users{})
		e := &entry{kind: batchRecord, groups: map[stats.GroupKey]int{}, now: now}
		e.merge(&b)
		p := w.pack(e)
		appended += int64(len(p))
		if err := w.write(p); err != nil {
			t.Fatal(err)
		}
		w.options.Held = l.Snapshot
		if err := w.keep(true); err != nil {
			t.Fatal(err)
		}
		most = max(most, w.end-appended)
	}
	if most > 2*memoryLimit {
		t.Errorf("exchanges took %d bytes of the file, want at most twice the %d that are held", most, memoryLimit)
	}
	if appended > seconds*400 {
		t.Errorf("a second took %d bytes, want at most 400", appended/seconds)
	}
	info, again, err := replay(m.b)
	if err != nil || info.Skipped > 0 || info.Lost > 0 {
		t.Fatalf("got %+v and %v, want a whole journal", info, err)
	}
	want := l.Snapshot().Groups
	for i, g := range again.Snapshot().Groups {
		if g.Count != want[i].Count || len(g.Samples) != len(want[i].Samples) {
			t.Errorf("group %d: got %d failures and %d samples, want %d and %d", i, g.Count, len(g.Samples), want[i].Count, len(want[i].Samples))
		}
		const first = 8
		for j := range first {
			if n := len(g.Samples); !g.Samples[j].When.Equal(want[i].Samples[j].When) || !g.Samples[n-1-j].When.Equal(want[i].Samples[n-1-j].When) {
				t.Errorf("group %d: the first or the last %d samples differ", i, first)
				break
			}
		}
	}
}

// TestDeletedWhileTheRunGoesOn: the file is still written to, and of no use.
func TestDeletedWhileTheRunGoesOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(dir, path string) error
		want string
	}{
		{"left alone", func(string, string) error { return nil }, ""},
		{"the directory", func(dir, _ string) error { return os.RemoveAll(dir) }, "deleted"},
		{"the file", func(_, path string) error { return os.Remove(path) }, "deleted"},
		{"another in its place", func(_, path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o644))
		}, "deleted"},
	} {
		if runtime.GOOS == "windows" {
			t.Skip("an open file cannot be deleted there")
		}
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, Name)
		var reports atomic.Int64
		w, err := Create(path, Options{Report: func(error) { reports.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.do(dir, path); err != nil {
			t.Fatal(err)
		}
		l := stats.NewLedger(0, 0)
		l.Tap = w
		drive(l, 3, nil)
		err = closing(t, w)
		if got := fmt.Sprint(err); (err != nil) != (tt.want != "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if n := reports.Load(); n > 1 || (n == 1) != (tt.want != "") {
			t.Errorf("%s: it was reported %d times", tt.name, n)
		}
	}
}

// TestOlderJournals hold their exchanges in the batches, and a meta by itself.
func TestOlderJournals(t *testing.T) {
	key := stats.Key{Method: "GET", Name: "/"}
	var b stats.Batch
	b.Row(key).Failed.Add(time.Millisecond)
	b.Errors = []stats.ErrorDelta{{
		Key: stats.GroupKey{Key: key, Kind: stats.HTTP, Status: 500, Print: "#"}, Count: 1, First: begin, Last: begin,
		Kept: []stats.Kept{{Exchange: &stats.Exchange{When: begin, Key: key}, First: true, Random: -1}},
	}}
	file := appendRecord([]byte(header), optionsRecord, []byte("{}"))
	p := append(binary.AppendUvarint(nil, uint64(time.Second)), 1, 1, 0)
	file = appendRecord(file, batchRecord, b.AppendTo(p))
	file = appendRecord(file, metaRecord, []byte("old meta"))
	info, l, err := replay(appendRecord(file, endRecord, nil))
	if err != nil || len(info.Notes) > 0 || string(info.Meta) != "old meta" {
		t.Errorf("got %+v and %v", info, err)
	}
	if s := l.Snapshot(); len(s.Groups) != 1 || len(s.Groups[0].Samples) != 1 {
		t.Errorf("got groups %+v, want one with its sample", s.Groups)
	}
}

// until polls what a goroutine brings about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func TestDiskFullAndThenNot(t *testing.T) {
	m := &memory{limit: 300}
	var mu sync.Mutex
	var reports []error
	w := start(m, "", Options{Report: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, err)
	}})
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(reports)
	}
	l := stats.NewLedger(0, 0)
	l.Tap = w
	drive(l, 20, nil)
	until(t, "a report that the disk is full", func() bool { return count() == 1 })
	if w.queued() > 3*maxWaiting {
		t.Errorf("records that wait: got %d, want at most %d", w.queued(), 3*maxWaiting)
	}
	m.setLimit(1 << 30)
	until(t, "a report that it works again", func() bool { return count() == 2 })
	if err := closing(t, w); err != nil {
		t.Errorf("close: %v", err)
	}
	if reports[0] == nil || !strings.Contains(reports[0].Error(), "no space left") || reports[1] != nil {
		t.Errorf("reports: got %v, want the full disk once and then its end", reports)
	}
	info, again, err := replay(m.b)
	if err != nil || !info.Ended || info.Skipped > 0 {
		t.Fatalf("got %+v and %v, want a whole journal", info, err)
	}
	if got, want := again.Snapshot().Total.Run, l.Snapshot().Total.Run; !reflect.DeepEqual(got, want) {
		t.Errorf("total: got\n%+v, want\n%+v", got, want)
	}
}

func TestDiskThatStaysFull(t *testing.T) {
	m := &memory{limit: 1000}
	w := start(m, "", Options{})
	l := stats.NewLedger(0, 0)
	l.Tap = w
	drive(l, 20, nil)
	if err := closing(t, w); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("close: got %v, want the full disk", err)
	}
	if !m.closed {
		t.Error("the file was left open")
	}
	if info, _, err := replay(m.b); err != nil || info.Ended || len(info.Notes) == 0 {
		t.Errorf("got %+v and %v, want a journal without an end", info, err)
	}
}

// TestDiskThatHangs: neither the run nor the end of the program waits for it.
func TestDiskThatHangs(t *testing.T) {
	m := &memory{limit: 1 << 30, hold: make(chan struct{})}
	w := start(m, "", Options{})
	l := stats.NewLedger(0, 0)
	l.Tap = w
	drive(l, 50, nil)
	if n := w.queued(); n > 3*maxWaiting {
		t.Errorf("batches that wait: got %d", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := w.Close(ctx); err == nil {
		t.Error("close of a disk that hangs: no error")
	}
	close(m.hold)
	<-w.gone
	info, again, err := replay(m.b)
	if err != nil || !info.Ended {
		t.Fatalf("after it let go: got %+v and %v", info, err)
	}
	if got, want := again.Snapshot().Total.Run.Requests, l.Snapshot().Total.Run.Requests; got != want {
		t.Errorf("requests: got %d, want %d", got, want)
	}
}

func TestCreateSaysWhere(t *testing.T) {
	_, err := Create(filepath.Join(t.TempDir(), "no", Name), Options{})
	if err == nil || !strings.Contains(err.Error(), "run journal") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), Name)
	w, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := closing(t, w); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := Read(f, func(Options) stats.Tap { return stats.NewLedger(0, 0) }); err != nil || !info.Ended {
		t.Errorf("an empty run: got %+v and %v", info, err)
	}
}

func FuzzRead(f *testing.F) {
	b, _ := written(f, 2)
	f.Add(b)
	f.Add(b[:len(b)-3])
	f.Add(b[:len(b)/2])
	f.Add(appendRecord([]byte(header), keptRecord, []byte{1, exchangeRecord, 3, 0, 0, 0}))
	f.Add(appendRecord([]byte(header), totalsRecord, []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 3}))
	f.Add([]byte(header))
	f.Add(appendRecord([]byte(header), batchRecord, []byte{1, 2, 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, l, err := replay(b)
		if err != nil {
			return
		}
		s := l.Snapshot()
		if s.Elapsed != info.Elapsed {
			t.Fatalf("the ledger stands at %v, the journal at %v", s.Elapsed, info.Elapsed)
		}
	})
}

// BenchmarkFold is what a tick costs the controller.
func BenchmarkFold(b *testing.B) {
	m := &memory{limit: 1 << 40}
	w := start(m, "", Options{})
	defer w.Close(context.Background())
	var batch stats.Batch
	for i := range 100 {
		d := batch.Row(stats.Key{Method: "GET", Name: fmt.Sprint("/", i)})
		for j := range 300 {
			d.OK.Add(time.Duration(j*j) * time.Microsecond)
		}
	}
	now := time.Duration(0)
	for b.Loop() {
		now += 250 * time.Millisecond
		w.Fold(&batch, now, stats.Users{})
	}
}

// TestAWarmUpIsApartAgain when its journal is read, and in what was told late.
func TestAWarmUpIsApartAgain(t *testing.T) {
	m := &memory{limit: 1 << 30}
	w := start(m, "", Options{})
	live := stats.NewLedger(0, 0)
	live.Tap = w
	drive(live, 3, func() { until(t, "the disk to keep up", func() bool { return w.queued() == 0 }) })
	live.Apart("warm-up")
	var b stats.Batch
	b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(time.Millisecond, 9)
	live.Fold(&b, 4*time.Second, stats.Users{Running: 2})
	live.Late(&b, 1)
	live.Fold(&b, 5*time.Second, stats.Users{Running: 2})
	if err := closing(t, w); err != nil {
		t.Fatal(err)
	}
	info, again, err := replay(m.read())
	if err != nil || len(info.Notes) > 0 || info.Lost > 0 {
		t.Fatalf("%v, %+v", err, info)
	}
	got, want := again.Snapshot(), live.Snapshot()
	if want.Total.Run.Requests != 18 || want.Apart != 3*time.Second {
		t.Fatalf("%d requests after %v", want.Total.Run.Requests, want.Apart)
	}
	for _, p := range [][2]any{{got.Total, want.Total}, {got.Segments, want.Segments}, {got.Apart, want.Apart}, {got.Seconds, want.Seconds}, {got.Groups[0].Apart, want.Groups[0].Apart}} {
		if !reflect.DeepEqual(p[0], p[1]) {
			t.Errorf("got\n%+v, want\n%+v", p[0], p[1])
		}
	}
}
