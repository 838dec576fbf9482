//go:build linux

package main

import (
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

// client is one that is measured.
type client int

const (
	floor client = iota
	wrk
	tload
	tloadNoCapture
)

// String is its name in the tables.
func (c client) String() string {
	return [...]string{"floor", "wrk", "tload", "tload, no capture"}[c]
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

type benchmark struct {
	dir, self, epoll       string
	clientCore, serverCore string
	seconds                time.Duration
	port                   int
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
	if err := cmd.Start(); err != nil {
		return nil, err
	}
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
func (b *benchmark) command(c client, s scenario) []string {
	seconds := b.seconds
	if s.think > 0 {
		seconds += 5 * time.Second // to open ten thousand connections
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
	return []string{b.self, "engine", url, strconv.Itoa(s.users), seconds.String(), s.think.String(), strconv.FormatBool(c == tload)}
}

// measure runs a client once.
func (b *benchmark) measure(c client, s scenario) (result, error) {
	began := time.Now()
	cmd := exec.Command("taskset", append([]string{"-c", b.clientCore}, b.command(c, s)...)...)
	out, err := cmd.Output()
	r := result{wall: time.Since(began)}
	if err != nil {
		return r, fmt.Errorf("%w: %s", err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.user, r.sys, r.rss = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime(), usage.Maxrss
	switch c {
	case floor:
		r.requests, err = strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	case wrk:
		m := regexp.MustCompile(`(\d+) requests in`).FindSubmatch(out)
		if m == nil {
			return r, fmt.Errorf("what is this: %s", out)
		}
		r.requests, err = strconv.ParseInt(string(m[1]), 10, 64)
	default:
		var e engineResult
		err = json.Unmarshal(out, &e)
		r.requests, r.mallocs = e.Requests, e.Mallocs
		if err == nil && (e.Failures > 0) != (s.status >= 400) {
			err = fmt.Errorf("%d of %d failed: %s", e.Failures, e.Requests, e.Error)
		}
	}
	if err == nil && r.requests == 0 {
		err = fmt.Errorf("no request was answered")
	}
	return r, err
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
	args := append([]string{"-c", b.clientCore, "strace", "-f", "-c", "-o", table}, short.command(tload, s)...)
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
