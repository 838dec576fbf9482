package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"tload/stats"
	"tload/stats/exchange"
)

// echo says what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s body=%s auth=%s cookie=%s", r.Method, r.URL.Path, b, r.Header.Get("Authorization"), r.Header.Get("Cookie"))
}

func TestRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(echo))
	defer other.Close()
	_, otherPort, _ := net.SplitHostPort(other.Listener.Addr().String())
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	for _, code := range []int{301, 302, 303, 307, 308} {
		mux.HandleFunc(fmt.Sprint("/", code), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", code) })
	}
	mux.HandleFunc("/two", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/302", 302) })
	var loops atomic.Int32
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { loops.Add(1); http.Redirect(w, r, "/loop", 302) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://localhost:"+otherPort+"/there", 307)
	})
	mux.HandleFunc("/nonsense", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "gopher://x/")
		w.WriteHeader(302)
	})
	mux.HandleFunc("/500", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/fail", 302) })
	mux.HandleFunc("/fail", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	srv := httptest.NewServer(mux)
	defer srv.Close()

	tests := []struct {
		method, path string
		opts         []Option
		want         string
		kind         stats.Kind
		status       int
	}{
		{"GET", "/302", nil, "GET /there body= auth= cookie=", stats.OK, 200},
		{"GET", "/two", nil, "GET /there body= auth= cookie=", stats.OK, 200},
		{"POST", "/301", nil, "GET /there body= auth= cookie=", stats.OK, 200},
		{"POST", "/302", nil, "GET /there body= auth= cookie=", stats.OK, 200},
		{"POST", "/303", nil, "GET /there body= auth= cookie=", stats.OK, 200},
		{"PUT", "/303", nil, "GET /there body= auth= cookie=", stats.OK, 200},
		{"PUT", "/302", nil, "PUT /there body=x auth= cookie=", stats.OK, 200},
		{"POST", "/307", nil, "POST /there body=x auth= cookie=", stats.OK, 200},
		{"POST", "/308", nil, "POST /there body=x auth= cookie=", stats.OK, 200},
		{"GET", "/307", []Option{Header("Authorization", "secret")}, "GET /there body=x auth=secret cookie=", stats.OK, 200},
		{"GET", "/away", []Option{Header("Authorization", "secret"), Header("Cookie", "a=b")}, "GET /there body=x auth= cookie=", stats.OK, 200},
		{"GET", "/302", []Option{NoRedirect()}, "", stats.OK, 302},
		{"GET", "/302", []Option{Expect(302)}, "", stats.OK, 302},
		{"GET", "/loop", nil, "more than 10 redirects", stats.Protocol, 302},
		{"GET", "/nonsense", nil, `bad redirect to "gopher://x/"`, stats.Protocol, 302},
		{"GET", "/500", nil, "500 Internal", stats.HTTP, 500},
	}
	followed := map[string]uint64{"/two": 2, "/loop": maxHops, "/nonsense": 0}
	for _, tt := range tests {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			c, rec := newClient(t, Options{Host: srv.URL})
			var body []byte
			if tt.method != "GET" || strings.Contains(tt.want, "body=x") {
				body = []byte("x")
			}
			r, err := c.Do(t.Context(), tt.method, tt.path, body, tt.opts...)
			if r.Status != tt.status {
				t.Errorf("status: got %d, want %d", r.Status, tt.status)
			}
			if tt.kind != stats.OK {
				wantError(t, err, tt.kind, tt.want)
			} else if err != nil || tt.want != "" && r.Text() != tt.want {
				t.Errorf("got %q and %v, want %q", r.Text(), err, tt.want)
			}
			got := take(rec)
			if d := got.rows[request(tt.method, tt.path)]; len(got.rows) != 1 || d == nil || d.Requests() != 1 {
				t.Errorf("got rows %v, want one of the first name", got.rows)
			} else {
				want, ok := followed[tt.path]
				if !ok && len(tt.opts) == 0 || tt.path == "/away" || tt.path == "/307" {
					want = 1
				}
				if d.Redirects != want {
					t.Errorf("got %d redirects, want %d", d.Redirects, want)
				}
			}
			if n := loops.Load(); tt.path == "/loop" && n != maxHops+1 {
				t.Errorf("the server saw %d requests", n)
			}
			if tt.path == "/500" {
				x := got.groups[0].Samples[0]
				if len(x.Hops) != 1 || x.Hops[0].Status != 302 || x.Hops[0].Location != "/fail" || x.URL != srv.URL+"/fail" {
					t.Errorf("hops: got %+v of %s", x.Hops, x.URL)
				}
			}
		})
	}
}

