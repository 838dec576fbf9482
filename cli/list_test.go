package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tload/behaviours"
)

// nester is a behaviour with two nested sets that no bound ends.
func nester(name string) behaviours.Behaviour {
	nothing := func(context.Context) error { return nil }
	return behaviours.Behaviour{Name: name, New: func(*behaviours.User) *behaviours.Set {
		set := func(name, tag string) behaviours.Task {
			return behaviours.Task{Name: name, Tags: []string{tag}, Set: &behaviours.Set{Tasks: []behaviours.Task{{Name: "do", Tags: []string{tag}, Run: nothing}}}}
		}
		return &behaviours.Set{Tasks: []behaviours.Task{set("shop", "x"), set("forum", "y")}}
	}}
}

func TestListWarnsOfWhatItLists(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"", []string{"A/shop", "A/forum", "B/shop", "B/forum"}},
		{"--tags=x", []string{"A/shop", "B/shop"}},
		{"--behaviours=B", []string{"B/shop", "B/forum"}},
		{"--exclude-behaviours=A", []string{"B/shop", "B/forum"}},
		{"--behaviours=A --exclude-tags=x", []string{"A/forum"}},
	} {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		p := &program{
			args: append([]string{"--list"}, strings.Fields(c.args)...), stdout: out, stderr: out,
			behaviours: []behaviours.Behaviour{nester("A"), nester("B")},
		}
		code := p.main(context.Background())
		out.Close()
		said, _ := os.ReadFile(out.Name())
		var got []string
		for line := range strings.Lines(string(said)) {
			if rest, ok := strings.CutPrefix(line, "▲ "); ok {
				name, _, _ := strings.Cut(rest, ":")
				got = append(got, name)
			}
		}
		if code != exitOK || strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: exit code %d, warned of %v, want %v\n%s", c.args, code, got, c.want, said)
		}
	}
}
