package http1

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"tload/stats"
)

// files is how many files this process has open.
func files(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// TestOnePoller holds that a watched connection is in Go's poller only from when
// it is waited for on a goroutine, and that it works on either side of that, and
// on the way.
func TestOnePoller(t *testing.T) {
	const whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			io.WriteString(c, whole)
		}
	})
	pieces := serve(t, func(c net.Conn) {
		for readRequest(c) {
			io.WriteString(c, whole[:len(whole)-2])
			time.Sleep(20 * time.Millisecond) // so that it is looked at between the two
			io.WriteString(c, whole[len(whole)-2:])
		}
	})
	for name, test := range map[string]struct {
		addr     net.Addr
		trip     trip
		detached bool
	}{
		"started":           {addr, started(t), true},
		"started in pieces": {pieces, started(t), false},
		"waited for":        {addr, (*Conn).RoundTrip, false},
		"in pieces":         {pieces, (*Conn).RoundTrip, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := sweeping(t)
			c := connect(t, s, test.addr)
			local, remote := c.LocalAddr().String(), c.RemoteAddr().String()
			watch(t, c)
			if !c.w.detached {
				t.Fatal("watched, and in Go's poller")
			}
			before := 0
			for range 3 {
				var r Reply
				check(t, test.trip(c, get(s), &r), stats.OK, "")
				if string(r.Body) != "hello" {
					t.Errorf("got %q", r.Body)
				}
				if !c.Usable(s.Now() + idleCheck) {
					t.Error("not usable any more")
				}
				if c.w.detached != test.detached {
					t.Errorf("detached: %v", c.w.detached)
				}
				if before == 0 { // when the server has opened its own
					before = files(t)
				}
				if after := files(t); after > before {
					t.Errorf("%d open files, %d before", after, before)
				}
			}
			c.w.detach()
			if c.w.detached != test.detached {
				t.Error("to and fro between the pollers")
			}
			if l, r := c.LocalAddr().String(), c.RemoteAddr().String(); l != local || r != remote {
				t.Errorf("from %s to %s, that was from %s to %s", l, r, local, remote)
			}
			c.Close() // and then the server its end
			until(t, func() bool { return files(t) <= before-2 })
		})
	}
}

// TestClosedTwice holds that a second Close of a watched connection does not close
// the file that has its number by then.
func TestClosedTwice(t *testing.T) {
	c := connect(t, sweeping(t), serve(t, func(c net.Conn) { readRequest(c) }))
	watch(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed again: got %v, want %v", err, net.ErrClosed)
	}
	if _, err := w.WriteString("x"); err != nil {
		t.Error(err)
	}
}

// TestLargeRequestOfDetached holds that a request that does not fit the send
// buffer goes out all the same.
func TestLargeRequestOfDetached(t *testing.T) {
	const size = 8 << 20
	got := make(chan int64, 1)
	addr := serve(t, func(c net.Conn) {
		n, _ := io.CopyN(io.Discard, c, int64(len(getHead)+size))
		got <- n - int64(len(getHead))
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	s := sweeping(t)
	c := connect(t, s, addr)
	watch(t, c)
	req := get(s)
	req.Body = make([]byte, size)
	var r Reply
	check(t, c.RoundTrip(req, &r), stats.OK, "")
	if n := <-got; n != size {
		t.Errorf("%d bytes came", n)
	}
}

// TestInterruptedBeforeAttached holds that an interruption that found nobody to
// wake is not lost.
func TestInterruptedBeforeAttached(t *testing.T) {
	s := sweeping(t)
	c := connect(t, s, serve(t, func(c net.Conn) { readRequest(c); readRequest(c) }))
	watch(t, c)
	req, r := get(s), Reply{}
	c.reset(&r)
	if !c.begin(req) {
		t.Fatal("not begun")
	}
	c.Interrupt()
	if _, err := c.w.read(make([]byte, 1), 0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestInterruptedWhileAttached holds that whenever an interruption strikes, the
// request ends.
func TestInterruptedWhileAttached(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n") // and no more
		}
	})
	s := sweeping(t)
	for i := range 300 {
		c := connect(t, s, addr)
		watch(t, c)
		ended := make(chan error, 1)
		go func() {
			var r Reply
			ended <- started(t)(c, get(s), &r)
		}()
		time.AfterFunc(time.Duration(i)*time.Microsecond, func() {
			for c.state.Load() <= 0 && len(ended) == 0 { // it has not begun
				time.Sleep(time.Microsecond)
			}
			c.Interrupt()
		})
		select {
		case err := <-ended:
			var e *Error
			if !errors.As(err, &e) || e.Kind != stats.Aborted {
				t.Fatalf("got %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it goes on after it was interrupted")
		}
		c.Close()
	}
}