// TestARedirectOutOfTLSTakesNoSecretsAlong is of one host: its other port is
// told, but not where everybody can read it.
func TestARedirectOutOfTLSTakesNoSecretsAlong(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	other := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer other.Close()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, map[string]string{"/plain": plain.URL, "/tls": other.URL}[r.URL.Path]+"/there", 302)
	}))
	defer srv.Close()
	for path, want := range map[string]string{"/tls": "Basic bWU6cHc=", "/plain": ""} {
		c, _ := newClient(t, Options{Host: strings.Replace(srv.URL, "//", "//me:pw@", 1), Insecure: true})
		if r, err := c.Get(t.Context(), path); err != nil || r.Text() != "GET /there body= auth="+want+" cookie=" {
			t.Errorf("%s: got %q and %v", path, r.Text(), err)
		}
	}
}

// TestCredentialsOfTheURLStayWithTheHost holds that they go where the host leads
// to, on itself.
func TestCredentialsOfTheURLStayWithTheHost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(echo))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/there", 302)
	}))
	defer srv.Close()
	for host, want := range map[string]string{
		strings.Replace(srv.URL, "//", "//me:pw@", 1):                                               "GET /there body= auth=Basic bWU6cHc= cookie=",
		strings.Replace(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), "//", "//me:pw@", 1): "GET /there body= auth= cookie=",
	} {
		c, _ := newClient(t, Options{Host: host})
		if r, err := c.Get(t.Context(), "/"); err != nil || r.Text() != want {
			t.Errorf("%s: got %q and %v, want %q", host, r.Text(), err, want)
		}
	}
}

// TestARedirectToAnotherHostTakesNoSecretsAlong holds what another host is, and
// that no header goes there whose name is of a secret, whoever gave it.
func TestARedirectToAnotherHostTakesNoSecretsAlong(t *testing.T) {
	var got http.Header
	there := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	other, tls := httptest.NewServer(there), httptest.NewTLSServer(there)
	defer other.Close()
	defer tls.Close()
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Query().Get("to"), 302) }))
	defer srv.Close()
	names := []string{"Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "X-Shop", "Private-Key", "X-Mine"}
	options := Options{Host: srv.URL, Insecure: true, Masker: exchange.NewMasker("x_shop", "mine", "xmine")}
	for _, n := range names {
		options.Header = append(options.Header, Field{n, "of every request"})
	}
	options.Header = append(options.Header, Field{"X-Plain", "p"})
	var own []Option
	for _, n := range names {
		own = append(own, Header(n, "of this one"))
	}
	for _, c := range []struct {
		to      string
		foreign bool
	}{
		{"http://localhost:" + port + "/", true},
		{"http://127.0.0.2:" + port + "/", true},
		{other.URL + "/", false}, // another port of the same host
		{tls.URL + "/", false},
	} {
		for what, opts := range map[string][]Option{"of every request": nil, "of this one": own} {
			for _, masker := range []*exchange.Masker{options.Masker, options.Masker.Off()} {
				options.Masker = masker
				client, _ := newClient(t, options)
				got = nil
				if _, err := client.Get(t.Context(), "/?to="+c.to, opts...); err != nil && !strings.Contains(err.Error(), "127.0.0.2") {
					t.Errorf("%s: %v", c.to, err)
				}
				if got == nil {
					continue // the machine has one loopback address
				}
				for _, n := range names {
					if want := map[bool]string{false: what}[c.foreign]; got.Get(n) != want {
						t.Errorf("%s, %s: %s: got %q, want %q", c.to, what, n, got.Get(n), want)
					}
				}
				if got.Get("X-Plain") != "p" {
					t.Errorf("%s: what is no secret did not arrive", c.to)
				}
			}
		}
	}
}

func TestRedirectToTheSameHostKeepsTheConnection(t *testing.T) {
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a/from" {
			http.Redirect(w, r, srv.URL+"/to", 302)
			return
		}
		fmt.Fprint(w, r.RemoteAddr)
	}))
	defer srv.Close()
	c, rec := newClient(t, Options{Host: srv.URL + "/a"})
	if _, err := c.Get(t.Context(), "/from"); err != nil {
		t.Fatal(err)
	}
	if s := take(rec).rows[request("GET", "/from")].Summary(time.Second); s.Dialled != 1 || len(c.routes) != 1 {
		t.Errorf("got %d connections and %d routes, want one", s.Dialled, len(c.routes))
	}
}

