package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"tload/behaviours/http1"
	"tload/stats"
)

// muxHandler behaves in the ways that a client has to tell apart.
func muxHandler(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/500":
		w.WriteHeader(500)
		io.WriteString(w, "the reason")
		w.Header().Set(http.TrailerPrefix+"X-Status", "7")
	case "/cut":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case "/hang":
		<-r.Context().Done()
	case "/resumed":
		fmt.Fprint(w, r.TLS.DidResume)
	case "/cookie":
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/"})
		http.Redirect(w, r, "/back", 302)
	default:
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %d %s %s", r.Proto, r.Method, r.RequestURI, len(b), r.Header.Get("X-One"), r.Header.Get("Cookie"))
	}
}

// muxServers start a server for each way and return the options to reach it.
var muxServers = map[string]func(t *testing.T) Options{
	"HTTP/2.0 by TLS": func(t *testing.T) Options {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(muxHandler))
		srv.EnableHTTP2 = true
		srv.StartTLS()
		t.Cleanup(srv.Close)
		return Options{Host: srv.URL, Insecure: true, HTTP2: true}
	},
	"HTTP/2.0 by prior knowledge": func(t *testing.T) Options {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		srv := &http.Server{Handler: http.HandlerFunc(muxHandler), Protocols: &protocols}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
		return Options{Host: "http://" + l.Addr().String(), HTTP2: true}
	},
	"HTTP/3.0": func(t *testing.T) Options { return serveHTTP3(t, &tls.Config{}) },
}

// serveHTTP3 starts a server, with a certificate that nobody trusts.
func serveHTTP3(t *testing.T, config *tls.Config) Options {
	certs := httptest.NewUnstartedServer(nil)
	certs.StartTLS()
	defer certs.Close()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config = config.Clone()
	config.Certificates = certs.TLS.Certificates
	srv := &http3.Server{Handler: http.HandlerFunc(muxHandler), TLSConfig: http3.ConfigureTLSConfig(config)}
	done := make(chan struct{})
	go func() { srv.Serve(pc); close(done) }()
	t.Cleanup(func() { srv.Close(); pc.Close(); <-done })
	return Options{Host: "https://" + pc.LocalAddr().String(), Insecure: true, HTTP3: true}
}

func TestMux(t *testing.T) {
	for name, serve := range muxServers {
		t.Run(name, func(t *testing.T) {
			proto, _, _ := strings.Cut(name, " ")
			options := serve(t)
			base, kill := context.WithCancel(context.Background())
			defer kill()
			c, rec := newClientUnder(t, base, options)
			ctx := base

			r, err := c.Get(ctx, "/x?y=a b", Header("X-One", "1"), BodyContains("GET"))
			if want := proto + " GET /x?y=a%20b 0 1 "; err != nil || r.Text() != want || r.Status != 200 {
				t.Fatalf("GET: got %q and %v, want %q", r.Text(), err, want)
			}
			if r.Header("Content-Length") == "" && r.Header("Date") == "" {
				t.Error("no header can be found")
			}
			r, err = c.Post(ctx, "/p", "text/x", bytes.Repeat([]byte("x"), 1<<20))
			if want := proto + " POST /p 1048576  "; err != nil || r.Text() != want {
				t.Errorf("POST: got %q and %v, want %q", r.Text(), err, want)
			}
			r, err = c.Get(ctx, "/cookie")
			if want := proto + " GET /back 0  a=1"; err != nil || r.Text() != want {
				t.Errorf("redirect with a cookie: got %q and %v, want %q", r.Text(), err, want)
			}
			r, err = c.Get(ctx, "/500")
			wantError(t, err, stats.HTTP, "500 Internal Server Error")
			if r.Text() != "the reason" {
				t.Errorf("500: got %q", r.Text())
			}
			_, err = c.Get(ctx, "/cut")
			cut := "reading the body (4 of 100 bytes came)"
			if options.HTTP3 {
				cut = "the stream broke" // its server may drop the headers, too
			}
			wantError(t, err, stats.Reset, cut)
			_, err = c.Get(ctx, "/hang", Timeout(50*time.Millisecond))
			wantError(t, err, stats.Timeout, "timed out after 50ms waiting for the first byte")

			got := take(rec)
			total := uint64(0)
			for _, d := range got.rows {
				total += d.Requests()
			}
			dialled := got.rows[request("GET", "/x?y=a b")].Summary(time.Second).Dialled
			if total != 6 || dialled != 1 {
				t.Errorf("recorded %d requests, the first on %d connections; want 6 and 1", total, dialled)
			}
			for _, g := range got.groups {
				x := g.Samples[0]
				if x.Conn.Proto != proto || x.Conn.Remote == "" || !strings.HasPrefix(string(x.Request.Head), "GET "+x.Key.Name+" "+proto+"\r\nHost: ") {
					t.Errorf("exchange: got %+v and %q", x.Conn, x.Request.Head)
				}
				if x.Status == 500 && !strings.HasPrefix(string(x.Response.Head), proto+" 500 Internal Server Error\r\n") {
					t.Errorf("response head: got %q", x.Response.Head)
				}
				if x.Status == 500 && !strings.HasSuffix(string(x.Response.Head), "\r\n\r\nX-Status: 7\r\n") {
					t.Errorf("no trailer behind %q", x.Response.Head)
				}
			}

			ended := make(chan error, 1)
			go func() { _, err := c.Get(base, "/hang"); ended <- err }()
			for rec.InFlight() == 0 {
				time.Sleep(time.Millisecond)
			}
			kill()
			wantError(t, <-ended, stats.Aborted, "aborted")
		})
	}
}

