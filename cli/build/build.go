// Package build makes programs of behaviours: it finds them, makes tload known to
// their module without touching it, and has go compile them.
package build

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// Maker makes programs of behaviours.
type Maker struct {
	Source fs.FS // tload's own; nil in a program that was made of behaviours

	// Say, if set, is told now and then how far a build is that takes long. It is called
	// on a goroutine of the build's own, which ends with it.
	Say func(text string)
}

// Mistake is an error that is its user's to mend: behaviours that are not there or
// do not compile.
type Mistake struct{ error }

// Unwrap is what is wrong.
func (m Mistake) Unwrap() error { return m.error }

// built is where behaviours are and how their module is found.
type built struct {
	dir    string   // where go is run
	what   []string // package or file to build
	module string   // directory of the user's go.mod; "" if there is none
}

// locate finds out what a path to behaviours means: a Go file or the directory
// of a package.
func locate(path string) (built, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return built{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return built{}, err
	}
	b := built{dir: path, what: []string{"."}}
	if !info.IsDir() {
		b.dir = filepath.Dir(path)
		b.what = []string{filepath.Base(path)}
		// A package of several files is built whole; a file beside others that
		// are programs of their own is built alone.
		if filepath.Base(path) == "behaviours.go" && mains(b.dir) <= 1 {
			b.what = []string{"."}
		}
	}
	for up := b.dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			b.module = up
			return b, nil
		}
		if up == filepath.Dir(up) {
			return b, nil
		}
	}
}

var mainFunc = regexp.MustCompile(`(?m)^func main\(\)`)

// mains counts the files with a main function.
func mains(dir string) (n int) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && mainFunc.Match(text) {
			n++
		}
	}
	return n
}

// Program builds the behaviours at a path into a binary, and returns its name: out,
// or if that is "" one made of the directory's. GOOS and GOARCH are honoured.
func (m Maker) Program(ctx context.Context, path, out string) (string, error) {
	b, err := locate(path)
	if err != nil {
		return "", Mistake{err}
	}
	if out == "" {
		out = moduleName(b.dir)
		if target := os.Getenv("GOOS"); target == "windows" || target == "" && runtime.GOOS == "windows" {
			out += ".exe"
		}
	}
	abs, err := filepath.Abs(out)
	if err != nil {
		return "", err
	}
	return out, m.compile(ctx, b, abs)
}

// compile builds behaviours into a binary at out. What the compiler says comes back whole, with paths as the user knows them.
func (m Maker) compile(ctx context.Context, b built, out string) error {
	gobin, err := exec.LookPath("go")
	if err != nil {
		return noGo(b)
	}
	source, err := m.unpack()
	if err != nil {
		return err
	}
	args := []string{"build", "-v", "-trimpath", "-gcflags=-e", "-o", out}
	more, err := m.moduleFlags(b, source)
	if err != nil {
		return err
	}
	args = append(append(args, more...), b.what...)
	cmd := exec.CommandContext(ctx, gobin, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+os.Getenv("GOFLAGS"))
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	stop := m.watch(b, &said)
	err = cmd.Run()
	stop()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return buildFailed(b, said.text(), err)
	}
	return nil
}

