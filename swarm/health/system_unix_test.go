//go:build unix

package health

import (
	"syscall"
	"testing"
)

// lowerFileLimit lowers the soft limit of open files; the result puts it back.
func lowerFileLimit(t *testing.T, to int) func() {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Skip(err)
	}
	now := was
	now.Cur = uint64(to)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		t.Skip(err)
	}
	return func() { syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) }
}
