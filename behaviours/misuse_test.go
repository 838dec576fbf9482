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
	"tload/swarm"
)

// echo answers with the path that it was asked for, after a moment.
func echo(t *testing.T) (*httptest.Server, *atomic.Int64) {
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/stray") {
			served.Add(1)
		}
		time.Sleep(time.Duration(len(r.URL.Path)%4) * time.Millisecond)
		io.WriteString(w, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return s, &served
}

// TestAUserOnSeveralGoroutines gets the right reply or an error that says why not, and
// what is counted is what the server was asked.
func TestAUserOnSeveralGoroutines(t *testing.T) {
	s, served := echo(t)
	var refused, right atomic.Int64
	snap := drive(t, s.URL, swarm.Plan{Users: 8, Iterations: 400}, behaviours.Behaviour{Name: "a", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Name: "plain", Request: &behaviours.Request{Path: "/plain"}},
			{Name: "many", Run: func(ctx context.Context) error {
				var all sync.WaitGroup
				for i := range 4 {
					ask := func() {
						path := fmt.Sprintf("/%s/%d/%d", []string{"many", "stray"}[i/3], u.ID(), i)
						_, err := u.Get(ctx, path, behaviours.Name([]string{"many", "stray"}[i/3]))
						switch {
						case i == 3: // the run may be over
						case err != nil && strings.Contains(err.Error(), "one goroutine at a time"):
							refused.Add(1)
						case err != nil:
							t.Errorf("%s: %v", path, err)
						default:
							right.Add(1)
						}
					}
					if i == 3 { // which outlives the task
						all.Wait()
						go ask()
					} else {
						all.Go(ask)
					}
				}
				all.Wait()
				return nil
			}},
		}}
	}})
	if refused.Load() == 0 || right.Load() == 0 {
		t.Errorf("%d refused, %d right", refused.Load(), right.Load())
	}
	got := int64(0)
	for _, r := range snap.Rows {
		if r.Key.Name != "stray" {
			got += int64(r.Run.Requests)
		}
	}
	if got != served.Load() {
		t.Errorf("%d requests, the server counted %d", got, served.Load())
	}
}

// TestAReplyThatIsReadTooLate says so, and is not the next one's.
func TestAReplyThatIsReadTooLate(t *testing.T) {
	s, _ := echo(t)
	var kept *behaviours.Response
	for name, read := range map[string]func(r *behaviours.Response) string{
		"text": func(r *behaviours.Response) string { return r.Text() },
		"raw":  func(r *behaviours.Response) string { return string(r.Raw()) },
		"header": func(r *behaviours.Response) string {
			return r.Header("Content-Type")
		},
		"headers": func(r *behaviours.Response) string {
			for n := range r.Headers {
				return n
			}
			return ""
		},
		"clone":  func(r *behaviours.Response) string { return r.Clone().Text() },
		"reason": func(r *behaviours.Response) string { return r.Reason() },
		"json":   func(r *behaviours.Response) string { return fmt.Sprint(r.JSON(new(any))) },
		"path": func(r *behaviours.Response) string {
			v, _ := r.JSONPath("$.x")
			return v
		},
	} {
		for requests := 1; requests <= 4; requests++ {
			b := behaviours.Behaviour{Name: "a", New: func(u *behaviours.User) *behaviours.Set {
				return &behaviours.Set{Tasks: []behaviours.Task{{Name: "late", Run: func(ctx context.Context) error {
					a, err := u.Get(ctx, "/first")
					if err != nil {
						return err
					}
					clone := a.Clone()
					for range requests {
						if _, err := u.Get(ctx, "/second"); err != nil {
							return err
						}
					}
					if clone.Text() != "/first" {
						t.Errorf("the clone is %q", clone.Text())
					}
					t.Errorf("%s after %d more: got %q", name, requests, read(a))
					return nil
				}}}}
			}}
			err := behaviours.Run(t.Context(), b, s.URL, 1)
			if err == nil || !strings.Contains(err.Error(), "Clone keeps one") {
				t.Errorf("%s after %d more: got %v", name, requests, err)
			}
		}
		if kept != nil {
			t.Error("never")
		}
	}
	// In a run the one before the last is told apart, too.
	snap := drive(t, s.URL, swarm.Plan{Users: 1, Iterations: 3}, behaviours.Behaviour{Name: "a", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "late", Run: func(ctx context.Context) error {
			a, _ := u.Get(ctx, "/first")
			b, err := u.Get(ctx, "/second")
			if b.Text() != "/second" {
				t.Errorf("got %q", b.Text())
			}
			a.Text()
			return err
		}}}}
	}})
	if len(snap.Groups) != 1 || snap.Groups[0].Count != 3 || !strings.Contains(snap.Groups[0].Message, "Clone keeps one") {
		t.Errorf("groups: %+v", snap.Groups)
	}
	// And after the task.
	err := behaviours.Run(t.Context(), behaviours.Behaviour{Name: "a", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Sequential: true, Tasks: []behaviours.Task{
			{Name: "first", Run: func(ctx context.Context) (err error) { kept, err = u.Get(ctx, "/first"); return err }},
			{Name: "then", Run: func(context.Context) error { return errors.New(kept.Text()) }},
		}}
	}}, s.URL, 2)
	if err == nil || !strings.Contains(err.Error(), "Clone keeps one") && !strings.HasSuffix(err.Error(), "/first (1 times)") {
		t.Errorf("after the task: got %v", err)
	}
}
