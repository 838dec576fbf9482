package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tload/cli/control"
	"tload/stats"
	"tload/stats/journal"
	"tload/stats/report"
	"tload/swarm"
	"tload/tui"
)

// attach opens the screens of a run that goes on elsewhere on this machine.
func (p *program) attach(ctx context.Context, args []string) int {
	s, err := p.parse(args, nil)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	if s.help {
		p.help(s)
		return exitOK
	}
	if err := s.heeds("attach", drawing, masking, []string{"read-only"}); err != nil {
		return p.complain(exitMisuse, err)
	}
	if len(s.args) > 1 {
		return p.complain(exitMisuse, errors.New("attach needs one run, or none where only one goes on"))
	}
	r, err := pick(ctx, s.args)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	if !p.fullScreen(s) {
		return p.complain(exitMisuse, errors.New("attach needs a terminal; tload status says how the run stands, also as --json"))
	}
	politely()
	f, err := follow(r)
	if err != nil {
		return p.complain(exitBroken, err)
	}
	defer f.end()
	g := &stage{p: p, settings: s, logs: f.logs}
	o := f.options(g, &seat{followed: f, who: p.whoIsHere(), readOnly: s.readOnly})
	e := listen(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer e.close()
	outcome, err, _ := e.show(ctx, o, func() *session { return nil })
	switch {
	case err != nil:
		return p.complain(exitBroken, err)
	case outcome == tui.Hangup:
		return exitHangup
	case e.code != exitOK:
		return e.code
	}
	if f.snapshot.Load().State < swarm.Stopped {
		fmt.Fprintf(p.stdout, "tload: the run goes on; tload attach %s opens it again, tload stop %s ends it\n", stats.Clean(r.status.Run), stats.Clean(r.status.Run))
	}
	return exitOK
}

// attachedPace is how often an attached screen is drawn: its numbers are new once a second.
const attachedPace = time.Second

// options are those of a screen before a run that is followed.
func (f *followed) options(g *stage, at *seat) tui.Options {
	o := g.options()
	o.Run, o.Dir, o.DirOf, o.Launch, o.Probe = at, "tload-copies", nil, nil, nil
	o.ReadOnly, o.Attached, o.Refresh = at.readOnly, true, max(o.Refresh, attachedPace)
	o.Export = f.export(g.settings)
	return o
}

// whoIsHere is what the changes of this terminal are known by.
func (p *program) whoIsHere() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	for _, fd := range []string{"/proc/self/fd/0", "/proc/self/fd/1"} {
		if tty, err := os.Readlink(fd); err == nil && strings.HasPrefix(tty, "/dev/") && tty != "/dev/null" {
			return name + " on " + strings.TrimPrefix(tty, "/dev/")
		}
	}
	return name
}

// status says how a run stands, or all of them.
func (p *program) status(ctx context.Context, args []string) int {
	s, names, code, ok := p.about("status", args)
	if !ok {
		return code
	}
	var list []foundRun
	var err error
	if len(names) == 0 {
		if list, err = ongoing(ctx); err == nil && len(list) == 0 {
			_, err = pick(ctx, nil)
		}
	} else {
		var one *foundRun
		if one, err = pick(ctx, names); err == nil {
			list = []foundRun{*one}
		}
	}
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	if s.showJSON {
		var all []control.Status
		for _, r := range list {
			all = append(all, r.status)
		}
		var v any = all
		if len(names) > 0 || len(all) == 1 {
			v = all[0]
		}
		stats.WriteJSON(p.stdout, v)
		return exitOK
	}
	for _, r := range list {
		sayStatus(p.stdout, &r.status)
	}
	return exitOK
}

// sayStatus prints how a run stands, in words.
func sayStatus(w io.Writer, s *control.Status) {
	elapsed := stats.Clock(time.Duration(s.Elapsed * float64(time.Second)))
	if s.RunTime > 0 {
		elapsed += "/" + stats.Clock(time.Duration(s.RunTime*float64(time.Second)))
	}
	ms := func(v *float64) string {
		if v == nil {
			return stats.None
		}
		return stats.Millis(time.Duration(*v * 1e6))
	}
	fmt.Fprintf(w, "%s  %s  %s %s\n", stats.Clean(s.Run), stats.Clean(s.Host), s.State, elapsed)
	fmt.Fprintf(w, "  users %d/%d   RPS %s   failed %s/s   p50 %s  p95 %s  p99 %s ms   requests %s   failures %s\n", s.Users, s.Target, stats.Rate(s.RPS), stats.Rate(s.FailRate),
		ms(s.P50), ms(s.P95), ms(s.P99), stats.Thousands(int64(s.Requests)), stats.Thousands(int64(s.Failures)))
	if s.Arrivals > 0 {
		fmt.Fprintf(w, "  arrivals %s/s, %d wait for a free user\n", stats.Rate(s.Arrivals), s.Backlog)
	}
	for _, r := range s.Reasons {
		fmt.Fprintf(w, "  ▲ %s\n", stats.Clean(r))
	}
	if s.Attach != "" {
		fmt.Fprintf(w, "  %s\n", s.Attach)
	}
}

