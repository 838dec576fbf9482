//go:build linux

// Bench compares what a request costs: tload (the whole program, and its engine
// with full statistics alone), wrk if it is installed, and the floor, a C
// program that sends and receives and does nothing else. All run on one core,
// the server on another, in turn and over several rounds. What counts are the
// ratios, each of two runs of one round and then the median of all rounds: a
// machine that is shared can be a third slower for a minute, which strikes the
// runs of a round alike.
//
//	go run ./behaviours/http1/bench
//	go run ./behaviours/http1/bench -scenario think -rounds 3
//
// It needs Linux, cc, taskset and two cores. Everything stays on 127.0.0.1.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed testdata/epoll.c
var epollC []byte

func main() {
	if len(os.Args) > 1 && os.Args[1] == "engine" {
		engine(os.Args[2:])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "tls-server" {
		tlsServer(os.Args[2:])
		return
	}
	var (
		only    = flag.String("scenario", "", "only those whose name contains this: "+strings.Join(scenarioNames(), ", "))
		rounds  = flag.Int("rounds", 5, "rounds, each with every client")
		seconds = flag.Duration("seconds", 4*time.Second, "how long each client runs")
		cores   = flag.String("cores", "0,1", "the client's core and the server's")
	)
	flag.Parse()
	if err := bench(*only, *rounds, *seconds, *cores); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// scenario is one comparison.
type scenario struct {
	name    string
	users   int
	think   time.Duration
	body    int
	status  int
	tls     bool
	goal    string
	clients []contender
}

func scenarios() []scenario {
	return []scenario{
		{name: "flat", users: 64, body: 13, status: 200, clients: []contender{floor, wrk, engineOnly, program},
			goal: "tload at most 0.85 of wrk and 1.15 of the floor, 2.2 system calls, 0 allocations"},
		{name: "think", users: 10_000, think: time.Second, body: 13, status: 200, clients: []contender{wrk, engineOnly, program},
			goal: "10,000 users waiting 1 s: tload at most wrk, 9 KB a user"},
		{name: "tls", users: 64, body: 13, status: 200, tls: true, clients: []contender{wrk, engineOnly, program},
			goal: "tload at most 0.8 of wrk"},
		{name: "64k", users: 64, body: 64 << 10, status: 200, clients: []contender{floor, wrk, engineOnly, program},
			goal: "tload at most wrk"},
		{name: "1m", users: 16, body: 1 << 20, status: 200, clients: []contender{floor, wrk, engineOnly, program},
			goal: "tload at most wrk"},
		{name: "storm", users: 64, body: 64 << 10, status: 500, clients: []contender{engineNoCapture, engineOnly, programNoCapture, program},
			goal: "every reply a failure of 64 KiB: capturing costs at most 5 % of the rate"},
	}
}

func scenarioNames() (names []string) {
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

func bench(only string, rounds int, seconds time.Duration, cores string) error {
	clientCore, serverCore, ok := strings.Cut(cores, ",")
	if !ok {
		return fmt.Errorf("bad -cores %q (try 0,1)", cores)
	}
	dir, err := os.MkdirTemp("", "tload-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &benchmark{dir: dir, clientCore: clientCore, serverCore: serverCore, seconds: seconds}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.program = filepath.Join(dir, "tload")
	if out, err := exec.Command("go", "build", "-o", b.program, "tload").CombinedOutput(); err != nil {
		return fmt.Errorf("go build tload: %w\n%s", err, out)
	}
	source := filepath.Join(dir, "epoll.c")
	b.epoll = filepath.Join(dir, "epoll")
	if err := os.WriteFile(source, epollC, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("cc", "-O2", "-o", b.epoll, source).CombinedOutput(); err != nil {
		return fmt.Errorf("cc: %w\n%s", err, out)
	}
	for _, s := range scenarios() {
		if !strings.Contains(s.name, only) {
			continue
		}
		if err := b.run(s, rounds); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// run runs one scenario and prints its table.
func (b *benchmark) run(s scenario, rounds int) error {
	fmt.Printf("\n%s: %d users, %d-byte bodies. Goal: %s.\n", s.name, s.users, s.body, s.goal)
	stop, err := b.serve(s)
	if err != nil {
		return err
	}
	defer stop()
	results := make(map[contender][]result)
	var present []contender
	for round := range rounds {
		for _, c := range s.clients {
			if _, err := exec.LookPath("wrk"); c == wrk && err != nil {
				continue
			}
			r, err := b.measure(c, s)
			if err != nil {
				return fmt.Errorf("%v: %w", c, err)
			}
			if round == 0 {
				present = append(present, c)
			}
			results[c] = append(results[c], r)
		}
	}
	what, of := result.cpu, "CPU"
	if s.status >= 400 {
		what, of = result.rate, "rate"
	}
	bases := slices.DeleteFunc([]contender{floor, wrk, engineNoCapture, programNoCapture}, func(c contender) bool { return !slices.Contains(present, c) })
	fmt.Printf("%-18s %9s %10s %15s %7s %9s %7s", "client", "req/s", "µs CPU/req", "lowest–highest", "user", "KB/user", "allocs")
	for _, base := range bases {
		fmt.Printf("  %-27s", of+" of "+base.String())
	}
	fmt.Println()
	for _, c := range present {
		rs := results[c]
		cpu := values(rs, result.cpu)
		fmt.Printf("%-18v %9.0f %10.2f %7.2f–%-7.2f %7.2f %9.1f %7s", c, median(values(rs, result.rate)),
			median(cpu), cpu[0], cpu[len(cpu)-1],
			median(values(rs, func(r result) float64 { return r.user.Seconds() * 1e6 / float64(r.requests) })),
			median(values(rs, func(r result) float64 { return float64(r.rss) / float64(s.users) })),
			allocations(c, rs))
		for _, base := range bases {
			ratios := make([]float64, rounds)
			for i := range ratios {
				ratios[i] = what(rs[i]) / what(results[base][i])
			}
			slices.Sort(ratios)
			fmt.Printf("  %-27s", fmt.Sprintf("%.2f (%.2f–%.2f)", median(ratios), ratios[0], ratios[rounds-1]))
		}
		fmt.Println()
	}
	if s.name == "flat" || s.name == "tls" {
		b.printCalls(s)
	}
	return nil
}

// allocations is how many a request takes, of clients that know it.
func allocations(c contender, rs []result) string {
	if c != engineOnly && c != engineNoCapture {
		return ""
	}
	return fmt.Sprintf("%.3f", median(values(rs, func(r result) float64 { return float64(r.mallocs) / float64(r.requests) })))
}

// median is of values in order.
func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// values are of each round, in order of their size.
func values(rs []result, of func(result) float64) []float64 {
	v := make([]float64, len(rs))
	for i, r := range rs {
		v[i] = of(r)
	}
	slices.Sort(v)
	return v
}
