package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tload/behaviours"
	"tload/behaviours/requests"
	"tload/stats"
	"tload/stats/report"
	"tload/swarm"
	"tload/swarm/crew"
	"tload/tui"
)

// stage is the full screen with the runs that were started on it, one after
// the other.
type stage struct {
	p        *program
	settings *settings
	own      []behaviours.Behaviour
	logs     *tui.Logs
	prints   atomic.Pointer[slog.Logger] // where what the program prints goes

	mu      sync.Mutex // guards all below
	last    *session
	earlier []*session // runs of this screen before the last
}

// driven says that every behaviour has a load of its own, so that no number of users is
// to be asked for.
func driven(list []behaviours.Behaviour) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(b behaviours.Behaviour) bool { return b.Shape == nil && b.Arrivals == nil })
}

// screen runs on a terminal: straight away when users are given, otherwise
// from the start form.
func (p *program) screen(ctx context.Context, s *settings, own []behaviours.Behaviour, cut *cutOff) int {
	g := &stage{p: p, settings: s, own: own, logs: tui.NewLogs(10_000)}
	defer g.hear(g.logs)()
	o := g.options()
	var first *session
	if s.given("users") || s.shape != nil || s.goals != nil || s.shapeOf() != nil || driven(own) || cut != nil {
		x, err := prepare(ctx, s, own, g.logs, cut)
		if err != nil {
			return p.complain(codeOf(err), err)
		}
		p.warnDir(x)
		first = x
		o.Run, o.Dir = x.ctl, x.dir
		if form, err := g.form(); err == nil {
			o.Form = form // for another run after this one
		}
	} else {
		form, err := g.form()
		if err != nil {
			return p.complain(codeOf(err), err)
		}
		o.Form = form
	}
	e := listen(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer e.close()
	if g.p.parent != nil {
		g.p.parent.watch(func() { e.heard <- syscall.SIGTERM })
	}
	terminal, end := catchPrints(p.stdout, p.stderr, g.printed)
	o.Output = terminal
	if first != nil {
		g.begin(first)
	}
	outcome, err, wait := e.show(ctx, o, g.current)
	end()
	if !wait {
		return p.complain(e.code, errLeftAtOnce)
	}
	return g.finish(e, outcome, err)
}

func (g *stage) options() tui.Options {
	s := g.settings
	noColor, theme := g.p.getenv("NO_COLOR"), s.theme.value
	if theme == "auto" {
		theme = ""
	}
	colors, _ := strconv.Atoi(s.color.value) // auto and never are none
	return tui.Options{
		Launch:  g.launch,
		Probe:   g.probe,
		Send:    g.send,
		Export:  g.export,
		Formats: []string{"json", "txt"},
		Logs:    g.logs,
		Masker:  s.masker,
		DirOf: func(tui.Load) string {
			if x := g.current(); x != nil {
				return x.dir
			}
			return ""
		},
		FileLimit: raiseFileLimit(),
		NoColor:   s.color.value == "never" || noColor != "",
		Colors:    colors,
		Theme:     theme,
		ASCII:     s.ascii || !g.utf8(),
		NoSync:    s.noSync,
		Refresh:   time.Duration(s.refresh),
	}
}

// utf8 says whether the locale can show more than ASCII.
func (g *stage) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := g.p.getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true // nothing said: nearly every terminal can
}

// form is the start form as the settings fill it.
func (g *stage) form() (tui.Form, error) {
	s := g.settings
	list, err := s.target(g.own)
	if err == nil {
		list, err = s.choose(list)
	}
	if err != nil {
		return tui.Form{}, err
	}
	bound, err := s.bound(list)
	if err != nil {
		return tui.Form{}, err
	}
	f := tui.Form{
		Asks: !s.inside && !s.demo, Requests: g.asked(), Rate: float64(s.rate), Shape: s.shapeText,
		Host: s.shownHost(), Users: int(s.users), SpawnRate: float64(s.spawnRate), RunTime: time.Duration(s.runTime), StopGrace: time.Duration(s.stopTimeout),
		Capture: s.body > 0, CaptureSamples: int(s.capture), CaptureBody: int(s.body),
	}
	for _, b := range bound {
		f.Choices = append(f.Choices, tui.Choice{Name: b.Name, Weight: max(b.Weight, 1), Tasks: leaves(b), On: true})
	}
	return f, nil
}

