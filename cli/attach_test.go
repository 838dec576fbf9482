//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tload/cli/control"
	"tload/cli/demo"
)

// apartFrom is tload run beside a terminal of the tests, finding the same runs.
type apartFrom struct {
	t     *testing.T
	bin   string
	state string
}

func beside(t *testing.T) *apartFrom {
	t.Helper()
	if testing.Short() {
		t.Skip("drives the program")
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return &apartFrom{t, bin, t.TempDir()}
}

// run is what tload prints, and its exit code.
func (a *apartFrom) run(args ...string) (string, int) {
	a.t.Helper()
	cmd := exec.Command(a.bin, args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+a.state)
	cmd.Dir = a.state
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		a.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// status is how the only run stands.
func (a *apartFrom) status() (s control.Status) {
	a.t.Helper()
	out, code := a.run("status", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != exitOK {
		a.t.Fatalf("status: exit code %d, %v\n%s", code, err, out)
	}
	return s
}

// until polls for ten seconds.
func (a *apartFrom) until(what string, ok func() bool) {
	a.t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatalf("no %s", what)
		}
	}
}

func gone(pid int) bool { return syscall.Kill(pid, 0) != nil }

// TestARunOutlivesItsTerminal: it is left by a key, its terminal is killed, and another one
// has the same screens, down to a body, drives it and ends it. All numbers are the target's.
func TestARunOutlivesItsTerminal(t *testing.T) {
	t.Parallel()
	a := beside(t)
	first := open(t, 100, 30)
	target := first.target
	first.typed("export XDG_STATE_HOME=" + a.state)
	first.load("/ok /fail -u 3 -r 100 --out " + filepath.Join(a.state, "run"))
	first.keys("D")
	first.see("tload attach run")
	first.typed("echo free $((40+2))")
	first.see("free 42")
	s := a.status()
	first.tmux("kill-server")

	second, third := open(t, 160, 45), open(t, 80, 24)
	for _, x := range []*terminal{second, third} {
		x.typed("export XDG_STATE_HOME=" + a.state)
	}
	second.typed("tload attach run")
	second.wait("the run", func(s string) bool { return strings.Contains(s, "RUNNING") && number(usersShown, s) == 3 })
	third.typed("tload attach --read-only " + filepath.Join(a.state, "run"))
	third.see("RUNNING")
	second.drill()
	second.wait("the whole body", func(s string) bool {
		return strings.Contains(s, "503 Service Unavailable") && strings.Contains(s, target.Nonce())
	})
	second.keys("+")
	for _, x := range []*terminal{second, third} {
		x.within(10*time.Second, "one user more", func(s string) bool { return number(usersShown, s) == 4 })
	}
	third.keys("+")
	third.see("only looks on")
	if out, code := a.run("users", "+6", "run"); code != exitOK || !strings.Contains(out, "users ") {
		t.Errorf("users: exit code %d\n%s", code, out)
	}
	for _, x := range []*terminal{second, third} {
		x.within(10*time.Second, "ten users", func(s string) bool { return number(usersShown, s) == 10 })
	}
	third.keys("5")
	third.wait("who has done it", func(s string) bool {
		return strings.Contains(s, "3 → 4") && strings.Contains(s, "4 → 10") && strings.Contains(s, " on pts/")
	})
	if out, code := a.run("users", "many"); code != exitMisuse || !strings.Contains(out, "how many users?") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, code := a.run("stop"); code != exitOK || !strings.Contains(out, "run stops") {
		t.Errorf("stop: exit code %d\n%s", code, out)
	}
	for _, x := range []*terminal{second, third} {
		x.within(10*time.Second, "the end", func(s string) bool { return strings.Contains(s, "STOPPED") && strings.Contains(s, "by tload stop") })
	}
	a.until("end of the process", func() bool { return gone(s.PID) })
	var sum struct {
		Exit  string
		Total struct{ Requests int64 }
		Users struct{ Peak int }
	}
	text, err := os.ReadFile(filepath.Join(a.state, "run", "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &sum)
	}
	if err != nil || sum.Exit != "command" || sum.Users.Peak != 10 {
		t.Errorf("%v, %+v", err, sum)
	}
	if got := target.Gauges(); got.Requests != sum.Total.Requests {
		t.Errorf("the summary has %d requests, the target %d", sum.Total.Requests, got.Requests)
	}
	total := strings.TrimSpace(regexp.MustCompile(`(\d)(\d{3})$`).ReplaceAllString(fmt.Sprint(sum.Total.Requests), "$1 $2"))
	second.keys("2", "a")
	second.wait("the same total as "+total, func(s string) bool {
		return strings.Contains(strings.ReplaceAll(s, "\u202f", " "), total) || strings.Contains(strings.ReplaceAll(s, "\u00a0", " "), total)
	})
	if out, code := a.run("status"); code == exitOK || !strings.Contains(out, "no run of yours goes on here") {
		t.Errorf("after its end: exit code %d\n%s", code, out)
	}
	if out, code := a.run("attach", "run"); code == exitOK || !strings.Contains(out, "tload view run") {
		t.Errorf("after its end: exit code %d\n%s", code, out)
	}
}

// TestDetachedFromTheStart, as by cron: no terminal, a line to come back by, and results.
func TestDetachedFromTheStart(t *testing.T) {
	t.Parallel()
	a := beside(t)
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	out, code := a.run("--detach", "--host="+target.URL, "/ok", "-u", "2", "-n", "100000000", "--out", "run")
	if code != exitOK || !strings.Contains(out, "tload attach run") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	s := a.status()
	if s.Dir != filepath.Join(a.state, "run") || s.State == "" || gone(s.PID) {
		t.Errorf("%+v", s)
	}
	if out, code := a.run("attach"); code != exitMisuse || !strings.Contains(out, "needs a terminal") {
		t.Errorf("attach without one: exit code %d\n%s", code, out)
	}
	if out, code := a.run("stop", "nowhere"); code == exitOK || !strings.Contains(out, "these do") {
		t.Errorf("another's name: exit code %d\n%s", code, out)
	}
	a.run("stop", "ru")
	a.until("end of the process", func() bool { return gone(s.PID) })
	if _, err := os.Stat(filepath.Join(a.state, "run", "summary.json")); err != nil {
		t.Error(err)
	}

	// What is wrong is said at once, and nothing goes on.
	if out, code := a.run("--detach", "--host=127.0.0.1:1", "/ok"); code != exitBroken || !strings.Contains(out, "127.0.0.1:1") {
		t.Errorf("a dead target: exit code %d\n%s", code, out)
	}
	if out, code := a.run("--detach", "--host="+target.URL, "--nonsense"); code != exitMisuse || !strings.Contains(out, "nonsense") {
		t.Errorf("an unknown flag: exit code %d\n%s", code, out)
	}

	// One that cannot be attached to says how it is ended.
	out, code = a.run("--detach", "--no-attach", "--host="+target.URL, "/ok", "-t", "60s", "--out", "other")
	m := regexp.MustCompile(`process (\d+)`).FindStringSubmatch(out)
	if code != exitOK || m == nil {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if out, code := a.run("status"); code == exitOK {
		t.Errorf("it is found all the same:\n%s", out)
	}
	var pid int
	fmt.Sscan(m[1], &pid)
	syscall.Kill(pid, syscall.SIGTERM)
	a.until("end of the process", func() bool { return gone(pid) })
}

// TestARunThatIsKilledIsSaidToBe, to who looks on and to who comes later.
func TestARunThatIsKilledIsSaidToBe(t *testing.T) {
	t.Parallel()
	a := beside(t)
	x := open(t, 100, 30)
	out, code := a.run("--detach", "--host="+x.target.URL, "/ok", "-u", "2", "-t", "300s", "--out", "run")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	s := a.status()
	x.typed("export XDG_STATE_HOME=" + a.state)
	x.typed("tload attach")
	x.see("RUNNING")
	syscall.Kill(s.PID, syscall.SIGKILL)
	x.within(15*time.Second, "the end", func(s string) bool { return strings.Contains(s, "STOPPED") })
	x.keys("7")
	x.see("its process is gone")
	if out, code := a.run("attach", "run"); code == exitOK || !strings.Contains(out, "tload view run") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if left, _ := filepath.Glob(filepath.Join(a.state, "tload", "runs", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