// about reads the flags of a command that is about runs that go on, and which one.
func (p *program) about(command string, args []string) (s *settings, names []string, code int, ok bool) {
	var numbers []string
	if command == "users" { // -5 is no flag
		for i, a := range args {
			if len(a) > 1 && (a[0] == '+' || a[0] == '-') && a[1] >= '0' && a[1] <= '9' {
				numbers = append(numbers, a)
				args = append(args[:i:i], args[i+1:]...)
				break
			}
		}
	}
	asJSON := false
	for i, a := range args { // where a run has --json FILE
		if a == "--json" && (i+1 == len(args) || args[i+1] != "-") {
			asJSON = true
			args = append(append(args[:i:i], "--json=-"), args[i+1:]...)
			break
		}
	}
	s, err := p.parse(args, nil)
	if err == nil && s.help {
		p.help(s)
		return nil, nil, exitOK, false
	}
	if err == nil {
		err = s.heeds(command, []string{"json", "config", "help"})
	}
	if err != nil {
		return nil, nil, p.complain(exitMisuse, err), false
	}
	s.showJSON = asJSON || s.json == "-"
	return s, append(numbers, s.args...), exitOK, true
}

// stop ends a run.
func (p *program) stop(ctx context.Context, args []string) int {
	s, names, code, ok := p.about("stop", args)
	if !ok {
		return code
	}
	return p.tell(ctx, s, names, control.Command{Do: control.Stop})
}

// users changes how many users a run has: 50, +50 or -50.
func (p *program) users(ctx context.Context, args []string) int {
	s, names, code, ok := p.about("users", args)
	if !ok {
		return code
	}
	usage := errors.New("how many users? tload users 100, or +50 or -50 to what there is, and the run's name where several go on")
	c, at := control.Command{Do: control.Users}, -1
	for i, a := range names {
		n, err := strconv.Atoi(a)
		if err == nil && at < 0 && math.Abs(float64(n)) <= swarm.MaxUsers {
			at, c.Number, c.More = i, float64(n), a[0] == '+' || a[0] == '-'
		}
	}
	if at < 0 {
		return p.complain(exitMisuse, usage)
	}
	return p.tell(ctx, s, append(names[:at:at], names[at+1:]...), c)
}

