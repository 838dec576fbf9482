package cli

import (
	"bytes"
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

// compile builds behaviours into a binary at out. GOOS and GOARCH are honoured.
// What the compiler says comes back whole, with paths as the user knows them.
func (p *program) compile(ctx context.Context, b built, out string) error {
	gobin, err := exec.LookPath("go")
	if err != nil {
		return noGo(b)
	}
	source, err := p.unpackSource()
	if err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-gcflags=-e", "-o", out}
	more, err := p.moduleFlags(b, source)
	if err != nil {
		return err
	}
	args = append(append(args, more...), b.what...)
	cmd := exec.CommandContext(ctx, gobin, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+os.Getenv("GOFLAGS"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return buildFailed(b, said.String(), err)
	}
	return nil
}

// moduleFlags makes tload known to the user's module without touching it: as
// an overlay where there is no go.mod, as a copy of it where there is one.
func (p *program) moduleFlags(b built, source string) ([]string, error) {
	sum := sha256.Sum256([]byte(b.dir + "\x00" + source))
	work := filepath.Join(filepath.Dir(source), fmt.Sprintf("module-%x", sum[:8]))
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	goMod, goSum := filepath.Join(work, "go.mod"), filepath.Join(work, "go.sum")
	ours, err := fs.ReadFile(p.source, "go.sum")
	if err != nil {
		return nil, err
	}
	if b.module == "" {
		text, err := p.goModFor(moduleName(b.dir), source)
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
	if m := missing.FindStringSubmatch(said); m != nil {
		module := strings.TrimSuffix(m[1]+"@"+m[2], "@")
		return fmt.Errorf("module %s is neither in the module cache nor can it be fetched: run once with a network, or copy the module cache here\n%s", module, said)
	}
	if m := noneHas.FindStringSubmatch(said); m != nil && b.module == "" {
		return fmt.Errorf("package %s belongs to no module here: run `go mod init loadtest && go get %s` in %s\n%s", m[1], m[1], b.dir, said)
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
	return misuse{fmt.Errorf("the behaviours do not compile:\n%s", strings.Join(lines, "\n"))}
}

// build is the command: a binary with these behaviours inside.
func (p *program) build(ctx context.Context, args []string) int {
	out, path := "", ""
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-o" && i+1 < len(args):
			i++
			out = args[i]
		case strings.HasPrefix(a, "-o="):
			out = a[3:]
		case strings.HasPrefix(a, "-"):
			return p.complain(exitMisuse, fmt.Errorf("build: unknown flag %s (only -o FILE is known)", a))
		case path != "":
			return p.complain(exitMisuse, fmt.Errorf("build: one directory or file is expected, not %s and %s", path, a))
		default:
			path = a
		}
	}
	if path == "" {
		path = "."
		if f := defaultBehaviours(); f != "" {
			path = f
		}
	}
	b, err := locate(path)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	if out == "" {
		out = moduleName(b.dir)
		if target := p.getenv("GOOS"); target == "windows" || target == "" && runtime.GOOS == "windows" {
			out += ".exe"
		}
	}
	abs, err := filepath.Abs(out)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	if err := p.compile(ctx, b, abs); err != nil {
		return p.complain(codeOf(err), err)
	}
	fmt.Fprintf(p.stdout, "%s: run it as ./%s --host=…\n", out, filepath.Base(out))
	return exitOK
}

// buildAndBecome builds behaviours and becomes the binary, with the same
// arguments but for the file. It returns only if that fails.
func (p *program) buildAndBecome(ctx context.Context, path string) error {
	b, err := locate(path)
	if err != nil {
		return misuse{err}
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
	if err := p.compile(ctx, b, bin); err != nil {
		return err
	}
	return become(bin, withoutFile(p.args))
}

// withoutFile takes -f and its value out of the arguments.
func withoutFile(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			return append(out, args[i:]...)
		case a == "-f" || a == "--file":
			i++
		case strings.HasPrefix(a, "-f") && !strings.HasPrefix(a, "--"), strings.HasPrefix(a, "--file="):
		default:
			out = append(out, a)
		}
	}
	return out
}

// defaultBehaviours is the behaviours' file or package in this directory, "" if
// there is none.
func defaultBehaviours() string {
	if info, err := os.Stat("behaviours.go"); err == nil && !info.IsDir() {
		return "behaviours.go"
	}
	if files, _ := filepath.Glob(filepath.Join("behaviours", "*.go")); len(files) > 0 && mains("behaviours") > 0 {
		return "behaviours"
	}
	return ""
}
