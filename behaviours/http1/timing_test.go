package http1

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tload/stats"
)

func TestCloseAtEachByte(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		replies := []string{
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
		}
		s := sweeping(t)
		for _, reply := range replies {
			for cut := range len(reply) {
				c := connect(t, s, serve(t, scripted(never, reply[:cut])))
				var r Reply
				err := trip(c, get(s), &r)
				var e *Error
				if !errors.As(err, &e) || e.Kind != stats.EOF && e.Kind != stats.Body {
					t.Fatalf("cut at %d of %q: got %v, want EOF or BODY", cut, reply, err)
				}
				if !strings.HasPrefix("hello", string(r.Body)) {
					t.Fatalf("cut at %d: got body %q", cut, r.Body)
				}
				if r.In != int64(cut) {
					t.Fatalf("cut at %d: got %d bytes", cut, r.In)
				}
			}
		}
	})
}

func TestTimeoutsNameThePhase(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		tests := []struct {
			name, reply string
			body        int // of the request; the server reads none of it
			text        string
		}{
			{name: "first byte", text: "timed out after 50ms waiting for the first byte"},
			{name: "headers", reply: "HTTP/1.1 200 OK\r\n", text: "timed out after 50ms reading the headers"},
			{name: "body", reply: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", text: "timed out after 50ms reading the body (4 of 9 bytes came)"},
			{name: "body until close", reply: "HTTP/1.1 200 OK\r\n\r\nhell", text: "timed out after 50ms reading the body (4 bytes came)"},
			{name: "sending", body: 32 << 20, text: "timed out after 50ms sending the request"},
		}
		s := sweeping(t)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				end := make(chan struct{})
				addr := serve(t, func(c net.Conn) {
					readRequest(c)
					io.WriteString(c, tt.reply)
					<-end
				})
				defer close(end)
				c := connect(t, s, addr)
				body := make([]byte, tt.body)
				began := time.Now()
				req := get(s)
				req.Timeout = 50 * time.Millisecond
				req.Body = body
				var r Reply
				check(t, trip(c, req, &r), stats.Timeout, tt.text)
				if took := time.Since(began); took < 50*time.Millisecond || took > time.Second {
					t.Errorf("timed out after %v, want 50 ms", took)
				}
				if !bytes.HasPrefix([]byte(tt.reply), r.Head) || len(r.Head) == 0 && tt.reply != "" {
					t.Errorf("kept head %q of %q", r.Head, tt.reply)
				}
			})
		}
	})
}

func TestATimeoutThatIsOverDoesNotStrikeTheNextRequest(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		var slow atomic.Bool
		addr := serve(t, func(c net.Conn) {
			for readRequest(c) {
				if slow.Load() {
					time.Sleep(350 * time.Millisecond) // beyond the first request's deadline
				}
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			}
		})
		c := connect(t, s, addr)
		var r Reply
		req := get(s)
		req.Timeout = 300 * time.Millisecond
		check(t, trip(c, req, &r), stats.OK, "")
		slow.Store(true)
		req = get(s)
		check(t, trip(c, req, &r), stats.OK, "")
	})
}

// TestADeadlineOfARequestThatBeganBefore holds that the time which a connection
// took to be made, or a redirect, counts: the sweeper does not expect a deadline
// so soon.
func TestADeadlineOfARequestThatBeganBefore(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		addr := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
		req, r := get(s), Reply{}
		req.Timeout = 600 * time.Millisecond
		check(t, trip(connect(t, s, addr), req, &r), stats.Timeout, "") // the sweeper has just looked
		c := connect(t, s, addr)
		req = get(s)
		req.Timeout = 600 * time.Millisecond
		req.Start -= 500 * time.Millisecond
		check(t, trip(c, req, &r), stats.Timeout, "")
		if late := r.End - (req.Start + req.Timeout); late > 200*time.Millisecond {
			t.Errorf("timed out %v too late", late)
		}
	})
}

func TestManyDeadlinesAtOnce(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		end := make(chan struct{})
		addr := serve(t, func(c net.Conn) { readRequest(c); <-end })
		defer close(end)
		var wg sync.WaitGroup
		for i := range 100 {
			c := connect(t, s, addr)
			wg.Go(func() {
				began := time.Now()
				req := get(s)
				req.Timeout = time.Duration(50+i) * time.Millisecond
				var r Reply
				check(t, trip(c, req, &r), stats.Timeout, "")
				if took := time.Since(began); took < req.Timeout || took > req.Timeout+time.Second {
					t.Errorf("timed out after %v, want %v", took, req.Timeout)
				}
			})
		}
		wg.Wait()
	})
}

