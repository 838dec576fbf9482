package client

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tload/stats"
)

// TestAnExchangeSaysHowItWent holds the phases, the connection and what came
// besides the body.
func TestAnExchangeSaysHowItWent(t *testing.T) {
	const step = 200 * time.Millisecond // much longer than a busy machine keeps a goroutine waiting
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer := make(chan string, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		peer <- nc.RemoteAddr().String()
		in := bufio.NewReader(nc)
		for i := range 2 {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			time.Sleep(step)
			io.Copy(io.Discard, r.Body)
			time.Sleep(step)
			io.WriteString(nc, "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
			time.Sleep(step)
			reply := "2\r\nhi\r\n0\r\nSum: 1\r\n\r\n"
			if i == 1 {
				reply += "surplus"
			}
			io.WriteString(nc, reply)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c, rec := newClient(t, Options{Host: "http://some.test:" + port})
	known(c, "some.test", "127.0.0.1")
	for range 2 {
		_, err := c.Post(t.Context(), "/", "", make([]byte, 16<<20))
		wantError(t, err, stats.HTTP, "500 No")
	}
	local := <-peer
	samples := take(rec).groups[0].Samples
	if len(samples) != 2 {
		t.Fatalf("got %d samples", len(samples))
	}
	for i, x := range samples {
		if p := x.Phases; p.Write < step/2 || p.FirstByte < step/2 || p.Body < step/2 || p.DNS > 0 != (i == 0) || p.Connect > 0 != (i == 0) || p.TLS != 0 {
			t.Errorf("request %d: phases %+v", i, p)
		}
		if p := x.Phases; p.DNS+p.Connect+p.Write+p.FirstByte+p.Body > x.Took+time.Millisecond {
			t.Errorf("request %d: phases %+v of %v", i, p, x.Took)
		}
		if want := (stats.ConnInfo{Reused: i == 1, Local: local, Remote: l.Addr().String(), Proto: "HTTP/1.1"}); x.Conn != want {
			t.Errorf("request %d: got %+v, want %+v", i, x.Conn, want)
		}
		if !strings.HasSuffix(string(x.Response.Head), "Sum: 1\r\n") || string(x.Response.Body) != "hi" || x.Surplus != i*len("surplus") {
			t.Errorf("request %d: got %q, %q, surplus %d", i, x.Response.Head, x.Response.Body, x.Surplus)
		}
	}
}

// known makes the name one that was looked up.
func known(c *Client, name string, addrs ...string) {
	l := &lookup{done: make(chan struct{}), until: time.Now().Add(time.Hour)}
	for _, a := range addrs {
		l.addrs = append(l.addrs, netip.MustParseAddr(a))
	}
	close(l.done)
	c.t.names.lookups = map[string]*lookup{name: l}
}

// TestTheLimitThatIsNearer holds that the time a request has goes on while its
// connection is made.
func TestTheLimitThatIsNearer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // connected by the kernel, never accepted
	c, _ := newClient(t, Options{Host: "https://" + l.Addr().String(), Timeout: 50 * time.Millisecond})
	_, err = c.Get(t.Context(), "/")
	wantError(t, err, stats.Timeout, "timed out after 50ms in the TLS handshake")

	c, _ = newClient(t, Options{Host: "http://some.test", Timeout: 50 * time.Millisecond})
	c.t.names.lookups = map[string]*lookup{"some.test": {done: make(chan struct{})}} // never answered
	_, err = c.Get(t.Context(), "/")
	wantError(t, err, stats.Timeout, "timed out after 50ms resolving the name")
}

// TestLaunchFindsTheConnectionGone holds that a request whose connection is given
// up between two looks is sent over a new one.
func TestLaunchFindsTheConnectionGone(t *testing.T) {
	c, rec := newClient(t, Options{Host: rawServer(t, okReply)})
	if _, err := c.Get(t.Context(), "/"); err != nil {
		t.Fatal(err)
	}
	c.routes[0].drop()
	d := (*Driver)(c)
	if d.Launch(d.Now(), "GET", "/", nil, nil, nil, false) {
		t.Fatal("launched, over no connection")
	}
	if _, err := d.Land(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if s := take(rec).rows[request("GET", "/")].Summary(time.Second); s.Requests != 2 || s.Dialled != 2 {
		t.Errorf("got %d requests over %d connections", s.Requests, s.Dialled)
	}
}
