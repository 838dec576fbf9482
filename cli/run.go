package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
	"tload/behaviours"
	"tload/behaviours/requests"
	"tload/cli/build"
	"tload/stats"
	"tload/stats/report"
	"tload/swarm"
	"tload/swarm/crew"
)

// run is what tload does without a command: load the host.
func (p *program) run(ctx context.Context, args []string) int {
	s, err := p.parse(args, nil)
	if err != nil {
		return p.misuseOrBecome(ctx, err)
	}
	if code, ok := p.apart(s); ok {
		return code
	}
	if s.worker && !s.help && !s.version {
		if err := s.forWorker(); err != nil {
			return p.complain(exitMisuse, err)
		}
		return p.work(ctx, s)
	}
	s.inside = len(p.behaviours) > 0
	own, err := p.chooseBehaviours(ctx, s)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	return p.load(ctx, s, own)
}

// apart runs the command in a child of this process, if it is one that may leave its
// terminal.
func (p *program) apart(s *settings) (code int, ok bool) {
	switch {
	case s.help || s.version || s.list || s.worker || p.parent != nil:
		return 0, false
	case s.detach:
		if code, ok = p.inChild(true); !ok && p.real {
			return p.complain(exitMisuse, errors.New("--detach: this system cannot do that")), true
		}
		return code, ok
	case p.fullScreen(s):
		return p.inChild(false)
	}
	return 0, false
}

// chooseBehaviours is what users do, in order of preference: what the
// arguments name, what this program has inside, what -f names, and what lies
// in this directory. Behaviours in Go are built, and this process becomes them.
func (p *program) chooseBehaviours(ctx context.Context, s *settings) ([]behaviours.Behaviour, error) {
	if err := p.sources(s); err != nil {
		return nil, err
	}
	switch {
	case s.help || s.version || len(s.args) > 0:
		return nil, nil
	case len(p.behaviours) > 0:
		return p.behaviours, nil
	case s.file == "-":
		text, err := requests.ReadFrom("standard input", p.stdin)
		if err != nil {
			return nil, misuse{err}
		}
		return one(p.reader(s).Text("stdin", text))
	case s.file == "":
		if found := here(); len(found) > 0 {
			s.file = found[0]
		} else {
			return nil, nil
		}
	}
	if _, err := os.Stat(s.file); err != nil {
		return nil, misuse{fmt.Errorf("-f: %w", err)}
	}
	if build.InGo(s.file) {
		p.parent.keep()
		return nil, p.maker().Become(ctx, s.file, withoutFile(p.args))
	}
	return one(p.reader(s).File(s.file))
}

// reader reads files of requests as the settings say. What is passed over in one is said once.
func (p *program) reader(s *settings) requests.Options {
	o := s.reader()
	said := map[string]bool{}
	o.Note = func(line string) {
		if !said[line] {
			said[line] = true
			p.complain(0, errors.New(line))
		}
	}
	return o
}

func (s *settings) reader() requests.Options {
	return requests.Options{Mask: s.masker, Env: s.env}
}

func one(b behaviours.Behaviour, err error) ([]behaviours.Behaviour, error) {
	if err != nil {
		return nil, misuse{err}
	}
	return []behaviours.Behaviour{b}, nil
}

// load runs behaviours as the settings say, on the screen or without one.
func (p *program) load(ctx context.Context, s *settings, own []behaviours.Behaviour) int {
	switch {
	case s.help:
		p.help(s)
		return exitOK
	case s.version:
		return p.version(ctx, nil)
	case s.list:
		return p.list(ctx, s, own)
	}
	cut, err := p.resume(s, own)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	if p.fullScreen(s) {
		return p.screen(ctx, s, own, cut)
	}
	// A reader that leaves (| head -1) must not end the run before its files
	// are written.
	ignoreBrokenPipe()
	x, err := prepare(ctx, s, own, nil, cut)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	if s.detach {
		return p.detached(x)
	}
	return p.headless(x)
}

// detached starts a run and leaves the terminal.
func (p *program) detached(x *session) int {
	e := listen(endingSignals...)
	defer e.close()
	x.start()
	if p.parent != nil {
		if err := p.parent.leave(x.leaves()); err != nil {
			x.log.Warn("whoever has started the run does not hear that it goes on", "error", err)
		}
	}
	return p.await(x, e, io.Discard, exitOK)
}

