package tui

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// onHangup reports a SIGHUP once. The library under us does not watch for it
// and would go on drawing to nobody.
func onHangup() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// lostTerminal says whether an error means that there is no terminal any more.
func lostTerminal(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed)
}
