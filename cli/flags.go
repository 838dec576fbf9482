package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"tload/behaviours/requests"
	"tload/stats"
	"tload/stats/capacity"
	"tload/stats/exchange"
	"tload/swarm/link"
	"tload/swarm/shape"
	"tload/tui"
)

// settings is everything that flags, environment and tload.toml can say, in its parts.
type settings struct {
	loading
	fleetSettings
	connecting
	keeping
	showing

	args   []string        // paths and URLs
	flags  *pflag.FlagSet  // for what was given
	typed  map[string]bool // … on the command line
	demo   bool            // the built-in target is loaded
	inside bool            // the behaviours are inside this program
	whole  Program         // … which has more to say
}

// loading is what is loaded, by how many, and until when.
type loading struct {
	host        string
	file        string
	users       count
	spawnRate   rate
	runTime     seconds
	iterations  count
	rate        rate
	arrivals    choice
	shapeText   string
	keepGoing   bool
	warmUp      seconds
	runTimeFrom choice
	shape       *shape.Shape
	findText    string
	goals       []capacity.Goal
	maxWait     seconds
	stopTimeout seconds
	only        []string
	without     []string
	env         string // of the variables of a .http file
	tags        []string
	withoutTags []string
	list        bool
	seed        uint64
}

// fleetSettings are masters' and workers'.
type fleetSettings struct {
	master        bool
	worker        bool
	masterHost    string
	masterPort    count
	masterBind    string
	resume        choice
	nats          string
	natsCreds     string
	acceptBinary  bool
	expectWorkers count
	expectWait    seconds
	token         string
	tokenFile     string
}

// connecting is how requests are sent.
type connecting struct {
	timeout        seconds
	connectTimeout seconds
	insecure       bool
	http2, http3   bool
	headers        []string
	proxy          string
	resolve        []string
	bind           []string
	noFollow       bool
	noKeepalive    bool
	caFile         string
	certFile       string
	keyFile        string
}

// keeping is what is kept of a run, where, and what its end is judged by.
type keeping struct {
	json     string
	csv      string
	html     string
	hgrm     string
	requests string
	metrics  string
	otlp     string
	failIf   []string
	abort    bool
	redact   []string
	noRedact bool
	masker   *exchange.Masker // of these two; one for all of a run, since it learns
	capture  count
	body     size
	memory   size
	out      string
	noOut    bool
	logLevel choice
	logFile  string
}

// showing is how the run is seen, or that something else is asked for.
type showing struct {
	headless       bool
	detach         bool
	noAttach       bool
	readOnly       bool
	ssh            string
	authorizedKeys string
	hostKey        string
	showJSON       bool // of status and the like; no flag of its own
	printEvery     seconds
	onHangup       choice
	color          choice
	theme          choice
	ascii          bool
	noSync         bool
	refresh        seconds
	config         string
	help           bool
	version        bool
}

// given says whether the flag was set by the command line, the environment or
// the file.
func (s *settings) given(name string) bool { return s.flags.Changed(name) }

