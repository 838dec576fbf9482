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

var errNoSource = errors.New("this binary has no source of tload in it: build with the tload command itself")

// unpack puts tload's source under the user's cache, once per
// version of it, and returns where it is. Tests are left out.
func (m Maker) unpack() (string, error) {
	if m.Source == nil {
		return "", errNoSource
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for tload's source: %w (set XDG_CACHE_HOME)", err)
	}
	files, version, err := m.files()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "tload", "source-"+version)
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return dir, nil
	}
	return dir, m.write(dir, files, version)
}

// files are those of tload's source, and which version of it that is. Tests are left out.
func (m Maker) files() (files []string, version string, err error) {
	sum := sha256.New()
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
	return files, fmt.Sprintf("%x", sum.Sum(nil)[:8]), err
}

// write puts files of tload's source into a directory that is not there yet, with a word on
// which version of it they are.
func (m Maker) write(dir string, files []string, version string) error {
	// Written beside and renamed, so that nobody sees half of it.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("unpacking tload's source: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "unpacking-")
	if err != nil {
		return fmt.Errorf("unpacking tload's source: %w", err)
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
			return fmt.Errorf("unpacking tload's source: %w", err)
		}
	}
	if err := errors.Join(os.WriteFile(filepath.Join(tmp, copiedVersion), []byte(version+"\n"), 0o644), os.Chmod(tmp, 0o755)); err != nil {
		return fmt.Errorf("unpacking tload's source: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(filepath.Join(dir, "go.mod")); there != nil {
			return fmt.Errorf("unpacking tload's source: %w", err)
		}
	}
	return nil
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
const replaceNote = `// tload's packages, for go test and editors, are a copy that belongs to this module, so
// that whoever clones it has them; the tload command builds with its own. With another
// tload, "tload init ." renews the copy.
`

// copied is where a module has its copy of tload's source, and copiedVersion the file in it
// that says of which.
const (
	copied        = "third_party/tload"
	copiedVersion = "TLOAD_SOURCE"
)

// replaceLine is how a go.mod says where tload's source is.
func replaceLine(source string) string { return "replace tload => " + quoted(source) }

// unpacked finds such a line in a go.mod if it leads to a source that a tload
// unpacked, in the module or, as before, in a cache. One that leads elsewhere is the user's.
var unpacked = regexp.MustCompile(`(?m)^replace tload => (\./third_party/tload|.*[/\\]tload[/\\]+source-[0-9a-f]{16}"?)$`)

// copyTo makes the copy in a module, or makes it anew if it is of another tload, and says
// whether it did. A directory of that name that is not one of ours stays as it is.
func (m Maker) copyTo(module string) (fresh bool, err error) {
	files, version, err := m.files()
	if err != nil {
		return false, err
	}
	dir := filepath.Join(module, filepath.FromSlash(copied))
	note := filepath.Join(dir, copiedVersion)
	was, err := os.ReadFile(note)
	switch {
	case err == nil && strings.TrimSpace(string(was)) == version:
		return false, nil
	case err == nil:
		if err := os.RemoveAll(dir); err != nil {
			return false, err
		}
	default:
		if _, err := os.Lstat(dir); err == nil {
			return false, Mistake{fmt.Errorf("%s is there already, and no tload has made it: move it away", dir)}
		}
	}
	return true, m.write(dir, files, version)
}

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
