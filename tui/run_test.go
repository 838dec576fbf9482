package tui

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tload/swarm"
)

// sink is a terminal's far end.
type sink struct {
	mu  sync.Mutex
	b   bytes.Buffer
	err error // what a write gets
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.b.Write(p)
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

type ended struct {
	how Outcome
	err error
}

// show runs the whole screen and returns its keyboard.
func show(t *testing.T, ctx context.Context, out io.Writer, o Options) (io.WriteCloser, <-chan ended) {
	t.Helper()
	in, keys := io.Pipe()
	t.Cleanup(func() { keys.Close() })
	o.Input, o.Output, o.Dir, o.Env = in, out, t.TempDir(), []string{"TERM=xterm-256color"}
	done := make(chan ended, 1)
	go func() {
		how, err := Run(ctx, o)
		done <- ended{how, err}
	}()
	return keys, done
}

func await(t *testing.T, done <-chan ended) ended {
	t.Helper()
	select {
	case e := <-done:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("the screen did not end")
	}
	return ended{}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within 5 s", what)
		}
	}
}

func TestRunShowsAndRestores(t *testing.T) {
	out := &sink{}
	load := newFake(snapshot())
	keys, done := show(t, t.Context(), out, Options{Run: load})
	until(t, "first frame", func() bool { return strings.Contains(out.text(), "\x1b[?1049h") })
	io.WriteString(keys, "+")
	until(t, "a scaled run", func() bool { return load.told() == "scale 210 you" })
	until(t, "a word of it", func() bool { return strings.Contains(out.text(), "target 210") })
	io.WriteString(keys, "q")
	io.WriteString(keys, "d")
	if e := await(t, done); e.how != Detach || e.err != nil {
		t.Errorf("got %v, %v", e.how, e.err)
	}
	if !strings.Contains(out.text(), "\x1b[?1049l") {
		t.Error("the alternate screen was not left")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &sink{}
	_, done := show(t, ctx, out, Options{Run: newFake(snapshot())})
	until(t, "first frame", func() bool { return out.text() != "" })
	cancel()
	if e := await(t, done); e.how != Cancelled || e.err != nil {
		t.Errorf("got %v, %v", e.how, e.err)
	}
}

func TestALostTerminalIsAHangup(t *testing.T) {
	out := &sink{}
	load := newFake(snapshot())
	_, done := show(t, t.Context(), out, Options{Run: load})
	until(t, "first frame", func() bool { return out.text() != "" })
	out.mu.Lock()
	out.err = syscall.EIO
	out.mu.Unlock()
	load.set(func(s *swarm.Snapshot) { s.Elapsed = time.Hour }) // something to draw
	if e := await(t, done); e.how != Hangup || e.err != nil {
		t.Errorf("got %v, %v", e.how, e.err)
	}
}

func TestHangupSignal(t *testing.T) {
	out := &sink{}
	_, done := show(t, t.Context(), out, Options{Run: newFake(snapshot())})
	until(t, "first frame", func() bool { return out.text() != "" })
	syscall.Kill(syscall.Getpid(), syscall.SIGHUP)
	if e := await(t, done); e.how != Hangup || e.err != nil {
		t.Errorf("got %v, %v", e.how, e.err)
	}
}

// stuck is a terminal whose reader stopped for good.
type stuck struct{ first chan struct{} }

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.first <- struct{}{}:
	default:
	}
	select {}
}

func TestAStuckTerminalDoesNotHoldWhoLeaves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &stuck{make(chan struct{}, 1)}
	_, done := show(t, ctx, out, Options{Run: newFake(snapshot())})
	<-out.first
	cancel()
	if e := await(t, done); e.how != Cancelled {
		t.Errorf("got %v, %v", e.how, e.err)
	}
}

func TestAPanicIsTold(t *testing.T) {
	out := &sink{}
	load := newFake(snapshot())
	keys, done := show(t, t.Context(), out, Options{Run: load, Logs: NewLogs(10)})
	until(t, "first frame", func() bool { return out.text() != "" })
	load.set(func(s *swarm.Snapshot) { s.Groups = append(s.Groups, nil) })
	io.WriteString(keys, "4")
	if e := await(t, done); e.how != Panicked || e.err == nil || !strings.Contains(e.err.Error(), "panic") {
		t.Errorf("got %v, %v", e.how, e.err)
	}
	if !strings.Contains(out.text(), "\x1b[?1049l") {
		t.Error("the alternate screen was not left")
	}
}

func TestASlowLinkIsDrawnLessOften(t *testing.T) {
	const every = 250 * time.Millisecond
	l := newTerminal(every)
	now := time.Unix(100, 0)
	slow := func(d time.Duration) { l.slowest.Store(int64(d)) }
	step := func(want time.Duration, after time.Duration) {
		t.Helper()
		now = now.Add(after)
		if got := l.next(every, now); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	step(every, 0)
	slow(50 * time.Millisecond)
	step(every, time.Second)
	slow(10 * time.Second)
	step(time.Second, time.Second)
	slow(2 * time.Second)
	step(5*time.Second, time.Second)
	if !l.lags(every) {
		t.Error("it does not say so")
	}
	step(5*time.Second, 29*time.Second)
	step(every, 2*time.Second)
	slow(200 * time.Millisecond)
	step(time.Second, time.Second)
}
