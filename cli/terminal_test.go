package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tload/cli/demo"
)

// terminal is a tmux of its own with tload in it: the tests here press keys and
// read the screen as a person would, and ask the target what it saw.
type terminal struct {
	t      *testing.T
	socket string
	dir    string
	target *demo.Target
}

// need skips the test without that tool; where REQUIRE_TOOLS is set it fails.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("REQUIRE_TOOLS") != "" {
			t.Fatalf("%s is needed and not here", tool)
		}
		t.Skipf("%s is needed: install it to run this test", tool)
	}
}

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tload-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "tload")
	out, err := exec.Command("go", "build", "-o", bin, "tload").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v\n%s", err, out)
	}
	return bin, nil
})

// open starts a shell in a terminal of that size, and a target.
func open(t *testing.T, cols, rows int) *terminal {
	t.Helper()
	need(t, "tmux")
	if testing.Short() {
		t.Skip("drives a terminal")
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, dir: t.TempDir(), target: target, socket: fmt.Sprintf("tload-test-%d-%d", os.Getpid(), time.Now().UnixNano())}
	t.Cleanup(func() {
		exec.Command("tmux", "-L", x.socket, "kill-server").Run()
		target.Close()
		// The program still writes its files when its terminal is gone.
		for end := time.Now().Add(10 * time.Second); os.RemoveAll(x.dir) != nil && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
	})
	conf := filepath.Join(x.dir, "tmux.conf")
	os.WriteFile(conf, []byte("set -g status off\nset -g history-limit 5000\nset -g default-terminal tmux-256color\nset -g escape-time 0\n"), 0o644)
	x.tmux("-f", conf, "new-session", "-d", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows), "-c", x.dir, "env", "-u", "TMUX", "PS1=$ ", "sh")
	x.wait("the shell's prompt", func(s string) bool { return strings.Contains(s, "$") })
	x.tmux("send-keys", "-l", "alias tload="+bin+"; TARGET="+target.URL+"; clear")
	x.keys("Enter")
	x.wait("an empty screen", func(s string) bool { return strings.TrimSpace(s) == "$" })
	return x
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-L", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// typed types a command line.
func (x *terminal) typed(command string) {
	x.t.Helper()
	x.tmux("send-keys", "-l", command)
	x.keys("Enter")
}

func (x *terminal) keys(keys ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, keys...)...)
}

func (x *terminal) screen() string {
	x.t.Helper()
	return x.tmux("capture-pane", "-p")
}

// wait polls the screen until ok, for five seconds.
func (x *terminal) wait(what string, ok func(screen string) bool) string {
	x.t.Helper()
	return x.within(5*time.Second, what, ok)
}

func (x *terminal) within(limit time.Duration, what string, ok func(screen string) bool) string {
	x.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		s := x.screen()
		if ok(s) {
			return s
		}
		if time.Now().After(end) {
			x.t.Fatalf("no %s within %v; the screen:\n%s", what, limit, s)
		}
	}
}

func (x *terminal) see(text string) string {
	x.t.Helper()
	return x.wait(strconv.Quote(text), func(s string) bool { return strings.Contains(s, text) })
}

var (
	usersShown = regexp.MustCompile(`  (\d+(?: \d{3})*) users`)
	rpsShown   = regexp.MustCompile(`RPS +([\d  .]+)`)
)

// number is what the pattern's group shows, blanks between digits left out.
func number(re *regexp.Regexp, screen string) float64 {
	m := re.FindStringSubmatch(screen)
	if m == nil {
		return -1
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return -1
	}, m[1])
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return -1
	}
	return v
}

// tick waits until the screen shows something else: what was typed before has
// been read then, and an escape is not taken for the beginning of a sequence.
func (x *terminal) tick() {
	x.t.Helper()
	before := x.screen()
	x.wait("change", func(s string) bool { return s != before })
}

func TestFirstPaintFormAndStart(t *testing.T) {
	x := open(t, 80, 24)
	begin := time.Now()
	x.typed("tload --host=$TARGET /ok")
	x.within(2*time.Second, "start form", func(s string) bool { return strings.Contains(s, "Start") && strings.Contains(s, x.target.URL) })
	t.Logf("first paint after %v, the shell and tmux included", time.Since(begin))
	x.keys("Enter")
	x.within(3*time.Second, "load", func(s string) bool { return strings.Contains(s, "RUNNING") && number(rpsShown, s) > 0 })
	if x.target.Gauges().Requests == 0 {
		t.Error("the server has seen no request")
	}
}

func TestKeysMoveTheUsers(t *testing.T) {
	x := open(t, 80, 24)
	x.typed("tload --host=$TARGET /hang -u 1 -r 1000 --stop-timeout 1s --timeout 60s --no-out")
	// A user at /hang is in its request all the time, so the server's count of
	// concurrent requests is the number of users.
	agree := func(want int64) {
		t.Helper()
		x.wait(fmt.Sprintf("%d users", want), func(s string) bool {
			return number(usersShown, s) == float64(want) && x.target.Gauges().Concurrent == want
		})
	}
	agree(1)
	want := int64(1)
	for _, k := range []struct {
		key  string
		step int64
	}{{"+", 1}, {"+", 1}, {"+", 1}, {"W", 10}, {"w", 1}, {"+", 10}} {
		x.keys(k.key)
		want += k.step
		agree(want)
	}
	// A user that is to stop finishes its request first, and these never end:
	// the target moves, the server still sees them all.
	for _, k := range []struct {
		key   string
		shown float64
	}{{"s", 24}, {"S", 14}, {"-", 4}} {
		x.keys(k.key)
		x.wait("the target", func(s string) bool { return number(usersShown, s) == k.shown && x.target.Gauges().Concurrent == want })
	}
	x.keys("u")
	x.see("Spawn rate")
	x.keys("C-u")
	x.tmux("send-keys", "-l", "250")
	x.keys("Enter")
	x.wait("250 users", func(s string) bool { return number(usersShown, s) == 250 && x.target.Gauges().Concurrent >= 250 })
}