func TestCookies(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/set":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/"})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", Path: "/deep"})
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "3", Path: "/", Secure: true})
			http.SetCookie(w, &http.Cookie{Name: "d", Value: "4", Domain: "com"})
		case "/unset":
			http.SetCookie(w, &http.Cookie{Name: "a", Path: "/", MaxAge: -1})
		default:
			fmt.Fprint(w, r.Header.Get("Cookie"))
		}
	}))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: "http://shop.test", Resolve: map[string]string{"shop.test": srv.Listener.Addr().String()}})
	other := c.t.Client(c.who)
	defer other.close()
	steps := []struct{ path, want string }{
		{"/x", ""}, {"/set", ""}, {"/x", "a=1"}, {"/x", "a=1"}, {"/deep/x?y", "b=2; a=1"}, {"/unset", ""}, {"/x", ""}, {"/deep", "b=2"},
	}
	for _, s := range steps {
		r, err := c.Get(t.Context(), s.path)
		if err != nil || r.Text() != s.want {
			t.Errorf("%s: got %q and %v, want %q", s.path, r.Text(), err, s.want)
		}
	}
	if r, _ := other.Get(t.Context(), "/deep"); r.Text() != "" {
		t.Errorf("another user has the cookies %q", r.Text())
	}
}

// TestCookiesOfAPath holds that below a base URL with a path cookies go by the
// whole path, also when a redirect leaves it.
func TestCookiesOfAPath(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a/set":
			http.SetCookie(w, &http.Cookie{Name: "of-a", Value: "1", Path: "/a"})
		case "/a/x":
			w.Header().Set("X-Cookie", r.Header.Get("Cookie"))
			http.Redirect(w, r, "/x", 302)
		default:
			fmt.Fprintf(w, "%q", r.Header.Get("Cookie"))
		}
	}))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL + "/a"})
	c.Get(t.Context(), "/set")
	for range 2 {
		if r, err := c.Get(t.Context(), "/x"); err != nil || r.Text() != `""` {
			t.Errorf("outside: got %s and %v", r.Text(), err)
		}
		if r, err := c.Get(t.Context(), "/x", NoRedirect()); err != nil || r.Header("X-Cookie") != "of-a=1" {
			t.Errorf("inside: got %q and %v", r.Header("X-Cookie"), err)
		}
	}
}

// TestPublicSuffixes holds that a shop cannot set a cookie for all of .co.uk.
func TestPublicSuffixes(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			http.SetCookie(w, &http.Cookie{Name: "all", Value: "1", Domain: "co.uk"})
			http.SetCookie(w, &http.Cookie{Name: "ours", Value: "2", Domain: "shop.co.uk"})
		}
		fmt.Fprint(w, r.Header.Get("Cookie"))
	}))
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	c, _ := newClient(t, Options{Resolve: map[string]string{"shop.co.uk": addr, "www.shop.co.uk": addr, "bank.co.uk": addr}})
	c.Get(t.Context(), "http://shop.co.uk/set")
	for host, want := range map[string]string{"shop.co.uk": "ours=2", "www.shop.co.uk": "ours=2", "bank.co.uk": ""} {
		if r, err := c.Get(t.Context(), "http://"+host+"/"); err != nil || r.Text() != want {
			t.Errorf("%s: got %q and %v, want %q", host, r.Text(), err, want)
		}
	}
}

func TestBasicAuthFromTheURL(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		fmt.Fprint(w, u, " ", p)
	}))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: strings.Replace(srv.URL, "//", "//me:a%20b@", 1)})
	if r, err := c.Get(t.Context(), "/"); err != nil || r.Text() != "me a b" {
		t.Errorf("got %q and %v", r.Text(), err)
	}
}

// proxy is a forward proxy: plain requests and CONNECT.
func proxy(t *testing.T, seen *[]string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
		if r.Method != "CONNECT" {
			if !r.URL.IsAbs() {
				t.Errorf("target is not absolute: %s", r.RequestURI)
			}
			fmt.Fprint(w, "through the proxy")
			return
		}
		if r.Host == "forbidden:443" {
			w.WriteHeader(403)
			return
		}
		up, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(502)
			return
		}
		nc, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(up, nc); up.Close() }()
		io.Copy(nc, up)
		nc.Close()
	}))
}