func TestMuxNeedsAServerThatSpeaksIt(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL, Insecure: true, HTTP2: true})
	_, err := c.Get(t.Context(), "/")
	if e := wantError(t, err, stats.TLS, ""); !strings.Contains(e.Message, "HTTP/2") && !strings.Contains(e.Message, "protocol") {
		t.Errorf("got %q", e.Message)
	}
	c, _ = newClient(t, Options{HTTP3: true})
	_, err = c.Get(t.Context(), "http://127.0.0.1:1/")
	wantError(t, err, stats.Connect, "HTTP/3 needs https://")
	c, _ = newClient(t, Options{Host: "http://127.0.0.1:1", HTTP2: true})
	_, err = c.Get(t.Context(), "/")
	wantError(t, err, stats.Connect, "connection refused")
}

// TestAURLInTheQueryStaysThere holds that of a request line only what stands
// before the path is taken for a proxy's.
func TestAURLInTheQueryStaysThere(t *testing.T) {
	for name, serve := range muxServers {
		c, _ := newClient(t, serve(t))
		r, err := c.Get(t.Context(), "/x?next=http://other.test/cb")
		if err != nil || !strings.Contains(r.Text(), " GET /x?next=http://other.test/cb ") {
			t.Errorf("%s: got %q and %v", name, r.Text(), err)
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/deep/login":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"}) // for what is below /deep
			w.Header().Set("Location", "there")
			w.WriteHeader(302)
		default:
			w.WriteHeader(500)
			fmt.Fprint(w, r.URL.Path, " ", r.Header.Get("Cookie"))
		}
	}))
	defer srv.Close()
	c, rec := newClient(t, Options{Host: srv.URL})
	r, _ := c.Get(t.Context(), "/deep/login?next=http://other.test/cb/x")
	if r.Text() != "/deep/there a=1" {
		t.Errorf("a redirect beside it: got %q", r.Text())
	}
	x := take(rec).groups[0].Samples[0]
	if x.URL != srv.URL+"/deep/there" || x.Hops[0].URL != srv.URL+"/deep/login?next=http://other.test/cb/x" {
		t.Errorf("the exchange is of %s by way of %s", x.URL, x.Hops[0].URL)
	}
}