// bound are behaviours as they would run, to be counted.
func (s *settings) bound(list []behaviours.Behaviour) ([]*crew.Behaviour, error) {
	t, err := behaviours.NewTransport(behaviours.Options{Masker: s.masker})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	bound, err := behaviours.Bind(&behaviours.Shared{Transport: t, Filter: s.filter()}, list)
	if err != nil {
		return nil, misuse{err}
	}
	return bound, nil
}

// asked is what the arguments ask for, as the form has it.
func (g *stage) asked() string {
	switch s := g.settings; {
	case s.file != "":
		return s.file
	case len(s.args) > 0:
		var shown []string
		for _, a := range s.args {
			shown = append(shown, s.masker.URL(a))
		}
		return strings.Join(shown, " ")
	}
	return "/"
}

// ask makes what was typed into the form the requests of the settings, and gives the
// behaviours of a file.
func (s *settings) ask(text string) ([]behaviours.Behaviour, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		words = []string{"/"}
	}
	if len(words) > 1 || strings.HasPrefix(words[0], "/") || strings.Contains(words[0], "://") {
		s.args, s.file = words, ""
		return nil, nil
	}
	info, err := os.Stat(words[0])
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: paths begin with /, and a file of that name is not here: %w", words[0], err)
	case info.IsDir() || strings.HasSuffix(words[0], ".go"):
		return nil, fmt.Errorf("%s: behaviours in Go are built first: leave, and start tload -f %s", words[0], words[0])
	}
	s.args, s.file = nil, words[0]
	return one(s.reader().File(s.file))
}

func leaves(b *crew.Behaviour) (n int) {
	for _, t := range b.Tasks {
		if !t.Set {
			n++
		}
	}
	return n
}

// typed is the host that a form's text stands for: as long as nobody changed
// it, it is the one of the settings, whose password the form does not show.
func (g *stage) typed(host string) string {
	if host = strings.TrimSpace(host); host == g.settings.shownHost() {
		return g.settings.host
	}
	return host
}

// mostDry is how many paths a dry run goes through.
const mostDry = 100

// launch starts a run as the form says. A run that went before has ended.
func (g *stage) launch(f tui.Form) (tui.Load, error) {
	g.mu.Lock()
	before := g.last
	g.mu.Unlock()
	if before != nil {
		select {
		case <-before.done:
		default:
			return nil, errors.New("the run before is still being written down: try again in a moment")
		}
	}
	s := *g.settings
	s.host = g.typed(f.Host)
	s.users, s.spawnRate = count(f.Users), rate(f.SpawnRate)
	s.runTime, s.stopTimeout = seconds(f.RunTime), seconds(f.StopGrace)
	s.args = slices.Clone(s.args)
	if !f.Capture {
		s.body = 0
	}
	s.rate = rate(f.Rate)
	s.shapeText, s.shape, s.goals = f.Shape, nil, nil // the form says how high the load is
	if f.Shape != "" && !f.DryRun {
		if err := s.takeShape(f.Rate > 0); err != nil {
			return nil, err
		}
	}
	own, tasks := g.own, 0
	if f.Asks && strings.TrimSpace(f.Requests) != g.asked() {
		var err error
		if own, err = s.ask(f.Requests); err != nil {
			return nil, err
		}
		probe := s // target changes it
		probe.args = slices.Clone(s.args)
		list, err := probe.target(own)
		if err != nil {
			return nil, err
		}
		bound, err := s.bound(list)
		if err != nil {
			return nil, err
		}
		for _, b := range bound {
			tasks += leaves(b)
		}
	} else {
		s.only = nil
		for _, c := range f.Choices {
			if c.On {
				s.only = append(s.only, c.Name)
				tasks += c.Tasks
			}
		}
		if len(s.only) == 0 {
			return nil, errors.New("tick at least one behaviour")
		}
	}
	if f.DryRun {
		if n := len(s.args); n > 1 {
			probe := s
			if _, err := probe.target(nil); err != nil { // URLs become paths
				return nil, err
			}
			each, err := one(requests.Each(s.args[:min(n, mostDry)]))
			if err != nil {
				return nil, err
			}
			if s.host == "" {
				s.host = probe.host
			}
			s.args, own, tasks = nil, each, min(n, mostDry)
		}
		s.users, s.rate, s.iterations = 1, 0, count(tasks)
	}
	if before != nil && s.out != "" {
		s.out = nextOut(s.out, func(dir string) bool {
			_, err := os.Stat(dir)
			return err == nil
		})
	}
	if before != nil && !g.settings.given("seed") {
		s.seed = 0
	}
	x, err := prepare(context.Background(), &s, own, g.logs, nil)
	if err != nil {
		return nil, err
	}
	g.begin(x)
	return x.ctl, nil
}

