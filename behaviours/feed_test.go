package behaviours

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"tload/swarm/crew"
)

func TestNoTwoUsersGetTheSameRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	os.WriteFile(path, []byte("n\n"+strings.Repeat("x\n", 100)), 0o600)
	rows, err := Feed(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*string]bool{}
	for id := range int64(100) {
		row, err := rows.Of(&User{user: &crew.User{ID: id + 1}})
		if err != nil || seen[&row.fields[0]] {
			t.Fatalf("user %d: %v, a row seen before: %v", id+1, err, seen[&row.fields[0]])
		}
		seen[&row.fields[0]] = true
	}
	if _, err := rows.Of(&User{user: &crew.User{ID: 101}}); err == nil || !strings.Contains(err.Error(), "100 rows are not enough") {
		t.Errorf("one user more: got %v", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				rows.Next()
			}
		})
	}
	wg.Wait()
	if got := rows.next.Load(); got != 200 {
		t.Errorf("shared rows handed out: got %d, want 200", got)
	}
}

// master is Numbers for one kind of rows; one without given does not answer.
type master struct {
	mu    *sync.Mutex
	given map[string]int64
	back  []int64
}

func (m *master) Deal(what string, n int64) (int64, error) {
	if m.given == nil {
		return 0, errors.New("no answer")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.given[what] += n
	return m.given[what] - n, nil
}

func (m *master) Lend(what string, below int64) (int64, error) {
	if m.given == nil {
		return 0, errors.New("no answer")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := len(m.back) - 1; last >= 0 {
		i := m.back[last]
		m.back = m.back[:last]
		return i, nil
	}
	if m.given[what] == below {
		return -1, nil
	}
	m.given[what]++
	return m.given[what] - 1, nil
}

func (m *master) Return(_ string, list []int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.back = append(m.back, list...)
	return nil
}

// TestARowGoesToAnotherProcess when its user has left and nobody here takes it.
func TestARowGoesToAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	os.WriteFile(path, []byte("n\n1\n2\n"), 0o600)
	here, err := Feed(path)
	if err != nil {
		t.Fatal(err)
	}
	there, _ := Feed(path)
	synctest.Test(t, func(t *testing.T) {
		countBy(&master{given: map[string]int64{}, mu: new(sync.Mutex)}, slog.New(slog.DiscardHandler))
		defer countBy(nil, nil)
		user := func(id int64) *User { return &User{user: &crew.User{ID: id}} }
		first, second := user(1), user(2)
		a, _ := here.Of(first)
		b, err := here.Of(second)
		if err != nil || a.Get("n") == b.Get("n") {
			t.Fatalf("got %v and %v, %v", a, b, err)
		}
		if _, err := there.Of(user(3)); err == nil || !strings.Contains(err.Error(), "2 rows are not enough") {
			t.Errorf("a third user of two rows: %v", err)
		}
		here.giveBack(first)
		if c, err := here.Of(user(4)); err != nil || c.Get("n") != a.Get("n") {
			t.Errorf("the next one here got %v, %v", c, err)
		}
		here.giveBack(second)
		if c, err := there.Of(user(5)); err != nil || c.Get("n") != b.Get("n") {
			t.Errorf("the next one there got %v, %v", c, err)
		}
	})
}

// TestRowsOfASwarmAreDealt has two processes' rows dealt from one counter: each row
// comes once before any comes again, and no two users have the same one.
func TestRowsOfASwarmAreDealt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	var text strings.Builder
	text.WriteString("n\n")
	const many = 1000
	for i := range many {
		fmt.Fprintln(&text, i)
	}
	os.WriteFile(path, []byte(text.String()), 0o600)
	here, err := Feed(path)
	if err != nil {
		t.Fatal(err)
	}
	there, err := Feed(path)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	given := map[string]int64{}
	countBy(&master{given: given, mu: &mu}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { countBy(nil, nil) })
	count := map[string]int{}
	owners := map[string]bool{}
	var wg sync.WaitGroup
	for _, rows := range []*Rows{here, there} {
		for user := range int64(5) {
			wg.Go(func() {
				for range many / 10 {
					n := rows.Next().Get("n")
					mu.Lock()
					count[n]++
					mu.Unlock()
				}
				u := &User{user: &crew.User{ID: 1 + user*10_000}}
				own, err := rows.Of(u)
				again, _ := rows.Of(u)
				mu.Lock()
				defer mu.Unlock()
				if err != nil || owners[own.Get("n")] || again.Get("n") != own.Get("n") {
					t.Errorf("a user's row: %v, %v", own, err)
				}
				owners[own.Get("n")] = true
			})
		}
	}
	wg.Wait()
	twice := 0
	for _, n := range count {
		twice += n - 1
	}
	// Each process may hold rows that it was dealt and has not used.
	if twice > 0 && len(count) < many-4*many/20 || len(owners) != 10 {
		t.Errorf("%d rows of %d were used, %d calls had a row again; %d users have their own", len(count), many, twice, len(owners))
	}
}

func TestRowsGoOnWithoutAMaster(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	os.WriteFile(path, []byte("n\n1\n2\n"), 0o600)
	rows, err := Feed(path)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	countBy(new(master), slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { countBy(nil, nil) })
	if got := rows.Next().Get("n") + rows.Next().Get("n") + rows.Next().Get("n"); got != "121" {
		t.Errorf("got rows %s, want 121", got)
	}
	if n := strings.Count(log.String(), "not dealt"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}

func TestFeedComplaints(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ text, want string }{
		{"", "empty"},
		{"a,b\n", "no rows"},
		{"a,a\n1,2\n", `two columns are called "a"`},
		{"a,b\n1\n", "line 2"},
		{"a\n\"1\n", "line 2"},
	} {
		path := filepath.Join(dir, "x.csv")
		os.WriteFile(path, []byte(c.text), 0o600)
		if _, err := Feed(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.text, err, c.want)
		}
	}
	if _, err := Feed(filepath.Join(dir, "none.csv")); err == nil {
		t.Error("a file that is not there: no error")
	}
}
