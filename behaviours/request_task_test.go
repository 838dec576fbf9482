package behaviours_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"tload/behaviours"
	"tload/stats"
	"tload/swarm"
)

func TestARequestIsATask(t *testing.T) {
	s := newServer(t)
	sick := behaviours.Check(func(*behaviours.Response) error { panic("sick") })
	set := &behaviours.Set{Tasks: []behaviours.Task{
		{Request: &behaviours.Request{Path: "/x"}, Weight: 3},
		{Name: "failing", Request: &behaviours.Request{Method: "PUT", Path: "/fail", Body: []byte("b"), Options: []behaviours.Option{behaviours.Name("row")}}},
		{Request: &behaviours.Request{Path: "/sick", Options: []behaviours.Option{sick}}},
	}}
	began := time.Now()
	snap := drive(t, s.URL, swarm.Plan{Users: 20, Iterations: 5000}, behaviours.Behaviour{Name: "b", New: func(*behaviours.User) *behaviours.Set { return set }})
	took := time.Since(began)
	x, fail, panics := s.count("/x"), s.count("/fail"), s.count("/sick")
	if x+fail+panics != 5000 {
		t.Fatalf("the server saw %d, %d and %d requests, want 5000 in all", x, fail, panics)
	}
	rows := map[string]stats.Row{}
	for _, r := range append(snap.Rows, snap.Tasks...) {
		rows[r.Key.Method+" "+r.Key.Name] = r
	}
	for _, want := range []struct {
		row                string
		requests, failures int
	}{
		{"GET /x", x, 0}, {"PUT row", fail, fail}, {"b GET /x", x, 0}, {"b failing", fail, fail}, {"b GET /sick", panics, panics},
	} {
		r := rows[want.row].Run
		if int(r.Requests) != want.requests || int(r.Failures) != want.failures {
			t.Errorf("%s: got %d, %d failed, want %d, %d", want.row, r.Requests, r.Failures, want.requests, want.failures)
		}
	}
	// A user is in a task nearly all of the time, and no task begins before the
	// last one's end.
	if sum := rows["b GET /x"].Run.OK.Sum; sum <= 0 || sum > 20*took {
		t.Errorf("tasks took %v in all, of 20 users in %v", sum, took)
	}
}

// TestALongBodyThatNobodyReads holds that of the reply to a task that is a
// request no more is kept than an exchange shows, that it is counted whole, and
// that a function that asks gets all of it.
func TestALongBodyThatNobodyReads(t *testing.T) {
	const size = 5 << 20
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, size))
	}))
	defer long.Close()
	// Whatever is not 404 fails here, so that its exchange is kept.
	missing := behaviours.Expect(404)
	set := &behaviours.Set{Sequential: true, Tasks: []behaviours.Task{
		{Request: &behaviours.Request{Path: "/unread", Options: []behaviours.Option{missing}}},
		{Run: func(ctx context.Context) error { return nil }},
	}}
	snap := drive(t, long.URL, swarm.Plan{Users: 1, Iterations: 6}, behaviours.Behaviour{Name: "b", New: func(u *behaviours.User) *behaviours.Set {
		own := *set
		own.Tasks = slices.Clone(set.Tasks)
		own.Tasks[1].Run = func(ctx context.Context) error {
			r, err := u.Get(ctx, "/read", missing)
			if len(r.Raw()) != size {
				t.Errorf("a function got %d bytes", len(r.Raw()))
			}
			return err
		}
		return &own
	}})
	if in := snap.Total.Run.In; in < 6*size {
		t.Errorf("%d bytes counted", in)
	}
	sum := sha256.Sum256(make([]byte, size))
	for _, g := range snap.Groups {
		for _, x := range g.Samples {
			if p := x.Response; p.Size != size || len(p.Body) != 256<<10 || !bytes.Equal(p.SHA256, sum[:]) {
				t.Errorf("%s: %d of %d bytes are kept, hash %x", x.Key.Name, len(p.Body), p.Size, p.SHA256)
			}
		}
	}
	if n := len(snap.Groups); n != 2 {
		t.Errorf("%d groups", n)
	}
}
