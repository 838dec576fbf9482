// Package health says whether the load generator itself bends the numbers: a load
// tester that is saturated prints its own latency as the target's.
package health

import (
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	"tload/stats"
)

// Monitor measures this process during one run. What runs the users asks it with
// each take; a probe goroutine measures all the time how late timers fire.
//
// What is asked of the system (system_linux.go and its siblings) is cheap enough
// for once a second and says so when it does not know.
type Monitor struct {
	longest       atomic.Int64 // oversleep of the probe since the last sample, nanoseconds
	slow          atomic.Int64 // probes that overslept by more than slowProbe since then
	probes        atomic.Int64
	stop          chan struct{}
	gone          chan struct{}
	ended         bool
	born, last    time.Time
	first, final  int64 // the seconds of the run that were measured
	cpu           time.Duration
	delays        delays // since the process began
	pauses        *metrics.Float64Histogram
	reading       []metrics.Sample
	now           Health
	flight        int
	suspect       spell
	past          []pastReason
	sent, stalled uint64        // requests since the last measurement
	lag           time.Duration // since then
	dialled       [60]uint64    // connections opened in each of the last seconds
	opened        uint64        // connections, before those
	sources       int           // addresses that they may come from
	second        int
}

// Health is how the load generator itself is doing.
type Health struct {
	OK      bool
	Reasons []Reason // of not being well, worst first
	Checks  []Reason // everything that is measured, as lines to show
	Past    []Reason // what was bad at any time of the run, at its worst, the longest first

	CPU        float64 // percent of one core, last second
	Cores      float64 // how many it may use
	RSS        int64   // bytes
	Goroutines int
	Files      int
	FileLimit  int
	Ports      int // ephemeral ports in use, -1 when unknown
	PortLimit  int
	GCPause    time.Duration // p99 of the last minute
	SchedDelay time.Duration // longest oversleep of the probe in the last second
	Late       float64       // percent of starts, last ten seconds
	InFlight   int
	MaxFlight  int

	SuspectSeconds int // how many seconds of the run were marked so far
}

// Reason is one signal of the generator's health.
type Reason struct {
	OK     bool
	What   string // "CPU 188% of 200%"
	Remedy string // "latency above is partly this box: add a worker"; empty when OK
}

// delays is how long threads have waited for a CPU, and how often they got one.
type delays struct {
	waited time.Duration
	turns  int64
}

// spell counts the seconds of the run that something was bad.
type spell struct {
	seconds int
	until   int64 // those before this one are counted
}

func (s *spell) add(first, last int64) {
	first = max(first, s.until)
	s.seconds += int(max(last+1-first, 0))
	s.until = max(last+1, s.until)
}

// pastReason is a signal that was bad at some time in the run.
type pastReason struct {
	signal string
	spell
	worst  float64 // how far over its limit, 1 = at it
	reason Reason
}

const (
	probeEvery = 25 * time.Millisecond // often enough for each delay of maxDelay
	slowProbe  = 5 * time.Millisecond
	shortest   = 100 * time.Millisecond // that can be measured

	maxDelay   = 50 * time.Millisecond // one oversleep that bends latencies
	maxSlow    = 0.20                  // share of probes that overslept: they bend them all the time
	maxCPU     = 0.95                  // of the cores
	maxWait    = 0.50                  // of the time in which it wanted one, the process waited for a CPU
	minWait    = 150 * time.Millisecond
	minTurn    = 100 * time.Microsecond // mean wait for one turn; many short ones bend no latency
	maxFiles   = 0.90                   // of the limit
	maxPorts   = 0.90                   // of the range
	maxStalled = 0.05                   // of the requests
	maxGC      = 20 * time.Millisecond
	maxOwnLag  = stats.LateAfter // an arrival that a free user waited for
)

// Watch begins to measure a run that began then, until End.
func Watch(born time.Time) *Monitor {
	h := &Monitor{born: born, last: born, stop: make(chan struct{}), gone: make(chan struct{})}
	h.now = Health{OK: true, Ports: -1, Cores: cores()}
	h.reading = []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	h.cpu = cpuTime()
	h.delays, _ = runDelay()
	h.gcPause()
	go h.watch()
	return h
}

// End stops the probe and waits for it. A run shorter than a second is measured by
// the next Sample.
func (h *Monitor) End() {
	close(h.stop)
	<-h.gone
	h.ended = true
}

