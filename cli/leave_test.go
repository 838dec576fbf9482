package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tload/cli/demo"
	"tload/tui"
)

// TestAFailedScreenLosesNothing leaves the screen as its panic would: the load
// goes on to the end of its run time, and its files hold what the server saw.
func TestAFailedScreenLosesNothing(t *testing.T) {
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &program{stdin: os.Stdin, stdout: out, stderr: out}
	run := filepath.Join(dir, "run")
	s, err := p.parse([]string{"--host=" + target.URL, "/ok", "-u", "3", "-r", "100", "-t", "1s", "--out", run}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &stage{p: p, settings: s, logs: tui.NewLogs(10)}
	x, err := prepare(context.Background(), s, nil, g.logs, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.begin(x)
	if code := g.finish(&ear{}, tui.Panicked, errors.New("index out of range")); code != exitOK {
		t.Errorf("exit code: got %d, want %d", code, exitOK)
	}
	snap := x.ctl.Snapshot()
	if snap.Reason != "run-time" || int64(snap.Total.Run.Requests) != target.Gauges().Requests {
		t.Errorf("got reason %q and %d requests; the server counted %d", snap.Reason, snap.Total.Run.Requests, target.Gauges().Requests)
	}
	for _, name := range []string{"summary.json", "stats.csv", "report.html", "run.journal"} {
		if info, err := os.Stat(filepath.Join(run, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	log, _ := os.ReadFile(filepath.Join(run, "tload.log"))
	said, _ := os.ReadFile(out.Name())
	if !strings.Contains(string(log), "index out of range") || !strings.Contains(string(said), "the screen failed") {
		t.Errorf("the log has\n%s\nthe terminal\n%s", log, said)
	}
}

func TestTheExitCodeOfALostTerminal(t *testing.T) {
	// What a hangup ignores, the commands of later tests would inherit; what is
	// heard they do not. Neither Reset nor Stop takes back that it was ignored.
	defer signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGPIPE)
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	for _, c := range []struct {
		flags  []string
		reason string
		want   int
	}{
		{nil, "hangup", exitHangup},
		{[]string{"-n", "50"}, "iterations", exitOK},
		{[]string{"-n", "50", "--fail-if", "requests<100"}, "iterations", exitFailed},
		{[]string{"-n", "50000000", "--on-hangup", "stop"}, "hangup", exitHangup},
	} {
		for name, end := range map[string]func(*stage, *session) int{
			"the screen": func(g *stage, _ *session) int { return g.finish(&ear{}, tui.Hangup, nil) },
			"without a screen": func(_ *stage, x *session) int {
				code := x.hangup(exitOK)
				<-x.done
				if code == exitOK {
					code = x.code()
				}
				return code
			},
		} {
			out, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
			if err != nil {
				t.Fatal(err)
			}
			p := &program{stdin: os.Stdin, stdout: out, stderr: out}
			s, err := p.parse(append([]string{"--host=" + target.URL, "/ok", "--no-out"}, c.flags...), nil)
			if err != nil {
				t.Fatal(err)
			}
			g := &stage{p: p, settings: s, logs: tui.NewLogs(10)}
			x, err := prepare(context.Background(), s, nil, g.logs, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.begin(x)
			if code := end(g, x); code != c.want || x.ctl.Snapshot().Reason != c.reason {
				t.Errorf("%v, %s: got exit code %d of a run ended by %s, want %d, %s", c.flags, name, code, x.ctl.Snapshot().Reason, c.want, c.reason)
			}
			out.Close()
		}
	}
	g := &stage{}
	if code := g.finish(&ear{}, tui.Hangup, nil); code != exitHangup {
		t.Errorf("before any run: got exit code %d, want %d", code, exitHangup)
	}
}
