package cli

import (
	"context"
	"fmt"

	"tload/behaviours/requests"
)

// importFrom prints a .http file made of curl commands or of a browser's
// recording.
func (p *program) importFrom(_ context.Context, args []string) int {
	if len(args) != 2 {
		return p.complain(exitMisuse, fmt.Errorf("import: a format and a file are expected, such as `tload import har recording.har > requests.http`; - is standard input"))
	}
	convert := map[string]func(path, text string) (string, error){"curl": requests.FromCurl, "har": requests.FromHAR}[args[0]]
	if convert == nil {
		return p.complain(exitMisuse, fmt.Errorf("import %s: curl or har is expected", args[0]))
	}
	path := args[1]
	var text string
	var err error
	if path == "-" {
		path = "stdin"
		text, err = requests.ReadFrom("standard input", p.stdin)
	} else {
		text, err = requests.Read(path)
	}
	if err != nil {
		return p.complain(exitMisuse, fmt.Errorf("import: %w", err))
	}
	out, err := convert(path, text)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	fmt.Fprint(p.stdout, out)
	return exitOK
}