// define is the one list of flags.
func (s *settings) define() *pflag.FlagSet {
	f := pflag.NewFlagSet("tload", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	f.StringVarP(&s.host, "host", "H", "", "base `URL`; http:// is added when no scheme is there")
	f.StringVarP(&s.file, "file", "f", "", "behaviours: a Go file or package directory, a .http file, a list of URLs, - for standard input (default: behaviours.go, behaviours/ or requests.http here)")
	s.users = 1
	f.VarP(&s.users, "users", "u", "users at peak; given: starts at once")
	s.spawnRate = 1
	f.VarP(&s.spawnRate, "spawn-rate", "r", "users started per second")
	f.VarP(&s.runTime, "run-time", "t", "20, 20s, 3m, 1h20m; counted from the start (default: until stopped)")
	f.VarP(&s.iterations, "iterations", "n", "stop after `N` tasks in all")
	s.runTimeFrom = choice{"start", []string{"start", "steady"}}
	f.Var(&s.runTimeFrom, "run-time-from", "what --run-time is counted from: the start, or when all users run")
	f.Var(&s.warmUp, "warm-up", "what is done in this time is shown, and kept apart from the run's numbers (default: none)")
	f.BoolVar(&s.keepGoing, "keep-going", false, "go on with a target that cannot be reached from the start (default: the run ends after 5 s)")
	f.StringVar(&s.shapeText, "shape", "", "how high the load is when, of users or with --rate of arrivals: 'ramp 0 100 30s, hold 5m, spike 500 10s, step 50 1m x5, wave 10 100 2m x3', or a `FILE` of times and levels")
	f.StringVar(&s.findText, "find", "", "search for the highest load that holds `GOALS` (p95<300ms,errors<1%): users up to -u, or arrivals from --rate on; exit 1 if it cannot be told")
	s.arrivals = choice{"constant", []string{"constant", "poisson"}}
	f.Var(&s.arrivals, "arrivals", "with --rate: at equal distances, or at random ones as of many who know nothing of each other")
	f.Var(&s.rate, "rate", "open model: so many task starts per second whatever the target does (500, 500/s, 30k/m); -u caps the users")
	f.Var(&s.maxWait, "max-wait", "with --rate: drop an arrival that found no free user for so long (default: it waits)")
	s.stopTimeout = seconds(10 * time.Second)
	f.Var(&s.stopTimeout, "stop-timeout", "grace for tasks in hand at the end")
	f.StringSliceVar(&s.only, "behaviours", nil, "only these, by `NAMES`")
	f.StringVar(&s.env, "env", "", "the variables of a .http file that http-client.env.json beside it has for `NAME`")
	f.StringSliceVar(&s.without, "exclude-behaviours", nil, "all but these, by `NAMES`")
	f.StringSliceVar(&s.tags, "tags", nil, "only tasks with one of these `TAGS`")
	f.StringSliceVar(&s.withoutTags, "exclude-tags", nil, "no tasks with one of these `TAGS`")
	f.BoolVarP(&s.list, "list", "l", false, "list the behaviours and their expected ratios")
	f.Uint64Var(&s.seed, "seed", 0, "repeat the same random choices (default: random, printed)")

	f.BoolVar(&s.master, "master", false, "run the users on workers on other machines; prints the line that starts one")
	f.BoolVar(&s.worker, "worker", false, "run users for a master on another machine")
	f.BoolVar(&s.worker, "slave", false, "the same as --worker")
	f.Lookup("slave").Hidden = true
	f.StringVar(&s.masterHost, "master-host", "", "with --worker: where the master is, as `ADDR[:PORT]`")
	s.masterPort = link.DefaultPort
	f.Var(&s.masterPort, "master-port", "the master's `PORT` for workers")
	f.StringVar(&s.masterBind, "master-bind", "", "with --master: `ADDR` of this machine to listen on (default: all)")
	s.expectWorkers = 1
	f.Var(&s.expectWorkers, "expect-workers", "with --master: how many workers are waited for before the first user starts")
	f.Var(&s.expectWait, "expect-workers-max-wait", "give the run up if they have not come by then (default: it waits)")
	s.resume = choice{"ask", []string{"ask", "yes", "no"}}
	f.Var(&s.resume, "resume", "with --master: go on with the run whose master was killed on this port; ask does so by itself, without a terminal, within five minutes")
	f.StringVar(&s.nats, "nats", "", "master and workers meet at a NATS server of yours, at `URL` (nats://user:password@host:4222), instead of at the master's port")
	f.StringVar(&s.natsCreds, "nats-creds", "", "with --nats: `FILE` of credentials")
	f.BoolVar(&s.acceptBinary, "accept-binary", false, "with --worker: become the master's own program where this is another build; whoever knows the token decides what runs here")
	f.StringVar(&s.token, "token", "", "with --worker: the master's `TOKEN`; others can see it in the list of processes, unlike TLOAD_TOKEN")
	f.StringVar(&s.tokenFile, "token-file", "", "with --worker: `FILE` that holds the token")

	s.timeout = seconds(30 * time.Second)
	f.Var(&s.timeout, "timeout", "per request")
	s.connectTimeout = seconds(10 * time.Second)
	f.Var(&s.connectTimeout, "connect-timeout", "for DNS, connect and TLS together")
	f.BoolVar(&s.insecure, "insecure", false, "accept any certificate")
	f.BoolVar(&s.http2, "http2", false, "speak HTTP/2")
	f.BoolVar(&s.http3, "http3", false, "speak HTTP/3")
	f.StringArrayVar(&s.headers, "header", nil, "send `K:V` with every request; repeatable")
	f.StringVar(&s.proxy, "proxy", "", "http `URL` of a proxy for every request")
	f.StringSliceVar(&s.resolve, "resolve", nil, "connect to ADDR for HOST, as `HOST:ADDR`; repeatable")
	f.StringSliceVar(&s.bind, "bind", nil, "source `ADDRESSES`, used in turn")
	f.BoolVar(&s.noFollow, "no-follow", false, "a redirect is a reply like any other")
	f.BoolVar(&s.noKeepalive, "no-keepalive", false, "a connection for every request")
	f.StringVar(&s.caFile, "cacert", "", "PEM `FILE` of certificates to trust instead of the system's")
	f.StringVar(&s.certFile, "cert", "", "PEM `FILE` of a client certificate")
	f.StringVar(&s.keyFile, "key", "", "PEM `FILE` of its key")

	f.BoolVar(&s.detach, "detach", false, "run without a screen and without this terminal; prints the line that opens the screens")
	f.BoolVar(&s.noAttach, "no-attach", false, "nobody can attach to the run, nor stop it by tload stop")
	f.StringVar(&s.ssh, "ssh", "", "with serve: listen on `ADDR`, such as :2222")
	f.StringVar(&s.authorizedKeys, "authorized-keys", "", "with serve: `FILE` of the keys that may come in, as sshd reads it; read-only before one: it looks on")
	f.StringVar(&s.hostKey, "host-key", "", "with serve: `FILE` of the host's key (default: one is made and kept)")
	f.BoolVar(&s.readOnly, "read-only", false, "with attach: look on, and change nothing")
	f.BoolVar(&s.headless, "headless", false, "no full screen: lines, and the summary at the end (default when stdout is no terminal)")
	s.printEvery = seconds(10 * time.Second)
	f.Var(&s.printEvery, "print-every", "time between two lines with --headless")
	f.StringVar(&s.json, "json", "", "write summary.json to `FILE`; - is standard output")
	f.StringVar(&s.csv, "csv", "", "write Locust's four files, as `PREFIX`_stats.csv and so on")
	f.StringVar(&s.html, "html", "", "write the report to `FILE`; - is standard output")
	f.StringVar(&s.hgrm, "hgrm", "", "write HdrHistogram percentiles to `PREFIX`.hgrm, and one for every endpoint")
	f.StringVar(&s.requests, "log-requests", "", "write a line of JSON for every request to `FILE`; it costs: about a microsecond for each")
	f.StringVar(&s.metrics, "metrics", "", "serve Prometheus metrics on `ADDR`, such as :9646")
	f.StringVar(&s.otlp, "otlp", "", "push OpenTelemetry metrics to the collector at `URL`, such as http://localhost:4318")
	f.StringArrayVar(&s.failIf, "fail-if", nil, "exit 1 if `EXPR` is true at the end: p95>300ms, errors>1%, exceptions>0, checks>0, rps<100, POST /cart p99>1s; repeatable")
	f.BoolVar(&s.abort, "abort-on-fail", false, "… and end the run as soon as it is")
	s.capture = 32
	f.Var(&s.capture, "capture", "failing exchanges kept per group")
	s.body = 256 << 10
	f.Var(&s.body, "capture-body", "bytes kept of each of their bodies")
	s.memory = 64 << 20
	f.Var(&s.memory, "capture-memory", "bytes kept in all")
	f.StringSliceVar(&s.redact, "redact", nil, "more `NAMES` of headers, fields, parameters and path segments to mask")
	f.BoolVar(&s.noRedact, "no-redact", false, "mask nothing")
	f.StringVar(&s.out, "out", "", "run directory `DIR` (default ./tload-runs/HOST-TIME)")
	f.BoolVar(&s.noOut, "no-out", false, "no run directory")
	s.onHangup = choice{"auto", []string{"auto", "stop", "continue"}}
	f.Var(&s.onHangup, "on-hangup", "when the terminal is lost; auto goes on if there is a run time")
	s.color = choice{"auto", []string{"auto", "never", "16", "256"}}
	f.Var(&s.color, "color", "colours of the screen")
	s.theme = choice{"auto", append([]string{"auto"}, tui.ThemeNames()...)}
	f.Var(&s.theme, "theme", "look of the screen; auto goes with the terminal's background, if it says what that is")
	f.BoolVar(&s.ascii, "ascii", false, "draw with ASCII only")
	f.BoolVar(&s.noSync, "no-sync", false, "no synchronised output")
	f.Var(&s.refresh, "refresh", "time between two frames (default 250ms, slower on slow links)")
	s.logLevel = choice{"info", []string{"debug", "info", "warn", "error"}}
	f.VarP(&s.logLevel, "loglevel", "L", "least level that is logged")
	f.StringVar(&s.logFile, "logfile", "", "log `FILE` (default: in the run directory)")
	f.StringVar(&s.config, "config", "", "settings `FILE` (default ./tload.toml)")
	f.BoolVar(&s.version, "version", false, "print the version")
	f.BoolVarP(&s.help, "help", "h", false, "this help")
	return f
}

// parse reads the command line, then the environment and the file for what the
// command line did not say.
func (p *program) parse(args []string, presets map[string]string) (*settings, error) {
	s := &settings{whole: p.whole}
	s.flags = s.define()
	if err := defineOwn(s.flags); err != nil {
		return nil, misuse{err}
	}
	if err := s.flags.Parse(args); err != nil {
		return nil, misuse{p.explain(err, s.flags)}
	}
	s.args = s.flags.Args()
	s.typed = map[string]bool{}
	s.flags.Visit(func(f *pflag.Flag) { s.typed[f.Name] = true })
	if err := s.fromEnvironment(p.env); err != nil {
		return nil, misuse{err}
	}
	if err := s.fromFile(); err != nil {
		return nil, misuse{err}
	}
	for name, value := range presets {
		if !s.flags.Changed(name) {
			if err := s.flags.Set(name, value); err != nil {
				return nil, err
			}
		}
	}
	p.mask(s)
	return s, nil
}

// mask makes the one masker of a run with these settings.
func (p *program) mask(s *settings) {
	s.masker = exchange.NewMasker(s.redact...)
	if s.noRedact {
		s.masker = s.masker.Off()
	}
	p.masker = s.masker
}

// explain makes pflag's errors say what to do next.
func (p *program) explain(err error, f *pflag.FlagSet) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return unknownSetting{unknownFlag(unknown.GetSpecifiedName(), f)}
	}
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		return fmt.Errorf("--%s %q: %w", bad.GetFlag().Name, bad.GetValue(), why(bad.Unwrap(), bad.GetFlag()))
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		return fmt.Errorf("--%s needs a value: %s", missing.GetFlag().Name, missing.GetFlag().Usage)
	}
	return err
}

