package requests_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tload/behaviours"
	"tload/behaviours/requests"
	"tload/stats"
)

// lines is a text of n lines.
func lines(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

// word is a number without a digit, which no row shares with others.
func word(i int) string {
	var b []byte
	for range 5 {
		b = append(b, 'g'+byte(i%20))
		i /= 20
	}
	return string(b)
}

// TestLongListsKeepTheirRows: however long a list is, its requests have the rows
// that there are, and every one is in one of them.
func TestLongListsKeepTheirRows(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		rows []string // some that there must be
		most int
	}{
		{"ids fold", lines(1500, func(i int) string { return fmt.Sprint("/item/", i) }), []string{"/item/[id]"}, 30},
		{"words do not, until there are enough", lines(5000, func(i int) string { return "/" + word(i) }), []string{stats.Other}, 1001},
		{"a .http file", lines(1500, func(i int) string { return "GET /item/" + fmt.Sprint(i) + "\n" }), []string{"/item/[id]"}, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := requests.Text(tt.name, tt.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := newServer(t)
			snap := run(t, s.URL, b, 6000)
			var sum uint64
			names := map[string]bool{}
			for _, r := range snap.Rows {
				sum += r.Run.Requests
				names[r.Key.Name] = true
			}
			if len(s.seen) != 6000 || sum != 6000 {
				t.Errorf("got %d requests in the rows, the server saw %d; want 6000", sum, len(s.seen))
			}
			for _, name := range tt.rows {
				if !names[name] {
					t.Errorf("no row %s among %d", name, len(names))
				}
			}
			if len(names) > tt.most {
				t.Errorf("got %d rows, want at most %d", len(names), tt.most)
			}
			distinct := map[string]bool{}
			for _, line := range s.seen {
				distinct[line] = true
			}
			if n := strings.Count(tt.text, "\n/") + strings.Count(tt.text, "GET /"); len(distinct) < n*6/10 {
				t.Errorf("got %d different requests of %d", len(distinct), n)
			}
		})
	}
}

// TestAListIsPassedOnce: a check sends each line once, in order.
func TestAListIsPassedOnce(t *testing.T) {
	b, err := requests.Text("list", lines(300, func(i int) string { return "/" + word(i) }), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	tr, err := behaviours.NewTransport(behaviours.Options{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := behaviours.Pass(context.Background(), &behaviours.Shared{Transport: tr}, b, nil); err != nil {
		t.Fatal(err)
	}
	if len(s.seen) != 300 {
		t.Fatalf("the server saw %d requests, want 300", len(s.seen))
	}
	for i, line := range s.seen {
		if want := "GET /" + word(i); strings.TrimSpace(line) != want {
			t.Fatalf("request %d: got %q, want %q", i, line, want)
		}
	}
}

// TestAMillionLinesCostTheirSize: in memory, and nothing for each user or look
// at the run.
func TestAMillionLinesCostTheirSize(t *testing.T) {
	text := lines(1_000_000, func(i int) string { return "/" + word(i) })
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	size := uint64(len(text))
	text = ""
	before := held()
	b, err := requests.File(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	tr, err := behaviours.NewTransport(behaviours.Options{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	list, err := behaviours.Bind(&behaviours.Shared{Transport: tr}, []behaviours.Behaviour{b})
	if err != nil {
		t.Fatal(err)
	}
	// The text and where each line of it is.
	if got, most := held()-before, size+16*1_000_001+1<<20; got > most {
		t.Errorf("got %d bytes, want at most %d", got, most)
	}
	if n := len(list[0].Tasks); n != 1 {
		t.Errorf("got %d tasks, want 1", n)
	}
	runtime.KeepAlive(b)
}

// TestManyTasksAreBounded: a .http file of more requests than are shown has all
// of them sent, by weight, and no more than some of them in each snapshot.
func TestManyTasksAreBounded(t *testing.T) {
	const n = 3000
	b, err := requests.Text("many.http", "### heavy\n# @weight 3000\nPOST /heavy\n\nbody\n"+lines(n, func(i int) string { return "### " + word(i) + "\nPUT /" + word(i) + "\n" }), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	snap := run(t, s.URL, b, 4000)
	heavy := 0
	for _, line := range s.seen {
		if strings.TrimSpace(line) == "POST /heavy  body" {
			heavy++
		}
	}
	if heavy < 1800 || heavy > 2200 {
		t.Errorf("a task with half of the weight was sent %d times of %d", heavy, len(s.seen))
	}
	if got := len(snap.Behaviours[0].Tasks); got > 1001 {
		t.Errorf("got %d tasks in a snapshot, want at most 1001", got)
	}
	var runs uint64
	for _, r := range snap.Tasks {
		runs += r.Run.Requests
	}
	if runs != 4000 || len(s.seen) != 4000 {
		t.Errorf("got %d runs of tasks, the server saw %d; want 4000", runs, len(s.seen))
	}
}