// tell steers the run of that name, and says what came of it.
func (p *program) tell(ctx context.Context, s *settings, names []string, c control.Command) int {
	if len(names) > 1 {
		return p.complain(exitMisuse, fmt.Errorf("%s: one run is expected", strings.Join(names, " ")))
	}
	r, err := pick(ctx, names)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	c.Who = p.whoIsHere()
	if err := r.client.Steer(ctx, c); err != nil {
		return p.complain(exitBroken, err)
	}
	before := r.status.Target
	for range 20 { // until it has heard
		if r.status, err = r.client.Status(ctx); err != nil || c.Do == control.Users && r.status.Target != before || c.Do == control.Stop && r.status.State != "RUNNING" && r.status.State != "SPAWNING" {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	if err != nil && !errors.Is(err, control.ErrGone) {
		return p.complain(exitBroken, err)
	}
	if s.showJSON {
		stats.WriteJSON(p.stdout, r.status)
	} else if c.Do == control.Stop {
		fmt.Fprintf(p.stdout, "%s stops; its results will be in %s\n", stats.Clean(r.status.Run), stats.Clean(r.dir))
	} else {
		sayStatus(p.stdout, &r.status)
	}
	return exitOK
}

// followed is a run of another process: its numbers from its journal, and its controls.
// Any number of seats may be before it.
type followed struct {
	dir    string
	client *control.Client
	logs   *tui.Logs
	log    *slog.Logger
	orders chan control.Command
	stop   chan struct{}
	gone   sync.WaitGroup

	mu       sync.Mutex // guards ledger and journal
	journal  *journal.Follower
	ledger   *stats.Ledger
	record   record
	snapshot atomic.Pointer[swarm.Snapshot]
	over     atomic.Bool
	done     chan struct{}
}

// followEvery is how often the journal is looked at.
const followEvery = 250 * time.Millisecond

// follow begins to follow a run, until end.
func follow(r *foundRun) (*followed, error) {
	f := &followed{
		dir: r.dir, client: r.client, logs: tui.NewLogs(10_000),
		orders: make(chan control.Command, 100), stop: make(chan struct{}), done: make(chan struct{}),
	}
	f.log = slog.New(f.logs)
	if err := f.open(); err != nil {
		return nil, err
	}
	f.gone.Add(2)
	go f.watch()
	go f.obey()
	return f, nil
}

// open begins with the journal from its first record. f.mu is held, or nobody else is there.
func (f *followed) open() error {
	if f.journal != nil {
		f.journal.Close()
	}
	f.ledger = stats.NewLedger(0, 0)
	w, err := journal.Follow(filepath.Join(f.dir, journal.Name), func(o journal.Options) stats.Tap {
		f.ledger = stats.NewLedger(o.Samples, o.Memory)
		return f.ledger
	})
	if err != nil {
		return fmt.Errorf("%s: %w", f.dir, err)
	}
	f.journal = w
	if _, err := w.Poll(); err != nil {
		return err
	}
	f.publish()
	return nil
}

// watch follows the journal and the log until the run is over or end is called.
func (f *followed) watch() {
	defer f.gone.Done()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	lines := &logTail{path: filepath.Join(f.dir, "tload.log"), to: f.logs}
	last := time.Now()
	for {
		lines.read()
		f.mu.Lock()
		news, err := f.journal.Poll()
		if errors.Is(err, journal.ErrReplaced) {
			err = f.open()
		}
		if news {
			last = time.Now()
			f.publish()
		}
		ended := f.journal.Info().Ended
		f.mu.Unlock()
		if err != nil {
			f.log.Error("the journal cannot be read", "error", err)
		}
		if !ended && time.Since(last) > 5*time.Second {
			last = time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			_, err := f.client.Status(ctx)
			cancel()
			if errors.Is(err, control.ErrGone) {
				f.lost()
				ended = true
			}
		}
		if ended {
			f.over.Store(true)
			lines.read()
			close(f.done)
			<-f.stop
			return
		}
		select {
		case <-tick.C:
		case <-f.stop:
			return
		}
	}
}

// lost shows that the run has ended otherwise than in order.
func (f *followed) lost() {
	s := *f.snapshot.Load()
	s.State = swarm.Stopped
	s.Err = fmt.Errorf("its process is gone: it was killed, or its machine was; tload view %s shows what there is of it", f.dir)
	f.snapshot.Store(&s)
	f.log.Error("the run is gone", "error", s.Err)
}

// publish makes a snapshot of what is known. f.mu is held.
func (f *followed) publish() {
	info := f.journal.Info()
	if info.Meta != nil {
		var r record
		if err := json.Unmarshal(info.Meta, &r); err == nil {
			f.record = r
		}
	}
	s := f.record.live()
	if info.Ended {
		s.State = swarm.Stopped
	}
	s.Snapshot = f.ledger.Snapshot()
	if f.record.Meta.Err != "" {
		s.Err = errors.New(f.record.Meta.Err)
	}
	f.snapshot.Store(s)
}

// obey hands on what keys ask for, one after the other.
func (f *followed) obey() {
	defer f.gone.Done()
	for {
		select {
		case c := <-f.orders:
			if err := f.client.Steer(context.Background(), c); err != nil {
				f.log.Error("the run does not do it", "what", c.Do, "why", err)
			}
		case <-f.stop:
			return
		}
	}
}

// end stops following. The run does not know.
func (f *followed) end() {
	close(f.stop)
	f.gone.Wait()
	f.journal.Close()
	f.client.Close()
}

// seat is one screen before a run that is followed: who sits there, and whether keys do
// anything. It is a tui.Load.
type seat struct {
	*followed
	who      string
	readOnly bool

	mu   sync.Mutex // guards what follows
	of   *swarm.Snapshot
	mine *swarm.Snapshot // that, with who did what as it is told here
}

// order asks the run for something, and does not wait.
func (f *seat) order(c control.Command) {
	if f.readOnly || f.over.Load() {
		return
	}
	c.Who = f.who
	select {
	case f.orders <- c:
	default:
		f.log.Error("the run does not answer: what was asked for is not done", "what", c.Do)
	}
}

// Snapshot is the newest that is known.
func (f *seat) Snapshot() *swarm.Snapshot {
	s := f.snapshot.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if s != f.of {
		own := *s
		own.Changes = slices.Clone(s.Changes)
		for i := range own.Changes {
			switch c := &own.Changes[i]; c.Who {
			case "you":
				c.Who = "its own screen"
			case f.who:
				c.Who = "you"
			}
		}
		f.of, f.mine = s, &own
	}
	return f.mine
}

// History is the points of one row's charts.
func (f *followed) History(_ context.Context, key stats.Key) []stats.Second {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ledger.History(key)
}

// Done is closed when the run is over.
func (f *followed) Done() <-chan struct{} { return f.done }

// Scale asks for users.
func (f *seat) Scale(users int, _ string) {
	f.order(control.Command{Do: control.Users, Number: float64(users)})
}

// SetRate asks for arrivals a second.
func (f *seat) SetRate(perSecond float64, _ string) {
	f.order(control.Command{Do: control.Rate, Number: perSecond})
}

// SetWeight gives a behaviour or a task another weight.
func (f *seat) SetWeight(behaviour string, task, weight int, _ string) {
	f.order(control.Command{Do: control.Weight, Name: behaviour, Task: task, Number: float64(weight)})
}

// FollowShape gives the load back to its shape.
func (f *seat) FollowShape() { f.order(control.Command{Do: control.Follow}) }

// SetSpawnRate makes the number of users follow at that many a second.
func (f *seat) SetSpawnRate(perSecond float64) {
	f.order(control.Command{Do: control.Spawn, Number: perSecond})
}

// Pause holds the users, or lets them go on.
func (f *seat) Pause(on bool) { f.order(control.Command{Do: control.Pause, On: on}) }

// Stop ends the run.
func (f *seat) Stop(reason string) {
	f.order(control.Command{Do: control.Stop, Name: reason})
}

// Reset begins a segment, and the shown numbers, again.
func (f *seat) Reset(name string) { f.order(control.Command{Do: control.Reset, Name: name}) }

// Mark names this moment.
func (f *seat) Mark(name string) { f.order(control.Command{Do: control.Mark, Name: name}) }

var _ tui.Load = (*seat)(nil)

// export writes what is known of the run to a file.
func (f *followed) export(s *settings) func(format, path string, shot *swarm.Snapshot) error {
	return func(format, path string, shot *swarm.Snapshot) error {
		f.mu.Lock()
		r := &report.Run{Meta: f.record.Meta, Snapshot: shot.Snapshot, Redact: s.masker}
		f.mu.Unlock()
		switch format {
		case "json":
			return report.WriteFile(path, r, report.JSON)
		case "html":
			return report.WriteFile(path, r, report.HTML)
		case "csv":
			return report.WriteFile(path, r, report.CSVStats)
		}
		return report.WriteFile(path, r, report.WholeText)
	}
}

// logTail reads a log that another process writes, as a TextHandler of slog does.
type logTail struct {
	path string
	at   int64
	rest string
	to   slog.Handler
}

// read hands on the lines that have come.
func (l *logTail) read() {
	f, err := os.Open(l.path)
	if err != nil {
		return
	}
	defer f.Close()
	const most = 4 << 20
	if info, err := f.Stat(); err == nil {
		if info.Size() < l.at {
			l.at, l.rest = 0, ""
		} else if info.Size()-l.at > most {
			l.at, l.rest = info.Size()-most, ""
		}
	}
	b, err := io.ReadAll(io.NewSectionReader(f, l.at, most))
	if err != nil || len(b) == 0 {
		return
	}
	l.at += int64(len(b))
	text := l.rest + string(b)
	end := strings.LastIndexByte(text, '\n') + 1
	l.rest = text[end:]
	for line := range strings.Lines(text[:end]) {
		l.to.Handle(context.Background(), logLine(strings.TrimRight(line, "\n")))
	}
}

// logLine is a line of a TextHandler as a record: time, level and message, and the rest as
// it stands.
func logLine(line string) slog.Record {
	r := slog.Record{Level: slog.LevelInfo, Message: line}
	rest := line
	for _, name := range []string{"time", "level", "msg"} {
		value, after, ok := logValue(rest, name)
		if !ok {
			return r
		}
		rest = after
		switch name {
		case "time":
			r.Time, _ = time.Parse(time.RFC3339Nano, value)
		case "level":
			r.Level.UnmarshalText([]byte(value))
		case "msg":
			r.Message = strings.TrimSpace(value + " " + rest)
		}
	}
	return r
}

// logValue takes name=value off the front of a line.
func logValue(line, name string) (value, rest string, ok bool) {
	line, ok = strings.CutPrefix(line, name+"=")
	if !ok {
		return "", line, false
	}
	if strings.HasPrefix(line, `"`) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", line, false
		}
		value, _ = strconv.Unquote(quoted)
		return value, strings.TrimPrefix(line[len(quoted):], " "), true
	}
	value, rest, _ = strings.Cut(line, " ")
	return value, rest, true
}