// framed serves HTTP/2 with prior knowledge, frame by frame: each request is
// answered by answer. It counts them.
func framed(t *testing.T, answer func(nc *net.TCPConn, fr *http2.Framer, stream uint32)) (host string, seen *atomic.Int32) {
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
				io.ReadFull(nc, make([]byte, len(http2.ClientPreface)))
				fr := http2.NewFramer(nc, nc)
				fr.WriteSettings()
				for {
					f, err := fr.ReadFrame()
					switch f := f.(type) {
					case *http2.PingFrame:
						fr.WritePing(true, f.Data)
					case *http2.HeadersFrame:
						seen.Add(1)
						answer(nc.(*net.TCPConn), fr, f.StreamID)
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), seen
}

// fields are headers in HPACK.
func fields(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

// TestHTTP2Failures holds that what goes wrong is told apart, that what came is
// kept, and that nothing is sent twice.
func TestHTTP2Failures(t *testing.T) {
	headers := func(fr *http2.Framer, stream uint32, end bool, pairs ...string) {
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields(pairs...), EndHeaders: true, EndStream: end})
	}
	half := func(fr *http2.Framer, stream uint32) {
		headers(fr, stream, false, ":status", "200", "content-length", "100")
		fr.WriteData(stream, false, []byte("half"))
		time.Sleep(20 * time.Millisecond) // it must not be overtaken by what comes next
	}
	for name, tt := range map[string]struct {
		answer func(nc *net.TCPConn, fr *http2.Framer, stream uint32)
		kind   stats.Kind
		text   string
		body   string // kept
	}{
		"cut short": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			half(fr, stream)
			fr.WriteData(stream, true, nil)
		}, stats.Body, "closed the connection reading the body (4 of 100 bytes came)", "half"},
		"reset in the body": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			half(fr, stream)
			nc.SetLinger(0)
			nc.Close()
		}, stats.Reset, "the server reset the connection reading the body (4 of 100 bytes came)", "half"},
		"the stream reset in the body": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			half(fr, stream)
			fr.WriteRSTStream(stream, http2.ErrCodeInternal)
		}, stats.Reset, "the stream broke reading the body (4 of 100 bytes came)", "half"},
		"hangs in the body": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			half(fr, stream)
		}, stats.Timeout, "timed out after 200ms reading the body (4 of 100 bytes came)", "half"},
		"refused": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			fr.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		}, stats.Reset, "the stream broke waiting for the first byte", ""},
		"what the server calls an error of ours": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			fr.WriteRSTStream(stream, http2.ErrCodeProtocol)
		}, stats.Reset, "the stream broke waiting for the first byte", ""},
		"goes away before it": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			fr.WriteGoAway(0, http2.ErrCodeNo, nil)
		}, stats.Reset, "GOAWAY", ""},
		"no status": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			headers(fr, stream, true, "a", "b")
		}, stats.Protocol, "malformed reply waiting for the first byte", ""},
		"bad HPACK": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: bytes.Repeat([]byte{0xff}, 6), EndHeaders: true, EndStream: true})
		}, stats.Protocol, "malformed reply waiting for the first byte", ""},
		"longer than it said": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			headers(fr, stream, false, ":status", "200", "content-length", "3")
			fr.WriteData(stream, true, []byte("longer"))
		}, stats.Protocol, "malformed reply reading the body", "lon"},
		"HTTP/1.1": {func(nc *net.TCPConn, fr *http2.Framer, stream uint32) {
			io.WriteString(nc, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		}, stats.Protocol, "the server speaks HTTP/1.1 (leave --http2 away)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			host, seen := framed(t, tt.answer)
			c, rec := newClient(t, Options{Host: host, HTTP2: true, Timeout: 200 * time.Millisecond})
			_, err := c.Get(t.Context(), "/")
			wantError(t, err, tt.kind, tt.text)
			if got := string(take(rec).groups[0].Samples[0].Response.Body); got != tt.body {
				t.Errorf("kept %q, want %q", got, tt.body)
			}
			if n := seen.Load(); n != 1 {
				t.Errorf("the server saw %d requests, want 1", n)
			}
		})
	}
}

