package swarm

import "testing"

// TestShortNames are those of nested tasks within their sets, whatever is in them.
func TestShortNames(t *testing.T) {
	tasks := []TaskInfo{
		{Name: "GET /a/b"}, {Name: "in"}, {Name: "in/GET /deep?a=1/2", Depth: 1}, {Name: "in/more", Depth: 1}, {Name: "in/more/x/y", Depth: 2}, {Name: "in/last", Depth: 1}, {Name: "out/side"},
	}
	for i, want := range []string{"GET /a/b", "in", "GET /deep?a=1/2", "more", "x/y", "last", "out/side"} {
		if got := ShortName(tasks[i].Name, SetOf(i, func(i int) (string, int) { return tasks[i].Name, tasks[i].Depth })); got != want {
			t.Errorf("%s: got %q, want %q", tasks[i].Name, got, want)
		}
	}
}
