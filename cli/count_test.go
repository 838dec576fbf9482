package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tload/behaviours"
)

// TestWhatBehavioursCount is in the summary and its file, as many as the server saw, and
// decides the exit code. The behaviour with arrivals of its own has ended the run.
func TestWhatBehavioursCount(t *testing.T) {
	t.Parallel()
	var calls, gone atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1)%4 == 0 {
			gone.Add(1)
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer target.Close()
	buyer := func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "buy", Run: func(ctx context.Context) error {
			r, err := u.Get(ctx, "/", behaviours.Expect(200, 410))
			if err != nil {
				return err
			}
			u.Rate("sold out", r.Status == http.StatusGone)
			u.Count("asked", 2)
			u.Count("asked", -5)
			return nil
		}}}}
	}
	for _, c := range []struct {
		failIf string
		code   int
	}{
		{"sold out>1000", exitOK}, {"sold out>0", exitFailed}, {"sold out>30%", exitOK}, {"sold out>20%", exitFailed}, {"asked<10", exitOK}, {"refunds>0", exitOK},
	} {
		calls.Store(0)
		gone.Store(0)
		dir := t.TempDir()
		out, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		p := &program{
			args:   []string{"--headless", "--host=" + target.URL, "--fail-if", c.failIf, "--out", filepath.Join(dir, "run")},
			stdout: out, stderr: out,
			behaviours: []behaviours.Behaviour{{New: buyer, Arrivals: behaviours.Stages("hold 100 500ms")}},
		}
		began := time.Now()
		code := p.main(context.Background())
		out.Close()
		said, _ := os.ReadFile(out.Name())
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s", c.failIf, code, c.code, said)
		}
		if time.Since(began) > time.Minute || !strings.Contains(string(said), "sold out ") {
			t.Errorf("%s: after %v\n%s", c.failIf, time.Since(began), said)
		}
		if c.failIf == "refunds>0" && !strings.Contains(string(said), "nothing was counted as refunds") {
			t.Errorf("a counter that nobody counted is not named:\n%s", said)
		}
		text, err := os.ReadFile(filepath.Join(dir, "run", "summary.json"))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Exit     string
			Counters []struct {
				Name         string
				Value, Calls int64
			}
		}
		if err := json.Unmarshal(text, &got); err != nil || len(got.Counters) != 2 || got.Exit != "shape" {
			t.Fatalf("%v, exit %q, counters %v", err, got.Exit, got.Counters)
		}
		if a := got.Counters[0]; a.Name != "asked" || a.Value != 2*calls.Load() || a.Calls != calls.Load() {
			t.Errorf("asked: %+v, of %d requests", a, calls.Load())
		}
		if b := got.Counters[1]; b.Value != gone.Load() || b.Calls != calls.Load() {
			t.Errorf("sold out: %+v; the server says %d of %d", b, gone.Load(), calls.Load())
		}
		if n := calls.Load(); n < 48 || n > 51 {
			t.Errorf("%d tasks began, want 50", n)
		}
	}
}
