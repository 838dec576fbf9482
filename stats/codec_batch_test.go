package stats

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func randomText(r *rand.Rand) string {
	b := make([]byte, r.IntN(20))
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return string(b)
}

func randomExchange(r *rand.Rand) *Exchange {
	part := func() Part {
		return Part{Head: []byte("GET / HTTP/1.1\r\n" + randomText(r)), Body: []byte("x" + randomText(r)), Size: r.Int64N(1000), Expected: -1, SHA256: []byte("sum")}
	}
	x := &Exchange{
		When: time.Unix(0, r.Int64N(1<<60)), Key: Key{Request, "GET", randomText(r)}, Kind: HTTP, Status: 500, Message: randomText(r),
		User: r.IntN(100), Behaviour: "B", Task: randomText(r), Iteration: 3, URL: "http://x/" + randomText(r), Request: part(), Response: part(), Surplus: r.IntN(3),
		Took: time.Duration(r.Int64N(1e12)), Late: 5, Phases: Phases{1, 2, 3, 4, 5, 6}, Conn: ConnInfo{r.IntN(2) == 0, "a", "b", "TLS 1.3", "HTTP/1.1"},
	}
	for range r.IntN(3) {
		x.Hops = append(x.Hops, Hop{"u", 302, "l", 7, []byte("HTTP/1.1 302 Found\r\n")})
	}
	return x
}

func randomBatch(r *rand.Rand) *Batch {
	b := &Batch{InFlight: r.IntN(50), Folded: r.IntN(2) == 0}
	for range 1 + r.IntN(30) {
		b.Row(Key{Class(r.IntN(3)), "GET", randomText(r)}).Merge(randomDelta(r))
	}
	for range r.IntN(3) {
		e := ErrorDelta{Key: GroupKey{Key{Request, "GET", "/"}, Timeout, 0, randomText(r)}, Count: 7, First: time.Unix(1, 2), Last: time.Unix(3, 4),
			Variants: map[string]uint64{randomText(r): 1, "b": 6}}
		for range r.IntN(3) {
			e.Kept = append(e.Kept, Kept{randomExchange(r), true, false, r.IntN(3) - 1})
		}
		b.Errors = append(b.Errors, e)
	}
	if r.IntN(2) == 0 {
		x := randomExchange(r)
		b.setSuccess(x.Key, x)
	}
	return b
}

func TestPackedBatchComesBackWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 50 {
		b := randomBatch(r)
		packed := b.AppendTo(nil)
		var back Batch
		if err := back.MergePacked(packed); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back.Errors, b.Errors) || !reflect.DeepEqual(back.Success, b.Success) || back.InFlight != b.InFlight || back.Folded != b.Folded {
			t.Fatalf("got %+v, want %+v", back, *b)
		}
		if got := back.AppendTo(nil); !slices.Equal(got, packed) {
			t.Fatalf("packed again it differs")
		}
		for cut := 0; cut < len(packed); cut += 1 + r.IntN(len(packed)/50+1) {
			var half Batch
			if half.MergePacked(packed[:cut]) == nil {
				t.Fatalf("cut at %d of %d: no error", cut, len(packed))
			}
		}
	}
}

func FuzzBatchMergePacked(f *testing.F) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 3 {
		f.Add(randomBatch(r).AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var b Batch
		if b.MergePacked(p) != nil {
			return
		}
		var again Batch
		if err := again.MergePacked(b.AppendTo(nil)); err != nil {
			t.Fatalf("what was read does not pack again: %v", err)
		}
	})
}

// TestTakeKeepsForeignRowsApart: a row that somebody put into the batch does
// not become that of the next new name.
func TestTakeKeepsForeignRowsApart(t *testing.T) {
	r := NewRecorder(Limits{})
	s := r.Sink()
	record := func(name string) {
		s.Begin()
		s.Record(s.Meter(Key{Request, "GET", name}), Sample{Took: time.Millisecond})
	}
	foreign := Key{Request, "", "(not started)"}
	var b Batch
	record("/a")
	r.Take(&b)
	b.Row(foreign).NotStarted += 3
	record("/b")
	r.Take(&b)
	b.Row(foreign).NotStarted += 4
	record("/c")
	r.Take(&b)
	b.Row(foreign).NotStarted += 5
	got := map[Key]uint64{}
	for k, d := range b.Rows {
		got[k] += d.Requests() + d.NotStarted
	}
	want := map[Key]uint64{{Request, "GET", "/c"}: 1, foreign: 5}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