// TestASweepThatHadToWait holds that the next one does not come much later for it.
func TestASweepThatHadToWait(t *testing.T) {
	s := sweeping(t)
	addr := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	c, other := connect(t, s, addr), connect(t, s, addr)
	for i, c := range []*Conn{c, other} {
		req, r := get(s), Reply{}
		req.Timeout = 20 * time.Millisecond
		if i == 0 {
			s.mu.Lock()
			time.AfterFunc(200*time.Millisecond, s.mu.Unlock) // a sweep waits meanwhile
		}
		check(t, c.RoundTrip(req, &r), stats.Timeout, "")
		if late := r.End - (req.Start + req.Timeout); late > 2*time.Second {
			t.Errorf("request %d: timed out %v too late", i+1, late)
		}
	}
}

func TestCancelFreesWhatIsCancellable(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		end := make(chan struct{})
		started := make(chan struct{}, 2)
		addr := serve(t, func(c net.Conn) { readRequest(c); started <- struct{}{}; <-end })
		defer close(end)
		outcome := make(chan error, 1)
		c := connect(t, s, addr)
		go func() {
			req, r := get(s), Reply{}
			req.Cancellable = true
			outcome <- trip(c, req, &r)
		}()
		other := connect(t, s, addr)
		apart := make(chan error, 1)
		go func() { var r Reply; apart <- trip(other, get(s), &r) }()
		<-started
		<-started
		s.Cancel()
		check(t, <-outcome, stats.Aborted, "aborted waiting for the first byte")
		other.Interrupt()
		check(t, <-apart, stats.Aborted, "aborted waiting for the first byte")
		req, r := get(s), Reply{}
		req.Cancellable = true
		check(t, trip(connect(t, s, addr), req, &r), stats.Aborted, "")
	})
}

func TestInterruptBeforeTheRequest(t *testing.T) {
	s := sweeping(t)
	c := connect(t, s, serve(t, func(c net.Conn) { readRequest(c) }))
	done := make(chan struct{})
	close(done)
	c.Interrupt()
	req, r := get(s), Reply{}
	req.Done = done
	check(t, c.RoundTrip(req, &r), stats.Aborted, "")
}

func TestKeepAlive(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		big := strings.Repeat("x", 300<<10)
		c := connect(t, s, serve(t, scripted(never,
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
			"HTTP/1.1 200 OK\r\nContent-Length: 307200\r\n\r\n"+big,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4b000\r\n"+big+"\r\n0\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho", "never asked for")))
		for i, want := range []string{"hi", big, big, "ho"} {
			var r Reply
			check(t, trip(c, get(s), &r), stats.OK, "")
			if string(r.Body) != want || !r.KeepAlive || !c.Usable(s.Now()) {
				t.Fatalf("reply %d: got %d bytes, keep-alive %v", i, len(r.Body), r.KeepAlive)
			}
			if i != 2 { // with and without giving the buffer back between
				c.Release()
			}
		}
	})
}

// awaitEnd waits until the server's end of the connection has come.
func awaitEnd(t *testing.T, c *Conn) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; {
		if open, _ := c.w.alive(); !open {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not close")
		}
	}
}

func TestStale(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		if runtime.GOOS != "linux" {
			t.Skip("what the peer has seen can only be told on Linux")
		}
		s := sweeping(t)
		const ok = "HTTP/1.1 204 No Content\r\n\r\n"
		c := connect(t, s, serve(t, scripted(never, ok, ok)))
		var r Reply
		for range 2 {
			check(t, trip(c, get(s), &r), stats.OK, "")
		}
		// Only what arrives after the close is surely not seen.
		awaitEnd(t, c)
		err := trip(c, get(s), &r)
		var e *Error
		if !errors.As(err, &e) || !e.Stale || e.Kind != stats.EOF && e.Kind != stats.Reset {
			t.Errorf("a kept connection that was closed: got %+v, want it stale", err)
		}
		c = connect(t, s, serve(t, func(c net.Conn) {}))
		if err := trip(c, get(s), &r); !errors.As(err, &e) || e.Stale {
			t.Errorf("a new connection that was closed: got %+v, want it not stale", err)
		}
	})
}

func TestAResetIsToldFromAnEnd(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		c := connect(t, sweeping(t), serve(t, func(c net.Conn) {
			readRequest(c)
			c.(*net.TCPConn).SetLinger(0)
		}))
		var r Reply
		check(t, trip(c, get(c.sweeper), &r), stats.Reset, "reset the connection waiting for the first byte")
	})
}

