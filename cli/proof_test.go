package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tload/cli/demo"
)

// result is what a proof looks at in summary.json.
type result struct {
	Exit  string
	Total struct {
		Requests, Failures, Aborted int64
		NotStarted                  int64              `json:"not_started"`
		Corrected                   map[string]float64 `json:"corrected_ms"`
		OK                          map[string]float64 `json:"ok_latency_ms"`
	}
	Generator struct {
		Verdict string
		Reasons []string
	}
}

// load runs the program and reads its summary back; the error is that of its
// exit code.
func load(t *testing.T, dir, prefix string, args ...string) (result, string, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("loads a target")
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	json1 := filepath.Join(dir, "summary.json")
	list := append([]string{"--headless", "--json", json1}, args...)
	cmd := exec.Command(bin, list...)
	if prefix != "" {
		cmd = exec.Command("sh", append([]string{"-c", prefix + `; exec "$0" "$@"`, bin}, list...)...)
	}
	cmd.Dir = dir
	out, fault := cmd.CombinedOutput()
	b, err := os.ReadFile(json1)
	if err != nil {
		t.Fatalf("%v; %v\n%s", err, fault, out)
	}
	var r result
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r, string(out), fault
}

// standstill answers each request after a millisecond, and none at all for two
// seconds in every ten.
type standstill struct {
	net.Listener
	start  time.Time
	served atomic.Int64
}

const (
	period   = 10 * time.Second
	stillAt  = 4 * time.Second // into the period
	stillFor = 2 * time.Second
	answer   = time.Millisecond
)

func (s *standstill) serve() {
	for {
		c, err := s.Accept()
		if err != nil {
			return
		}
		go s.talk(c)
	}
}

func (s *standstill) talk(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
		}
		s.served.Add(1)
		if into := time.Since(s.start) % period; into >= stillAt && into < stillAt+stillFor {
			time.Sleep(stillAt + stillFor - into) // this is what the server does
		}
		time.Sleep(answer)
		if _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); err != nil {
			return
		}
	}
}

// TestTruthAboutAStandstill: a tool that waits for answers before it asks again
// hardly notices two seconds of silence. Corrected times do.
//
// It is about the statistics, not about the machine: a run of which tload itself
// says that the box was not well is made again.
func TestTruthAboutAStandstill(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &standstill{Listener: l, start: time.Now()}
	defer l.Close()
	go s.serve()
	var r result
	for range 3 {
		before := s.served.Load()
		var out string
		r, out, err = load(t, t.TempDir(), "", "--host=http://"+l.Addr().String(), "--rate", "1000", "-u", "100", "-t", "20s", "--no-out")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if served := s.served.Load() - before; r.Total.Requests+r.Total.Aborted != served || r.Total.Failures > 0 {
			t.Errorf("requests: got %d and %d aborted, %d failed; the server counted %d", r.Total.Requests, r.Total.Aborted, r.Total.Failures, served)
		}
		if all := r.Total.Requests + r.Total.Aborted + r.Total.NotStarted; all < 19_990 || all > 20_010 {
			t.Errorf("arrivals: got %d in 20 s, want 20000", all)
		}
		if r.Generator.Verdict == "ok" {
			break
		}
		t.Logf("again: %v; corrected %v", r.Generator.Reasons, r.Total.Corrected)
	}
	if r.Generator.Verdict != "ok" {
		t.Skipf("this machine is never quiet: %v", r.Generator.Reasons)
	}
	// An arrival at a moment m of the standstill gets its answer at its end:
	// one fifth of all wait, evenly spread from nothing to two seconds.
	for key, want := range map[string]float64{"p90": 1002, "p99": 1902, "p99.9": 1992} {
		if got := r.Total.Corrected[key]; math.Abs(got-want) > 0.05*want {
			t.Errorf("corrected %s: got %v ms, want %v within 5 %%", key, got, want)
		}
	}
	if got := r.Total.Corrected["p50"]; got > 10 {
		t.Errorf("corrected p50: got %v ms, want about 1", got)
	}
	t.Logf("corrected %v\nservice %v\ngenerator %+v", r.Total.Corrected, r.Total.OK, r.Generator)
}

