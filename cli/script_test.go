package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tload/cli/demo"
	"tload/stats"
	"tload/stats/journal"
)

// TestMain lets the scripts run this test binary as tload.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tload": func() {
			p := program{args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ()}
			os.Exit(p.main(context.Background()))
		},
		"faulty": func() { Main(faulty) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			target, err := demo.Start("127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Defer(func() { target.Close() })
			e.Setenv("HOST", target.URL)
			if !testing.Short() {
				bin, err := binary()
				if err != nil {
					return err
				}
				e.Setenv("TLOAD", bin)
				// A module that needs ours asks for go.mod files that ours alone does not:
				// with the whole graph in the cache, nothing has to be fetched.
				if out, err := exec.Command("go", "list", "-m", "all").CombinedOutput(); err != nil {
					return fmt.Errorf("go list -m all: %w\n%s", err, out)
				}
				for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOROOT"} {
					out, err := exec.Command("go", "env", name).Output()
					if err != nil {
						return err
					}
					e.Setenv(name, strings.TrimSpace(string(out)))
				}
			}
			e.Setenv("NONCE", target.Nonce())
			e.Values["target"] = target
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"counts":   counts,
			"exitcode": exitCode,
			"running":  running,
			"counted":  counted,
			"there":    there,
			"warmed":   warmed,
			"signal":   sendSignal,
		},
	})
}

// counts FILE holds a summary.json against what the server itself counted: all
// requests, and each status. A request that met a reset was sent once more, a
// reconnect: such a server, which had read it, counts it twice.
func counts(ts *testscript.TestScript, neg bool, args []string) {
	g := ts.Value("target").(*demo.Target).Gauges()
	var s struct {
		Total struct {
			Requests, Failures, Aborted, Reconnects int64
			Status                                  map[string]int64
		}
		Endpoints []struct{ Requests int64 }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &s))
	again := g.Requests - s.Total.Requests - s.Total.Aborted
	if again < 0 || again > min(s.Total.Reconnects, g.Status[0]) || g.Requests == 0 {
		ts.Fatalf("summary: %d requests, %d aborted and %d reconnects; the server counted %d", s.Total.Requests, s.Total.Aborted, s.Total.Reconnects, g.Requests)
	}
	for code, n := range g.Status {
		if code == 0 || s.Total.Aborted > 0 {
			continue // no status was sent, or nobody saw it
		}
		if got := s.Total.Status[strconv.Itoa(code)]; got != n {
			ts.Fatalf("summary: status %d %d times; the server counted %d", code, got, n)
		}
	}
	var sum int64
	for _, e := range s.Endpoints {
		sum += e.Requests
	}
	if sum != s.Total.Requests {
		ts.Fatalf("endpoints have %d requests, the total %d", sum, s.Total.Requests)
	}
}

// running DIR waits until the run that writes to DIR has a second in its
// journal.
func running(ts *testscript.TestScript, neg bool, args []string) {
	path := filepath.Join(ts.MkAbs(args[0]), journal.Name)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		info, err := journal.Read(f, func(journal.Options) stats.Tap { return stats.NewLedger(0, 0) })
		f.Close()
		if err == nil && info.Elapsed >= time.Second && info.Meta != nil {
			return
		}
	}
	ts.Fatalf("%s: no run", path)
}

// signals are those that sendSignal can send; the files of a system may add its own.
var signals = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}

// signal NAME sends one of signals to the newest command in the background.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	list := ts.BackgroundCmds()
	sig := signals[args[0]]
	if len(list) == 0 || sig == 0 {
		ts.Fatalf("no command, or no signal %s", args[0])
	}
	ts.Check(list[len(list)-1].Process.Signal(sig))
}

// there FILE waits until there is such a file.
func there(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s: not there", args[0])
}

// counted FILE holds a summary.json that has requests.
func counted(ts *testscript.TestScript, neg bool, args []string) {
	var s struct{ Total struct{ Requests int64 } }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &s))
	if s.Total.Requests == 0 {
		ts.Fatalf("%s: no requests", args[0])
	}
}

// warmed FILE holds a summary.json of two seconds of a warm-up and two of a run, of
// about as many requests each, of which each is in one segment.
func warmed(ts *testscript.TestScript, neg bool, args []string) {
	type numbers struct{ Requests, Failures int64 }
	var s struct {
		Total    numbers
		Errors   []struct{ Count int64 }
		Segments []struct{ Total numbers }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &s))
	var rest numbers
	for _, g := range s.Segments[1:] {
		rest.Requests, rest.Failures = rest.Requests+g.Total.Requests, rest.Failures+g.Total.Failures
	}
	if warm := s.Segments[0].Total; rest != s.Total || warm.Requests < s.Total.Requests/4 || s.Total.Requests < warm.Requests/4 {
		ts.Fatalf("%s: the warm-up has %v, the segments behind it %v, the run %v", args[0], warm, rest, s.Total)
	}
	if len(s.Errors) != 1 || s.Errors[0].Count != s.Total.Failures {
		ts.Fatalf("%s: the errors are %v, of %d failures", args[0], s.Errors, s.Total.Failures)
	}
}

// exitcode N CMD… runs a command that must exit with N.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var code interface{ ExitCode() int }
		if e, ok := err.(interface{ ExitCode() int }); ok {
			code = e
		}
		if code == nil {
			ts.Fatalf("%v", err)
		}
		got = code.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code: got %s, want %d", fmt.Sprint(got), want)
	}
}