func TestProxy(t *testing.T) {
	var seen []string
	p := proxy(t, &seen)
	defer p.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer secure.Close()
	at := strings.Replace(p.URL, "//", "//u:p@", 1)

	c, _ := newClient(t, Options{Host: "http://example.test/base", Proxy: at})
	if r, err := c.Get(t.Context(), "/x?y"); err != nil || r.Text() != "through the proxy" {
		t.Errorf("plain: got %q and %v", r.Text(), err)
	}
	c, _ = newClient(t, Options{Host: secure.URL, Proxy: at, Insecure: true})
	if r, err := c.Get(t.Context(), "/x"); err != nil || !strings.HasPrefix(r.Text(), "GET /x") {
		t.Errorf("CONNECT: got %q and %v", r.Text(), err)
	}
	want := []string{
		"GET http://example.test/base/x?y Basic dTpw",
		"CONNECT " + secure.Listener.Addr().String() + " Basic dTpw",
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("the proxy saw %q, want %q", seen, want)
	}
	c, _ = newClient(t, Options{Host: "https://forbidden", Proxy: p.URL})
	_, err := c.Get(t.Context(), "/")
	wantError(t, err, stats.Connect, "CONNECT forbidden:443: 403 Forbidden")
}

// TestWhatAProxySaysIsKept holds that the page of a proxy that does not connect
// can be read, over each protocol that goes through one.
func TestWhatAProxySaysIsKept(t *testing.T) {
	says := make(chan string, 1)
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
			http.ReadRequest(bufio.NewReader(nc))
			io.WriteString(nc, <-says)
			nc.Close()
		}
	}()
	for name, tt := range map[string]struct{ says, text, head, body string }{
		"refuses": {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 12\r\n\r\nlog in first",
			"CONNECT x.test:443: 407 Proxy Authentication Required", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 12\r\n\r\n", "log in first"},
		"refuses in chunks": {"HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno \r\n4\r\nway\n\r\n0\r\n\r\n",
			"CONNECT x.test:443: 502 Bad", "HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n", "no way\n"},
		"closes":        {"", "CONNECT x.test:443: it closed the connection", "", ""},
		"closes midway": {"HTTP/1.1 200 OK\r\nX: y", "CONNECT x.test:443: it closed the connection", "HTTP/1.1 200 OK\r\nX: y", ""},
		"is no proxy":   {"SSH-2.0-OpenSSH\r\n", "malformed HTTP", "SSH-2.0-OpenSSH\r\n", ""},
	} {
		for _, http2 := range []bool{false, true} {
			says <- tt.says
			c, rec := newClient(t, Options{Host: "https://x.test", Proxy: l.Addr().String(), HTTP2: http2})
			r, err := c.Get(t.Context(), "/")
			wantError(t, err, stats.Connect, tt.text)
			x := take(rec).groups[0].Samples[0]
			if string(x.Response.Head) != tt.head || string(x.Response.Body) != tt.body || r.Status != 0 || x.Status != 0 {
				t.Errorf("%s: kept %q and %q, status %d; want %q and %q", name, x.Response.Head, x.Response.Body, r.Status, tt.head, tt.body)
			}
		}
	}
}

// TestAServerThatSpeaksFirstBehindAProxy has its first bytes come together with
// the proxy's reply.
func TestAServerThatSpeaksFirstBehindAProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		http.ReadRequest(bufio.NewReader(nc))
		var first bytes.Buffer
		first.WriteString("HTTP/1.1 201 connected\r\n\r\n")
		http2.NewFramer(&first, nil).WriteSettings()
		nc.Write(first.Bytes())
		fr := http2.NewFramer(nc, nc)
		io.ReadFull(nc, make([]byte, len(http2.ClientPreface)))
		for err == nil {
			var f http2.Frame
			if f, err = fr.ReadFrame(); err == nil && f.Header().Type == http2.FrameHeaders {
				fr.WriteHeaders(http2.HeadersFrameParam{StreamID: f.Header().StreamID, BlockFragment: fields(":status", "204"), EndHeaders: true, EndStream: true})
			}
		}
	}()
	c, _ := newClient(t, Options{Host: "http://x.test", Proxy: "http://" + l.Addr().String(), HTTP2: true, Timeout: 5 * time.Second})
	if r, err := c.Get(t.Context(), "/"); err != nil || r.Status != 204 {
		t.Errorf("got %d and %v", r.Status, err)
	}
}

func TestAProxyThatIsNotThereIsNamed(t *testing.T) {
	for at, want := range map[string]string{
		"http://proxy.invalid:99": "proxy proxy.invalid:99: resolve proxy.invalid: ",
		"http://u:pw@127.0.0.1:1": "proxy 127.0.0.1:1: connect 127.0.0.1:1: connection refused",
	} {
		c, _ := newClient(t, Options{Host: "http://example.test", Proxy: at})
		_, err := c.Get(t.Context(), "/")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", at, err, want)
		}
		err = c.t.Reach(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "is --proxy right") || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: Reach: got %v, want %q", at, err, want)
		}
	}
}