// TestWhatWasSaidBeforeTheEnd holds that what a server said before it reset the
// connection is read, and the reset as well, whether a write met it first or not.
func TestWhatWasSaidBeforeTheEnd(t *testing.T) {
	for _, writes := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(server, "no")
		server.(*net.TCPConn).SetLinger(0)
		server.Close()
		h := &heard{Conn: nc}
		for deadline := time.Now().Add(10 * time.Second); writes && h.write.Load() == nil && time.Now().Before(deadline); {
			if n, err := h.Write([]byte("request")); n != 7 || err != nil {
				t.Fatalf("writes %d and %v, want it to go on", n, err)
			}
		}
		said, err := io.ReadAll(h)
		if string(said) != "no" || !http1.Gone(err) || h.err.Load() == nil || !http1.Gone(*h.err.Load()) {
			t.Errorf("writes %v: read %q and %v, want what was said and a reset", writes, said, err)
		}
	}
}

// TestCertificatesOverHTTP2AndHTTP3 holds that one which is not taken is said
// in words, whichever side does not take it.
func TestCertificatesOverHTTP2AndHTTP3(t *testing.T) {
	for _, name := range []string{"HTTP/2.0 by TLS", "HTTP/3.0"} {
		options := muxServers[name](t)
		options.Insecure = false
		c, _ := newClient(t, options)
		_, err := c.Get(t.Context(), "/")
		wantError(t, err, stats.TLS, "certificate signed by unknown authority (--insecure takes any)")
	}
	wants := &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	h2 := httptest.NewUnstartedServer(http.HandlerFunc(muxHandler))
	h2.EnableHTTP2, h2.TLS = true, wants
	h2.StartTLS()
	defer h2.Close()
	for _, options := range []Options{
		{Host: h2.URL, Insecure: true, HTTP2: true},
		serveHTTP3(t, wants),
	} {
		c, _ := newClient(t, options)
		_, err := c.Get(t.Context(), "/")
		wantError(t, err, stats.TLS, "certificate required")
	}
}

