//go:build unix

package cli

import (
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/charmbracelet/x/term"
)

// catchPrints has what this program writes to standard output and error go to that
// function, a line a call, for they are the screen: behaviours and their libraries
// print. The terminal is returned for who draws on it, and end gives it back. What
// the runtime says as it crashes goes there all the same. Nothing is caught if that
// cannot be done.
func catchPrints(stdout, stderr *os.File, line func(string)) (terminal *os.File, end func()) {
	nothing := func() {}
	r, w, err := os.Pipe()
	if err != nil {
		return stdout, nothing
	}
	type kept struct {
		fd   int
		file *os.File
	}
	var all []kept
	restore := func() {
		for _, k := range all {
			unix.Dup2(int(k.file.Fd()), k.fd)
			k.file.Close()
		}
		w.Close()
	}
	for _, f := range []*os.File{stdout, stderr} {
		if !term.IsTerminal(f.Fd()) {
			continue // of a file or a pipe
		}
		fd := int(f.Fd())
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			break
		}
		all = append(all, kept{fd, os.NewFile(uintptr(copied), f.Name())})
	}
	if len(all) == 0 || all[0].fd != int(stdout.Fd()) {
		restore()
		r.Close()
		return stdout, nothing
	}
	for _, k := range all {
		if err := unix.Dup2(int(w.Fd()), k.fd); err != nil {
			restore()
			r.Close()
			return stdout, nothing
		}
	}
	debug.SetCrashOutput(all[0].file, debug.CrashOptions{})
	read := make(chan struct{})
	go func() {
		defer close(read)
		eachLine(r, line)
		r.Close()
	}()
	return all[0].file, func() {
		debug.SetCrashOutput(nil, debug.CrashOptions{})
		restore()
		r.SetReadDeadline(time.Now().Add(lastPrints)) // a child of the program's may hold the other end
		<-read
	}
}
