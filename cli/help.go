package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"tload/stats/report"
)

// help prints the usage.
func (p *program) help(s *settings) {
	fmt.Fprint(p.stdout, `tload: a load tester that lives in a terminal

  tload [flags] [URL | PATH ...]        load a server: full screen on a terminal, plain lines otherwise
`)
	for _, c := range commands() {
		fmt.Fprintf(p.stdout, "  tload %-32s%s\n", strings.TrimSpace(c.name+" "+c.args), c.does)
	}
	fmt.Fprint(p.stdout, `
  tload --host=http://localhost:5000 /something /something-else
  tload http://localhost:5000/something -u 50 -r 10 -t 1m
  tmux new tload demo                   the screen outlives the connection

`, s.flags.FlagUsagesWrapped(100), `
Every flag can be set by TLOAD_NAME in the environment or in ./tload.toml; the command line wins.

What --fail-if can ask for, and --find of latencies, errors, late and not_started:
`)
	for _, m := range report.Metrics() {
		fmt.Fprintf(p.stdout, "  %-34s%s\n", m.Names, m.Means)
	}
	fmt.Fprint(p.stdout, `
Exit codes:
`)
	for _, c := range exitCodes {
		fmt.Fprintf(p.stdout, "  %-4d%s\n", c.code, c.means)
	}
}

var exitCodes = []struct {
	code  int
	means string
}{
	{exitOK, "ran, and every --fail-if held"},
	{exitFailed, "a --fail-if, a check or a compare did not hold"},
	{exitMisuse, "misuse: a flag, a file or an argument is wrong"},
	{exitBroken, "tload could not do its job: no connection was ever made, or results were not written"},
	{exitHangup, "stopped when the terminal was lost"},
	{exitInterrupt, "ctrl+c"},
	{exitTerminate, "SIGTERM"},
}

// completion prints a completion script, made from the one list of flags and
// the one list of commands.
func (p *program) completion(_ context.Context, args []string) int {
	shell := ""
	if len(args) == 1 {
		shell = args[0]
	}
	var words []string
	for _, c := range commands() {
		words = append(words, c.name)
	}
	s := &settings{}
	var flags []*pflag.Flag
	all := s.define()
	if err := defineOwn(all); err != nil {
		return p.complain(exitMisuse, err)
	}
	all.VisitAll(func(f *pflag.Flag) { flags = append(flags, f) })
	switch shell {
	case "bash":
		for _, f := range flags {
			words = append(words, "--"+f.Name)
		}
		fmt.Fprintf(p.stdout, "complete -o default -W %q tload\n", strings.Join(words, " "))
	case "zsh":
		fmt.Fprint(p.stdout, "#compdef tload\n_arguments")
		for _, f := range flags {
			fmt.Fprintf(p.stdout, " \\\n  %s", zshQuote(fmt.Sprintf("--%s[%s]", f.Name, strings.NewReplacer("[", "(", "]", ")", ":", " ").Replace(f.Usage))))
		}
		fmt.Fprintf(p.stdout, " \\\n  %s\n", zshQuote("1:command:("+strings.Join(words, " ")+")"))
	case "fish":
		for _, c := range commands() {
			fmt.Fprintf(p.stdout, "complete -c tload -n __fish_use_subcommand -a %s -d %s\n", c.name, zshQuote(c.does))
		}
		for _, f := range flags {
			short := ""
			if f.Shorthand != "" {
				short = " -s " + f.Shorthand
			}
			fmt.Fprintf(p.stdout, "complete -c tload -l %s%s -d %s\n", f.Name, short, zshQuote(f.Usage))
		}
	default:
		return p.complain(exitMisuse, fmt.Errorf("completion %q: bash, zsh or fish is expected", shell))
	}
	return exitOK
}

func zshQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