// leaves is what is said of a run that goes on without its terminal.
func (x *session) leaves() left {
	l := left{Dir: x.dir, PID: os.Getpid()}
	if x.offered != nil {
		l.Run = filepath.Base(x.dir)
	}
	return l
}

// fullScreen says whether there is a terminal that can show one.
func (p *program) fullScreen(s *settings) bool {
	name := p.getenv("TERM")
	return !s.headless && !s.detach && s.json != "-" && name != "dumb" && name != "" &&
		term.IsTerminal(int(p.stdout.Fd())) && term.IsTerminal(int(p.stdin.Fd()))
}

// headless prints a line now and then, and the summary at the end.
func (p *program) headless(x *session) int {
	s := x.settings
	var out io.Writer = p.stdout
	if s.json == "-" {
		out = p.stderr
	}
	fmt.Fprintf(out, "tload %s: %s, %s, seed %d\n", Version, stats.Clean(cmpOr(s.shownHost(), x.names())), s.asked(), s.seed)
	p.warnDir(x)
	if x.invite != "" {
		fmt.Fprintf(out, "workers join with\n  %s\n", x.invite)
	}
	e := listen(endingSignals...)
	defer e.close()
	x.start()
	return p.await(x, e, out, exitOK)
}

// await waits for the end of a run without a screen, prints a line now and then
// and the summary, and is the exit code.
func (p *program) await(x *session, e *ear, out io.Writer, code int) int {
	every := max(time.Duration(x.settings.printEvery), 100*time.Millisecond)
	next := x.ctl.Snapshot().Elapsed.Truncate(every) + every
	// By the run's clock, so that a line has the seconds that have just closed.
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-x.done:
			return p.farewell(out, x, code)
		case sig := <-e.heard:
			if sig == syscall.SIGHUP {
				code = x.hangup(code)
				continue
			}
			wait := e.stop(x, sig)
			if code = e.code; !wait {
				return p.complain(code, errLeftAtOnce)
			}
		case <-look.C:
			if s := x.ctl.Snapshot(); s.Elapsed >= next && s.State.Active() {
				fmt.Fprintln(out, progress(s))
				next = s.Elapsed.Truncate(every) + every
			}
		}
	}
}

// hangup is what losing the terminal does: a run that will end by itself goes
// on, since somebody wants its result. Its exit code is then its own, else that
// of the hangup, unless something else had stopped it before.
func (x *session) hangup(code int) int {
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	x.hungUp.Store(true)
	x.log.Warn("terminal lost")
	policy := x.settings.onHangup.value
	if policy == "stop" || policy == "auto" && x.settings.runTime == 0 && x.settings.iterations == 0 {
		x.ctl.Stop("hangup")
		if code == exitOK {
			code = exitHangup
		}
	}
	return code
}

// farewell prints the summary of a run that is over, and whatever went wrong,
// and picks the exit code.
func (p *program) farewell(out io.Writer, x *session, code int) int {
	_, err := io.WriteString(out, x.summary(textFor(out)))
	if err != nil && !errors.Is(err, syscall.EPIPE) { // a reader that has seen enough is no failure
		p.complain(0, fmt.Errorf("the summary is not written: %w", err))
		if code == exitOK {
			code = exitBroken
		}
	}
	for _, err := range []error{x.runErr, x.endErr, x.fileErr, x.dirErr} {
		if err != nil {
			p.complain(0, err)
		}
	}
	if code == exitOK {
		code = x.code()
	}
	return code
}

// textFor is the summary as it suits what it is printed on.
func textFor(out io.Writer) func(io.Writer, *report.Run) error {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return report.Text
	}
	return report.WholeText
}

// warnDir says before any load that there will be no run directory.
func (p *program) warnDir(x *session) {
	if x.dirErr != nil {
		p.complain(0, fmt.Errorf("no run directory, so what fails is not kept on disk: %w (use --out DIR, or --no-out)", x.dirErr))
	}
}

// where says where the files are, for the end of a line.
func (x *session) where() string {
	if x.dir == "" {
		return ""
	}
	return "; its files are in " + stats.Clean(x.dir)
}

// names are the behaviours, for a run without a host.
func (x *session) names() string {
	var list []string
	for _, b := range x.own {
		list = append(list, b.Name)
	}
	return strings.Join(list, ", ")
}

// users is a number of them, in words.
func users(n int) string {
	if n == 1 {
		return "1 user"
	}
	return fmt.Sprintf("%d users", n)
}

