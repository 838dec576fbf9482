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
	"strconv"
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
	body   string // of replies
	delay  time.Duration

	served, now, most atomic.Int64
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("loads a target")
	}
	f := &fleet{t: t, dir: t.TempDir(), body: "hello\n", delay: 5 * time.Millisecond}
	f.target = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.served.Add(1)
		now := f.now.Add(1)
		defer f.now.Add(-1)
		for most := f.most.Load(); now > most && !f.most.CompareAndSwap(most, now); most = f.most.Load() {
		}
		time.Sleep(f.delay)
		if r.URL.Path == "/fail" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, f.body)
	}))
	t.Cleanup(f.target.Close)
	f.port = freePort(t)
	f.token = strings.TrimSpace(f.run("token").wait(10 * time.Second))
	return f
}

var ports atomic.Int64

// freePort is one that nobody has, from below those that the system gives to
// connections: a master that is started again needs it again.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.FormatInt(20_000+(int64(os.Getpid())*37+ports.Add(1))%11_000, 10)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
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
	return f.runAs(bin, args...)
}

func (f *fleet) runAs(bin string, args ...string) *process {
	f.t.Helper()
	p := &process{f: f, cmd: exec.Command(bin, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = f.dir, append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(f.dir, "state"), "XDG_CACHE_HOME="+filepath.Join(f.dir, "cache"))
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

// fails is all that it said until its end, which must be with that exit code.
func (p *process) fails(code int) string {
	p.f.t.Helper()
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.f.t.Fatalf("%v still runs:\n%s", p.cmd.Args, p.text())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.f.t.Errorf("%v: exit code %d, want %d\n%s", p.cmd.Args, got, code, p.text())
	}
	return p.text()
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

// log is the only run's.
func (f *fleet) log() string {
	f.t.Helper()
	list, _ := filepath.Glob(filepath.Join(f.dir, "tload-runs", "*", "tload.log"))
	if len(list) != 1 {
		f.t.Fatalf("logs: %v, want one", list)
	}
	b, err := os.ReadFile(list[0])
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}

func (f *fleet) summary() (r result) {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// whole holds the summary against what the target counted.
func (f *fleet) whole() {
	f.t.Helper()
	got, want := f.summary().Total, f.served.Load()
	if got.Requests == 0 || got.Requests+got.Aborted != want {
		f.t.Errorf("the summary has %d requests and %d aborted, the target %d", got.Requests, got.Aborted, want)
	}
}
