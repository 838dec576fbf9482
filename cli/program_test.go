package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tload/behaviours"
)

// TestAProgramsShapeIsOfThePlansUsers, beside what a behaviour has of its own; -u takes its
// place.
func TestAProgramsShapeIsOfThePlansUsers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args       string
		most       int
		exit, said string
	}{
		{"", 12, "ended with its shape", "peak 12 users"},
		{"-u 3 -r 100 -t 2s", 5, "ended by its run time", "peak 5 users"},
	} {
		var mu sync.Mutex
		users := map[string]bool{}
		target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			users[r.RemoteAddr] = true
			mu.Unlock()
		}))
		defer target.Close()
		kind := func(name string, shape func(time.Duration) (float64, bool)) behaviours.Behaviour {
			return behaviours.Behaviour{Name: name, Shape: shape, Wait: behaviours.Constant(50 * time.Millisecond), New: func(*behaviours.User) *behaviours.Set {
				return &behaviours.Set{Tasks: []behaviours.Task{{Request: &behaviours.Request{Path: "/"}}}}
			}}
		}
		whole := Program{
			Behaviours: []behaviours.Behaviour{kind("Shared", nil), kind("Own", behaviours.Stages("hold 2 5s"))},
			Shape:      behaviours.Stages("hold 10 1s, hold 4 1s"),
		}
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		p := &program{
			args:   append([]string{"--headless", "--no-out", "--host=" + target.URL}, strings.Fields(c.args)...),
			stdout: out, stderr: out, behaviours: whole.Behaviours, whole: whole,
		}
		code := p.main(context.Background())
		out.Close()
		text, _ := os.ReadFile(out.Name())
		if code != exitOK || !strings.Contains(string(text), c.exit) || !strings.Contains(string(text), c.said) || len(users) != c.most {
			t.Errorf("%q: exit code %d, %d users came, want %d\n%s", c.args, code, len(users), c.most, text)
		}
	}
}
