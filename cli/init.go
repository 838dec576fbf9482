package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const starterBehaviours = `package main

import (
	"context"
	"time"

	"tload/behaviours"
	"tload/cli"
)

func main() { cli.Main(visitor) }

// visitor is one kind of user: two tasks, the first one twice as often.
var visitor = behaviours.Behaviour{
	Name: "Visitor",
	Wait: behaviours.Between(1*time.Second, 5*time.Second),
	New:  newVisitor,
}

type user struct{ *behaviours.User }

func newVisitor(u *behaviours.User) *behaviours.Set {
	v := user{u}
	return &behaviours.Set{Tasks: []behaviours.Task{
		{Run: v.front, Weight: 2},
		{Run: v.about},
	}}
}

func (v user) front(ctx context.Context) error {
	_, err := v.Get(ctx, "/")
	return err
}

func (v user) about(ctx context.Context) error {
	_, err := v.Get(ctx, "/about")
	return err
}
`

const starterTest = `package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tload/behaviours"
)

func TestVisitor(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("ok"))
	}))
	defer server.Close()
	if err := behaviours.Run(t.Context(), visitor, server.URL, 10); err != nil {
		t.Error(err)
	}
}
`

// init writes behaviours to start from, with their module and a test.
func (p *program) init(_ context.Context, args []string) int {
	dir := "."
	if len(args) > 1 {
		return p.complain(exitMisuse, fmt.Errorf("init: one directory is expected"))
	}
	if len(args) == 1 {
		dir = args[0]
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	source, err := p.unpackSource()
	if err != nil {
		return p.complain(exitBroken, err)
	}
	goMod, err := p.goModFor(moduleName(abs), source)
	if err != nil {
		return p.complain(exitBroken, err)
	}
	goSum, err := fs.ReadFile(p.source, "go.sum")
	if err != nil {
		return p.complain(exitBroken, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return p.complain(exitMisuse, err)
	}
	files := []struct{ name, text string }{
		{"behaviours.go", starterBehaviours}, {"behaviours_test.go", starterTest}, {"go.mod", goMod}, {"go.sum", string(goSum)},
	}
	if renewed, err := renew(filepath.Join(dir, "go.mod"), source); err != nil {
		return p.complain(exitBroken, err)
	} else if renewed {
		fmt.Fprintf(p.stdout, "%s: tload's packages are this tload's now; nothing else was written\n", filepath.Join(dir, "go.mod"))
		return exitOK
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			return p.complain(exitMisuse, fmt.Errorf("init: %s is there already; nothing was written", filepath.Join(dir, f.name)))
		}
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o644); err != nil {
			return p.complain(exitBroken, err)
		}
		fmt.Fprintln(p.stdout, filepath.Join(dir, f.name))
	}
	fmt.Fprintf(p.stdout, "edit behaviours.go, then: tload --host=http://localhost:5000   (go test ./... tries it out)\n")
	return exitOK
}

// renew makes a go.mod that an init wrote lead to this source. It says whether
// there was one that led elsewhere.
func renew(path, source string) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	after := unpacked.ReplaceAllLiteral(text, []byte(replaceLine(source)))
	if bytes.Equal(after, text) {
		return false, nil
	}
	return true, os.WriteFile(path, after, 0o644)
}