func (g *stage) begin(x *session) {
	g.mu.Lock()
	if g.last != nil {
		g.earlier = append(g.earlier, g.last)
	}
	g.last = x
	g.mu.Unlock()
	g.hear(x.log.Handler())
	x.start()
}

// hear has what libraries and behaviours say through package log go to that
// log, for standard error is the screen. The returned func ends that.
func (g *stage) hear(to slog.Handler) (end func()) {
	flags, out := log.Flags(), log.Writer()
	bounded := newBoundedLog(to)
	g.prints.Store(slog.New(bounded))
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(bounded, slog.LevelWarn).Writer())
	return func() {
		log.SetOutput(out)
		log.SetFlags(flags)
	}
}

// printed logs a line that the program has printed.
func (g *stage) printed(line string) { g.prints.Load().Info(stats.Clean(line), "by", "print") }

func (g *stage) current() *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// probe looks at a host once, for the form: one request, not counted anywhere.
func (g *stage) probe(ctx context.Context, host string) (string, error) {
	s := *g.settings
	s.host = g.typed(host)
	o, err := s.options()
	if err != nil {
		return "", err
	}
	o.Timeout = 5 * time.Second
	t, err := behaviours.NewTransport(o)
	if err != nil {
		return "", err
	}
	defer t.Close()
	return t.Probe(ctx)
}

// send sends an exchange's request once more. The run may be over: the client
// is one of its own.
func (g *stage) send(ctx context.Context, x *stats.Exchange) (*stats.Exchange, error) {
	s := g.settings
	if run := g.current(); run != nil {
		s = run.settings // its host may come from the form
	}
	o, err := s.options()
	if err != nil {
		return nil, err
	}
	t, err := behaviours.NewTransport(o)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return t.Again(ctx, x)
}

// export writes what is known to a file.
func (g *stage) export(format, path string, s *swarm.Snapshot) error {
	run := g.current()
	if run == nil {
		return errors.New("there is no run")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	r := run.resultOf(s)
	write := report.WholeText
	switch format {
	case "json":
		write = report.JSON
	case "html":
		write = report.HTML
	case "csv":
		write = report.CSVStats
	}
	return errors.Join(write(f, r), f.Close())
}

// finish ends what goes on when the screen is gone, as the way it went asks for.
func (g *stage) finish(e *ear, outcome tui.Outcome, fault error) int {
	x := g.current()
	if x == nil {
		if fault != nil {
			return g.p.complain(exitBroken, fault)
		}
		switch outcome {
		case tui.Interrupt:
			return exitInterrupt
		case tui.Hangup:
			return exitHangup
		}
		return e.code
	}
	var out io.Writer = g.p.stdout
	code := e.code
	switch outcome {
	case tui.Quit:
		x.ctl.Stop("you")
	case tui.Interrupt:
		e.times, code = 2, exitInterrupt
		x.ctl.Stop("interrupt")
	case tui.Hangup:
		out = io.Discard // there is nobody to read it
		code = x.hangup(code)
	case tui.Panicked:
		x.log.Error("the screen failed; the load goes on without it", "error", fault)
		g.p.complain(0, fmt.Errorf("the screen failed: %w", fault))
		if x.settings.runTime == 0 && x.settings.iterations == 0 {
			x.ctl.Stop("screen")
		}
	}
	for _, before := range g.earlier {
		if before.dir != "" {
			fmt.Fprintf(out, "tload: an earlier run is in %s\n", stats.Clean(before.dir))
		}
	}
	if outcome == tui.Detach && g.p.parent != nil {
		if err := g.p.parent.leave(x.leaves()); err != nil {
			x.log.Warn("whoever has started the run does not hear that it goes on", "error", err)
		}
		out = io.Discard
	} else if outcome == tui.Detach {
		fmt.Fprintf(out, "tload: the run goes on without a screen; ctrl+c stops it%s\n", x.where())
	}
	return g.p.await(x, e, out, code)
}
