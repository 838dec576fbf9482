// Package cli is the command line: it reads flags, environment and the files
// that the user names, puts a run together, and turns its end into files and an
// exit code. Nothing else in the program reads any of these.
//
// A program with behaviours of its own calls Main with them and has every flag,
// screen and report that tload has:
//
//	func main() {
//		cli.Main(behaviours.Behaviour{Name: "Visitor", New: newVisitor})
//	}
package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"tload/behaviours"
	"tload/cli/build"
	"tload/stats"
	"tload/stats/exchange"
)

// Version is the program's.
const Version = "0.1.0"

// Exit codes.
const (
	exitOK        = 0
	exitFailed    = 1   // a --fail-if, a check or a compare did not hold
	exitMisuse    = 2   // a flag, a file or an argument is wrong
	exitBroken    = 3   // tload could not do its job
	exitHangup    = 129 // the run was stopped because its terminal was lost
	exitInterrupt = 130 // ctrl+c
	exitTerminate = 143 // SIGTERM
)

// Main runs the program with these behaviours and exits. Without behaviours it
// loads what the arguments name. Program is for one that has more to say.
func Main(list ...behaviours.Behaviour) {
	Program{Behaviours: list}.Main()
}

// Tool is Main for the tload command itself, with its own source, which it needs
// to build behaviours.
func Tool(source fs.FS) {
	p := program{args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ(), source: source, real: true, parent: leashed()}
	os.Exit(p.main(context.Background()))
}

// program is one invocation.
type program struct {
	args           []string
	stdin          *os.File
	stdout, stderr *os.File
	env            []string // NAME=value
	behaviours     []behaviours.Behaviour
	whole          Program
	source         fs.FS            // of tload itself; nil in a program of its users
	masker         *exchange.Masker // of the settings, once they are read
	real           bool             // it is this process, and no test's
	parent         *leash           // to the process that the shell knows; nil where that is this one
}

// getenv is a variable of the environment, "" if it is not set.
func (p *program) getenv(name string) string {
	for _, entry := range slices.Backward(p.env) { // the last one counts, as for os.Getenv
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// command is what the first argument may name.
type command struct {
	name, args, does string
	run              func(*program, context.Context, []string) int
}

// commands is every one of them; a run is what happens without one.
func commands() []command {
	return []command{
		{"demo", "[flags]", "load a built-in target on loopback", (*program).demo},
		{"check", "[flags] [URL | PATH ...]", "one user, everything once; prints requests and responses", (*program).check},
		{"import", "curl|har FILE", "print a .http file made of curl commands or a recording", (*program).importFrom},
		{"build", "[-o FILE] [DIR|FILE.go]", "a static binary with these behaviours inside (GOOS, GOARCH)", (*program).build},
		{"init", "[DIR]", "behaviours to start from, with a module and a test", (*program).init},
		{"view", "RUN", "open a finished run in the same screens, or write its reports again", (*program).view},
		{"attach", "[RUN] [--read-only]", "open the screens of a run that goes on without one, or with others", (*program).attach},
		{"status", "[RUN] [--json]", "how the runs that go on here stand", (*program).status},
		{"users", "N|+N|-N [RUN]", "change how many users a run has", (*program).users},
		{"stop", "[RUN]", "stop a run that goes on", (*program).stop},
		{"serve", "[RUN] --ssh ADDR --authorized-keys FILE", "let people with a key open a run's screens by ssh", (*program).serve},
		{"compare", "BASE RUN", "what changed between two runs, with its confidence; exit 1 on a regression", (*program).compare},
		{"token", "[rotate]", "print the token with which workers join this user's masters, or make another one", (*program).token},
		{"completion", "bash|zsh|fish", "print completions for a shell", (*program).completion},
		{"version", "", "print the version", (*program).version},
	}
}

func (p *program) main(ctx context.Context) int {
	reportsAsked()
	p.behaviours = behaviours.Named(p.behaviours)
	if len(p.args) > 0 {
		for _, c := range commands() {
			if c.name == p.args[0] {
				return c.run(p, ctx, p.args[1:])
			}
		}
	}
	return p.run(ctx, p.args)
}

func (p *program) version(context.Context, []string) int {
	fmt.Fprintln(p.stdout, "tload", Version)
	return exitOK
}

// complain prints an error and is an exit code. An error quotes what it is
// about, and that may come from anywhere.
func (p *program) complain(code int, err error) int {
	fmt.Fprintln(p.stderr, "tload:", stats.CleanLines(p.masker.Text(err.Error())))
	return code
}

// misuse is an error of the person at the command line.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// codeOf is the exit code that an error before the run stands for.
func codeOf(err error) int {
	if errors.As(err, new(misuse)) || errors.As(err, new(build.Mistake)) {
		return exitMisuse
	}
	return exitBroken
}
