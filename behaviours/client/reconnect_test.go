package client

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// counting is a server that answers the first request of each connection, and
// has then done with the second.
func counting(t *testing.T, first func(*net.TCPConn), second func(*net.TCPConn)) (url string, seen *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	seen = new(atomic.Int32)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				in := bufio.NewReader(nc)
				for _, then := range []func(*net.TCPConn){first, second} {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					seen.Add(1)
					if then == nil {
						io.CopyN(io.Discard, r.Body, 8<<10) // so that there is more, which makes the close a reset
						return
					}
					io.Copy(io.Discard, r.Body)
					then(nc.(*net.TCPConn))
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), seen
}

// TestTheEndOfAKeptConnection holds that a request which meets it is sent once
// more, whether the connection was closed or reset, and counted as a reconnect;
// unless the server is known to have read it, or it is not idempotent: then it
// fails and is one request in the server's count.
func TestTheEndOfAKeptConnection(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what the peer has read can only be told on Linux")
	}
	for _, tt := range []struct {
		name   string
		end    func(*net.TCPConn) // of the second request's connection; nil: its body stays unread
		resets func(size int) bool
	}{
		{"read, and closed", func(c *net.TCPConn) {}, func(int) bool { return false }},
		{"read, and half closed", func(c *net.TCPConn) { c.CloseWrite(); time.Sleep(20 * time.Millisecond) }, func(int) bool { return false }},
		{"read, half closed and reset", func(c *net.TCPConn) { c.CloseWrite(); c.SetLinger(0) }, func(int) bool { return false }},
		{"reset", func(c *net.TCPConn) { c.SetLinger(0) }, func(int) bool { return true }},
		{"closed with the body unread", nil, func(size int) bool { return size > 16<<10 }},
	} {
		for _, size := range []int{0, 100, 40 << 10, 1 << 20, 16 << 20} {
			for _, method := range []string{"PUT", "POST"} {
				t.Run(fmt.Sprint(tt.name, " ", method, " ", size), func(t *testing.T) {
					url, seen := counting(t, func(c *net.TCPConn) { io.WriteString(c, okReply) }, tt.end)
					again := 0
					if tt.resets(size) && method == "PUT" {
						again = 1
					}
					body := make([]byte, size)
					const times = 5 // it is a matter of who comes first
					for range times {
						c, rec := newClient(t, Options{Host: url})
						if _, err := c.Get(t.Context(), "/"); err != nil {
							t.Fatal(err)
						}
						_, err := c.Do(t.Context(), method, "/", body)
						if s := take(rec).rows[request(method, "/")].Summary(time.Second); (err == nil) != (again == 1) || s.Reconnects != uint64(again) {
							t.Errorf("got %v and %d reconnects, want %d", err, s.Reconnects, again)
						}
					}
					if n, want := int(seen.Load()), (2+again)*times; n != want {
						t.Errorf("the server saw %d requests, want %d", n, want)
					}
				})
			}
		}
	}
}

// TestClosedWithoutAWord has a server that closes after each reply and does not say
// so. Every request is answered; those that met the end are sent again, and the
// server's count is that of the requests.
func TestClosedWithoutAWord(t *testing.T) {
	var seen atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
					seen.Add(1)
					io.WriteString(nc, okReply)
				}
			}()
		}
	}()
	c, rec := newClient(t, Options{Host: "http://" + l.Addr().String()})
	const times = 2000
	for range times {
		if _, err := c.Get(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
	}
	s := take(rec).rows[request("GET", "/")].Summary(time.Second)
	if n := seen.Load(); n != times || s.Requests != times || s.Reconnects != times-1 {
		t.Errorf("the server saw %d requests, %d are counted and %d reconnects, want %d", n, s.Requests, s.Reconnects, times)
	}
}

// TestEachHopMayReconnect has two servers that close without a word, and one
// redirects to the other.
func TestEachHopMayReconnect(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what the peer has seen can only be told on Linux")
	}
	closed := make(chan struct{}, 10)
	var there string
	serve := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				if r, err := http.ReadRequest(bufio.NewReader(nc)); err == nil && r.URL.Path == "/from" {
					fmt.Fprintf(nc, "HTTP/1.1 302 Found\r\nLocation: %s/\r\nContent-Length: 0\r\n\r\n", there)
				} else {
					io.WriteString(nc, okReply)
				}
				nc.Close()
				closed <- struct{}{}
			}
		}()
		return "http://" + l.Addr().String()
	}
	here := serve()
	there = serve()
	c, _ := newClient(t, Options{Host: here})
	for _, url := range []string{here + "/", there + "/"} {
		if _, err := c.Get(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		<-closed
	}
	if _, err := c.Get(t.Context(), "/from"); err != nil {
		t.Error(err)
	}
}

// together is a connection whose writes wait for flush.
type together struct {
	net.Conn
	out  bytes.Buffer
	wait bool
}

func (c *together) Write(p []byte) (int, error) {
	if c.wait {
		return c.out.Write(p)
	}
	return c.Conn.Write(p)
}

func (c *together) flush() {
	c.SetWriteDeadline(time.Time{}) // CloseWrite has set it
	c.Conn.Write(c.out.Bytes())
	c.out.Reset()
	c.wait = false
}

// TestWhatComesWithAReplyOverTLS holds that what TLS has read behind a reply, the
// end of the session or what nobody asked for, is not taken for the answer to the
// next request, which was not sent then; it is, over a new connection, also if its
// method is not idempotent.
func TestWhatComesWithAReplyOverTLS(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	config := &tls.Config{Certificates: cert.TLS.Certificates}
	cert.Close()
	for name, then := range map[string]func(*tls.Conn){
		"end":   func(c *tls.Conn) { c.CloseWrite() },
		"reply": func(c *tls.Conn) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n") },
	} {
		for _, size := range []int{0, 100, 100 << 10} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				var seen atomic.Int32
				go func() {
					for {
						nc, err := l.Accept()
						if err != nil {
							return
						}
						go func() {
							defer nc.Close()
							both := &together{Conn: nc}
							c := tls.Server(both, config)
							in := bufio.NewReader(c)
							for {
								r, err := http.ReadRequest(in)
								if err != nil {
									return
								}
								seen.Add(1)
								io.Copy(io.Discard, r.Body)
								both.wait = true
								io.WriteString(c, okReply)
								then(c)
								both.flush()
							}
						}()
					}
				}()
				c, rec := newClient(t, Options{Host: "https://" + l.Addr().String(), Insecure: true})
				const times = 5
				for i := range times {
					r, err := c.Post(t.Context(), "/", "", make([]byte, size))
					if err != nil || r.Status != 200 {
						t.Errorf("request %d: got %d and %v", i, r.Status, err)
					}
				}
				s := take(rec).rows[request("POST", "/")].Summary(time.Second)
				if n := seen.Load(); n != times || s.Reconnects != times-1 {
					t.Errorf("the server saw %d requests of %d; %d reconnects", n, times, s.Reconnects)
				}
			})
		}
	}
}
