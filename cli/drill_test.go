//go:build unix

package cli

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// load starts tload on paths of the target and waits until there are failures.
func (x *terminal) load(args string) {
	x.t.Helper()
	x.typed("tload --host=$TARGET " + args)
	x.wait("failures", func(s string) bool { return regexp.MustCompile(`Errors\s?\(\d`).MatchString(s) })
}

// drill opens the first group's first exchange.
func (x *terminal) drill() {
	x.t.Helper()
	x.keys("4")
	x.see("PREVIEW")
	x.keys("Enter")
	x.see("SAMPLES")
	x.keys("Enter")
	x.see("[Response]")
}

func TestTwoKeysToTheWholeFailingResponse(t *testing.T) {
	x := open(t, 80, 24)
	x.load("/fail /ok -u 2 -r 100 --out run")
	x.keys("4")
	x.see("PREVIEW")
	x.keys("Enter")
	x.see("SAMPLES")
	x.keys("Enter")
	x.wait("the whole exchange", func(s string) bool {
		return strings.Contains(s, "503 Service Unavailable") && strings.Contains(s, x.target.Nonce()) &&
			strings.Contains(s, "application/json") && regexp.MustCompile(`of \d+ bytes`).MatchString(s)
	})
	for range 6 { // up, and never out
		x.keys("Escape")
		x.tick()
	}
	x.wait("the list and its row", func(s string) bool { return strings.Contains(s, "ERRORS") && strings.Contains(s, ">") })
	if !strings.Contains(x.screen(), "tload") {
		t.Errorf("esc left the program:\n%s", x.screen())
	}
}

func TestBigAndBinaryBodies(t *testing.T) {
	x := open(t, 80, 24)
	x.load("/big -u 1 -n 3 --no-out --capture-body 8MiB")
	x.keys("4")
	x.see("PREVIEW")
	x.keys("Enter")
	x.see("SAMPLES")
	begin := time.Now()
	x.keys("Enter")
	x.see(`"error": "big"`)
	t.Logf("5 MiB of JSON opened in %v", time.Since(begin))
	x.keys("G")
	x.see(x.target.Nonce())
	x.keys("q")
	x.see("requests 3")
	x.typed("clear; tload --host=$TARGET /bin -u 1 -n 3 --no-out")
	x.wait("failures", func(s string) bool { return regexp.MustCompile(`Errors\s?\(\d`).MatchString(s) })
	x.drill()
	x.see("89 50 4e 47 0d 0a 1a 0a")
}

func TestHostileBodiesChangeNothing(t *testing.T) {
	x := open(t, 80, 24)
	x.tmux("set-option", "-g", "set-clipboard", "on")
	title := x.tmux("display-message", "-p", "#{pane_title}")
	x.load("/evil -u 1 -n 5 --no-out")
	x.drill()
	x.keys("x") // so much of it is control characters that it comes as hex
	x.see("␛")
	x.wait("the text behind the codes", func(s string) bool { return strings.Contains(s, x.target.Nonce()) })
	if got := x.tmux("display-message", "-p", "#{pane_title}"); got != title && strings.Contains(got, "owned") {
		t.Errorf("the title became %q", got)
	}
	if out, _ := exec.Command("tmux", "-L", x.socket, "show-buffer").CombinedOutput(); strings.Contains(string(out), "owned") {
		t.Errorf("the clipboard became %q", out)
	}
	lines := strings.Split(x.screen(), "\n")
	if !strings.Contains(lines[0], "tload") {
		t.Errorf("the first line is gone: %q", lines[0])
	}
	for _, l := range lines {
		if len([]rune(l)) > 80 {
			t.Errorf("a line of %d cells: %q", len([]rune(l)), l)
		}
	}
}

func TestTheCopiedCurlDoesTheSame(t *testing.T) {
	need(t, "curl")
	x := open(t, 80, 24)
	os.WriteFile(filepath.Join(x.dir, "nasty.http"), []byte("POST /fail\nContent-Type: text/plain\nX-Quote: it's \"quoted\"\n\nit's a \"body\"\nof two lines $HOME `id`\n"), 0o644)
	x.load("-f nasty.http -u 1 -n 2 --out run")
	x.drill()
	x.keys("c")
	x.wait("a toast", func(s string) bool { return strings.Contains(s, "curl") && strings.Contains(s, "byte") })
	var script []byte
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(x.dir, "run", "*", "*.sh"))
		more, _ := filepath.Glob(filepath.Join(x.dir, "run", "*.sh"))
		if files = append(files, more...); len(files) > 0 {
			script, _ = os.ReadFile(files[0])
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no curl script under %s; the screen:\n%s", x.dir, x.screen())
		}
	}
	before := x.target.Gauges().Paths["/fail"]
	cmd := exec.Command("sh", "-c", string(script))
	cmd.Dir = x.dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), x.target.Nonce()) {
		t.Errorf("the copied command: %v\n%s\n--\n%s", err, out, script)
	}
	if got := x.target.Gauges().Paths["/fail"]; got != before+1 {
		t.Errorf("the server saw %d requests of it, want 1", got-before)
	}
}