func TestResolveOverridesTheName(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	for _, o := range []Options{
		{Host: "http://Shop.test", Resolve: map[string]string{"shop.test": addr}},
		{Host: "http://shop.test", Resolve: map[string]string{"shop.test:80": addr}},
		{Host: "http://bücher.test", Resolve: map[string]string{"Bücher.test": addr}},
		{Host: "http://bücher.test", Resolve: map[string]string{"bücher.test:80": addr}},
		{Host: "http://shop.test:" + port, Resolve: map[string]string{"shop.test": "127.0.0.1"}},
	} {
		c, _ := newClient(t, o)
		if r, err := c.Get(t.Context(), "/"); err != nil || r.Text() != c.t.base.header || !strings.Contains(r.Text(), ".test") {
			t.Errorf("%+v: got %q and %v", o.Resolve, r.Text(), err)
		}
	}
}

func TestEveryAddressIsTried(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c, _ := newClient(t, Options{Host: "http://many.test:" + port})
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

// TestAnAddressThatHangsLeavesTimeForTheNext has the first address use up its share
// of the time, and no more.
func TestAnAddressThatHangsLeavesTimeForTheNext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for n, want := range map[int]time.Duration{1: time.Hour, 2: time.Hour / 2, 4: time.Hour / 4} {
		part, cancel := share(ctx, n)
		due, _ := part.Deadline()
		if left := time.Until(due); left > want || left < want-time.Minute {
			t.Errorf("of %d addresses, the first has %v", n, left)
		}
		cancel()
	}
}

func TestBind(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL, NoKeepalive: true, Bind: []netip.Addr{netip.MustParseAddr("127.0.0.5"), netip.MustParseAddr("127.0.0.6")}})
	seen := map[string]bool{}
	for range 4 {
		r, err := c.Get(t.Context(), "/")
		if err != nil {
			t.Skip("only 127.0.0.1 on this system: ", err)
		}
		host, _, _ := net.SplitHostPort(r.Text())
		seen[host] = true
	}
	if !seen["127.0.0.5"] || !seen["127.0.0.6"] {
		t.Errorf("source addresses: got %v, want both in turn", seen)
	}
}

// TestBindThatDoesNotFit holds that an address of --bind is passed over when it
// is of the other family or has no port left, as when it is not this machine's.
func TestBindThatDoesNotFit(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }))
	defer srv.Close()
	for _, other := range []string{"::1", "192.0.2.1"} {
		c, _ := newClient(t, Options{Host: srv.URL, NoKeepalive: true, Bind: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr(other)}})
		for i := range 4 {
			r, err := c.Get(t.Context(), "/")
			if err != nil {
				t.Errorf("beside %s, request %d: %v", other, i, err)
			} else if host, _, _ := net.SplitHostPort(r.Text()); host != "127.0.0.1" {
				t.Errorf("beside %s, request %d: from %s", other, i, host)
			}
		}
	}
	c, _ := newClient(t, Options{Host: srv.URL, Bind: []netip.Addr{netip.MustParseAddr("::1")}})
	if _, err := c.Get(t.Context(), "/"); err == nil || !strings.Contains(err.Error(), "no --bind address of its family") {
		t.Errorf("got %v", err)
	}
	c, _ = newClient(t, Options{Host: srv.URL, Bind: []netip.Addr{netip.MustParseAddr("192.0.2.1")}})
	if _, err := c.Get(t.Context(), "/"); err == nil || !strings.Contains(err.Error(), "no local port left") {
		t.Errorf("got %v", err)
	}
}

func TestNoKeepalive(t *testing.T) {
	closed := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Close {
			closed++
		}
	}))
	defer srv.Close()
	c, rec := newClient(t, Options{Host: srv.URL, NoKeepalive: true})
	for range 3 {
		if _, err := c.Get(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
	}
	s := take(rec).rows[request("GET", "/")].Summary(time.Second)
	if s.Dialled != 3 || s.Reconnects != 0 || closed != 3 {
		t.Errorf("got %d connections, %d reconnects, %d closes, want 3, 0, 3", s.Dialled, s.Reconnects, closed)
	}
}

func TestNoKeepaliveOverHTTP2AndHTTP3(t *testing.T) {
	for name, serve := range muxServers {
		options := serve(t)
		options.NoKeepalive = true
		c, rec := newClient(t, options)
		for range 3 {
			if _, err := c.Get(t.Context(), "/"); err != nil {
				t.Fatal(name, err)
			}
		}
		if s := take(rec).rows[request("GET", "/")].Summary(time.Second); s.Dialled != 3 || s.Reconnects != 0 {
			t.Errorf("%s: got %d connections and %d reconnects for 3 requests", name, s.Dialled, s.Reconnects)
		}
	}
}