// asked is what the run is to do, in a few words.
func (s *settings) asked() string {
	words := []string{fmt.Sprintf("%s at %g/s", users(int(s.users)), float64(s.spawnRate))}
	if s.rate > 0 {
		words = []string{fmt.Sprintf("%g arrivals/s, at most %s", float64(s.rate), users(int(s.users)))}
	}
	switch {
	case s.goals != nil:
		words = []string{"searches for the highest load that holds " + s.findText}
	case s.shape != nil:
		words = []string{"as " + s.shapeText + " says"}
	}
	if s.runTime > 0 {
		words = append(words, "for "+s.runTime.String())
	}
	if s.warmUp > 0 {
		words = append(words, "a warm-up of "+s.warmUp.String())
	}
	if s.iterations > 0 {
		words = append(words, fmt.Sprintf("%d tasks", s.iterations))
	}
	return strings.Join(words, ", ")
}

// progress is a line about the last ten seconds.
func progress(s *swarm.Snapshot) string {
	w := &s.Total.Window
	failed := stats.None
	if w.Requests > 0 {
		failed = fmt.Sprintf("%s%% (%s/s)", stats.Share(w.Failures, w.Requests), stats.Rate(w.FailRate))
	}
	line := fmt.Sprintf("%s %-8s users %d/%d  RPS %s  fail %s  p50 %s  p95 %s  p99 %s ms  requests %s  failures %s",
		stats.Clock(s.Elapsed), s.State, s.Running, s.Asked(), stats.Rate(w.RPS), failed,
		stats.Millis(w.OK.P50), stats.Millis(w.OK.P95), stats.Millis(w.OK.P99), stats.Thousands(int64(s.Total.Run.Requests)), stats.Thousands(int64(s.Total.Run.Failures)))
	if s.Find != nil {
		line += "  find: " + s.Find.String()
	}
	if w.Due > 0 {
		line += fmt.Sprintf("  corrected p99 %s ms  late %s%%  waiting %d", stats.Millis(w.Corrected.P99), stats.Share(w.Late, w.Due), s.Backlog)
	}
	if !s.Health.OK && len(s.Health.Reasons) > 0 {
		line += "  GENERATOR: " + s.Health.Reasons[0].What
	}
	return line
}

// list prints the behaviours and the ratios to expect.
func (p *program) list(ctx context.Context, s *settings, own []behaviours.Behaviour) int {
	x, err := prepare(ctx, s, own, nil, nil)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	defer x.close()
	printRatios(p.stdout, x.job.Behaviours)
	listed := map[string]bool{}
	for _, b := range x.job.Behaviours {
		for _, t := range b.Tasks {
			listed[b.Name+"/"+t.Name] = true
		}
	}
	for _, name := range behaviours.Endless(own) {
		if !listed[name] { // its tasks' tags, or its behaviour, are not asked for
			continue
		}
		fmt.Fprintf(p.stdout, "▲ %s: a user that enters this set leaves it only if a task in it returns Interrupt (or give it Loops)\n", stats.Clean(name))
	}
	return exitOK
}

func printRatios(w io.Writer, list []*crew.Behaviour) {
	total := 0
	for _, b := range list {
		if b.Fixed == 0 && b.Own == nil {
			total += max(b.Weight, 1)
		}
	}
	for _, b := range list {
		load := fmt.Sprintf("%5.1f%% of the users", 100*float64(max(b.Weight, 1))/float64(max(total, 1)))
		switch {
		case b.Arrivals:
			load = "arrivals of its own"
		case b.Own != nil:
			load = "users of its own"
		case b.Fixed > 0:
			load = fmt.Sprintf("%d users", b.Fixed)
		}
		if b.Start > 0 {
			load += ", from " + stats.Clock(b.Start)
		}
		if b.End > 0 {
			load += ", until " + stats.Clock(b.End)
		}
		fmt.Fprintf(w, "%-34s %s\n", stats.Clean(b.Name), load)
		for i, t := range b.Tasks {
			name := swarm.ShortName(t.Name, swarm.SetOf(i, func(i int) (string, int) { return b.Tasks[i].Name, b.Tasks[i].Depth }))
			share := "in turn"
			if t.Want > 0 {
				share = fmt.Sprintf("%5.1f%%", t.Want)
			}
			fmt.Fprintf(w, "  %-32s %s\n", strings.Repeat("  ", t.Depth)+stats.Clean(name), share)
		}
	}
}
