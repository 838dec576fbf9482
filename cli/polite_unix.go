//go:build unix

package cli

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// politely has this process give way to all others: to look at a run must not slow it. Linux
// has a priority for each thread; those that are made later have their maker's.
func politely() {
	const least = 19
	unix.Setpriority(unix.PRIO_PROCESS, 0, least)
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			unix.Setpriority(unix.PRIO_PROCESS, id, least)
		}
	}
}