// moduleFlags makes tload known to the user's module without touching it: as
// an overlay where there is no go.mod, as a copy of it where there is one.
func (m Maker) moduleFlags(b built, source string) ([]string, error) {
	sum := sha256.Sum256([]byte(b.dir + "\x00" + source))
	work := filepath.Join(filepath.Dir(source), fmt.Sprintf("module-%x", sum[:8]))
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	goMod, goSum := filepath.Join(work, "go.mod"), filepath.Join(work, "go.sum")
	ours, err := fs.ReadFile(m.Source, "go.sum")
	if err != nil {
		return nil, err
	}
	if b.module == "" {
		text, err := m.goModFor(moduleName(b.dir), source)
		if err != nil {
			return nil, err
		}
		overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
			filepath.Join(b.dir, "go.mod"): goMod, filepath.Join(b.dir, "go.sum"): goSum,
		}})
		if err != nil {
			return nil, err
		}
		list := filepath.Join(work, "overlay.json")
		err = errors.Join(os.WriteFile(goMod, []byte(text), 0o644), os.WriteFile(goSum, ours, 0o644), os.WriteFile(list, overlay, 0o644))
		return []string{"-overlay", list, "-mod=readonly"}, err
	}
	text, err := os.ReadFile(filepath.Join(b.module, "go.mod"))
	if err != nil {
		return nil, err
	}
	theirs, err := os.ReadFile(filepath.Join(b.module, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if regexp.MustCompile(`(?m)^module\s+tload\s*$`).Match(text) {
		return nil, nil // tload's own repository
	}
	text = unpacked.ReplaceAllLiteral(text, []byte(replaceLine(source)))
	if !regexp.MustCompile(`(?m)^\s*(replace\s+)?tload\s.*=>`).Match(text) {
		text = append(text, "\n"+replaceLine(source)+"\n"...)
	}
	if !regexp.MustCompile(`(?m)^\s*(require\s+)?tload\s+v`).Match(text) {
		text = append(text, "\nrequire tload v0.0.0\n"...)
	}
	err = errors.Join(os.WriteFile(goMod, text, 0o644), os.WriteFile(goSum, append(append(theirs, '\n'), ours...), 0o644))
	return []string{"-modfile", goMod, "-mod=mod"}, err
}

// noGo is what to do on a machine without Go.
func noGo(b built) error {
	dir := b.dir
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, dir); err == nil {
			dir = rel
		}
	}
	host, _ := os.Hostname()
	return fmt.Errorf("behaviours in Go need Go to be built, and there is none on this machine; where it is, run\n"+
		"  GOOS=%s GOARCH=%s tload build -o loadtest %s && scp loadtest %s:loadtest", runtime.GOOS, runtime.GOARCH, dir, host)
}

var (
	missing = regexp.MustCompile(`(?m)(?:go: |^)(\S+\.\S+/\S+?)@?(v[\d.]\S*)?: (?:.*?)(?:module lookup disabled|dial tcp|no such host|connection refused|cannot find module|i/o timeout)`)
	noneHas = regexp.MustCompile(`no required module provides package (\S+?)[;:]`)
)

// buildFailed makes go's words say what to do next.
func buildFailed(b built, said string, err error) error {
	said = strings.TrimSpace(said)
	if of := missing.FindStringSubmatch(said); of != nil {
		module := strings.TrimSuffix(of[1]+"@"+of[2], "@")
		return fmt.Errorf("module %s is neither in the module cache nor can it be fetched: run once with a network, or copy the module cache here\n%s", module, said)
	}
	if of := noneHas.FindStringSubmatch(said); of != nil && b.module == "" {
		return fmt.Errorf("package %s belongs to no module here: run `go mod init loadtest && go get %s` in %s\n%s", of[1], of[1], b.dir, said)
	}
	var lines []string
	for _, line := range strings.Split(said, "\n") {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		lines = append(lines, strings.TrimPrefix(line, "./"))
	}
	if len(lines) == 0 {
		lines = []string{err.Error()}
	}
	return Mistake{fmt.Errorf("the behaviours do not compile:\n%s", strings.Join(lines, "\n"))}
}

// Become builds behaviours and becomes the binary, with these arguments. It
// returns only if that fails.
func (m Maker) Become(ctx context.Context, path string, args []string) error {
	b, err := locate(path)
	if err != nil {
		return Mistake{err}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(b.dir + strings.Join(b.what, " ")))
	bin := filepath.Join(cache, "tload", fmt.Sprintf("run-%x", sum[:8]), moduleName(b.dir))
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
		return err
	}
	if err := m.compile(ctx, b, bin); err != nil {
		return err
	}
	return become(bin, args)
}

// Become is this process as another program. It returns only why it cannot, or, on
// systems that have no such thing, after that program's end.
func Become(bin string, args []string) error { return become(bin, args) }

// InGo says whether a path is of behaviours in Go: a Go file or a directory.
func InGo(path string) bool {
	info, err := os.Stat(path)
	return err == nil && (info.IsDir() || strings.HasSuffix(path, ".go"))
}

// Default is the behaviours' file or package in this directory, "" if
// there is none.
func Default() string {
	if info, err := os.Stat("behaviours.go"); err == nil && !info.IsDir() {
		return "behaviours.go"
	}
	if files, _ := filepath.Glob(filepath.Join("behaviours", "*.go")); len(files) > 0 && mains("behaviours") > 0 {
		return "behaviours"
	}
	return ""
}