// cores is how many CPUs the process may use, which a container may limit to a
// part of one.
func cores() float64 {
	n := float64(runtime.GOMAXPROCS(0))
	if limit := cpuLimit(); limit > 0 {
		n = min(n, limit)
	}
	return n
}

// watch sleeps and measures by how much it overslept.
func (h *Monitor) watch() {
	defer close(h.gone)
	t := time.NewTimer(probeEvery)
	defer t.Stop()
	for {
		due := time.Now().Add(probeEvery)
		t.Reset(probeEvery)
		select {
		case <-t.C:
		case <-h.stop:
			return
		}
		late := time.Since(due)
		h.probes.Add(1)
		if late > slowProbe {
			h.slow.Add(1)
		}
		if int64(late) > h.longest.Load() {
			h.longest.Store(int64(late))
		}
	}
}

// Sample is the health as of now; it measures anew, which fresh says, with each
// new second. t is what users did since the last call. One goroutine samples.
func (h *Monitor) Sample(now time.Time, t Traffic) (out Health, fresh bool) {
	h.flight = max(h.flight, t.InFlight)
	h.dialled[h.second%len(h.dialled)] += t.Dialled
	h.sources = max(t.Sources, 1)
	h.sent, h.stalled, h.lag = h.sent+t.Sent, h.stalled+t.Stalled, max(h.lag, t.OwnLag)
	from, to := h.last.Sub(h.born), now.Sub(h.born)
	if fresh = to/time.Second > from/time.Second || h.ended && h.second == 0 && to-from >= shortest; fresh {
		h.first, h.final = stats.SecondsOf(from, to)
		h.measure(to - from)
		h.last = now
		if !h.now.OK {
			h.suspect.add(h.first, h.final)
		}
		h.now.Past = h.history()
		for range min(max(h.final-h.first, 0)+1, int64(len(h.dialled))) {
			h.second++
			at := h.second % len(h.dialled)
			h.opened += h.dialled[at]
			h.dialled[at] = 0
		}
	}
	out = h.now
	out.InFlight, out.MaxFlight, out.SuspectSeconds = t.InFlight, h.flight, h.suspect.seconds
	return out, fresh
}

func (h *Monitor) measure(span time.Duration) {
	n := Health{OK: true, Cores: cores(), Goroutines: runtime.NumGoroutine(), Ports: -1}
	cpu := cpuTime()
	n.CPU = 100 * float64(cpu-h.cpu) / float64(span)
	used := cpu - h.cpu
	h.cpu = cpu
	n.SchedDelay = time.Duration(h.longest.Swap(0))
	slow, probes := h.slow.Swap(0), max(h.probes.Swap(0), 1)
	n.RSS = residentBytes()
	n.Files, n.FileLimit = openFiles(h.now.Files), fileLimit()
	n.Ports, n.PortLimit = h.ports(n.Files)
	n.GCPause = h.gcPause()

	j := judge{h: h, n: &n}
	j.signal("cpu", n.CPU/(100*n.Cores)/maxCPU, "latency above is partly this box: fewer users, more cores, or another worker",
		"CPU %.0f%% of %.0f%%", n.CPU, 100*n.Cores)
	j.signal("delay", float64(n.SchedDelay)/float64(maxDelay), "latencies above are partly this box: give it less other work, or run fewer users",
		"scheduling delay %.1f ms", float64(n.SchedDelay)/1e6)
	j.signal("slow", float64(slow)/float64(probes)/maxSlow, "another program takes the CPU: give this box less other work, or run fewer users",
		"timers late by more than 5 ms: %d%%", 100*slow/probes)
	if d, known := runDelay(); known {
		spell, turns := d.waited-h.delays.waited, max(d.turns-h.delays.turns, 1)
		h.delays = d
		over := 0.0
		if spell > minWait && spell/time.Duration(turns) > minTurn {
			over = float64(spell) / float64(spell+used) / maxWait
		}
		j.signal("starved", over, "another program takes the CPU: give this box less other work, or run fewer users",
			"threads waited for a CPU %.0f ms of each second, together", 1e3*spell.Seconds()/span.Seconds())
	}
	j.signal("lag", float64(h.lag)/float64(maxOwnLag), "tload itself starts tasks late: fewer arrivals, more cores, or another worker",
		"own delay of arrivals %.1f ms", float64(h.lag)/1e6)
	j.signal("gc", float64(n.GCPause)/float64(maxGC), "the collector stopped the users: raise GOGC, or keep less in the behaviours",
		"GC pause p99 %.1f ms", float64(n.GCPause)/1e6)
	if n.FileLimit > 0 && n.Files >= 0 {
		j.signal("files", float64(n.Files)/float64(n.FileLimit)/maxFiles, fmt.Sprintf("ulimit -n %d", max(n.FileLimit*4, 65536)),
			"open files %d of %d", n.Files, n.FileLimit)
	}
	if n.PortLimit > 0 && n.Ports >= 0 {
		j.signal("ports", float64(n.Ports)/float64(n.PortLimit)/maxPorts, "keep connections alive, give more source addresses with --bind, or widen net.ipv4.ip_local_port_range",
			"local ports %d of %d", n.Ports, n.PortLimit)
	}
	if h.sent > 0 {
		j.signal("queue", float64(h.stalled)/float64(h.sent)/maxStalled, "the network between, or the target, does not take requests as fast as they are made: their wait here is in the latency",
			"send queue full for %d%% of the requests", 100*h.stalled/h.sent)
	}
	h.sent, h.stalled, h.lag = 0, 0, 0
	h.now = n
}