func TestSelectionAndOrderHoldOverRefreshes(t *testing.T) {
	x := open(t, 80, 24)
	x.load("/ok /fail /bin -u 3 -r 100 --no-out")
	x.keys("2")
	x.see("STATS")
	x.keys("/")
	x.tmux("send-keys", "-l", "fail|bin")
	x.keys("Enter")
	selected := regexp.MustCompile(`(?m)^>(\w+ +\S+)`)
	top := selected.FindString(x.wait("the first row selected", func(s string) bool { return selected.MatchString(s) && !strings.Contains(s, "/ok ") }))
	x.keys("j")
	first := selected.FindString(x.wait("the second row selected", func(s string) bool { return selected.MatchString(s) && selected.FindString(s) != top }))
	for i := range 10 {
		x.tick()
		if got := selected.FindString(x.screen()); got != first {
			t.Fatalf("refresh %d: %q is selected, was %q", i, got, first)
		}
	}
}

// results reads the summary.json below the terminal's directory.
func (x *terminal) results(limit time.Duration) (total, failures int64) {
	x.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(x.dir, "run", "summary.json"))
		var s struct {
			Total struct{ Requests, Failures, Aborted int64 }
		}
		if err == nil && json.Unmarshal(text, &s) == nil {
			return s.Total.Requests + s.Total.Aborted, s.Total.Failures
		}
		if time.Now().After(end) {
			x.t.Fatalf("no summary.json after %v: %v", limit, err)
		}
	}
}

func TestALostTerminal(t *testing.T) {
	for _, c := range []struct {
		name, flags string
	}{
		{"with a run time the run finishes", "-t 4s"},
		{"without one it stops gracefully", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := open(t, 80, 24)
			x.load("/fail -u 2 -r 100 --out run " + c.flags)
			x.tmux("kill-session") // the terminal is gone: SIGHUP
			total, _ := x.results(15 * time.Second)
			if got := x.target.Gauges().Requests; total != got || total == 0 {
				t.Errorf("the files hold %d requests, the server counted %d", total, got)
			}
			text, _ := os.ReadFile(filepath.Join(x.dir, "run", "summary.json"))
			if !strings.Contains(string(text), "hangup") {
				t.Errorf("summary.json does not say hangup")
			}
		})
	}
}

// TestSignalsAtAFullScreen sends each signal that ends the program while it
// loads, while it still says what came of it, and before it loads anything: the
// terminal is as it was before, the files are whole, the exit code is the
// signal's.
func TestSignalsAtAFullScreen(t *testing.T) {
	for _, c := range []struct {
		name, flags, see string
		files            bool
	}{
		{"during the run", "-u 2 -r 100 --out run", "RUNNING", true},
		{"after the run", "-u 2 -r 100 -n 50 --out run", "STOPPED", true},
		{"in the form", "", "Start", false},
	} {
		for _, s := range []struct {
			signal os.Signal
			code   string
		}{{interruption, "code 130"}, {terminate, "code 143"}} {
			t.Run(c.name+", "+s.signal.String(), func(t *testing.T) {
				x := open(t, 80, 24)
				x.signal(x.background("tload --host=$TARGET /ok "+c.flags, c.see), s.signal)
				x.see(s.code)
				x.restored()
				if !c.files {
					return
				}
				if total, _ := x.results(5 * time.Second); total != x.target.Gauges().Requests {
					t.Errorf("the files hold %d requests, the server counted %d", total, x.target.Gauges().Requests)
				}
			})
		}
	}
	t.Run("in a finished run", func(t *testing.T) {
		x := open(t, 80, 24)
		x.typed("tload --headless --host=$TARGET /ok -n 5 --out run; clear")
		x.results(5 * time.Second)
		x.signal(x.background("tload view run", "STOPPED"), interruption)
		x.see("code 130")
		x.restored()
	})
	t.Run("one that asks for a trace", func(t *testing.T) {
		x := open(t, 80, 24)
		x.signal(x.background("tload --host=$TARGET /ok -u 2 -r 100 --no-out", "RUNNING"), trace)
		x.see("code 2")
		x.restored()
	})
	t.Run("a task that does not end", func(t *testing.T) {
		x := open(t, 80, 24)
		pid := x.background("tload --host=$TARGET /hang -u 2 -r 100 --stop-timeout 1h --timeout 2h --out run", "RUNNING")
		x.signal(pid, terminate)
		x.see("STOPPING")
		x.signal(pid, terminate) // cuts the grace short
		x.see("code 143")
		x.restored()
		x.results(5 * time.Second)
	})
}

