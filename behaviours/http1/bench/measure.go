//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// contender is a client that is measured.
type contender int

const (
	floor contender = iota
	wrk
	engineOnly
	engineNoCapture
	program
	programNoCapture
)

// String is its name in the tables.
func (c contender) String() string {
	return [...]string{"floor", "wrk", "engine", "engine, no capture", "tload", "tload, no capture"}[c]
}

// result is what one run of a client took.
type result struct {
	requests  int64
	user, sys time.Duration
	wall      time.Duration
	rss       int64 // KiB at most
	mallocs   int64
}

// cpu is µs of CPU a request.
func (r result) cpu() float64 { return (r.user + r.sys).Seconds() * 1e6 / float64(r.requests) }

// rate is requests a second.
func (r result) rate() float64 { return float64(r.requests) / r.wall.Seconds() }

type benchmark struct {
	dir, self, epoll       string
	program                string
	clientCore, serverCore string
	seconds                time.Duration
	port                   int

	server *exec.Cmd
	counts *bufio.Scanner // what the server prints when it is asked
}

// serve starts the scenario's server.
func (b *benchmark) serve(s scenario) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	args := []string{"-c", b.serverCore, b.epoll, "serve", strconv.Itoa(b.port), strconv.Itoa(s.body), strconv.Itoa(s.status)}
	if s.tls {
		args = []string{"-c", b.serverCore, b.self, "tls-server", strconv.Itoa(b.port), strconv.Itoa(s.body)}
	}
	cmd := exec.Command("taskset", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.server, b.counts = cmd, bufio.NewScanner(out)
	stop = func() { cmd.Process.Kill(); cmd.Wait() }
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", b.port))
		if err == nil {
			nc.Close()
			return stop, nil
		}
		if time.Now().After(deadline) {
			stop()
			return nil, err
		}
	}
}

