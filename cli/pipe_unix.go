//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreBrokenPipe makes a write to a pipe that nobody reads an error, and not
// the end of the program.
func ignoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }
