package behaviours_test

import (
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
