package behaviours

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

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
	if _, err := rows.Of(&User{user: &crew.User{ID: 101}}); err == nil || !strings.Contains(err.Error(), "100 rows are not enough for user 101") {
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
