package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"tload/stats/report"
)

// ManPage writes the manual page as troff, made from the lists of flags and of
// commands that the program itself reads.
func ManPage(w io.Writer) error {
	var out strings.Builder
	out.WriteString(".TH TLOAD 1 \"\" \"tload " + troff(Version) + "\" \"User Commands\"\n")
	out.WriteString(".SH NAME\ntload \\- load tester that lives in a terminal\n.SH SYNOPSIS\n.B tload\n[\\fIflags\\fR] [\\fIURL\\fR | \\fIPATH\\fR ...]\n")
	for _, c := range commands() {
		fmt.Fprintf(&out, ".br\n.B tload %s\n%s\n", troff(c.name), troff(c.args))
	}
	out.WriteString(".SH DESCRIPTION\nLoads a server: full screen on a terminal, plain lines otherwise. What users do is named by arguments, by \\fB-f\\fR,\nby behaviours.go, behaviours/ or requests.http in the working directory, or is GET / of the host.\n.SH COMMANDS\n")
	for _, c := range commands() {
		fmt.Fprintf(&out, ".TP\n.B %s\n%s\n", troff(strings.TrimSpace(c.name+" "+c.args)), troff(c.does))
	}
	out.WriteString(".SH OPTIONS\nEvery flag can be set by \\fBTLOAD_\\fINAME\\fR in the environment or in ./tload.toml; the command line wins.\n")
	(&settings{}).define().VisitAll(func(f *pflag.Flag) {
		argument, usage := pflag.UnquoteUsage(f)
		names := "\\-\\-" + troff(f.Name)
		if f.Shorthand != "" {
			names = "\\-" + troff(f.Shorthand) + ", " + names
		}
		if argument != "" {
			names += " \\fI" + troff(argument) + "\\fR"
		}
		fmt.Fprintf(&out, ".TP\n\\fB%s\\fR\n%s\n", names, troff(usage))
	})
	out.WriteString(".SH CONDITIONS\nWhat \\fB\\-\\-fail\\-if\\fR can ask for.\n")
	for _, m := range report.Metrics() {
		fmt.Fprintf(&out, ".TP\n.B %s\n%s\n", troff(m.Names), troff(m.Means))
	}
	out.WriteString(".SH EXIT STATUS\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&out, ".TP\n.B %d\n%s\n", c.code, troff(c.means))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// troff makes text that means nothing to troff but itself, and is ASCII.
func troff(s string) string {
	var out strings.Builder
	for i, r := range s {
		switch {
		case r == '\\':
			out.WriteString(`\e`)
		case r == '-':
			out.WriteString(`\-`)
		case r == '\n':
			out.WriteByte(' ')
		case i == 0 && (r == '.' || r == '\''):
			out.WriteString(`\&` + string(r))
		case r > '~':
			fmt.Fprintf(&out, `\[u%04X]`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
