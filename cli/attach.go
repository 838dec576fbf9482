package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tload/cli/control"
	"tload/stats"
	"tload/swarm"
	"tload/tui"
)

// attach opens the screens of a run that goes on elsewhere on this machine.
func (p *program) attach(ctx context.Context, args []string) int {
	s, code, ok := p.settingsOf(args, "attach", drawing, masking, []string{"read-only"})
	if !ok {
		return code
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
	if s, code, ok = p.settingsOf(args, command, []string{"json", "config", "help"}); !ok {
		return nil, nil, code, false
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
	name, before := r.status.Run, r.status.Target
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
		fmt.Fprintf(p.stdout, "%s stops; its results will be in %s\n", stats.Clean(name), stats.Clean(r.dir))
	} else {
		sayStatus(p.stdout, &r.status)
	}
	return exitOK
}
