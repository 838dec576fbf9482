package http1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tload/stats"
)

// told is who waits for a started request in a test.
type told chan bool

func (w told) Replied(whole bool) { w <- whole }

func (w told) wait() error {
	select {
	case <-w:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("nobody has told that there is a reply")
	}
}

// watch waits until the connection is watched: the sweeper may be about to run.
func watch(t *testing.T, c *Conn) {
	t.Helper()
	until(t, c.watched)
}

// started is a trip by Start and Finish.
func started(t *testing.T) trip {
	return func(c *Conn, req *Request, r *Reply) error {
		if len(req.Body) > inline || req.Continue { // these cannot be started
			return c.RoundTrip(req, r)
		}
		watch(t, c)
		w := make(told, 2)
		if c.Start(req, r, w, false) {
			if err := w.wait(); err != nil {
				return err
			}
		}
		err := c.Finish()
		if len(w) > 0 {
			return errors.New("told twice")
		}
		return err
	}
}

// chain is a user who sends one request after the other from within Replied.
type chain struct {
	t    *testing.T
	s    *Sweeper
	c    *Conn
	r    Reply
	left int
	done func()
}

func (u *chain) Replied(whole bool) {
	if !whole {
		go u.next(false)
		return
	}
	u.next(true)
}

func (u *chain) next(during bool) {
	for {
		check(u.t, u.c.Finish(), stats.OK, "")
		if string(u.r.Body) != "hello" || u.r.Status != 200 {
			u.t.Errorf("got %d %q", u.r.Status, u.r.Body)
		}
		u.c.Release()
		if u.left--; u.left <= 0 {
			u.done()
			return
		}
		if u.start(during) {
			return
		}
		during = false
	}
}

func (u *chain) start(during bool) bool {
	req := get(u.s)
	req.Burst = true
	return u.c.Start(req, &u.r, u, during)
}

// TestManyRequestsInFlight holds that each request is sent once and heard of
// once, whether its reply comes whole, in pieces or chunked.
func TestManyRequestsInFlight(t *testing.T) {
	var seen, turn atomic.Int64
	replies := []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	}
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			seen.Add(1)
			n := turn.Add(1)
			reply := replies[n%3]
			if n%5 == 0 {
				io.WriteString(c, reply[:n%int64(len(reply))])
				reply = reply[n%int64(len(reply)):]
			}
			io.WriteString(c, reply)
		}
	})
	s := sweeping(t)
	const users, each = 3 * burstMost, 50
	ended := make(chan bool, users)
	for range users {
		c := connect(t, s, addr)
		watch(t, c)
		u := &chain{t: t, s: s, c: c, left: each, done: func() { ended <- true }}
		if !u.start(false) {
			go u.next(false)
		}
	}
	for i := range users {
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d users have come to their end", i, users)
		}
	}
	if n := seen.Load(); n != users*each {
		t.Errorf("the server saw %d requests of %d", n, users*each)
	}
}

// TestStartable holds who is left to somebody who waits.
func TestStartable(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
			time.Sleep(20 * time.Millisecond) // so that it comes in two pieces
			io.WriteString(c, "hello")
		}
	})
	s := sweeping(t)
	c := connect(t, s, addr)
	if c.Startable() {
		t.Error("a new connection is startable")
	}
	c.used = true
	until(t, c.Startable)
	var r Reply
	check(t, started(t)(c, get(s), &r), stats.OK, "")
	if c.Startable() {
		t.Error("startable after a reply in pieces")
	}
	c = connect(t, NewSweeper(), addr)
	if c.used = true; c.Startable() {
		t.Error("startable though nobody runs the sweeper")
	}
}

// TestBetweenTwoRequests holds that a watched connection is not looked at before
// each use, and what happens to it is known all the same.
func TestBetweenTwoRequests(t *testing.T) {
	for _, then := range []string{"", "HTTP/1.1 408 Request Timeout\r\n\r\n"} {
		t.Run(fmt.Sprintf("%q", then), func(t *testing.T) {
			s := sweeping(t)
			now, end := make(chan struct{}), make(chan struct{})
			defer close(end)
			c := connect(t, s, serve(t, func(c net.Conn) {
				readRequest(c)
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				<-now
				if then != "" {
					io.WriteString(c, then)
					<-end
				}
			}))
			var r Reply
			check(t, started(t)(c, get(s), &r), stats.OK, "")
			if later := s.Now() + idleCheck; !c.Usable(later) || c.moved.Load() {
				t.Error("not usable, or touched")
			}
			close(now)
			until(t, func() bool { return !c.Usable(s.Now() + idleCheck) })
		})
	}
}

