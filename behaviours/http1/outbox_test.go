//go:build linux || darwin

package http1

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
)

// busily makes every request of the sweeper's connections one of a burst.
func busily(s *Sweeper) {
	for i := range s.boxes {
		s.boxes[i].last.Store(int64(time.Hour))
	}
}

// stuck makes the connection's outbox one that nobody empties.
func stuck(c *Conn) {
	c.box = &outbox{due: []*wire{{}}}
	c.box.open(c.sweeper)
	c.box.last.Store(int64(time.Hour))
}

func burst(s *Sweeper) *Request {
	req := get(s)
	req.Burst = true
	return req
}

func TestEveryRequestOfABurstIsSentOnce(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			seen.Add(1)
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	s := sweeping(t)
	busily(s)
	const conns, each = 3 * burstMost, 20
	var wg sync.WaitGroup
	for range conns {
		c := connect(t, s, addr)
		wg.Go(func() {
			for range each {
				var r Reply
				req := burst(s)
				check(t, c.RoundTrip(req, &r), stats.OK, "")
				if r.Sent < req.Start || r.End < r.Sent {
					t.Errorf("started at %v, sent at %v, ended at %v", req.Start, r.Sent, r.End)
				}
			}
		})
	}
	wg.Wait()
	if n := seen.Load(); n != conns*each {
		t.Errorf("the server saw %d requests of %d", n, conns*each)
	}
}

func TestARequestAloneDoesNotWait(t *testing.T) {
	addr := serve(t, scripted(never, "HTTP/1.1 204 No Content\r\n\r\n"))
	s := sweeping(t)
	c := connect(t, s, addr)
	stuck(c)
	c.box.last.Store(-int64(time.Hour))
	var r Reply
	check(t, c.RoundTrip(burst(s), &r), stats.OK, "")
	if r.Sent != 0 {
		t.Errorf("sent at %v by the outbox", r.Sent)
	}
}

func TestARequestOfABurstThatDoesNotFit(t *testing.T) {
	reading := make(chan struct{})
	addr := serve(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		<-reading
		in := bufio.NewReader(c)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			}
		}
	})
	s := sweeping(t)
	busily(s)
	c := connect(t, s, addr)
	var r Reply
	check(t, c.RoundTrip(get(s), &r), stats.OK, "") // whose reply is not released
	req := burst(s)
	req.Head = []byte("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 16<<20) + "\r\n\r\n")
	go func() {
		for c.state.Load() == idle || c.w.mail.Load() != 0 { // until it has come back
			time.Sleep(time.Millisecond)
		}
		close(reading)
	}()
	check(t, c.RoundTrip(req, &r), stats.OK, "")
	if !r.Stalled || r.Sent == 0 {
		t.Errorf("16 MiB are said to have fitted, sent at %v", r.Sent)
	}
	for range 3 { // the deadline that has woken it is gone
		check(t, c.RoundTrip(burst(s), &r), stats.OK, "")
	}
}

func TestARequestOfABurstThatFailsToBeSent(t *testing.T) {
	addr := serve(t, func(c net.Conn) { readRequest(c) })
	s := sweeping(t)
	c := connect(t, s, addr)
	stuck(c)
	outcome := make(chan error)
	go func() {
		var r Reply
		outcome <- c.RoundTrip(burst(s), &r)
	}()
	until(t, func() bool { c.box.mu.Lock(); defer c.box.mu.Unlock(); return len(c.box.due) == 2 })
	c.w.Conn.(*net.TCPConn).CloseWrite()
	c.box.send()
	select {
	case err := <-outcome:
		check(t, err, stats.Reset, "sending the request")
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for ever")
	}
}

func TestAPostedRequestTimesOutUnsent(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, func(c net.Conn) {
		for readRequest(c) {
			seen.Add(1)
		}
	})
	s := sweeping(t)
	c := connect(t, s, addr)
	stuck(c)
	req := burst(s)
	req.Timeout = 50 * time.Millisecond
	var r Reply
	check(t, c.RoundTrip(req, &r), stats.Timeout, "timed out after 50ms sending the request")
	c.box.send() // it was taken back
	c.Close()
	if r.Sent != 0 || seen.Load() != 0 {
		t.Errorf("sent at %v, seen %d times by the server", r.Sent, seen.Load())
	}
}

func TestAnEndBeforeAPostedRequestIsSent(t *testing.T) {
	for name, early := range map[string]string{"closed": "", "answered": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			served := make(chan struct{})
			addr := serve(t, func(c net.Conn) {
				<-served
				io.WriteString(c, early)
				c.(*net.TCPConn).CloseWrite() // and no reset: only what is read tells of it
				io.Copy(io.Discard, c)
			})
			s := sweeping(t)
			c := connect(t, s, addr)
			stuck(c)
			go func() {
				for c.w.mail.Load() != posted {
					time.Sleep(time.Millisecond)
				}
				close(served)
			}()
			began := time.Now()
			var r Reply
			err := c.RoundTrip(burst(s), &r)
			if early == "" {
				check(t, err, stats.EOF, "")
			} else if check(t, err, stats.OK, ""); r.Status != 408 {
				t.Errorf("status %d", r.Status)
			}
			if took := time.Since(began); took > missedEnds/2 {
				t.Errorf("it took %v to be seen", took)
			}
		})
	}
}
