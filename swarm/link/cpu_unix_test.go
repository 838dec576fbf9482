//go:build unix

package link_test

import (
	"syscall"
	"time"
)

// cpu is what this process has taken of it.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