// TestSendingFails holds that who starts a request on a connection that cannot
// send is told so, with the reason.
func TestSendingFails(t *testing.T) {
	for _, during := range []bool{false, true} {
		t.Run(fmt.Sprint("during ", during), func(t *testing.T) {
			s := sweeping(t)
			c := connect(t, s, serve(t, func(c net.Conn) { readRequest(c) }))
			watch(t, c)
			c.w.raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_WR) })
			w := make(told, 1)
			req, r := get(s), Reply{}
			req.Burst = true
			if during { // as the poller does it
				p := poller{sweeper: s}
				c.poller = &p
				if !c.Start(req, &r, w, true) {
					t.Fatal("not started")
				}
				p.flush()
				if err := w.wait(); err != nil {
					t.Fatal(err)
				}
			} else if c.Start(req, &r, w, false) {
				t.Fatal("started, though nothing can be sent")
			}
			check(t, c.Finish(), stats.Reset, "sending the request")
			c.number = 0
		})
	}
}

// TestCancelledBeforeItIsSent holds that a request that is cancelled before it
// is begun, or while it waits to be sent with others, is not sent.
func TestCancelledBeforeItIsSent(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			seen.Add(1)
		}
	})
	s := sweeping(t)
	early, late := connect(t, s, addr), connect(t, s, addr)
	watch(t, early)
	watch(t, late)
	var p poller
	p.sweeper, early.poller = s, &p
	w := make(told, 1)
	req, r := get(s), Reply{}
	req.Cancellable, req.Burst = true, true
	if !early.Start(req, &r, w, true) {
		t.Fatal("not started")
	}
	s.Cancel()
	p.flush()
	if err := w.wait(); err != nil {
		t.Fatal(err)
	}
	check(t, early.Finish(), stats.Aborted, "sending the request")
	early.number = 0
	if late.Start(req, &r, w, false) {
		t.Error("started after the end")
	}
	check(t, late.Finish(), stats.Aborted, "sending the request")
	if n := seen.Load(); n > 0 {
		t.Errorf("the server saw %d requests", n)
	}
}

// TestStruckWhileItIsSent holds that a request that is interrupted when nobody
// can be told is found to be by who sends it.
func TestStruckWhileItIsSent(t *testing.T) {
	s := NewSweeper()
	c := NewConn(&bytesConn{}, s)
	for _, interrupted := range []bool{false, true} {
		c.at.Store(departing)
		c.begin(get(s))
		if interrupted {
			c.Interrupt()
		}
		c.at.Store(flying)
		if got := c.struck(); got != interrupted || (c.at.Load() == grounded) != interrupted {
			t.Errorf("interrupted %v: struck %v, at %d", interrupted, got, c.at.Load())
		}
	}
}

// TestStirredWhileItIsSent holds that what comes while a request is sent is found
// by who sends it.
func TestStirredWhileItIsSent(t *testing.T) {
	s := NewSweeper()
	c := connect(t, s, serve(t, func(c net.Conn) { io.Copy(io.Discard, c) }))
	c.w.raw.Control(func(fd uintptr) { c.w.fd = fd })
	c.at.Store(departing)
	c.begin(get(s))
	c.poller.land(c)
	c.w.out = []byte(getHead)
	if c.takeOff() || c.at.Load() != grounded {
		t.Errorf("it flies, at %d", c.at.Load())
	}
}

