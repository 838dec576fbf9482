//go:build darwin || (linux && (race || (!amd64 && !arm64)))

package http1

import "syscall"

// With these the race detector knows that what was read happened after it was
// written, as in tests whose server lives in the same process.

func sysWrite(fd uintptr, p []byte) (int, syscall.Errno) {
	n, err := syscall.Write(int(fd), p)
	return n, errnoOf(err)
}

func sysRead(fd uintptr, p []byte) (int, syscall.Errno) {
	n, err := syscall.Read(int(fd), p)
	return n, errnoOf(err)
}

func errnoOf(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}