// TestAResetThatWasLookedAtIsToldFromAnEnd holds that it makes no difference who
// sees it first, who reads or who only looks.
func TestAResetThatWasLookedAtIsToldFromAnEnd(t *testing.T) {
	if !pollable {
		t.Skip("this system's connections are not looked at")
	}
	s := sweeping(t)
	addr := serve(t, func(c net.Conn) {
		readRequest(c)
		c.(*net.TCPConn).SetLinger(0)
	})
	for name, look := range map[string]func(*wire) bool{
		"looked at": func(w *wire) bool { return !w.silent() },
		"nudged":    (*wire).nudge,
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, s, addr)
			c.begin(get(s))
			io.WriteString(c.w.Conn, getHead)
			until(t, func() bool { return look(c.w) })
			if n, err := c.w.read(make([]byte, 1), 0); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %d bytes and %v", n, err)
			}
		})
	}
}

// TestAResetWhileSendingIsToldFromAnEnd holds that it makes no difference who
// hears of the reset, who sends or who waits for the reply.
func TestAResetWhileSendingIsToldFromAnEnd(t *testing.T) {
	s := sweeping(t)
	addr := serve(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1<<20))
		c.(*net.TCPConn).SetLinger(0)
	})
	for range 10 {
		req, r := get(s), Reply{}
		req.Body = make([]byte, 16<<20)
		check(t, connect(t, s, addr).RoundTrip(req, &r), stats.Reset, "reset the connection sending the request")
	}
}

func TestAnIdleConnectionIsLookedAt(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		for name, then := range map[string]func(net.Conn){
			"closed":  func(c net.Conn) { c.Close() },
			"talking": func(c net.Conn) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
		} {
			t.Run(name, func(t *testing.T) {
				c := connect(t, s, serve(t, func(c net.Conn) {
					readRequest(c)
					io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
					then(c)
					readRequest(c)
				}))
				var r Reply
				check(t, trip(c, get(s), &r), stats.OK, "")
				later := s.Now() + idleCheck
				for deadline := time.Now().Add(5 * time.Second); c.Usable(later); {
					if pollable && time.Now().After(deadline) {
						t.Fatal("usable, though the server has " + name)
					}
				}
			})
		}
	})
}

// TestWhatCameBeforeARequestIsFound holds that a request over a connection on
// which something had come unasked, from a server that only reads from then on,
// does not wait for ever.
func TestWhatCameBeforeARequestIsFound(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		if !pollable {
			t.Skip("this system's connections are read the plain way")
		}
		for name, then := range map[string]string{"end": "", "reply": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"} {
			t.Run(name, func(t *testing.T) {
				s := sweeping(t)
				unasked := make(chan struct{})
				c := connect(t, s, serve(t, func(c net.Conn) {
					readRequest(c)
					io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
					<-unasked
					io.WriteString(c, then)
					c.(*net.TCPConn).CloseWrite()
					io.Copy(io.Discard, c)
				}))
				var r Reply
				check(t, trip(c, get(s), &r), stats.OK, "")
				close(unasked)
				until(t, func() bool { return !c.w.silent() })
				req := get(s)
				req.Timeout = 20 * time.Second
				err := trip(c, req, &r)
				if then == "" {
					check(t, err, stats.EOF, "closed the connection waiting for the first byte")
				} else if check(t, err, stats.OK, ""); r.Status != 408 {
					t.Errorf("status %d", r.Status)
				}
			})
		}
	})
}

// TestATimeOutIsNoNudge holds that a read which is woken for both ends.
func TestATimeOutIsNoNudge(t *testing.T) {
	if !pollable {
		t.Skip("this system's connections are read the plain way")
	}
	c := connect(t, sweeping(t), serve(t, func(c net.Conn) { io.Copy(io.Discard, c) }))
	c.w.nudged.Store(true)
	c.state.Store(timedOut)
	c.interrupt()
	read := make(chan error, 1)
	go func() {
		_, err := c.w.read(make([]byte, 1), 0)
		read <- err
	}()
	select {
	case err := <-read:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits on")
	}
}

func TestContinue(t *testing.T) {
	s := sweeping(t)
	body := strings.Repeat("b", 100)
	read := func(c net.Conn) bool {
		got := make([]byte, len(body))
		_, err := io.ReadFull(c, got)
		return err == nil && string(got) == body
	}
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	tests := []struct {
		name   string
		server func(net.Conn)
		status int
		keep   bool
		sent   bool
		atMost time.Duration
	}{
		{"asked for", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); read(c); io.WriteString(c, ok) }, 200, true, true, continueWait / 2},
		{"refused", func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
			io.Copy(io.Discard, c)
		}, 417, false, false, continueWait / 2},
		{"silence", func(c net.Conn) { read(c); io.WriteString(c, ok) }, 200, true, true, 2 * continueWait},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, s, serve(t, func(c net.Conn) {
				if readRequest(c) {
					tt.server(c)
				}
			}))
			req := get(s)
			req.Head = []byte("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
			req.Body, req.Continue = []byte(body), true
			c.w.nudged.Store(true) // as the reply before may have left it
			var r Reply
			began := time.Now()
			check(t, c.RoundTrip(req, &r), stats.OK, "")
			if r.Status != tt.status || r.KeepAlive != tt.keep || (r.Out > int64(len(req.Head))) != tt.sent || time.Since(began) > tt.atMost {
				t.Errorf("got %d, keep-alive %v, %d bytes sent, after %v", r.Status, r.KeepAlive, r.Out, time.Since(began))
			}
		})
	}
}

