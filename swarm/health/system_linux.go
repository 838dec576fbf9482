package health

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// cpuLimit is how many CPUs the control groups allow, 0 for no limit: the
// smallest from this process's group up to the root.
func cpuLimit() float64 {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	limit := 0.0
	lower := func(quota, period float64) {
		if quota > 0 && period > 0 && (limit == 0 || quota/period < limit) {
			limit = quota / period
		}
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		for _, dir := range upwards(f[2]) {
			switch {
			case f[0] == "0": // version 2
				var quota, period float64
				if n, _ := fmt.Sscan(read("/sys/fs/cgroup"+dir+"/cpu.max"), &quota, &period); n == 2 {
					lower(quota, period)
				}
			case strings.Contains(","+f[1]+",", ",cpu,"):
				base := "/sys/fs/cgroup/cpu" + dir
				quota, _ := strconv.ParseFloat(read(base+"/cpu.cfs_quota_us"), 64)
				period, _ := strconv.ParseFloat(read(base+"/cpu.cfs_period_us"), 64)
				lower(quota, period)
			}
		}
	}
	return limit
}

// upwards is a path and all above it: /a/b, /a, and the root.
func upwards(path string) (out []string) {
	for path = strings.TrimRight(path, "/"); path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		if out = append(out, path); !strings.Contains(path, "/") {
			break
		}
	}
	return append(out, "")
}

func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// runDelay is how long all threads have waited for a CPU, and how often they
// were given one, where the kernel counts that.
func runDelay() (d delays, known bool) {
	dir, err := os.Open("/proc/self/task")
	if err != nil {
		return d, false
	}
	defer dir.Close()
	names, err := dir.Readdirnames(1000)
	if err != nil {
		return d, false
	}
	for _, name := range names {
		f := strings.Fields(read("/proc/self/task/" + name + "/schedstat"))
		if len(f) < 3 {
			continue
		}
		waited, err1 := strconv.ParseInt(f[1], 10, 64)
		turns, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 == nil && err2 == nil {
			d.waited += time.Duration(waited)
			d.turns += turns
			known = true
		}
	}
	return d, known
}

// openFiles counts the open files, -1 where that cannot be told. The size of
// the directory says it since Linux 6.2; before, it has to be read, or with very
// many estimated from the highest number.
func openFiles(last int) int {
	if info, err := os.Stat("/proc/self/fd"); err == nil && info.Size() > 0 {
		return int(info.Size())
	}
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

// ephemeralPorts is how many local ports TCP holds, connections that wait to be
// forgotten included, and how many there are for one destination.
func ephemeralPorts() (used, limit int) {
	var low, high int
	if n, _ := fmt.Sscan(read("/proc/sys/net/ipv4/ip_local_port_range"), &low, &high); n != 2 || high < low {
		return -1, 0
	}
	used = -1
	for line := range strings.Lines(read("/proc/net/sockstat")) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TCP:" {
			continue
		}
		used = 0
		for i := 1; i+1 < len(f); i += 2 {
			if f[i] == "inuse" || f[i] == "tw" {
				n, _ := strconv.Atoi(f[i+1])
				used = min(used+n, math.MaxInt32)
			}
		}
	}
	return used, high - low + 1
}

func residentBytes() int64 {
	var size, resident int64
	if n, _ := fmt.Sscan(read("/proc/self/statm"), &size, &resident); n < 2 {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
