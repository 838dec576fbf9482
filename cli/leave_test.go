package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
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
	p := &program{stdin: os.Stdin, stdout: out, stderr: out, env: func(string) (string, bool) { return "", false }}
	run := filepath.Join(dir, "run")
	s, err := p.parse([]string{"--host=" + target.URL, "/ok", "-u", "3", "-r", "100", "-t", "1s", "--out", run}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &stage{p: p, settings: s, logs: tui.NewLogs(10)}
	x, err := prepare(context.Background(), s, nil, g.logs)
	if err != nil {
		t.Fatal(err)
	}
	g.begin(x)
	if code := g.leave(tui.Panicked, errors.New("index out of range")); code != exitOK {
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