// TestStruckWhileItIsLookedAt holds that a request that is interrupted while the
// poller looks at what was nothing is told of all the same.
func TestStruckWhileItIsLookedAt(t *testing.T) {
	s := NewSweeper()
	c := connect(t, s, serve(t, func(c net.Conn) { io.Copy(io.Discard, c) }))
	c.w.raw.Control(func(fd uintptr) { c.w.fd = fd })
	w := make(told, 1)
	c.then = w
	c.at.Store(flying)
	c.state.Store(timedOut)
	c.poller.land(c)
	if len(w) != 1 || c.at.Load() != grounded {
		t.Errorf("told %d times, at %d", len(w), c.at.Load())
	}
}

// TestAFullBufferMayNotBeAll holds that what is behind a reply that filled the
// buffer is known to be there.
func TestAFullBufferMayNotBeAll(t *testing.T) {
	s := sweeping(t)
	end := make(chan struct{})
	defer close(end)
	c := connect(t, s, serve(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, longReply(bufferSizes[0])+"surplus")
		<-end
	}))
	var r Reply
	check(t, started(t)(c, get(s), &r), stats.OK, "")
	if r.Surplus != 0 || c.Usable(s.Now()) {
		t.Errorf("surplus %d, or usable", r.Surplus)
	}
}

// TestWhole holds what counts as a reply for which nobody need wait.
func TestWhole(t *testing.T) {
	for reply, want := range map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi":          true,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more": true,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi":          false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r":              false,
		"HTTP/1.1 204 No Content\r\n\r\n":                         true,
		"HTTP/1.1 200 OK\r\n\r\nuntil the end":                    false,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n":    false,
		"nonsense\r\n\r\n": false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n":                    true,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n":                        false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhi\r\n0\r\n\r\n":                    false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\n\r\n":                false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n":            false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff2\r\nhi\r\n0\r\nX: y\r\n": false,
	} {
		s := NewSweeper()
		c := NewConn(&bytesConn{}, s)
		c.req, c.r = get(s), &Reply{Expected: -1}
		c.buf = lend(0)
		c.buf.last.n = 0
		c.end = copy(c.buf.b, reply)
		if got := c.whole(); got != want {
			t.Errorf("%q: got %v", reply, got)
		}
	}
}

// FuzzWhole holds that a reply that is called whole is read without waiting,
// and as it would be by who waits; and that to have asked changes nothing.
func FuzzWhole(f *testing.F) {
	for _, reply := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n00\r\n\r\nmore",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nhi",
	} {
		f.Add([]byte(reply), false)
		f.Add([]byte(reply), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, head bool) {
		if len(b) > bufferSizes[0] {
			return
		}
		method := "GET"
		if head {
			method = "HEAD"
		}
		want, _ := ours(b, method, never)
		s := NewSweeper()
		in := &bytesConn{}
		c := NewConn(in, s)
		defer c.Close()
		defer c.Release()
		var r Reply
		c.reset(&r)
		c.req, c.r = &Request{HeadOnly: head, Start: s.Now()}, &r
		c.begin(c.req)
		c.buf = lend(0)
		c.end, c.reads, r.In = copy(c.buf.b, b), 1, int64(len(b))
		whole := len(b) > 0 && c.whole()
		err := c.Finish()
		if whole && in.asked > 0 {
			t.Error("it was not whole")
		}
		if want.failed != (err != nil) || want.status != r.Status || err == nil && (want.body != string(r.Body) || want.close != (!r.KeepAlive && r.Surplus == 0)) {
			t.Errorf("got %+v (%v), want %+v", r, err, want)
		}
	})
}

// TestNothingIsMissedBeforeTheStart holds that what the poller was told of just
// before a request departs is found at once: it is not told again.
func TestNothingIsMissedBeforeTheStart(t *testing.T) {
	s := sweeping(t)
	begun := make(chan struct{})
	c := connect(t, s, serve(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		<-begun
		io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
		io.Copy(io.Discard, c)
	}))
	var r Reply
	check(t, started(t)(c, get(s), &r), stats.OK, "")
	c.missed.Store(false)
	c.state.Store(1 << 60) // as between Usable and departing
	close(begun)
	until(t, func() bool { return !c.w.silent() && c.missed.Load() })
	began := time.Now()
	check(t, started(t)(c, get(s), &r), stats.OK, "")
	if took := time.Since(began); r.Status != 408 || took > missedEnds/2 {
		t.Errorf("status %d after %v", r.Status, took)
	}
}