// unknownSetting is one that tload does not have; a program of behaviours may.
type unknownSetting struct{ error }

// why is what a flag expects, for the types whose own errors do not say it.
func why(err error, f *pflag.Flag) error {
	switch f.Value.Type() {
	case "bool":
		return errors.New("true or false is expected")
	case "uint64":
		return errors.New("a whole number is expected, such as 42")
	}
	return err
}

func unknownFlag(name string, f *pflag.FlagSet) error {
	var names []string
	f.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	best := stats.Nearest(name, names)
	dashes := "--"
	if len(name) == 1 {
		dashes = "-"
	}
	if best == "" {
		return fmt.Errorf("unknown flag %s%s (tload --help lists them)", dashes, name)
	}
	return fmt.Errorf("unknown flag %s%s (did you mean --%s?)", dashes, name, best)
}

// fromEnvironment sets each flag that is not set yet from TLOAD_NAME.
func (s *settings) fromEnvironment(env []string) error {
	const prefix = "TLOAD_"
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		word, ours := strings.CutPrefix(name, prefix)
		if !ours {
			continue
		}
		f := s.flags.Lookup(strings.ToLower(strings.ReplaceAll(word, "_", "-")))
		switch {
		case f == nil || word != strings.ToUpper(word):
			return unknownSetting{fmt.Errorf("%s in the environment is no setting of tload%s", name, nearestVariable(prefix, word, s.flags))}
		case f.Changed:
			continue
		}
		if err := s.flags.Set(f.Name, value); err != nil {
			return fmt.Errorf("%s=%q: %w", name, value, cause(err, f))
		}
	}
	return nil
}