// TestNoKeepaliveWhateverTheServerSays has a server that ignores what it is told.
func TestNoKeepaliveWhateverTheServerSays(t *testing.T) {
	host := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	for name, c := range map[string]struct {
		options Options
		opts    []Option
	}{
		"the flag":   {Options{Host: host, NoKeepalive: true}, nil},
		"the header": {Options{Host: host}, []Option{Header("Connection", "close")}},
	} {
		client, rec := newClient(t, c.options)
		for range 3 {
			if _, err := client.Get(t.Context(), "/", c.opts...); err != nil {
				t.Fatal(err)
			}
		}
		if s := take(rec).rows[request("GET", "/")].Summary(time.Second); s.Dialled != 3 {
			t.Errorf("%s: got %d connections for 3 requests", name, s.Dialled)
		}
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.TLS.ServerName, " ", r.TLS.DidResume, " ", len(b))
	}))
	srv.StartTLS()
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600)

	c, rec := newClient(t, Options{Host: "https://example.com:" + port, CAFile: ca, Resolve: map[string]string{"example.com": "127.0.0.1"}})
	for i, want := range []string{"example.com false 0", "example.com false 0"} {
		r, err := c.Get(t.Context(), "/")
		if err != nil || r.Text() != want {
			t.Fatalf("request %d: got %q and %v, want %q", i, r.Text(), err, want)
		}
		if i == 0 && (r.Timing.TLS <= 0 || r.Timing.Connect <= 0) {
			t.Errorf("phases: got %+v", r.Timing)
		}
	}
	big := bytes.Repeat([]byte("x"), 1<<20)
	if r, err := c.Post(t.Context(), "/", "", big); err != nil || r.Text() != "example.com false 1048576" {
		t.Errorf("a large body: got %q and %v", r.Text(), err)
	}
	c.routes[0].drop()
	if r, err := c.Get(t.Context(), "/"); err != nil || r.Text() != "example.com true 0" {
		t.Errorf("second connection: got %q and %v, want the session resumed", r.Text(), err)
	}
	s := take(rec).rows[request("GET", "/")].Summary(time.Second)
	if s.Handshakes != 2 || s.Dialled != 2 {
		t.Errorf("got %d handshakes on %d connections, want 2", s.Handshakes, s.Dialled)
	}

	c, rec = newClient(t, Options{Host: srv.URL})
	_, err := c.Get(t.Context(), "/")
	wantError(t, err, stats.TLS, "--insecure takes any")
	if d := take(rec).rows[request("GET", "/")]; d.Requests() != 1 {
		t.Errorf("recorded %d, want 1", d.Requests())
	}
	c, _ = newClient(t, Options{Host: srv.URL, Insecure: true})
	if _, err := c.Get(t.Context(), "/"); err != nil {
		t.Error(err)
	}
	plainSrv := httptest.NewServer(http.HandlerFunc(echo))
	defer plainSrv.Close()
	c, _ = newClient(t, Options{Host: strings.Replace(plainSrv.URL, "http:", "https:", 1)})
	_, err = c.Get(t.Context(), "/")
	wantError(t, err, stats.TLS, "does not speak TLS")
}

func TestClientCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "user"},
		NotAfter: time.Now().Add(time.Hour)}, &x509.Certificate{Subject: pkix.Name{CommonName: "user"}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, _ := x509.MarshalECPrivateKey(key)
	file := filepath.Join(t.TempDir(), "cert.pem")
	os.WriteFile(file, append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})...), 0o600)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL, Insecure: true, CertFile: file})
	if r, err := c.Get(t.Context(), "/"); err != nil || r.Text() != "user" {
		t.Errorf("got %q and %v", r.Text(), err)
	}
	c, _ = newClient(t, Options{Host: srv.URL, Insecure: true})
	_, err = c.Get(t.Context(), "/")
	wantError(t, err, stats.TLS, "certificate required")
}

func TestConnectTimeoutNamesItsPhase(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, _ := newClient(t, Options{Host: "https://" + l.Addr().String(), ConnectTimeout: 50 * time.Millisecond})
	_, err = c.Get(t.Context(), "/") // connected by the kernel, never accepted
	wantError(t, err, stats.Timeout, "timed out after 50ms in the TLS handshake")
}

