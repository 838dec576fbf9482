package behaviours_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/behaviours"
	"tload/stats"
	"tload/swarm"
)

// tasks is a behaviour of one task.
func task(run func(context.Context, *behaviours.User) error) behaviours.Behaviour {
	return behaviours.Behaviour{Name: "b", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error { return run(ctx, u) }}}}
	}}
}

// rowOf is the row of that method and name, which has to be there.
func rowOf(t *testing.T, snap *swarm.Snapshot, method, name string) *stats.Summary {
	t.Helper()
	for i := range snap.Rows {
		if k := snap.Rows[i].Key; k.Method == method && k.Name == name {
			return &snap.Rows[i].Run
		}
	}
	t.Fatalf("no row %s %s", method, name)
	return nil
}

// TestABatchIsSentAtOnce: as many at a time as a browser sends, each with the user's
// cookies and header, each reply with its own request's, as often as the server counts.
func TestABatchIsSentAtOnce(t *testing.T) {
	var now, most, served, cookied atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		n := now.Add(1)
		defer now.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		switch {
		case r.URL.Path == "/":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: r.URL.Query().Get("user")})
		case r.Header.Get("Cookie") == "sid="+r.Header.Get("X-User"):
			cookied.Add(1)
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", MaxAge: -1})
		}
		for deadline := time.Now().Add(5 * time.Second); r.URL.Path != "/" && most.Load() < 6 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond) // until the others are here too
		}
		io.WriteString(w, r.URL.Path)
	}))
	defer s.Close()
	snap := drive(t, s.URL, swarm.Plan{Users: 4, Iterations: 40}, task(func(ctx context.Context, u *behaviours.User) error {
		u.SetHeader("X-User", fmt.Sprint(u.ID()))
		if _, err := u.Get(ctx, fmt.Sprintf("/?user=%d", u.ID()), behaviours.Name("/")); err != nil {
			return err
		}
		var list []behaviours.Request
		for i := range 14 {
			list = append(list, behaviours.Request{Path: fmt.Sprintf("/asset/%d", i), Options: []behaviours.Option{behaviours.Name("/asset")}})
		}
		list = append(list, behaviours.Request{Paths: []string{"/asset/14", "/asset/15"}, Options: []behaviours.Option{behaviours.Name("/asset")}})
		replies, err := u.Batch(ctx, list...)
		if err != nil {
			return err
		}
		after, err := u.Get(ctx, "/after")
		if err != nil || after.Text() != "/after" {
			return fmt.Errorf("the next request: %q, %v", after.Text(), err)
		}
		for i, r := range replies {
			if want := fmt.Sprintf("/asset/%d", i); r.Text() != want {
				return fmt.Errorf("reply %d is of %q, want %q", i, r.Text(), want)
			}
		}
		return nil
	}))
	if g := snap.Groups; len(g) > 0 {
		t.Fatalf("%s: %s", g[0].Label(), g[0].Message)
	}
	if n := rowOf(t, snap, "GET", "/asset").Requests; n != 40*16 || snap.Total.Run.Requests != uint64(served.Load()) {
		t.Errorf("%d assets and %d requests, the server counts %d", n, snap.Total.Run.Requests, served.Load())
	}
	if got := cookied.Load(); got != 40*17 {
		t.Errorf("%d requests came with the user's cookie and header, want %d", got, 40*17)
	}
	if m := most.Load(); m < 6 || m > 6*4 {
		t.Errorf("at most %d at a time, want 6 of a user's", m)
	}
}

