//go:build unix

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
	"tload/stats/journal"
)

// fleet is a master and workers, each a process, and a target that counts.
type fleet struct {
	t      *testing.T
	dir    string
	target *httptest.Server
	port   string
	token  string

	served, now, most atomic.Int64
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("loads a target")
	}
	f := &fleet{t: t, dir: t.TempDir()}
	f.target = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.served.Add(1)
		now := f.now.Add(1)
		defer f.now.Add(-1)
		for most := f.most.Load(); now > most && !f.most.CompareAndSwap(most, now); most = f.most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		if r.URL.Path == "/fail" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprintln(w, "hello")
	}))
	t.Cleanup(f.target.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, f.port, _ = net.SplitHostPort(l.Addr().String())
	l.Close()
	f.token = strings.TrimSpace(f.run("token").wait(10 * time.Second))
	return f
}

// process is tload with these arguments.
type process struct {
	f    *fleet
	cmd  *exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
	done chan struct{}
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func (f *fleet) run(args ...string) *process {
	f.t.Helper()
	bin, err := binary()
	if err != nil {
		f.t.Fatal(err)
	}
	p := &process{f: f, cmd: exec.Command(bin, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = f.dir, append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(f.dir, "state"))
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	f.t.Cleanup(p.kill)
	return p
}

func (f *fleet) master(args ...string) *process {
	f.t.Helper()
	return f.run(append([]string{"--host=" + f.target.URL, "/", "/fail", "--master", "--master-bind=127.0.0.1", "--master-port=" + f.port,
		"--headless", "--json", "summary.json"}, args...)...)
}

func (f *fleet) worker() *process {
	f.t.Helper()
	return f.run("--worker", "--master-host=127.0.0.1:"+f.port, "--token="+f.token)
}

// kill is kill -9, and waits until it is dead.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// wait is all that it said until its end, which must be a good one.
func (p *process) wait(limit time.Duration) string {
	p.f.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.f.t.Fatalf("%v still runs after %v:\n%s", p.cmd.Args, limit, p.text())
	}
	if !p.cmd.ProcessState.Success() {
		p.f.t.Fatalf("%v: %v\n%s", p.cmd.Args, p.cmd.ProcessState, p.text())
	}
	return p.text()
}

// until polls.
func (f *fleet) until(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// reached waits until the journal of the only run has that much.
func (f *fleet) reached(elapsed time.Duration) {
	f.t.Helper()
	f.until(fmt.Sprint("a journal of ", elapsed), func() bool {
		list, _ := filepath.Glob(filepath.Join(f.dir, "tload-runs", "*", journal.Name))
		if len(list) != 1 {
			return false
		}
		in, err := os.Open(list[0])
		if err != nil {
			return false
		}
		defer in.Close()
		info, err := journal.Read(in, func(journal.Options) stats.Tap { return stats.NewLedger(0, 0) })
		return err == nil && info.Elapsed >= elapsed && info.Meta != nil
	})
}

// whole holds the summary against what the target counted.
func (f *fleet) whole() {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, "summary.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(b, &r); err != nil {
		f.t.Fatal(err)
	}
	if r.Total.Requests == 0 || r.Total.Requests+r.Total.Aborted != f.served.Load() {
		f.t.Errorf("the summary has %d requests and %d aborted, the target %d", r.Total.Requests, r.Total.Aborted, f.served.Load())
	}
}

// TestAMasterThatIsKilledGoesOn kills a master again and again under load; nothing of
// what its workers did is lost or counted twice.
func TestAMasterThatIsKilledGoesOn(t *testing.T) {
	f := newFleet(t)
	args := []string{"-u", "12", "-r", "100", "-n", "9000", "--expect-workers", "2"}
	workers := []*process{f.worker(), f.worker()}
	m := f.master(args...)
	for i := range 3 {
		f.reached(time.Duration(i+2) * time.Second)
		m.kill()
		m = f.master(args...)
	}
	said := m.wait(60 * time.Second)
	for _, w := range workers {
		w.wait(20 * time.Second)
	}
	f.whole()
	if got := f.served.Load(); got != 9000 {
		t.Errorf("the target served %d requests, want 9000", got)
	}
	if got := f.most.Load(); got > 12 {
		t.Errorf("there were %d requests at a time, of 12 users", got)
	}
	if n := strings.Count(said, "its master was killed"); n != 3 {
		t.Errorf("the master was killed 3 times, and the summary speaks of %d:\n%s", n, said)
	}
	if list, _ := filepath.Glob(filepath.Join(f.dir, "tload-runs", "*")); len(list) != 1 {
		t.Errorf("got %v, want one run directory", list)
	}
	if left, _ := filepath.Glob(filepath.Join(f.dir, "state", "tload", "run-*")); left != nil {
		t.Errorf("after the end %v is left", left)
	}
}

// TestAnotherRunIsNotGoneOnWith holds that only the command that was cut off goes on
// with its run, and that its workers join the run that is made instead.
func TestAnotherRunIsNotGoneOnWith(t *testing.T) {
	f := newFleet(t)
	w := f.worker()
	m := f.master("-u", "2")
	f.reached(2 * time.Second)
	m.kill()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-u", "2", "--header=X-A: b", "--resume=yes"}, "another command's"},
		{[]string{"-u", "2", "--out=elsewhere", "--resume=yes"}, "not in elsewhere"},
	} {
		p := f.master(tt.args...)
		<-p.done
		if got := p.text(); p.cmd.ProcessState.ExitCode() != exitMisuse || !strings.Contains(got, tt.want) {
			t.Errorf("%v: %v, want %d and %q:\n%s", tt.args, p.cmd.ProcessState, exitMisuse, tt.want, got)
		}
	}
	m = f.master("-u", "3", "--header=X-A: b", "-t", "2s")
	if said := m.wait(30 * time.Second); !strings.Contains(said, "this is a new run") {
		t.Errorf("it does not say so:\n%s", said)
	}
	if said := w.wait(20 * time.Second); !strings.Contains(said, "joining the new one") {
		t.Errorf("the worker does not say what became of the run:\n%s", said)
	}
}

// TestALivingMasterKeepsItsRun holds that a second master takes nothing away from one
// that lives.
func TestALivingMasterKeepsItsRun(t *testing.T) {
	f := newFleet(t)
	w := f.worker()
	args := []string{"-u", "2", "-t", "6s"}
	m := f.master(args...)
	f.reached(2 * time.Second)
	other := f.master(append(args, "--resume=yes")...)
	<-other.done
	if got := other.text(); other.cmd.ProcessState.Success() || !strings.Contains(got, "--master-port") {
		t.Errorf("%v: %s", other.cmd.ProcessState, got)
	}
	m.wait(30 * time.Second)
	w.wait(20 * time.Second)
	f.whole()
}

func TestWhatIsAnAgreement(t *testing.T) {
	for text, want := range map[string]bool{"\n": true, "y\n": true, "Yes\n": true, "n\n": false, "no": false, "what?\n": false} {
		if got, err := agreed(strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	if _, err := agreed(io.LimitReader(strings.NewReader(""), 0)); err == nil {
		t.Error("no answer is one")
	}
}
