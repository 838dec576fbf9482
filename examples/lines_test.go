// Package examples holds what the examples have in common: that each of them stands beside
// the locustfile.py that does the same.
package examples

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// lines is how many lines of code there are: not blank, and no comment.
func lines(t *testing.T, path, comment string) (n int) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, comment) {
			n++
		}
	}
	return n
}

// TestLinesBesideLocust: none takes more than twice the lines that the same takes in
// Python, and the README says how many.
func TestLinesBesideLocust(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct{ dir, does string }{
		{"two-tasks", "two tasks"}, {"weights", "weights"}, {"nested", "nested tasks"}, {"login", "log in on start"}, {"tcp", "not HTTP: TCP"},
	} {
		ours, theirs := lines(t, e.dir+"/behaviours.go", "//"), lines(t, e.dir+"/locustfile.py", "#")
		t.Logf("%s: %d, locustfile.py %d", e.dir, ours, theirs)
		if ours > 2*theirs {
			t.Errorf("%s: %d lines, locustfile.py has %d", e.dir, ours, theirs)
		}
		if row := fmt.Sprintf("| [%s](examples/%s/behaviours.go) | %d | %d |", e.does, e.dir, ours, theirs); !strings.Contains(string(readme), row) {
			t.Errorf("the README does not say: %s", row)
		}
	}
}
