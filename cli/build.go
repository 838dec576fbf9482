package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"tload/cli/build"
	"tload/stats"
)

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
		if f := build.Default(); f != "" {
			path = f
		}
	}
	out, err := p.maker().Program(ctx, path, out)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	fmt.Fprintf(p.stdout, "%s: run it as ./%s --host=…\n", stats.Clean(out), stats.Clean(filepath.Base(out)))
	return exitOK
}

// maker makes programs, and says on standard error how far it is.
func (p *program) maker() build.Maker {
	return build.Maker{Source: p.source, Say: func(text string) { fmt.Fprintf(p.stderr, "tload: %s\n", stats.Clean(text)) }}
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

// init writes behaviours to start from, with their module and a test.
func (p *program) init(_ context.Context, args []string) int {
	dir := "."
	switch {
	case len(args) > 1:
		return p.complain(exitMisuse, fmt.Errorf("init: one directory is expected"))
	case len(args) == 1:
		dir = args[0]
	}
	if err := p.maker().Start(dir, p.stdout); err != nil {
		return p.complain(codeOf(err), err)
	}
	return exitOK
}
