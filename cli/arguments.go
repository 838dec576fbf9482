package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tload/cli/build"
	"tload/stats"
	"tload/stats/capacity"
	"tload/stats/report"
	"tload/swarm"
	"tload/swarm/shape"
)

// What users do can be said in four ways: by arguments, by -f, by behaviours
// inside this program, and by a file of this directory. The first three exclude
// each other, for one of them would be ignored in silence; the last gives way to
// the others, and that is said.

// arguments reads what stands on the command line besides flags: each becomes a
// path that begins with a slash, a whole URL, or unix:SOCKET.
func (s *settings) arguments() error {
	for i, arg := range s.args {
		to, err := s.argument(arg)
		if err != nil {
			return misuse{err}
		}
		s.args[i] = to
	}
	switch {
	case len(s.args) == 0:
	case s.typed["file"]:
		return misuse{fmt.Errorf("-f %s and %s: both say what to load; leave one out, or name the server as --host=%s", s.file, s.args[0], s.args[0])}
	case s.host != "" && !slices.ContainsFunc(s.args, s.below):
		if s.typed["host"] {
			return misuse{fmt.Errorf("--host=%s and %s: nothing of the host is loaded; leave one out, or write /something for a path of the host", s.shownHost(), s.args[0])}
		}
		s.host = "" // the command line wins
	}
	return nil
}

// below says whether an argument has something to do with the host: a URL of
// another one has not.
func (s *settings) below(arg string) bool {
	if strings.HasPrefix(arg, "/") || strings.HasPrefix(arg, "unix:") {
		return true // two sockets are the business of takeSocket
	}
	_, to, _ := strings.Cut(s.host, "://")
	if to == "" {
		to = s.host
	}
	_, rest, _ := strings.Cut(arg, "://")
	to, rest = strings.TrimSuffix(to, "/"), strings.TrimSuffix(rest, "/")
	return rest == to || strings.HasPrefix(rest, to) && strings.IndexByte("/?#", rest[len(to)]) >= 0
}