// TestABatchThatFails says all that failed, counted once each, and a check's panic is the
// task's.
func TestABatchThatFails(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/bad") {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer s.Close()
	snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 3}, task(func(ctx context.Context, u *behaviours.User) error {
		replies, err := u.Batch(ctx, behaviours.Request{Path: "/bad/1"}, behaviours.Request{Path: "/good"}, behaviours.Request{Method: "PO ST", Path: "/never"}, behaviours.Request{Path: "/bad/2"})
		if len(replies) != 4 || replies[0].Status != http.StatusTeapot || replies[1].Status != http.StatusOK || replies[2].Status != 0 {
			return fmt.Errorf("got replies %v", replies)
		}
		for _, want := range []string{"GET /bad/1", "GET /bad/2", "bad method"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				return fmt.Errorf("got error %v, want it to say %s", err, want)
			}
		}
		if e := new(behaviours.RequestError); !errors.As(err, &e) {
			return errors.New("the error is not a RequestError")
		}
		if none, err := u.Batch(ctx); len(none) != 0 || err != nil {
			return fmt.Errorf("an empty batch: %v, %v", none, err)
		}
		u.Batch(ctx, behaviours.Request{Path: "/good"}, behaviours.Request{Path: "/good", Options: []behaviours.Option{behaviours.Check(func(*behaviours.Response) error { panic("oh") })}})
		return errors.New("the panic is gone")
	}))
	if row := rowOf(t, snap, "GET", "/bad/1"); row.Requests != 3 || row.Failures != 3 {
		t.Errorf("/bad/1: %d requests and %d failures, want 3 and 3", row.Requests, row.Failures)
	}
	for _, g := range snap.Groups {
		if g.Key.Key.Class == stats.Task && (g.Key.Kind != stats.Panic || !strings.Contains(g.Message, "oh")) {
			t.Errorf("%s: %s", g.Label(), g.Message)
		}
	}
}

// TestCatchResponse: one count for each request, as its author judged it.
func TestCatchResponse(t *testing.T) {
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		if r.URL.Path == "/missing" || r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, "[]")
	}))
	defer s.Close()
	catch := behaviours.CatchResponse()
	snap := drive(t, s.URL, swarm.Plan{Users: 2, Iterations: 20}, task(func(ctx context.Context, u *behaviours.User) error {
		if r, err := u.Get(ctx, "/nobody-says", catch); err != nil || r.Status != 200 {
			return err
		}
		if r, err := u.Get(ctx, "/missing", catch); err == nil || r.Status != 404 {
			return errors.New("a 404 is no error")
		}
		r, err := u.Get(ctx, "/gone", catch)
		if err == nil {
			return errors.New("a 404 is no error")
		}
		r.Pass()
		if r, err = u.Get(ctx, "/passed", catch); err != nil {
			return err
		}
		r.Fail("no")
		r.Pass()
		if r, err = u.Get(ctx, "/items", catch); err != nil {
			return err
		}
		var items []string
		if err := r.JSON(&items); err != nil {
			return err
		}
		if len(items) == 0 {
			return r.Fail("no item")
		}
		return nil
	}))
	for name, want := range map[string]uint64{"/nobody-says": 0, "/missing": 20, "/gone": 0, "/passed": 0, "/items": 20} {
		if row := rowOf(t, snap, "GET", name); row.Requests != 20 || row.Failures != want {
			t.Errorf("%s: %d requests and %d failures, want 20 and %d", name, row.Requests, row.Failures, want)
		}
	}
	if n := snap.Total.Run.Requests; n != uint64(served.Load()) {
		t.Errorf("%d requests, the server counts %d", n, served.Load())
	}
	found := false
	for _, g := range snap.Groups {
		if g.Key.Key.Name == "/items" {
			found = g.Key.Kind == stats.Check && g.Message == "no item" && len(g.Samples) > 0 && strings.Contains(string(g.Samples[0].Response.Body), "[]")
		}
		if g.Key.Key.Class == stats.Task {
			t.Errorf("counted twice: %s: %s", g.Label(), g.Message)
		}
	}
	if !found {
		t.Error("the failing exchange of /items is not kept")
	}
	snap = drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 1}, task(func(ctx context.Context, u *behaviours.User) error {
		r, _ := u.Get(ctx, "/")
		return r.Fail("too late")
	}))
	if len(snap.Groups) != 1 || !strings.Contains(snap.Groups[0].Message, "CatchResponse()") {
		t.Errorf("a Fail of what is counted: %v", snap.Groups)
	}
}

