package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"tload/behaviours"
	"tload/stats"
	"tload/stats/exchange"
)

// check runs one user through everything once and prints what was sent and
// what came back.
func (p *program) check(ctx context.Context, args []string) int {
	s, err := p.parse(args, nil)
	if err != nil {
		return p.misuseOrBecome(ctx, err)
	}
	if s.help {
		p.help(s)
		return exitOK
	}
	if err := s.heeds("check", choosing, client, masking, []string{"config", "help", "seed"}); err != nil {
		return p.complain(exitMisuse, err)
	}
	s.inside = len(p.behaviours) > 0
	own, err := p.chooseBehaviours(ctx, s)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	list, err := s.target(own)
	if err == nil {
		list, err = s.choose(list)
	}
	if err == nil && !s.inside {
		err = s.needsHost()
	}
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	options, err := s.options()
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	t, err := behaviours.NewTransport(options)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	defer t.Close()
	if err := t.Reach(ctx); err != nil {
		return p.complain(exitBroken, err)
	}
	redact := s.masker
	failed := 0
	for _, b := range list {
		fmt.Fprintf(p.stdout, "== %s\n", stats.Clean(b.Name))
		groups, err := behaviours.Pass(ctx, &behaviours.Shared{Transport: t, Filter: s.filter()}, b, func(x *stats.Exchange) {
			printExchange(p.stdout, x, redact)
		})
		if err != nil {
			return p.complain(codeOf(misuse{err}), err)
		}
		for _, g := range groups {
			failed += int(g.Count)
			fmt.Fprintf(p.stdout, "✗ %s %s: %s\n", g.Key.Kind, stats.Clean(g.Key.Key.Method+" "+g.Key.Key.Name), stats.Clean(g.Message))
			if g.Exception() && len(g.Samples) > 0 {
				fmt.Fprintln(p.stdout, indent(string(g.Samples[0].Response.Body)))
			}
		}
	}
	if failed > 0 {
		fmt.Fprintf(p.stdout, "%d failed\n", failed)
		return exitFailed
	}
	fmt.Fprintln(p.stdout, "✓ everything passed")
	return exitOK
}

// printExchange prints both directions.
func printExchange(w io.Writer, x *stats.Exchange, redact *exchange.Masker) {
	mark := "✓"
	if x.Kind.Failed() {
		mark = "✗"
	}
	fmt.Fprintf(w, "\n%s %s  %s  %s\n", mark, stats.Clean(x.Task), stats.Clean(x.Key.Method+" "+x.Key.Name), x.Took.Round(10*time.Microsecond))
	for _, h := range x.Hops {
		fmt.Fprintf(w, "→ %s answered %d and sent it on to %s\n", stats.Clean(redact.URL(h.URL)), h.Status, stats.Clean(redact.URL(h.Location)))
	}
	printPart(w, "> ", x.Request, redact)
	printPart(w, "< ", x.Response, redact)
	if x.Surplus > 0 {
		fmt.Fprintf(w, "! %d bytes came behind the reply that nobody asked for: the server is broken, and its connection was not used again\n", x.Surplus)
	}
}

// printPart prints one direction, the body decoded and as far as it is text.
func printPart(w io.Writer, sign string, came stats.Part, redact *exchange.Masker) {
	p, coding := came, ""
	p.Body, coding = exchange.Decode(came)
	p = redact.Part(p) // behind the decoding: no secret is seen in what is packed
	for _, line := range strings.Split(strings.TrimRight(string(p.Head), "\r\n"), "\n") {
		if line != "" {
			fmt.Fprintln(w, sign+stats.Clean(strings.TrimRight(line, "\r")))
		}
	}
	switch {
	case p.Size == 0:
		return
	case !utf8.Valid(p.Body):
		fmt.Fprintf(w, "%s\n%s(%d bytes that are no text)\n", sign, sign, p.Size)
	default:
		fmt.Fprintln(w, sign)
		for _, line := range strings.Split(strings.TrimRight(string(p.Body), "\n"), "\n") {
			fmt.Fprintln(w, sign+stats.Clean(line))
		}
	}
	if coding != "" {
		fmt.Fprintf(w, "%s(%s)\n", sign, coding)
	}
	if came.Cut() {
		fmt.Fprintf(w, "%s(%d of %d bytes)\n", sign, len(came.Body), came.Size)
	}
}

func indent(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, l := range lines {
		lines[i] = "    " + stats.Clean(l)
	}
	return strings.Join(lines, "\n")
}