func TestBadOptions(t *testing.T) {
	for want, o := range map[string]Options{
		`bad --host "http://": no host in it (try http://localhost:5000)`:                                             {Host: "http://"},
		`bad --host "ftp://x": scheme "ftp" is neither http, https nor unix (try http://localhost:5000)`:              {Host: "ftp://x"},
		`bad --host "http://x:y": invalid port ":y" after host (try http://localhost:5000)`:                           {Host: "http://x:y"},
		`bad --proxy "socks5://x": only http:// proxies are supported (try http://127.0.0.1:3128)`:                    {Proxy: "socks5://x"},
		`bad --resolve "a:b": "b" is no address (try example.com:127.0.0.1)`:                                          {Resolve: map[string]string{"a": "b"}},
		`bad --header: bad header name "a b" (try X-Name: value)`:                                                     {Header: []Field{{"a b", "c"}}},
		`bad --header: header Content-length is the client's to set: it follows from the body`:                        {Header: []Field{{"Content-length", "5"}}},
		`bad --header: header Transfer-Encoding is the client's to set: it follows from the body`:                     {Header: []Field{{"Transfer-Encoding", "chunked"}}},
		`bad --cacert: open /nowhere/ca.pem: no such file or directory (a file of certificates in PEM is expected)`:   {CAFile: "/nowhere/ca.pem"},
		`bad --cacert: no certificate in /dev/null (PEM is expected)`:                                                 {CAFile: "/dev/null"},
		`bad --cert /nowhere/c.pem: open /nowhere/c.pem: no such file or directory (--key names the file of its key)`: {CertFile: "/nowhere/c.pem"},
		`--key goes with --cert, the certificate that it is the key of`:                                               {KeyFile: "/dev/null"},
		`bad --resolve "a:127.0.0.1:b": bad port "b" (try example.com:443:127.0.0.1:8443)`:                            {Resolve: map[string]string{"a": "127.0.0.1:b"}},
		`bad --resolve "a:70000:127.0.0.1": bad port "70000" (try example.com:443:127.0.0.1:8443)`:                    {Resolve: map[string]string{"a:70000": "127.0.0.1"}},
		`--http3 does not go through --proxy (leave one of them away)`:                                                {HTTP3: true, Proxy: "http://127.0.0.1:1"},
		`bad --host "localhost:5000": --http3 needs https:// (try https://localhost:5000)`:                            {HTTP3: true, Host: "localhost:5000"},
		`--http2 and --http3 exclude each other`:                                                                      {HTTP2: true, HTTP3: true},
	} {
		if _, err := NewTransport(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestHostForms(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	for _, host := range []string{u.Host, srv.URL, srv.URL + "/"} {
		c, _ := newClient(t, Options{Host: host})
		if r, err := c.Get(t.Context(), "/x"); err != nil || !strings.HasPrefix(r.Text(), "GET /x ") {
			t.Errorf("%s: got %q and %v", host, r.Text(), err)
		}
	}
	c, _ := newClient(t, Options{})
	if r, err := c.Get(t.Context(), srv.URL+"/y"); err != nil || !strings.HasPrefix(r.Text(), "GET /y ") {
		t.Errorf("whole URL: got %q and %v", r.Text(), err)
	}
	_, err := c.Get(t.Context(), "/y")
	wantError(t, err, stats.Error, "there is no host")
}

func TestProbe(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c, _ := newClient(t, Options{Host: "localhost:" + port})
	text, err := c.t.Probe(t.Context())
	if err != nil || !strings.Contains(text, "127.0.0.1") || !strings.Contains(text, " · GET / 200 in ") {
		t.Errorf("got %q and %v", text, err)
	}
	c, _ = newClient(t, Options{Host: "127.0.0.1:1"})
	if text, err := c.t.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %q and %v", text, err)
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })}
	go srv.Serve(l)
	defer srv.Close()
	c, _ := newClient(t, Options{Host: "http://" + l.Addr().String()})
	if r, err := c.Get(t.Context(), "/"); err != nil || r.Text() != l.Addr().String() {
		t.Errorf("got %q and %v, want %s", r.Text(), err, l.Addr())
	}
	u, _ := url.Parse("http://[::1]")
	if o := c.t.newOrigin(u); o.header != "[::1]" || o.port != "80" {
		t.Errorf("without a port: got Host: %s, port %s", o.header, o.port)
	}
}

func TestHardStopWhileConnecting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	base, kill := context.WithCancel(context.Background())
	c, rec := newClientUnder(t, base, Options{Host: "https://" + l.Addr().String()})
	ended := make(chan error, 1)
	go func() { _, err := c.Get(base, "/"); ended <- err }()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	kill()
	wantError(t, <-ended, stats.Aborted, "aborted ") // connecting, or in the handshake
	if s := take(rec).rows[request("GET", "/")].Summary(time.Second); s.Aborted != 1 || s.Failures != 0 {
		t.Errorf("got %d aborted and %d failures, want 1 and 0", s.Aborted, s.Failures)
	}
}