// TestMethodsHeadersAndCookies are as the server sees them.
func TestMethodsHeadersAndCookies(t *testing.T) {
	var mu sync.Mutex
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			f, h, err := r.FormFile("pic")
			if err != nil {
				line = err.Error()
			} else {
				b, _ := io.ReadAll(f)
				line = fmt.Sprintf("%s form %s %s %s %s", r.Method, r.FormValue("title"), h.Filename, h.Header.Get("Content-Type"), b)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, strings.TrimSpace(line)+"|"+r.Header.Get("Authorization")+"|"+r.Header.Get("Cookie")+"|"+r.UserAgent())
	}))
	defer s.Close()
	err := behaviours.Run(t.Context(), task(func(ctx context.Context, u *behaviours.User) error {
		u.Put(ctx, "/1", "text/plain", []byte("put"))
		u.SetHeader("Authorization", "Bearer a")
		u.SetHeader("User-Agent", "")
		u.Patch(ctx, "/2", "text/plain", []byte("patch"))
		u.SetHeader("authorization", "Bearer b")
		u.SetHeader("User-Agent", "me")
		u.SetHeader("Content-Type", "text/html")
		u.Delete(ctx, "/3")
		u.PutJSON(ctx, "/4", []int{1}, behaviours.Header("Authorization", "Bearer c"))
		u.SetHeader("Content-Type", "")
		u.SetHeader("Cookie", "given=1")
		if err := u.SetCookie("mine", "2"); err != nil {
			return err
		}
		u.PatchJSON(ctx, "/5", []int{2}, behaviours.Header("Authorization", ""))
		u.SetHeader("Cookie", "")
		if v, ok := u.Cookie("mine"); !ok || v != "2" {
			return fmt.Errorf("the cookie is %q, %v", v, ok)
		}
		u.ClearCookies()
		if v, ok := u.Cookie("mine"); ok {
			return fmt.Errorf("the cookie is %q still", v)
		}
		for _, bad := range [][2]string{{"a=b", "c"}, {"", "c"}, {"a", "b;c"}, {"__Host-a\x01", "b"}} {
			if u.SetCookie(bad[0], bad[1]) == nil {
				return fmt.Errorf("cookie %q is taken", bad)
			}
		}
		_, err := u.PostMultipart(ctx, "/6", behaviours.Form{
			Fields: []behaviours.Field{{Name: "title", Value: "a cat"}},
			Files:  []behaviours.File{{Field: "pic", Name: `c"at.png`, ContentType: "image/png", Body: []byte("\x89PNG")}},
		})
		return err
	}), s.URL, 1)
	if err != nil {
		t.Fatal(err)
	}
	agent := "tload"
	for i, want := range []string{
		"PUT /1 text/plain put|||" + agent,
		"PATCH /2 text/plain patch|Bearer a||",
		"DELETE /3 text/html|Bearer b||me",
		"PUT /4 application/json [1]|Bearer c||me",
		"PATCH /5 application/json [2]||given=1; mine=2|me",
		"POST form a cat c\"at.png image/png \x89PNG|Bearer b||me",
	} {
		if i >= len(got) || got[i] != want && !(i == 0 && strings.HasPrefix(got[i], want)) {
			t.Errorf("request %d:\ngot  %q\nwant %q", i, got[min(i, len(got)-1)], want)
		}
	}
}

// TestAWaitOfOnesOwn is asked for after each task.
func TestAWaitOfOnesOwn(t *testing.T) {
	s, _ := echo(t)
	var asked atomic.Int64
	b := task(func(ctx context.Context, u *behaviours.User) error { _, err := u.Get(ctx, "/"); return err })
	b.Wait = behaviours.WaitFunc(func(u *behaviours.User) time.Duration {
		asked.Add(u.ID())
		return time.Duration(asked.Load()-2) * time.Millisecond // below 0 at first
	})
	began := time.Now()
	drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 20}, b)
	if n := asked.Load(); n < 19 || n > 20 {
		t.Errorf("asked %d times for 20 tasks", n)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("20 tasks took %v: it does not wait", took)
	}
}