// background starts a command, sees it on the screen and is its process.
func (x *terminal) background(command, see string) *os.Process {
	x.t.Helper()
	x.typed(command + " & echo $! > pid; fg; echo code $?")
	x.see(see)
	pid, err := os.ReadFile(filepath.Join(x.dir, "pid"))
	if err != nil {
		x.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil {
		x.t.Fatal(err)
	}
	p, err := os.FindProcess(n)
	if err != nil {
		x.t.Fatal(err)
	}
	return p
}

func (x *terminal) signal(p *os.Process, s os.Signal) {
	x.t.Helper()
	if err := p.Signal(s); err != nil {
		x.t.Fatal(err)
	}
}

// restored fails if the terminal is not as a shell expects it.
func (x *terminal) restored() {
	x.t.Helper()
	if got := strings.TrimSpace(x.tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}")); got != "0 0 1" {
		x.t.Errorf("alternate screen, mouse, cursor: got %s, want 0 0 1", got)
	}
	x.typed("clear; stty -a | grep -o ' icanon' && echo can type")
	x.see("can type")
}

// TestAStuckReader stops the reading of the terminal: the load must not care.
func TestAStuckReader(t *testing.T) {
	x := open(t, 80, 24)
	x.load("/fail -u 4 -r 100 --no-out")
	rate := func(d time.Duration) float64 {
		a, begin := x.target.Gauges().Requests, time.Now()
		<-time.After(d)
		return float64(x.target.Gauges().Requests-a) / time.Since(begin).Seconds()
	}
	free := rate(3 * time.Second)
	// A shell in another window stops tmux's own reading by keeping the pane in
	// a suspended client: the server is stopped as a whole.
	out := strings.TrimSpace(x.tmux("display-message", "-p", "#{pid}"))
	server, err := strconv.Atoi(out)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := os.FindProcess(server)
	p.Signal(os.Signal(pause))
	stuck := rate(5 * time.Second)
	p.Signal(os.Signal(resume))
	after := rate(3 * time.Second)
	usual := (free + after) / 2
	t.Logf("%.0f requests/s before, %.0f while nobody read, %.0f after", free, stuck, after)
	if stuck < usual*0.6 { // the machine's noise is more than the five percent of a quiet one
		t.Errorf("the rate fell from %.0f to %.0f while nobody read the terminal", usual, stuck)
	}
	x.wait("a current screen", func(s string) bool { return strings.Contains(s, "RUNNING") })
	x.tick()
}

func TestSendAgainSendsOnce(t *testing.T) {
	x := open(t, 80, 24)
	x.load("/fail -u 1 -n 3 --no-out")
	x.drill()
	before := x.target.Gauges().Paths["/fail"]
	x.keys("!")
	x.see("sent again: 503")
	if got := x.target.Gauges().Paths["/fail"]; got != before+1 {
		t.Errorf("the server saw %d more requests, want 1", got-before)
	}
}

// TestSendAgainToASocket holds that the socket is known when its run is over.
func TestSendAgainToASocket(t *testing.T) {
	x := open(t, 80, 24)
	l, err := net.Listen("unix", filepath.Join(x.dir, "web.sock"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418) })}
	go srv.Serve(l)
	defer srv.Close()
	x.typed("tload unix:web.sock /tea -u 1 -n 3 --no-out")
	x.wait("failures", func(s string) bool { return regexp.MustCompile(`Errors\s?\(\d`).MatchString(s) })
	x.drill()
	x.keys("!")
	x.see("sent again: 418")
}

// TestWhatLibrariesSayIsLogged has a server that breaks HTTP/2, of which
// net/http writes a line to package log each time.
func TestWhatLibrariesSayIsLogged(t *testing.T) {
	x := open(t, 80, 24)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				io.ReadFull(nc, make([]byte, len(http2.ClientPreface)))
				fr := http2.NewFramer(nc, nc)
				fr.WriteSettings()
				for err := error(nil); err == nil; {
					var f http2.Frame
					if f, err = fr.ReadFrame(); err == nil && f.Header().Type == http2.FrameHeaders {
						fr.WriteData(f.Header().StreamID, true, []byte("x"))
					}
				}
			}()
		}
	}()
	x.typed("tload --http2 --host=http://" + l.Addr().String() + " -u 2 -r 10 --no-out")
	x.wait("failures", func(s string) bool { return regexp.MustCompile(`Errors\s?\(\d`).MatchString(s) })
	x.tick()
	if s := x.screen(); !strings.Contains(strings.Split(s, "\n")[0], "tload") || strings.Contains(s, "received DATA") {
		t.Errorf("it is written across the screen:\n%s", s)
	}
	x.keys("7")
	x.see("received DATA before a HEADERS frame")
}