func TestResizeUnderLoad(t *testing.T) {
	x := open(t, 80, 24)
	x.typed("tload --host=$TARGET /ok /fail -u 5 -r 100 --no-out")
	x.see("RUNNING")
	for _, size := range [][2]int{{160, 45}, {100, 30}, {60, 20}, {40, 12}, {38, 9}, {20, 5}, {80, 24}} {
		cols, rows := size[0], size[1]
		x.tmux("resize-window", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows))
		x.wait(fmt.Sprintf("screen of %dx%d", cols, rows), func(s string) bool {
			lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
			for _, l := range lines {
				if len([]rune(l)) > cols {
					return false
				}
			}
			first := strings.TrimSpace(lines[0])
			if cols < 40 || rows < 10 {
				return strings.Contains(first, "rps") || strings.Contains(s, "too small") || strings.Contains(first, "RUN")
			}
			return (strings.Contains(first, "tload") || strings.Contains(first, "RUNNING")) && len(lines) <= rows
		})
	}
	x.keys("+")
	x.wait("6 users", func(s string) bool { return number(usersShown, s) == 6 })
	x.keys("4")
	x.see("ERRORS")
	for _, word := range []string{"panic", "goroutine "} {
		if strings.Contains(x.screen(), word) {
			t.Errorf("the screen has %q:\n%s", word, x.screen())
		}
	}
}

func TestNoColour(t *testing.T) {
	x := open(t, 80, 24)
	x.typed("NO_COLOR=1 tload --host=$TARGET /ok /fail -u 5 -r 100 --no-out")
	x.see("RUNNING")
	x.see("GET")
	coloured := regexp.MustCompile(`\x1b\[[\d;]*\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]`)
	if out := x.tmux("capture-pane", "-p", "-e"); coloured.MatchString(out) {
		t.Errorf("colours with NO_COLOR=1: %q", coloured.FindString(out))
	}
	x.keys("q")
	x.keys("s")
	x.see("latency ms")
	x.typed("clear; TERM=dumb tload --host=$TARGET /ok -u 2 -n 10 --no-out > out.txt; echo over$((1+1))")
	x.see("over2")
	text, err := os.ReadFile(filepath.Join(x.dir, "out.txt"))
	if err != nil || strings.ContainsRune(string(text), 0x1b) || !strings.Contains(string(text), "requests 10") {
		t.Errorf("TERM=dumb into a file: %v %q", err, text)
	}
	x.typed("clear; TERM=dumb tload --host=$TARGET /ok -u 2 -n 10 --no-out; echo over$((1+1))")
	x.wait("a plain summary", func(s string) bool { return strings.Contains(s, "requests 10") && strings.Contains(s, "over2") })
}

func TestQuitAsksAndLeavesASummary(t *testing.T) {
	x := open(t, 80, 24)
	x.typed("tload --host=$TARGET /ok /fail -u 5 -r 100 --no-out; echo code $?")
	x.wait("load", func(s string) bool { return number(rpsShown, s) > 0 })
	for range 5 {
		x.keys("Escape")
		x.tick()
	}
	x.keys("q")
	x.see("A run is active")
	x.keys("Escape")
	x.wait("no dialog", func(s string) bool { return !strings.Contains(s, "A run is active") })
	x.see("RUNNING")
	x.tick()
	x.keys("q")
	x.see("A run is active")
	x.keys("s")
	x.see("code 0")
	s := x.screen()
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "tload: ") {
			lines = lines[i:]
			break
		}
	}
	if len(lines) > 25 { // the summary and the line of echo
		t.Errorf("the summary has %d lines:\n%s", len(lines), s)
	}
	requests := regexp.MustCompile(`(?m)^ +requests ([\d ]+)`)
	if got, want := number(requests, s), float64(x.target.Gauges().Requests); got != want {
		t.Errorf("requests: the summary says %v, the server counted %v\n%s", got, want, s)
	}
	x.typed("clear; echo it is a shell again; stty -a | grep -c -- ' icanon'")
	x.wait("the shell as it was", func(s string) bool { return strings.Contains(s, "it is a shell again\n1") })
}

// TestWhatABehaviourPrints is in the logs and not on the screen, and a crash is told on
// the terminal all the same.
func TestWhatABehaviourPrints(t *testing.T) {
	x := open(t, 100, 24)
	bin := filepath.Join(x.dir, "prints")
	if out, err := exec.Command("go", "build", "-o", bin, "./testdata/prints").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	x.typed(bin + " --host=$TARGET -u 2 --no-out")
	x.see("RUNNING")
	x.see("/ok")
	for range 10 {
		x.tick()
		if s := x.screen(); strings.Contains(s, "by-") || !strings.Contains(s, "1 Dash") {
			t.Fatalf("it is printed on the screen:\n%s", s)
		}
	}
	x.keys("7")
	for _, how := range []string{"by-fmt ␛[2J", "by-stderr", "by-log", "by-println"} {
		x.see(how)
	}
	x.keys("q")
	x.see("A run is active")
	x.keys("s")
	x.see("stopped by you")
	if s := x.screen(); strings.Contains(s, "by-") {
		t.Errorf("the shell has it:\n%s", s)
	}
	os.WriteFile(filepath.Join(x.dir, "crash"), nil, 0o644)
	x.typed("clear; " + bin + " --host=$TARGET -u 1 --no-out")
	x.see("by-crash")
}
