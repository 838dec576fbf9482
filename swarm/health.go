package swarm

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"
)

// health measures the load generator itself: a load tester that is saturated
// prints its own latency as the target's. The controller samples it once a
// second; a probe goroutine measures how late timers fire all the time.
type health struct {
	probe   atomic.Int64 // longest oversleep since the last sample, nanoseconds
	stop    chan struct{}
	gone    chan struct{}
	last    time.Time
	cpu     time.Duration
	pauses  *metrics.Float64Histogram
	reading []metrics.Sample
	now     Health
	flight  int
	suspect int
}

const (
	probeEvery   = 10 * time.Millisecond
	maxDelay     = 50 * time.Millisecond // an oversleep that bends latencies
	maxCPU       = 0.95                  // of the cores
	maxFiles     = 0.90                  // of the limit
	maxGCPause   = 20 * time.Millisecond
	suspectDelay = "latencies above are partly this box: give it less other work, or run fewer users"
)

func newHealth() *health {
	h := &health{stop: make(chan struct{}), gone: make(chan struct{}), now: Health{OK: true, Ports: -1, Cores: float64(runtime.GOMAXPROCS(0))}}
	h.reading = []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	h.cpu = cpuTime()
	h.last = time.Now()
	go h.watch()
	return h
}

func (h *health) close() {
	close(h.stop)
	<-h.gone
}

// watch sleeps and measures by how much it overslept.
func (h *health) watch() {
	defer close(h.gone)
	t := time.NewTicker(probeEvery)
	defer t.Stop()
	due := time.Now().Add(probeEvery)
	for {
		select {
		case <-t.C:
		case <-h.stop:
			return
		}
		now := time.Now()
		if d := int64(now.Sub(due)); d > h.probe.Load() {
			h.probe.Store(d)
		}
		due = now.Add(probeEvery)
	}
}

// sample is the health as of now; it measures anew once a second.
func (h *health) sample(now time.Time, inFlight int) Health {
	h.flight = max(h.flight, inFlight)
	span := now.Sub(h.last)
	if span >= time.Second {
		h.measure(span)
		h.last = now
		if !h.now.OK {
			h.suspect++
		}
	}
	out := h.now
	out.InFlight, out.MaxFlight, out.SuspectSeconds = inFlight, h.flight, h.suspect
	return out
}

func (h *health) measure(span time.Duration) {
	cpu := cpuTime()
	n := Health{Cores: float64(runtime.GOMAXPROCS(0)), Goroutines: runtime.NumGoroutine(), Ports: -1}
	n.CPU = 100 * float64(cpu-h.cpu) / float64(span)
	h.cpu = cpu
	n.SchedDelay = time.Duration(h.probe.Swap(0))
	n.RSS = residentBytes()
	n.Files = openFiles(h.now.Files)
	n.FileLimit = fileLimit()
	n.GCPause = h.gcPause()
	n.OK = true
	judge := func(ok bool, remedy, format string, args ...any) {
		r := Reason{OK: ok, What: fmt.Sprintf(format, args...)}
		if !ok {
			r.Remedy = remedy
			n.Reasons = append(n.Reasons, r)
			n.OK = false
		}
		n.Checks = append(n.Checks, r)
	}
	judge(n.CPU <= 100*n.Cores*maxCPU, "latency above is partly this box: fewer users, more cores, or another worker",
		"CPU %.0f%% of %.0f%%", n.CPU, 100*n.Cores)
	judge(n.SchedDelay <= maxDelay, suspectDelay, "scheduling delay %.1f ms", float64(n.SchedDelay)/1e6)
	judge(n.GCPause <= maxGCPause, "the collector stopped the users: raise GOGC, or keep less in the behaviours",
		"GC pause p99 %.1f ms", float64(n.GCPause)/1e6)
	if n.FileLimit > 0 && n.Files >= 0 {
		judge(float64(n.Files) <= maxFiles*float64(n.FileLimit), fmt.Sprintf("ulimit -n %d", max(n.FileLimit*4, 65536)),
			"open files %d of %d", n.Files, n.FileLimit)
	}
	h.now = n
}

// gcPause is the 99th percentile of the pauses since the last look.
func (h *health) gcPause() time.Duration {
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

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fileLimit() int {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return 0
	}
	return int(min(r.Cur, math.MaxInt32))
}

// openFiles counts the open files, -1 where that cannot be told. With very many
// it is estimated from the highest number, since reading them all takes long.
func openFiles(last int) int {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return -1
	}
	defer d.Close()
	if last > 20000 {
		return int(d.Fd()) // descriptors are given out lowest first
	}
	names, err := d.Readdirnames(-1)
	if err != nil {
		return -1
	}
	return len(names) - 1
}

func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if n, _ := fmt.Sscan(string(b), &size, &resident); n < 2 {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
