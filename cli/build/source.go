package build

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// unpack puts tload's source under the user's cache, once per
// version of it, and returns where it is. Tests are left out.
func (m Maker) unpack() (string, error) {
	if m.Source == nil {
		return "", errors.New("this binary has no source of tload in it: build with the tload command itself")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for tload's source: %w (set XDG_CACHE_HOME)", err)
	}
	sum := sha256.New()
	var files []string
	err = fs.WalkDir(m.Source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/") {
			return err
		}
		text, err := fs.ReadFile(m.Source, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(text))
		sum.Write(text)
		files = append(files, name)
		return nil
	})
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "tload", fmt.Sprintf("source-%x", sum.Sum(nil)[:8]))
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return dir, nil
	}
	// Written beside and renamed, so that nobody sees half of it.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("unpacking tload's source: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "unpacking-")
	if err != nil {
		return "", fmt.Errorf("unpacking tload's source: %w", err)
	}
	defer os.RemoveAll(tmp)
	for _, name := range files {
		text, err := fs.ReadFile(m.Source, name)
		if err == nil {
			to := filepath.Join(tmp, filepath.FromSlash(name))
			if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
				err = os.WriteFile(to, text, 0o644)
			}
		}
		if err != nil {
			return "", fmt.Errorf("unpacking tload's source: %w", err)
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(filepath.Join(dir, "go.mod")); there != nil {
			return "", fmt.Errorf("unpacking tload's source: %w", err)
		}
	}
	return dir, nil
}

// requires is the part of tload's go.mod that another module needs besides
// tload itself: every module at the version that tload is built with, and the
// version of Go.
func (m Maker) requires() (modules, goLine string, err error) {
	text, err := fs.ReadFile(m.Source, "go.mod")
	if err != nil {
		return "", "", err
	}
	var out strings.Builder
	for _, line := range requireLine.FindAllStringSubmatch(string(text), -1) {
		fmt.Fprintf(&out, "\t%s %s // indirect\n", line[1], line[2])
	}
	return out.String(), goVersion.FindString(string(text)), nil
}

var goVersion = regexp.MustCompile(`(?m)^go \S+$`)

var requireLine = regexp.MustCompile(`(?m)^(?:require )?\t?([\w.\-]+\.[\w.\-]+/\S+) (v\S+)`)

// goModFor is a go.mod for behaviours that have none.
func (m Maker) goModFor(module, source string) (string, error) {
	requires, goLine, err := m.requires()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("module %s\n\n%s\n\nrequire tload v0.0.0\n\nrequire (\n%s)\n\n%s%s\n", module, goLine, requires, replaceNote, replaceLine(source)), nil
}

// replaceNote tells the reader of a go.mod what the line behind it is.
const replaceNote = `// tload's packages come from the tload command, which unpacks them here. It finds
// them without this line; go test and editors need it. On another machine, or
// with another tload, "tload init ." renews it.
`

// replaceLine is how a go.mod says where tload's source is.
func replaceLine(source string) string { return "replace tload => " + quoted(source) }

// unpacked finds such a line in a go.mod if it leads to a source that a tload
// unpacked, here or on another machine. One that leads elsewhere is the user's.
var unpacked = regexp.MustCompile(`(?m)^replace tload => .*[/\\]tload[/\\]+source-[0-9a-f]{16}"?$`)

func quoted(path string) string {
	if strings.ContainsAny(path, " \t\"'`") {
		return fmt.Sprintf("%q", path)
	}
	return path
}

// moduleName makes a module's name of a directory's.
func moduleName(dir string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, path.Base(filepath.ToSlash(dir)))
	if name == "" || name == "tload" {
		return "loadtest"
	}
	return name
}