// TestReachOverHTTP3 has a server that listens to UDP alone, and none at all.
func TestReachOverHTTP3(t *testing.T) {
	options := serveHTTP3(t, &tls.Config{})
	for _, insecure := range []bool{true, false} { // whose certificate is a matter of each request
		options.Insecure = insecure
		c, _ := newClient(t, options)
		if err := c.t.Reach(t.Context()); err != nil {
			t.Error(err)
		}
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c, _ := newClient(t, Options{Host: "https://" + pc.LocalAddr().String(), HTTP3: true, ConnectTimeout: 50 * time.Millisecond})
	if err := c.t.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

// TestHTTP3Addresses holds that the exchange has both, that --bind chooses ours
// and that every one of theirs is tried.
func TestHTTP3Addresses(t *testing.T) {
	options := serveHTTP3(t, &tls.Config{})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(options.Host, "https://"))
	for from, bind := range map[string][]netip.Addr{
		"127.0.0.1:": nil,
		"127.0.0.5:": {netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.5")},
	} {
		options.Bind = bind
		c, rec := newClient(t, options)
		if _, err := c.Get(t.Context(), "/500"); err == nil {
			t.Fatal("got no error")
		} else if len(bind) > 0 && strings.Contains(err.Error(), "no local port left") {
			t.Skip("only 127.0.0.1 on this system: ", err)
		}
		x := take(rec).groups[0].Samples[0]
		if !strings.HasPrefix(x.Conn.Local, from) || x.Conn.Remote != "127.0.0.1:"+port {
			t.Errorf("from %s to %s, want from %s", x.Conn.Local, x.Conn.Remote, from)
		}
	}
	options.Bind = []netip.Addr{netip.MustParseAddr("::1")}
	c, _ := newClient(t, options)
	_, err := c.Get(t.Context(), "/")
	wantError(t, err, stats.Connect, "no --bind address of its family")

	options.Bind, options.Host, options.ConnectTimeout = nil, "https://many.test:"+port, 200*time.Millisecond
	c, _ = newClient(t, options)
	answered := make(chan struct{})
	close(answered)
	l := &lookup{done: answered, until: time.Now().Add(time.Hour),
		addrs: []netip.Addr{netip.MustParseAddr("127.9.9.9"), netip.MustParseAddr("127.0.0.1")}}
	c.t.names.lookups = map[string]*lookup{"many.test": l}
	if _, err := c.Get(t.Context(), "/"); err != nil {
		t.Fatal(err)
	}
	if l.from() != 1 {
		t.Errorf("begins with address %d the next time, want the one that works", l.from())
	}
}

// TestPhasesAndConnection holds that an exchange says whether its connection
// was there already, both its addresses, and how long each phase took.
func TestPhasesAndConnection(t *testing.T) {
	var seen []string
	p := proxy(t, &seen)
	defer p.Close()
	serve := map[string]func(t *testing.T) Options{
		"HTTP/1.1 plain": func(t *testing.T) Options {
			srv := httptest.NewServer(http.HandlerFunc(muxHandler))
			t.Cleanup(srv.Close)
			return Options{Host: srv.URL}
		},
		"HTTP/1.1 by TLS": func(t *testing.T) Options {
			srv := httptest.NewTLSServer(http.HandlerFunc(muxHandler))
			t.Cleanup(srv.Close)
			return Options{Host: srv.URL, Insecure: true}
		},
		"HTTP/1.1 by TLS through a proxy": func(t *testing.T) Options {
			srv := httptest.NewTLSServer(http.HandlerFunc(muxHandler))
			t.Cleanup(srv.Close)
			return Options{Host: srv.URL, Insecure: true, Proxy: p.URL}
		},
	}
	maps.Copy(serve, muxServers)
	for name, serve := range serve {
		t.Run(name, func(t *testing.T) {
			proto, _, _ := strings.Cut(name, " ")
			options := serve(t)
			remote := strings.TrimPrefix(strings.TrimPrefix(options.Host, "https://"), "http://")
			if options.Proxy != "" {
				remote = p.Listener.Addr().String()
			} else {
				options.Host = strings.Replace(options.Host, "127.0.0.1", "localhost", 1) // for a look-up
				options.ConnectTimeout = 2 * time.Second                                  // which may find ::1 first
			}
			c, _ := newClient(t, options)
			var got []*stats.Exchange
			c.who.Trace = func(x *stats.Exchange) { got = append(got, x) }
			for range 2 {
				c.Get(t.Context(), "/500")
			}
			for i, x := range got {
				first := i == 0
				secure := strings.HasPrefix(options.Host, "https")
				if x.Status != 500 || x.Conn.Reused == first || x.Conn.Proto != proto || (x.Conn.TLS != "") != secure {
					t.Errorf("request %d: got %d %+v", i+1, x.Status, x.Conn)
				}
				if x.Conn.Remote != remote || !strings.HasPrefix(x.Conn.Local, "127.0.0.1:") || x.Conn.Local == remote {
					t.Errorf("request %d: from %s to %s, want to %s", i+1, x.Conn.Local, x.Conn.Remote, remote)
				}
				p := x.Phases
				if (p.DNS > 0) != (first && options.Proxy == "") || (p.Connect > 0) != (first && !options.HTTP3) || (p.TLS > 0) != (first && secure) || p.FirstByte <= 0 {
					t.Errorf("request %d: phases %+v", i+1, p)
				}
				if all := p.DNS + p.Connect + p.TLS + p.Write + p.FirstByte + p.Body; all > x.Took {
					t.Errorf("request %d: phases %+v are longer than the whole, %v", i+1, p, x.Took)
				}
			}
		})
	}
}

// TestSessionsAreResumed holds that a user that comes back does a short
// handshake, over each protocol.
func TestSessionsAreResumed(t *testing.T) {
	h1 := httptest.NewTLSServer(http.HandlerFunc(muxHandler))
	defer h1.Close()
	for _, options := range []Options{
		{Host: h1.URL, Insecure: true},
		muxServers["HTTP/2.0 by TLS"](t),
		muxServers["HTTP/3.0"](t),
	} {
		options.NoKeepalive = true
		c, _ := newClient(t, options)
		for _, want := range []string{"false", "true"} {
			r, err := c.Get(t.Context(), "/resumed")
			if err != nil || r.Text() != want {
				t.Errorf("%s (HTTP/2: %v, HTTP/3: %v): resumed: got %s and %v, want %s", options.Host, options.HTTP2, options.HTTP3, r.Text(), err, want)
			}
		}
	}
}