func nearestVariable(prefix, word string, f *pflag.FlagSet) string {
	var names []string
	f.VisitAll(func(flag *pflag.Flag) {
		names = append(names, prefix+strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")))
	})
	if best := stats.Nearest(prefix+strings.ToUpper(word), names); best != "" {
		return fmt.Sprintf(" (did you mean %s?)", best)
	}
	return ": unset it (tload --help lists the flags, and each has a variable)"
}

// fromFile sets what is not set yet from tload.toml: a key for each flag.
func (s *settings) fromFile() error {
	path := s.config
	if path == "" {
		path = "tload.toml"
	}
	text, err := requests.Read(path)
	if errors.Is(err, os.ErrNotExist) && s.config == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	var file map[string]any
	if _, err := toml.Decode(text, &file); err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return fmt.Errorf("%s:%d:%d: %s", path, at.Position.Line, at.Position.Col, at.Message)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	for key, value := range file {
		f := s.flags.Lookup(key)
		if f == nil {
			return unknownSetting{fmt.Errorf("%s: %w", path, unknownKey(key, s.flags))}
		}
		if f.Changed {
			continue
		}
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		for _, v := range values {
			if _, table := v.(map[string]any); table {
				return fmt.Errorf("%s: %s: a plain value is expected, not a table", path, key)
			}
			if err := s.flags.Set(key, fmt.Sprint(v)); err != nil {
				return fmt.Errorf("%s: %s = %v: %w", path, key, v, cause(err, f))
			}
		}
	}
	return nil
}

func cause(err error, f *pflag.Flag) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		err = bad.Unwrap()
	}
	return why(err, f)
}

func unknownKey(key string, f *pflag.FlagSet) error {
	err := unknownFlag(key, f)
	return errors.New(strings.Replace(strings.ReplaceAll(err.Error(), "--", ""), "unknown flag", "unknown setting", 1))
}