func TestAnAnswerBeforeTheWholeRequestIsHeard(t *testing.T) {
	s := sweeping(t)
	end := make(chan struct{})
	c := connect(t, s, serve(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1000))
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
		<-end
	}))
	defer close(end)
	req := get(s)
	req.Body = make([]byte, 64<<20)
	var r Reply
	check(t, c.RoundTrip(req, &r), stats.OK, "")
	if r.Status != 413 || string(r.Body) != "big" || r.KeepAlive {
		t.Errorf("got %d %q, keep-alive %v; want 413 and the connection given up", r.Status, r.Body, r.KeepAlive)
	}
	if r.Out == 0 || r.Out >= int64(len(req.Body)) || r.Written > r.End {
		t.Errorf("got %d bytes written of %d, at %v, the end at %v", r.Out, len(req.Body), r.Written, r.End)
	}
}

func TestWithoutAPoller(t *testing.T) {
	s := sweeping(t)
	near, far := net.Pipe()
	go scripted(5, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho")(far)
	c := NewConn(near, s)
	defer c.Close()
	for _, want := range []string{"hi", "ho"} {
		var r Reply
		check(t, c.RoundTrip(get(s), &r), stats.OK, "")
		if string(r.Body) != want {
			t.Errorf("got %q, want %q", r.Body, want)
		}
	}
	req, r := get(s), Reply{}
	req.Timeout = 30 * time.Millisecond
	go io.Copy(io.Discard, far)
	check(t, c.RoundTrip(req, &r), stats.Timeout, "waiting for the first byte")
}

func TestHeaderLookups(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		c := connect(t, s, serve(t, scripted(never, "HTTP/1.1 404 Not  Here\r\nSet-Cookie: a=1\r\nX-Fold: a\r\n  b\r\nset-cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: 1\r\nFold: x\r\n y\r\n\r\n")))
		var r Reply
		check(t, trip(c, get(s), &r), stats.OK, "")
		if v, ok := r.Header("x-fold"); !ok || string(v) != "a    b" {
			t.Errorf("X-Fold: got %q, %v", v, ok)
		}
		if _, ok := r.Header("Absent"); ok {
			t.Error("found a header that is not there")
		}
		var cookies []string
		for n, v := range r.Headers {
			if strings.EqualFold(string(n), "set-cookie") {
				cookies = append(cookies, string(v))
			}
		}
		if strings.Join(cookies, " ") != "a=1 b=2" || !r.Cookies {
			t.Errorf("cookies: got %q", cookies)
		}
		if r.Reason() != "Not  Here" {
			t.Errorf("reason: got %q", r.Reason())
		}
		var trailers []string
		for n, v := range r.Trailers {
			trailers = append(trailers, string(n)+"="+string(v))
		}
		if strings.Join(trailers, " ") != "Sum=1 Fold=x   y" {
			t.Errorf("trailers: got %q", trailers)
		}
	})
}

func TestARequestBeyondTheSendBuffer(t *testing.T) {
	inBothWays(t, func(t *testing.T, trip trip) {
		s := sweeping(t)
		body := bytes.Repeat([]byte("0123456789"), 3000)
		addr := serve(t, func(c net.Conn) {
			c.(*net.TCPConn).SetReadBuffer(4096)
			for range 2 {
				time.Sleep(5 * time.Millisecond) // so that the client's buffer is full when it writes
				got := make([]byte, len(getHead)+len(body))
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got[len(getHead):], body) {
					io.WriteString(c, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		nc, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		nc.(*net.TCPConn).SetWriteBuffer(4096)
		c := NewConn(nc, s)
		defer c.Close()
		for i := range 2 {
			req := get(s)
			req.Body = body
			var r Reply
			check(t, trip(c, req, &r), stats.OK, "")
			if r.Status != 200 || !r.KeepAlive {
				t.Errorf("request %d: got %d, keep-alive %v", i, r.Status, r.KeepAlive)
			}
		}
	})
}