// TestVerdictOnTheGenerator: the three ways that the load generator itself can
// be, as the summary says them.
func TestVerdictOnTheGenerator(t *testing.T) {
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	t.Run("neither", func(t *testing.T) {
		var r result
		for range 3 {
			// One that does next to nothing.
			if r, _, _ = load(t, t.TempDir(), "", "--host="+target.URL, "/ok", "--rate", "20", "-u", "5", "-t", "4s", "--no-out"); r.Generator.Verdict == "ok" {
				break
			}
		}
		if r.Generator.Verdict != "ok" {
			t.Skipf("this machine is never quiet: %v", r.Generator.Reasons)
		}
		if len(r.Generator.Reasons) > 0 {
			t.Errorf("reasons: got %v, want none", r.Generator.Reasons)
		}
	})
	t.Run("starved of CPU", func(t *testing.T) {
		for range 4 * runtime.NumCPU() {
			hog := exec.Command("sh", "-c", "while :; do :; done")
			if err := hog.Start(); err != nil {
				t.Skip(err)
			}
			defer hog.Wait()
			defer hog.Process.Kill()
		}
		r, out, _ := load(t, t.TempDir(), "", "--host="+target.URL, "/ok", "-u", "20", "-r", "100", "-t", "4s", "--no-out")
		if r.Generator.Verdict != "suspect" || len(r.Generator.Reasons) == 0 {
			t.Errorf("got %+v, want suspect with a reason\n%s", r.Generator, out)
		}
		if !strings.Contains(out, "generator was not well") {
			t.Errorf("the summary does not say so:\n%s", out)
		}
	})
	t.Run("out of files", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("no such limit")
		}
		r, out, err := load(t, t.TempDir(), "ulimit -n 1000 || exit 2", "--host="+target.URL, "/hang", "-u", "936", "-r", "2000", "-t", "4s", "--stop-timeout", "200ms", "--no-out")
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		if r.Generator.Verdict != "suspect" || !strings.Contains(strings.Join(r.Generator.Reasons, "\n"), "open files") {
			t.Errorf("got %+v, want suspect because of open files\n%s", r.Generator, out)
		}
	})
}

// TestDiskFull has a file system of half a megabyte: the run goes on to its
// end, says what happened, and what was written opens again.
func TestDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounts a small file system: needs root on Linux")
	}
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	dir := t.TempDir()
	small := filepath.Join(dir, "small")
	os.Mkdir(small, 0o755)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=512k", "none", small).CombinedOutput(); err != nil {
		t.Skipf("mount: %v %s", err, out)
	}
	defer exec.Command("umount", small).Run()
	if err := os.WriteFile(filepath.Join(small, "ballast"), make([]byte, 400<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	r, out, err := load(t, dir, "", "--host="+target.URL, "/fail", "/reset", "/ok", "-u", "4", "-r", "100", "-t", "4s", "--out", filepath.Join(small, "run"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitBroken {
		t.Errorf("exit: got %v, want %d", err, exitBroken)
	}
	if !strings.Contains(out, "no space left on device") || !strings.Contains(out, "ended by its run time") {
		t.Errorf("got\n%s\nwant the full disk named, and the whole run summed up", out)
	}
	if r.Total.Requests == 0 {
		t.Error("the summary on the other disk has no requests")
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	again, err := exec.Command(bin, "view", filepath.Join(small, "run")).CombinedOutput()
	if err != nil || !strings.Contains(string(again), "requests") {
		t.Errorf("view of what is there: %v\n%s", err, again)
	}
}

// TestMetricsWhileItRuns reads them as Prometheus would.
func TestMetricsWhileItRuns(t *testing.T) {
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	run := exec.Command(bin, "--headless", "--host="+target.URL, "/ok", "--rate", "100", "-u", "5", "-t", "30s", "--no-out", "--metrics", address)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer run.Wait()
	defer run.Process.Kill()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if reply, err := http.Get("http://" + address + "/metrics"); err == nil {
			text, _ := io.ReadAll(reply.Body)
			reply.Body.Close()
			if strings.Contains(string(text), `tload_requests_total{method="GET",name="/ok",kind="OK",status="200"}`) && strings.Contains(string(text), "tload_users ") {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("no metrics of the requests")
		}
	}
}

// TestDirectoryNotWritable: the run goes on, and the complaint says what to do.
func TestDirectoryNotWritable(t *testing.T) {
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tload-runs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r, out, err := load(t, dir, "", "--host="+target.URL, "/ok", "-n", "20")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitBroken || r.Total.Requests != 20 {
		t.Errorf("got %v and %d requests, want exit code %d and 20", err, r.Total.Requests, exitBroken)
	}
	if !strings.Contains(out, "tload-runs") {
		t.Errorf("the complaint does not name the directory:\n%s", out)
	}
}
