package tui

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/term"
)

// terminal watches the way to the terminal: what goes over it, how long a write
// takes, and whether it is still there.
type terminal struct {
	lost chan struct{} // closed when a write says that the terminal is gone
	once sync.Once

	bytes   atomic.Int64 // written in all
	slowest atomic.Int64 // nanoseconds of the slowest write since it was asked

	mu   sync.Mutex // guards what the model's tick reckons
	last int64      // bytes at the last tick
	at   time.Time
	rate float64 // bytes per second
	pace time.Duration
	calm time.Time // since when writes have been fast
	slow int       // slow ones until then
}

func newTerminal(every time.Duration) *terminal {
	return &terminal{lost: make(chan struct{}), pace: every}
}

// watch wraps the output. A terminal stays recognisable as one.
func (l *terminal) watch(w io.Writer) io.Writer {
	if f, ok := w.(term.File); ok {
		return &watchedFile{File: f, to: l}
	}
	return &watchedWriter{w, l}
}

type watchedFile struct {
	term.File
	to *terminal
}

func (w *watchedFile) Write(p []byte) (int, error) { return w.to.write(w.File, p) }

type watchedWriter struct {
	io.Writer
	to *terminal
}

func (w *watchedWriter) Write(p []byte) (int, error) { return w.to.write(w.Writer, p) }

func (l *terminal) write(w io.Writer, p []byte) (int, error) {
	began := time.Now()
	n, err := w.Write(p)
	if took := int64(time.Since(began)); took > l.slowest.Load() {
		l.slowest.Store(took)
	}
	l.bytes.Add(int64(n))
	if lostTerminal(err) {
		l.once.Do(func() { close(l.lost) })
	}
	return n, err
}

// next is how long to wait until the screen is drawn again: the usual pace,
// slower while the terminal takes long to swallow what it is sent.
func (l *terminal) next(every time.Duration, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch took := time.Duration(l.slowest.Swap(0)); {
	case took > 100*time.Millisecond:
		// One long wait is somebody who stopped the terminal for a while, and
		// comes back to a screen that should be current; several are a slow line.
		l.slow++
		l.pace, l.calm = max(l.pace, time.Second, every), now
		if took > time.Second && l.slow > 1 {
			l.pace = max(5*time.Second, every)
		}
	case now.Sub(l.calm) >= 30*time.Second:
		l.pace, l.slow = every, 0
	}
	if d := now.Sub(l.at); d >= time.Second {
		n := l.bytes.Load()
		if !l.at.IsZero() {
			l.rate = float64(n-l.last) / d.Seconds()
		}
		l.last, l.at = n, now
	}
	return l.pace
}

// traffic is what the screen costs the terminal, in bytes per second.
func (l *terminal) traffic() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate
}

// lags says that the screen is drawn less often than it should be.
func (l *terminal) lags(every time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace > every
}