// command is the client's command line, without its pinning.
func (b *benchmark) command(c contender, s scenario) []string {
	seconds := b.seconds
	if s.think > 0 {
		seconds = rampTime + time.Second + b.steadyTime() + time.Second
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/", b.port)
	if s.tls {
		url = fmt.Sprintf("https://127.0.0.1:%d/", b.port)
	}
	switch c {
	case floor:
		return []string{b.epoll, "load", strconv.Itoa(b.port), strconv.Itoa(s.users), fmt.Sprint(seconds.Seconds())}
	case wrk:
		args := []string{"wrk", "-t1", "-c" + strconv.Itoa(s.users), "-d" + strconv.Itoa(int(seconds.Seconds())), "--timeout", "30s"}
		if s.think > 0 {
			script := filepath.Join(b.dir, "think.lua")
			os.WriteFile(script, []byte(fmt.Sprintf("function delay() return %d end\n", s.think.Milliseconds())), 0o600)
			args = append(args, "-s", script)
		}
		return append(args, url)
	}
	if c == program || c == programNoCapture {
		args := []string{b.program, "--headless", "--no-out", "--insecure", "--json=-", "--host=" + url, "-u", strconv.Itoa(s.users),
			"-r", "100000", "-t", seconds.String()}
		if c == programNoCapture {
			args = append(args, "--capture-body=0")
		}
		if s.think > 0 {
			file := filepath.Join(b.dir, "think.http")
			os.WriteFile(file, []byte(fmt.Sprintf("### think\n# @wait %v\nGET /\n", s.think)), 0o600)
			return append(args, "-f", file, "-r", strconv.Itoa(s.users/int(rampTime.Seconds())))
		}
		return append(args, "/")
	}
	return []string{b.self, "engine", url, strconv.Itoa(s.users), seconds.String(), s.think.String(), strconv.FormatBool(c == engineOnly)}
}

// rampTime is how long users of a scenario with think time take to appear.
const rampTime = 5 * time.Second

// steadyTime is how long users of such a scenario are measured: at 10,000
// requests a second it takes some seconds until a hundredth of a second, which
// CPU time is told in, is little.
func (b *benchmark) steadyTime() time.Duration { return max(b.seconds, 8*time.Second) }

// measure runs a client once. With think time what is measured is the time
// after the users have appeared, by the server's own count; otherwise it is
// the whole run, by the client's.
func (b *benchmark) measure(c contender, s scenario) (result, error) {
	cmd := exec.Command("taskset", append([]string{"-c", b.clientCore}, b.command(c, s)...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	var steady result
	var steadyErr error
	if s.think > 0 {
		time.Sleep(rampTime + time.Second)
		steady, steadyErr = b.between(cmd.Process.Pid, b.steadyTime())
	}
	if err := cmd.Wait(); err != nil {
		return result{}, fmt.Errorf("%w: %s", err, out.Bytes())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r := result{user: cmd.ProcessState.UserTime(), sys: cmd.ProcessState.SystemTime(), wall: time.Since(began)}
	var err error
	switch c {
	case floor:
		r.requests, err = strconv.ParseInt(strings.TrimSpace(out.String()), 10, 64)
	case wrk:
		m := regexp.MustCompile(`(\d+) requests in`).FindSubmatch(out.Bytes())
		if m == nil {
			return r, fmt.Errorf("what is this: %s", out.Bytes())
		}
		r.requests, err = strconv.ParseInt(string(m[1]), 10, 64)
	case program, programNoCapture:
		var summary struct {
			Total struct{ Requests int64 }
		}
		text := out.Bytes()
		err = json.Unmarshal(text[max(bytes.IndexByte(text, '{'), 0):], &summary)
		r.requests = summary.Total.Requests
	default:
		var e engineResult
		err = json.Unmarshal(out.Bytes(), &e)
		r.requests, r.mallocs = e.Requests, e.Mallocs
		if err == nil && (e.Failures > 0) != (s.status >= 400) {
			err = fmt.Errorf("%d of %d failed: %s", e.Failures, e.Requests, e.Error)
		}
	}
	if err == nil && r.requests == 0 {
		err = fmt.Errorf("no request was answered")
	}
	if s.think > 0 && err == nil {
		steady.mallocs = r.mallocs * steady.requests / r.requests
		r, err = steady, steadyErr
	}
	r.rss = usage.Maxrss
	return r, err
}

// between measures the process for that long.
func (b *benchmark) between(pid int, length time.Duration) (result, error) {
	began := time.Now()
	user, sys, err := cpuTime(pid)
	if err != nil {
		return result{}, err
	}
	n := b.answered()
	time.Sleep(length)
	userEnd, sysEnd, err := cpuTime(pid)
	return result{requests: b.answered() - n, user: userEnd - user, sys: sysEnd - sys, wall: time.Since(began)}, err
}

// answered asks the server how many requests it has answered.
func (b *benchmark) answered() int64 {
	b.server.Process.Signal(syscall.SIGUSR1)
	if !b.counts.Scan() {
		return 0
	}
	n, _ := strconv.ParseInt(b.counts.Text(), 10, 64)
	return n
}

// cpuTime is what a process has used until now.
func cpuTime(pid int) (user, sys time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const tick = time.Second / 100
	u, _ := strconv.ParseInt(f[11], 10, 64)
	k, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(u) * tick, time.Duration(k) * tick, nil
}

// printCalls counts the engine's system calls, if strace is here.
func (b *benchmark) printCalls(s scenario) {
	if _, err := exec.LookPath("strace"); err != nil {
		fmt.Println("system calls: strace is not installed")
		return
	}
	short := *b
	short.seconds = time.Second
	table := filepath.Join(b.dir, "calls")
	args := append([]string{"-c", b.clientCore, "strace", "-f", "-c", "-o", table}, short.command(engineOnly, s)...)
	out, err := exec.Command("taskset", args...).Output()
	var e engineResult
	if err == nil {
		err = json.Unmarshal(out, &e)
	}
	text, readErr := os.ReadFile(table)
	if err != nil || readErr != nil || e.Requests == 0 {
		fmt.Println("system calls: strace failed:", err, readErr)
		return
	}
	var total float64
	var parts []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		n, err := strconv.ParseFloat(f[3], 64)
		if err != nil || f[len(f)-1] == "total" {
			continue
		}
		total += n
		if per := n / float64(e.Requests); per >= 0.01 {
			parts = append(parts, fmt.Sprintf("%s %.2f", f[len(f)-1], per))
		}
	}
	fmt.Printf("system calls a request: %.2f (%s)\n", total/float64(e.Requests), strings.Join(parts, ", "))
}
