package build

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
		{Name: "front", Weight: 2, Request: &behaviours.Request{Path: "/"}},
		{Run: v.about},
	}}
}

// about does more than one request can say.

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

// Start writes behaviours to start from, with their module and a test, and says
// in a line each to out what it wrote. Where an earlier Start was, only the line of
// its go.mod that says where tload's source is is renewed.
func (m Maker) Start(dir string, out io.Writer) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Mistake{err}
	}
	if m.Source == nil {
		return errNoSource
	}
	goMod, err := m.goModFor(moduleName(abs), "./"+copied)
	if err != nil {
		return err
	}
	goSum, err := fs.ReadFile(m.Source, "go.sum")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Mistake{err}
	}
	files := []struct{ name, text string }{
		{"behaviours.go", starterBehaviours}, {"behaviours_test.go", starterTest}, {"go.mod", goMod}, {"go.sum", string(goSum)},
	}
	if renewed, err := m.renew(dir); err != nil {
		return err
	} else if renewed {
		fmt.Fprintf(out, "%s: tload's packages are this tload's now; nothing else was written\n", filepath.Join(dir, "go.mod"))
		return nil
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			return Mistake{fmt.Errorf("init: %s is there already; nothing was written", filepath.Join(dir, f.name))}
		}
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(out, filepath.Join(dir, f.name))
	}
	if _, err := m.copyTo(dir); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s%c: tload's packages, for go test here and wherever this is cloned\n", filepath.Join(dir, filepath.FromSlash(copied)), filepath.Separator)
	fmt.Fprintf(out, "edit behaviours.go, then: tload --host=http://localhost:5000   (go test ./... tries it out)\n")
	return nil
}

// renew makes a module that an init wrote have this tload's packages. It says whether it
// had others.
func (m Maker) renew(dir string) (bool, error) {
	path := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !unpacked.Match(text) {
		return false, nil
	}
	fresh, err := m.copyTo(dir)
	if err != nil {
		return false, err
	}
	after := unpacked.ReplaceAllLiteral(text, []byte(replaceLine("./"+copied)))
	if bytes.Equal(after, text) {
		return fresh, nil
	}
	return true, os.WriteFile(path, after, 0o644)
}