func TestLatenessGoesWithTheFirstRequest(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	c, rec := newClient(t, Options{Host: srv.URL})
	(*Driver)(c).Doing("browse", 1, true, 50*time.Millisecond)
	for range 2 {
		if _, err := c.Get(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
	}
	if s := take(rec).rows[request("GET", "/")].Summary(time.Second); s.Due != 1 || s.Late != 1 {
		t.Errorf("got %d due and %d late, want 1 and 1", s.Due, s.Late)
	}
}

func TestAgain(t *testing.T) {
	seen := make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header, " ", string(b))
		if len(seen) == 1 {
			w.WriteHeader(500)
		}
		io.WriteString(w, "answer")
	}))
	defer srv.Close()
	c, rec := newClient(t, Options{Host: srv.URL + "/base"})
	if _, err := c.Post(t.Context(), "/x?y=a b", "text/plain", []byte("the body"), Header("Cookie", "a=b"), Name("row")); err == nil {
		t.Fatal("got no error for a 500")
	}
	x := take(rec).groups[0].Samples[0]
	fresh, err := c.t.Again(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if first, second := <-seen, <-seen; first != second {
		t.Errorf("sent %q, then %q", first, second)
	}
	if fresh.Status != 200 || fresh.Kind != stats.OK || string(fresh.Response.Body) != "answer" || fresh.Key != x.Key || fresh.URL != x.URL || fresh.Took <= 0 {
		t.Errorf("got %d %v %q %v %s", fresh.Status, fresh.Kind, fresh.Response.Body, fresh.Key, fresh.URL)
	}
	if string(fresh.Request.Head) != string(x.Request.Head) {
		t.Errorf("heads: got %q, want %q", fresh.Request.Head, x.Request.Head)
	}
	if d := take(rec); len(d.rows) != 0 {
		t.Errorf("recorded %v, want nothing", d.rows)
	}
	srv.Close()
	fresh, err = c.t.Again(t.Context(), x)
	if err != nil || fresh.Kind != stats.Connect || fresh.Message == "" {
		t.Errorf("without a server: got %+v and %v", fresh, err)
	}
}

// TestOwnHeaders holds that a header of every request stands in the place of
// the default, and makes way for one of the call.
func TestOwnHeaders(t *testing.T) {
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer srv.Close()
	host := strings.Replace(srv.URL, "//", "//me:pw@", 1)
	for _, tt := range []struct {
		own  []Field
		name string
		want []string
	}{
		{nil, "Authorization", []string{"Basic bWU6cHc="}},
		{[]Field{{"authorization", "Bearer x"}}, "Authorization", []string{"Bearer x"}},
		{[]Field{{"Authorization", ""}}, "Authorization", nil},
		{[]Field{{"Content-Type", "text/own"}}, "Content-Type", []string{"text/call"}},
		{[]Field{{"Accept", ""}, {"X-A", "1"}, {"X-A", "2"}}, "X-A", []string{"1", "2"}},
		{[]Field{{"Accept", ""}, {"User-Agent", "me"}}, "Accept", nil},
		{[]Field{{"Accept", ""}, {"User-Agent", "me"}}, "User-Agent", []string{"me"}},
	} {
		c, _ := newClient(t, Options{Host: host, Header: tt.own})
		if _, err := c.Post(t.Context(), "/", "text/call", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if v := got.Values(tt.name); strings.Join(v, "|") != strings.Join(tt.want, "|") {
			t.Errorf("with %v: %s is %q, want %q", tt.own, tt.name, v, tt.want)
		}
	}
	c, _ := newClient(t, Options{Host: host, Header: []Field{{"Content-Type", "text/own"}}})
	if _, err := c.Post(t.Context(), "/", "", []byte("x")); err != nil || got.Get("Content-Type") != "text/own" {
		t.Errorf("without one of the call: got %q and %v", got.Get("Content-Type"), err)
	}
}

// TestHostHeader holds what a server is told that it is called.
func TestHostHeader(t *testing.T) {
	transport, err := NewTransport(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	for of, want := range map[string]string{
		"http://example.com:80/": "example.com",
		"https://example.com:80": "example.com:80",
		"http://[::1]":           "[::1]",
		"http://[::1]:8080":      "[::1]:8080",
		"http://[fe80::1%25lo]":  "[fe80::1]",
	} {
		u, err := url.Parse(of)
		if err != nil {
			t.Fatal(err)
		}
		if got := transport.origin(u).header; got != want {
			t.Errorf("%s: got %s, want %s", of, got, want)
		}
	}
}
