package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"tload/tui"
)

// ear hears the signals that end a run from outside, with a screen and without:
// one set of them, and one meaning for each.
//
//	SIGINT    stops the run; a second one cuts the grace short        130
//	SIGTERM   the same                                                143
//	SIGHUP    the terminal is lost: see hangup                        129
//	SIGQUIT   a trace of all goroutines, on a terminal that is whole
//
// After two of the first two kinds, one more leaves at once: a disk that hangs
// must not make the program one that only SIGKILL ends.
type ear struct {
	heard chan os.Signal
	times int // SIGINT and SIGTERM so far, and ctrl+c on a screen
	code  int // exit code of the last of them; exitOK when there was none
}

// endingSignals are those that end a run without a screen.
var endingSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

func listen(signals ...os.Signal) *ear {
	e := &ear{heard: make(chan os.Signal, 8)}
	for _, s := range signals {
		if s != syscall.SIGHUP || !signal.Ignored(s) { // by nohup
			signal.Notify(e.heard, s)
		}
	}
	return e
}

func (e *ear) close() { signal.Stop(e.heard) }

// stop stops the run as SIGINT or SIGTERM asks; x may be nil. It says false when
// nobody wants to wait any more.
func (e *ear) stop(x *session, sig os.Signal) (wait bool) {
	reason := "interrupt"
	e.code = exitInterrupt
	if sig == syscall.SIGTERM {
		reason, e.code = "signal", exitTerminate
	}
	e.times++
	if x != nil {
		x.ctl.Stop(reason)
	}
	return e.times <= 2
}

// errLeftAtOnce is what a run ends with that was not given the time to end.
var errLeftAtOnce = errors.New("left at once: results are not written")

// show is tui.Run under the signals that end a run from outside. The screen
// stays until the run is over, and then gives the terminal back. What current
// returns may be nil, for a screen without a run. It says false when the last
// of the signals was one too many.
func (e *ear) show(ctx context.Context, o tui.Options, current func() *session) (outcome tui.Outcome, err error, wait bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	left, done := make(chan struct{}), make(chan struct{})
	wait, trace := true, false
	go func() {
		defer close(done)
		var over <-chan struct{} // of the run that was told to stop
		for {
			select {
			case <-left:
				return
			case <-over:
				cancel()
				return
			case sig := <-e.heard:
				x := current()
				switch {
				case sig == syscall.SIGQUIT:
					trace = true
					cancel()
					return
				case sig == syscall.SIGHUP: // the screen watches for it itself
				case !e.stop(x, sig):
					wait = false
					cancel()
					return
				case x == nil:
					cancel()
					return
				default:
					over = x.ctl.Done()
				}
			}
		}
	}()
	outcome, err = tui.Run(ctx, o)
	close(left)
	<-done
	if trace {
		signal.Reset(syscall.SIGQUIT)
		if p, err := os.FindProcess(os.Getpid()); err == nil && p.Signal(syscall.SIGQUIT) == nil {
			select {} // until the signal arrives
		}
	}
	return outcome, err, wait
}
