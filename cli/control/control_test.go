package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// told is a run that remembers what it was told.
type told struct {
	mu   sync.Mutex
	list []Command
}

func (t *told) Steer(c Command) error {
	if c.Do == "nonsense" {
		return errors.New("a run cannot do that")
	}
	t.mu.Lock()
	t.list = append(t.list, c)
	t.mu.Unlock()
	return nil
}

func (t *told) Status() Status { return Status{Run: "r", Users: 7, State: "RUNNING"} }

func (t *told) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.list)
}

// serving offers a run from a directory of the test's.
func serving(t *testing.T) (run *told, dir string) {
	t.Helper()
	base := t.TempDir()
	dir = filepath.Join(base, "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run = &told{}
	s, err := Serve(filepath.Join(base, "room"), dir, run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return run, dir
}

func cardOf(t *testing.T, dir string) (k card) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, tokenName))
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestARunIsSteered(t *testing.T) {
	run, dir := serving(t)
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := c.Status(t.Context()); err != nil || s.Users != 7 {
		t.Fatalf("%+v, %v", s, err)
	}
	want := Command{Do: Users, Number: 50, More: true, Who: "ann\x1b[2J on pts/3"}
	if err := c.Steer(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got := run.list[0]; got.Number != 50 || !got.More || strings.Contains(got.Who, "\x1b") {
		t.Errorf("told %+v", got)
	}
	if err := c.Steer(t.Context(), Command{Do: "nonsense"}); err == nil || err.Error() != "a run cannot do that" {
		t.Errorf("its complaint came as %v", err)
	}
	for _, path := range []string{filepath.Join(dir, tokenName), cardOf(t, dir).Socket} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestWhoHasNoTokenIsRefused, whatever of it is shown and whatever is asked.
func TestWhoHasNoTokenIsRefused(t *testing.T) {
	run, dir := serving(t)
	k := cardOf(t, dir)
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", k.Socket)
	}}}
	for _, shown := range []string{"", "Bearer ", "Bearer x", "Bearer " + k.Token[1:], k.Token[:len(k.Token)-1], "Bearer " + k.Token + "x", "Basic " + k.Token} {
		for _, ask := range []string{"GET /status", "POST /steer", "GET /", "DELETE /steer"} {
			method, path, _ := strings.Cut(ask, " ")
			r, _ := http.NewRequest(method, "http://run"+path, strings.NewReader(`{"do":"stop"}`))
			if shown != "" {
				r.Header.Set("Authorization", shown)
			}
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized || strings.Contains(string(b), "RUNNING") {
				t.Errorf("%q %s: %d %s", shown, ask, res.StatusCode, b)
			}
		}
	}
	if run.count() != 0 {
		t.Errorf("it was told %v", run.list)
	}
}

// TestWhatIsNoCommandIsSaid, and does nothing.
func TestWhatIsNoCommandIsSaid(t *testing.T) {
	run, dir := serving(t)
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, body := range []string{"", "{", "null x", `{"do":5}`, `{"do":"users","number":1e999}`, `{"unknown":1}`, `{"do":"mark","name":"` + strings.Repeat("x", 300) + `"}`, `{"do":"` + strings.Repeat("x", 1<<17) + `"}`} {
		if _, err := c.ask(t.Context(), "POST", "/steer", strings.NewReader(body)); err == nil {
			t.Errorf("%.40q was taken", body)
		}
	}
	if _, err := c.ask(t.Context(), "GET", "/nowhere", nil); err == nil {
		t.Error("an address that is not there was answered")
	}
	if run.count() != 0 {
		t.Errorf("it was told %v", run.list)
	}
}

// TestARunThatIsGone is said to be, at once.
func TestARunThatIsGone(t *testing.T) {
	base := t.TempDir()
	if _, err := Dial(base); !errors.Is(err, ErrGone) {
		t.Errorf("none was ever there: %v", err)
	}
	s, err := Serve(filepath.Join(base, "room"), base, &told{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(base)
	if err != nil {
		t.Fatal(err)
	}
	k := cardOf(t, base)
	s.Close()
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("after its end: %v", err)
	}
	if _, err := os.Stat(k.Socket); err == nil {
		t.Error("its socket is still there")
	}
	// One that was killed leaves its card behind.
	os.WriteFile(filepath.Join(base, tokenName), fmt.Appendf(nil, `{"socket":%q,"token":"x"}`, k.Socket), 0o600)
	if c, err = Dial(base); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("after a kill: %v", err)
	}
}

// TestALongNameHasASocketToo: the system allows a socket some hundred characters.
func TestALongNameHasASocketToo(t *testing.T) {
	base := t.TempDir()
	long := filepath.Join(base, strings.Repeat("a-long-name-", 12))
	s, err := Serve(long, base, &told{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := Dial(base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Dir(cardOf(t, base).Socket)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestASilentVisitorIsCutOff: one that connects and says nothing keeps nobody.
func TestASilentVisitorKeepsNobody(t *testing.T) {
	_, dir := serving(t)
	k := cardOf(t, dir)
	for range 20 {
		conn, err := net.Dial("unix", k.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := c.Status(ctx); err != nil {
		t.Error(err)
	}
}

// FuzzRead: whatever is said, it is a command or a complaint.
func FuzzRead(f *testing.F) {
	f.Add(`{"do":"users","number":5,"more":true,"who":"x"}`)
	f.Add(`{"do":"weight","name":"a","task":-1}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read(strings.NewReader(text))
		if err == nil && (len(c.Name) > 3*longestWord || strings.ContainsAny(c.Who+c.Name, "\x1b\n")) {
			t.Errorf("%q became %+v", text, c)
		}
	})
}