// argument is one of them. Without a scheme http:// is meant, as it is for curl.
func (s *settings) argument(arg string) (string, error) {
	scheme, _, whole := strings.Cut(arg, "://")
	switch {
	case strings.HasPrefix(arg, "/"), strings.HasPrefix(arg, "unix:"):
		return arg, nil
	case whole && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")):
		return strings.ToLower(scheme) + arg[len(scheme):], nil
	case whole && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-") == "":
		return "", fmt.Errorf("%s is neither http://, https:// nor a path: other protocols are loaded by behaviours in Go (tload init makes some)", arg)
	case arg == "-":
		return "", errors.New("-: standard input is read with -f -")
	}
	if _, err := os.Stat(arg); err == nil {
		return "", fmt.Errorf("%s is a file here: it is run with -f %s", arg, arg)
	}
	if isAddress(arg) {
		return "http://" + arg, nil
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	if near := stats.Nearest(arg, names); near != "" {
		return "", fmt.Errorf("%q is neither a path nor a URL (did you mean tload %s?)", arg, near)
	}
	return "", fmt.Errorf("%q is neither a path nor a URL: write /something or http://localhost:5000/something", arg)
}

// isAddress says whether text without a scheme begins with what can only be a
// host: localhost, a name or a number with dots, or anything with a port.
func isAddress(text string) bool {
	host := text
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		host = text[:i]
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	if i := strings.LastIndexByte(host, ':'); i > 0 && isPort(host[i+1:]) {
		return true
	}
	return host == "localhost" || strings.HasPrefix(host, "[") || strings.Contains(strings.Trim(host, "."), ".")
}

// sources reads the arguments and refuses what says in two ways what is loaded.
func (p *program) sources(s *settings) error {
	if s.help || s.version {
		return nil
	}
	if len(p.behaviours) > 0 || s.demo || len(s.args) > 0 {
		if !s.typed["file"] {
			s.file = "" // of the environment or the settings: the command line wins
		}
	}
	switch {
	case s.demo && s.master:
		return misuse{errors.New("the demo loads its own target, on this machine alone: leave demo or --master out")}
	case s.demo && s.file != "":
		return misuse{fmt.Errorf("-f %s: the demo loads its own target; leave demo out", s.file)}
	case len(p.behaviours) == 0:
	case s.file != "":
		return misuse{fmt.Errorf("-f %s: this program has its behaviours inside; use the tload command for files", s.file)}
	case len(s.args) > 0:
		return misuse{fmt.Errorf("%s: this program has its behaviours inside; name the server as --host=%s, or use the tload command for paths and URLs", s.args[0], s.args[0])}
	}
	if err := errors.Join(s.contradictions(), s.needsMaster()); err != nil {
		return err
	}
	if err := s.arguments(); err != nil {
		return err
	}
	if s.demo && slices.ContainsFunc(s.args, func(arg string) bool { return !strings.HasPrefix(arg, "/") }) {
		return misuse{errors.New("the demo loads its own target: write paths of it, such as /fail, or leave demo out")}
	}
	if err := errors.Join(s.readShape(), s.readFind()); err != nil {
		return err
	}
	p.noteUnused(s)
	return nil
}

// readShape reads --shape: the load over time in words, or a file of it.
func (s *settings) readShape() error {
	switch {
	case s.shapeText == "" && s.arrivals.value == "poisson" && !s.given("rate"):
		return misuse{errors.New("--arrivals poisson: how many a second? say --rate 500 too")}
	case s.shapeText == "":
		return nil
	case s.given("users") && !s.given("rate"):
		return misuse{errors.New("--shape says how many users there are: leave -u out; or say --rate too, and the shape is of arrivals by at most -u users")}
	}
	return s.takeShape(s.given("rate"))
}

// readFind reads --find: what the load that is searched for holds.
func (s *settings) readFind() error {
	switch {
	case s.findText == "":
		return nil
	case s.shapeText != "":
		return misuse{errors.New("--find and --shape exclude each other: both say how high the load is")}
	case s.iterations > 0:
		return misuse{errors.New("--find and -n exclude each other: a search ends when it has found something; --run-time bounds it")}
	}
	goals, err := report.ParseGoals(s.findText, s.given("rate"))
	if err != nil {
		return misuse{fmt.Errorf("--find: %w", err)}
	}
	s.goals = goals
	return nil
}

// search is the one that --find asks for, and how many users there may be.
func (s *settings) search() (search *capacity.Search, users int) {
	users = int(s.users)
	if !s.given("users") || s.demo && !s.typed["users"] { // as many as one would want to wait for
		users = 10_000
		if limit := raiseFileLimit(); limit > 0 && !s.master {
			users = max(min(users, limit-fileSpare), 1)
		}
	}
	if s.given("rate") {
		return capacity.New(s.goals, "arrivals/s", float64(s.rate), swarm.MaxRate), users
	}
	return capacity.New(s.goals, "users", 1, float64(users)), users
}

// shapeOf is the program's, if nothing given takes its place; nil for none.
func (s *settings) shapeOf() swarm.Shape {
	if s.whole.Shape == nil || s.shape != nil || s.goals != nil || s.given("users") && !s.given("rate") {
		return nil
	}
	return shape.Func(s.whole.Shape)
}

// takeShape reads the shape, which is of arrivals or of users.
func (s *settings) takeShape(ofArrivals bool) (err error) {
	if f, ferr := os.Open(s.shapeText); ferr == nil {
		defer f.Close()
		s.shape, err = shape.Read(io.LimitReader(f, 64<<20))
	} else if strings.ContainsAny(s.shapeText, " \t\n") {
		s.shape, err = shape.Parse(s.shapeText)
	} else {
		err = ferr
	}
	if err != nil {
		return misuse{fmt.Errorf("--shape: %w", err)}
	}
	if !ofArrivals {
		if most := s.shape.Most(); most > swarm.MaxUsers {
			return misuse{fmt.Errorf("--shape: %g users: one process runs at most %d; use more workers", most, swarm.MaxUsers)}
		}
		s.users = count(max(math.Round(s.shape.Most()), 1))
	}
	return nil
}

// here is what of this directory would be run without arguments and -f, the
// first one preferred.
func here() (list []string) {
	if b := build.Default(); b != "" {
		list = append(list, b)
	}
	if info, err := os.Stat("requests.http"); err == nil && !info.IsDir() {
		list = append(list, "requests.http")
	}
	return list
}

// noteUnused says what was given and does nothing in this run.
func (p *program) noteUnused(s *settings) {
	note := func(format string, args ...any) { p.complain(0, fmt.Errorf(format, args...)) }
	if len(p.behaviours) == 0 && s.file == "" && !s.demo {
		unused := here()
		if len(s.args) == 0 && len(unused) > 0 {
			unused = unused[1:] // that one is run
		}
		for _, name := range unused {
			note("%s here is not run; -f %s runs it", name, name)
		}
	}
	if s.typed["spawn-rate"] && s.given("rate") {
		note("--spawn-rate does nothing with --rate: arrivals start the users, as fast as they need them")
	}
}

// contradictions refuses flags of which one would take back the other.
func (s *settings) contradictions() error {
	for _, pair := range []struct{ a, b, out string }{
		{"out", "no-out", "leave out the one that you do not mean"},
		{"redact", "no-redact", "leave out the one that you do not mean"},
		{"insecure", "cacert", "with --insecure any certificate is taken"},
		{"master", "worker", "this is one or the other"},
		{"master", "bind", "these are addresses of the worker's machine: say --bind there"},
		{"nats", "master-host", "master and workers meet at the NATS server"},
		{"nats", "master-port", "master and workers meet at the NATS server"},
		{"nats", "master-bind", "master and workers meet at the NATS server"},
	} {
		if s.typed[pair.a] && s.typed[pair.b] {
			return misuse{fmt.Errorf("--%s and --%s exclude each other: %s", pair.a, pair.b, pair.out)}
		}
	}
	return nil
}

// forWorker refuses what a worker is told by its master.
func (s *settings) forWorker() error {
	if len(s.args) > 0 {
		return misuse{fmt.Errorf("%s: a worker does what its master says: name it there", s.args[0])}
	}
	if err := s.contradictions(); err != nil {
		return err
	}
	return s.heeds("--worker", joining, drawing, []string{"bind"})
}

// needsMaster refuses flags that go with one where there is none.
func (s *settings) needsMaster() error {
	for _, name := range leading {
		if s.typed[name] && !s.master {
			return misuse{fmt.Errorf("--%s goes with --master: add that, or leave this out", name)}
		}
	}
	for _, name := range joining {
		switch only := slices.Contains(onlyWorkers, name); {
		case !s.typed[name] || s.worker || s.master && !only:
		case only:
			return misuse{fmt.Errorf("--%s goes with --worker: add that, or leave this out", name)}
		default:
			return misuse{fmt.Errorf("--%s goes with --master or --worker: add one, or leave this out", name)}
		}
	}
	return nil
}

// The flags of masters and workers.
var (
	leading     = []string{"master-bind", "expect-workers", "expect-workers-max-wait", "resume"}
	onlyWorkers = []string{"master-host", "token", "token-file", "accept-binary"}
	joining     = append([]string{"worker", "slave", "master-port", "nats", "nats-creds"}, onlyWorkers...)
)

// The flags of the commands that are no runs.
var (
	drawing = []string{"headless", "color", "theme", "ascii", "no-sync", "refresh", "config", "help"}
	masking = []string{"redact", "no-redact"}
	reports = []string{"json", "csv", "html", "hgrm", "fail-if"}
	client  = []string{
		"timeout", "connect-timeout", "insecure", "http2", "http3", "header", "proxy", "resolve", "bind", "no-follow", "no-keepalive", "cacert", "cert", "key", "capture-body",
	}
	choosing = []string{"host", "file", "env", "behaviours", "exclude-behaviours", "tags", "exclude-tags"}
)

// settingsOf reads the flags of a command that is no run, of which it knows those in the lists.
// ok is false where there is no more to do than to exit with that code.
func (p *program) settingsOf(args []string, command string, lists ...[]string) (s *settings, code int, ok bool) {
	s, err := p.parse(args, nil)
	switch {
	case err == nil && s.help:
		p.help(s)
		return nil, exitOK, false
	case err == nil:
		err = s.heeds(command, lists...)
	}
	if err != nil {
		return nil, p.complain(exitMisuse, err), false
	}
	return s, exitOK, true
}

// heeds refuses a flag of the command line that the command has no use for.
// The environment and the settings file speak to all commands.
func (s *settings) heeds(command string, lists ...[]string) error {
	known := slices.Concat(lists...)
	var err error
	s.flags.VisitAll(func(f *pflag.Flag) {
		if _, own := f.Annotations[ownFlag]; own && command == "check" {
			return
		}
		if err == nil && s.typed[f.Name] && !slices.Contains(known, f.Name) {
			err = misuse{fmt.Errorf("--%s means nothing to tload %s: leave it out", f.Name, command)}
		}
	})
	return err
}