// ports is how many local ports our connections hold, -1 when unknown, and how
// many there are for one destination. The system counts those of every program
// and to every destination, so no more than can be ours: a closed connection
// holds its port for a minute, an older one is an open file.
func (h *Monitor) ports(files int) (used, limit int) {
	used, limit = ephemeralPorts()
	ours := min(h.opened, uint64(max(files, 0)))
	for _, d := range h.dialled {
		ours += d
	}
	return int(min(int64(used), int64(ours))), limit * h.sources
}

// Traffic is what users did since the last sample.
type Traffic struct {
	InFlight               int // now
	Dialled, Sent, Stalled uint64
	Sources                int           // addresses that connections may come from
	OwnLag                 time.Duration // the longest that an arrival was overdue though a user was free for it
}

// judge holds one measurement's signals against their limits.
type judge struct {
	h *Monitor
	n *Health
}

// signal adds one; it is bad when over, its share of its limit, is above 1.
func (j judge) signal(name string, over float64, remedy, format string, args ...any) {
	r := Reason{OK: over <= 1, What: fmt.Sprintf(format, args...)}
	if !r.OK {
		r.Remedy = remedy
		j.n.OK = false
		j.n.Reasons = append(j.n.Reasons, r)
		j.h.remember(name, over, r)
	}
	j.n.Checks = append(j.n.Checks, r)
}

// remember keeps the worst of each signal, and for how long it was bad.
func (h *Monitor) remember(name string, over float64, r Reason) {
	i := slices.IndexFunc(h.past, func(p pastReason) bool { return p.signal == name })
	if i < 0 {
		h.past = append(h.past, pastReason{signal: name})
		i = len(h.past) - 1
	}
	p := &h.past[i]
	p.add(h.first, h.final)
	if over > p.worst {
		p.worst, p.reason = over, r
	}
}

// history is what was bad in the run so far, the longest first.
func (h *Monitor) history() []Reason {
	slices.SortStableFunc(h.past, func(a, b pastReason) int { return b.seconds - a.seconds })
	out := make([]Reason, len(h.past))
	for i, p := range h.past {
		out[i] = p.reason
		out[i].What = fmt.Sprintf("%s (bad for %d s)", p.reason.What, p.seconds)
	}
	return out
}

// gcPause is the 99th percentile of the pauses since the last look.
func (h *Monitor) gcPause() time.Duration {
	metrics.Read(h.reading)
	if h.reading[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	now := h.reading[0].Value.Float64Histogram()
	old := h.pauses
	h.pauses = &metrics.Float64Histogram{Counts: append([]uint64(nil), now.Counts...), Buckets: now.Buckets}
	var total uint64
	fresh := make([]uint64, len(now.Counts))
	for i, c := range now.Counts {
		fresh[i] = c
		if old != nil {
			fresh[i] -= old.Counts[i]
		}
		total += fresh[i]
	}
	var seen uint64
	for i, c := range fresh {
		if seen += c; total > 0 && seen*100 >= total*99 {
			if up := now.Buckets[i+1]; !math.IsInf(up, 0) {
				return time.Duration(up * float64(time.Second))
			}
			return time.Duration(now.Buckets[i] * float64(time.Second))
		}
	}
	return 0
}
