//go:build unix

package cli

import "syscall"

// raiseFileLimit raises the soft limit of open files to the hard one and says
// what both allow; 0 where there is no such limit.
func raiseFileLimit() int {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return 0
	}
	if r.Cur < r.Max {
		r.Cur = r.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &r)
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r)
	}
	return int(min(r.Cur, 1<<31-1))
}
