//go:build unix

package cli

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reportsAsked has SIGUSR1 from its first call to the end of the program, which
// the signal would else end.
var reportsAsked = sync.OnceValue(func() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	return c
})
