package client

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
)

// newClient returns a client whose samples go to a recorder.
func newClient(t testing.TB, o Options) (*Client, *stats.Recorder) {
	t.Helper()
	return newClientUnder(t, context.Background(), o)
}

func newClientUnder(t testing.TB, base context.Context, o Options) (*Client, *stats.Recorder) {
	t.Helper()
	transport, err := NewTransport(o)
	if err != nil {
		t.Fatal(err)
	}
	rec := stats.NewRecorder(stats.Limits{})
	sink := rec.Sink()
	c := transport.Client(Who{Sink: &sink, ID: 7, Behaviour: "Shopper", Base: base})
	t.Cleanup(func() { c.close(); transport.Close() })
	return c, rec
}

// taken is what a recorder has, through the same door as everybody else.
type taken struct {
	rows   map[stats.Key]*stats.Delta
	groups []*stats.Group
}

func take(rec *stats.Recorder) taken {
	var b stats.Batch
	rec.Take(&b)
	got := taken{rows: map[stats.Key]*stats.Delta{}}
	b.Rows(func(k stats.Key, d *stats.Delta) bool {
		got.rows[k] = d.Clone()
		return true
	})
	ledger := stats.NewLedger(0, 0)
	ledger.Fold(&b, time.Second, stats.Users{})
	got.groups = append(got.groups, ledger.Snapshot().Groups...)
	return got
}

func request(method, name string) stats.Key {
	return stats.Key{Class: stats.Request, Method: method, Name: name}
}

func wantError(t *testing.T, err error, kind stats.Kind, text string) *RequestError {
	t.Helper()
	var e *RequestError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *RequestError", err)
	}
	if e.Kind != kind || !strings.Contains(e.Message, text) {
		t.Errorf("got %v %q, want %v with %q in it", e.Kind, e.Message, kind, text)
	}
	return e
}

func TestGet(t *testing.T) {
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("X-Answer", "42")
		io.WriteString(w, `{"id": 5, "items": [{"name": "a"}]}`)
	}))
	defer srv.Close()
	c, rec := newClient(t, Options{Host: srv.URL + "/base/", Header: []Field{{"X-All", "1"}, {"User-Agent", "mine"}}})
	r, err := c.Get(t.Context(), "/cart?x=a b#top", Header("X-One", "2"), Header("accept", "text/plain"),
		BodyContains(`"id": 5`), JSONPath("$.items[0].name", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != 200 || r.Header("x-answer") != "42" || !strings.Contains(r.Text(), `"id": 5`) || r.Took <= 0 {
		t.Errorf("got %d, %q, %q, %v", r.Status, r.Header("x-answer"), r.Text(), r.Took)
	}
	if got.RequestURI != "/base/cart?x=a%20b" {
		t.Errorf("target: got %q", got.RequestURI)
	}
	for name, want := range map[string]string{"X-All": "1", "User-Agent": "mine", "X-One": "2", "Accept": "text/plain"} {
		if v := got.Header.Values(name); len(v) != 1 || v[0] != want {
			t.Errorf("header %s: got %q, want %q", name, v, want)
		}
	}
	d := take(rec).rows[request("GET", "/cart?x=a b#top")]
	if d == nil || d.Requests() != 1 {
		t.Fatalf("row: got %+v, want one request", d)
	}
}

func TestPost(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 3<<20)
	for name, body := range map[string][]byte{"none": nil, "small": []byte("a=b"), "medium": big[:20<<10], "large": big} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(b, body) {
					t.Errorf("got %d bytes and %v, want %d bytes", len(b), err, len(body))
				}
				fmt.Fprint(w, r.Header.Get("Content-Type"), " ", r.ContentLength)
			}))
			defer srv.Close()
			c, _ := newClient(t, Options{Host: srv.URL})
			for range 2 {
				r, err := c.Post(t.Context(), "/", "text/x", body)
				if want := fmt.Sprint("text/x ", len(body)); err != nil || r.Text() != want {
					t.Errorf("got %q and %v, want %q", r.Text(), err, want)
				}
			}
			r, err := c.Post(t.Context(), "/", "text/x", body, Header("Expect", "100-continue"))
			if want := fmt.Sprint("text/x ", len(body)); err != nil || r.Text() != want {
				t.Errorf("with 100-continue: got %q and %v, want %q", r.Text(), err, want)
			}
		})
	}
}

func TestForms(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Header.Get("Content-Type"), b)
	}))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL})
	if r, err := c.PostForm(t.Context(), "/", url.Values{"a": {"b c"}}); err != nil || r.Text() != "application/x-www-form-urlencoded a=b+c" {
		t.Errorf("form: got %q and %v", r.Text(), err)
	}
	if r, err := c.PostJSON(t.Context(), "/", map[string]int{"a": 1}); err != nil || r.Text() != `application/json {"a":1}` {
		t.Errorf("JSON: got %q and %v", r.Text(), err)
	}
}

func TestFailures(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			io.WriteString(w, `{"a": "b"}`)
		case "/500":
			w.Header().Set("X-Reason", "why")
			w.WriteHeader(500)
			io.WriteString(w, "the reason")
		case "/404":
			w.WriteHeader(404)
		case "/reset", "/cut":
			nc, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\nhalf of it\n")
			if r.URL.Path == "/reset" {
				time.Sleep(20 * time.Millisecond) // let the half arrive before the reset overtakes it
				nc.(*net.TCPConn).SetLinger(0)
			}
			nc.Close()
		case "/empty":
			nc, _, _ := w.(http.Hijacker).Hijack()
			nc.Close()
		case "/bad":
			nc, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(nc, "ICY 200 OK\r\n\r\n")
			nc.Close()
		case "/hang":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	}))
	defer srv.Close()
	defer close(hang)

	tests := []struct {
		path   string
		opts   []Option
		kind   stats.Kind
		status int
		text   string
		body   string // that was kept
	}{
		{path: "/ok", status: 200},
		{path: "/500", kind: stats.HTTP, status: 500, text: "500 Internal Server Error", body: "the reason"},
		{path: "/404", opts: []Option{Expect(200, 404)}, status: 404},
		{path: "/ok", opts: []Option{Expect(404)}, kind: stats.HTTP, status: 200, text: "200 OK, which was not expected", body: `{"a": "b"}`},
		{path: "/ok", opts: []Option{Check(func(r *Response) error { return errors.New("wrong " + r.Text()) })}, kind: stats.Check, status: 200, text: `wrong {"a": "b"}`, body: `{"a": "b"}`},
		{path: "/ok", opts: []Option{BodyContains("zzz")}, kind: stats.Check, status: 200, text: `body does not contain "zzz"`, body: `{"a": "b"}`},
		{path: "/ok", opts: []Option{JSONPath("a", "c")}, kind: stats.Check, status: 200, text: `a is "b", expected "c"`, body: `{"a": "b"}`},
		{path: "/reset", kind: stats.Reset, status: 200, text: "reset the connection reading the body (11 of 22 bytes came)", body: "half of it\n"},
		{path: "/cut", kind: stats.Body, status: 200, text: "closed the connection reading the body (11 of 22 bytes came)", body: "half of it\n"},
		{path: "/empty", kind: stats.EOF, text: "waiting for the first byte"},
		{path: "/bad", kind: stats.Protocol, text: `malformed reply: status line "ICY`},
		{path: "/hang", opts: []Option{Timeout(50 * time.Millisecond)}, kind: stats.Timeout, text: "timed out after 50ms waiting for the first byte"},
		{path: "no-slash", kind: stats.Error, text: "a path begins with /"},
		{path: "ftp://x/", kind: stats.Error, text: "neither http, https"},
		{path: "/ok", opts: []Option{Header("X-Bad", "a\r\nb: c")}, kind: stats.Error, text: "control character"},
	}
	for _, tt := range tests {
		t.Run(strings.Trim(tt.path, "/")+"/"+tt.text, func(t *testing.T) {
			c, rec := newClient(t, Options{Host: srv.URL})
			(*Driver)(c).Doing("browse", 3, false, 0)
			r, err := c.Get(t.Context(), tt.path, tt.opts...)
			if r == nil || r.Status != tt.status {
				t.Errorf("status: got %+v, want %d", r, tt.status)
			}
			got := take(rec)
			if d := got.rows[request("GET", tt.path)]; d == nil || d.Requests() != 1 {
				t.Errorf("recorded: got %+v, want one request", d)
			}
			if rec.InFlight() != 0 {
				t.Errorf("in flight: got %d, want 0", rec.InFlight())
			}
			if tt.kind == stats.OK {
				if err != nil || len(got.groups) != 0 {
					t.Errorf("got %v and %d groups, want none", err, len(got.groups))
				}
				return
			}
			wantError(t, err, tt.kind, tt.text)
			if len(got.groups) != 1 || len(got.groups[0].Samples) != 1 {
				t.Fatalf("got %d groups, want one with one exchange", len(got.groups))
			}
			x := got.groups[0].Samples[0]
			if string(x.Response.Body) != tt.body || x.Kind != tt.kind || x.Status != tt.status {
				t.Errorf("exchange: got %q %v %d, want %q %v %d", x.Response.Body, x.Kind, x.Status, tt.body, tt.kind, tt.status)
			}
			if x.User != 7 || x.Behaviour != "Shopper" || x.Task != "browse" || x.Iteration != 3 {
				t.Errorf("exchange: got %d %s %s %d, want 7 Shopper browse 3", x.User, x.Behaviour, x.Task, x.Iteration)
			}
			if tt.kind != stats.Error && !strings.HasPrefix(string(x.Request.Head), "GET "+tt.path+" HTTP/1.1\r\nHost: 127.0.0.1:") {
				t.Errorf("request head: got %q", x.Request.Head)
			}
			if tt.path == "/500" && !strings.Contains(string(x.Response.Head), "X-Reason: why\r\n") {
				t.Errorf("response head: got %q", x.Response.Head)
			}
		})
	}
}

// TestACheckThatPanics holds that the request is counted, as the server has.
func TestACheckThatPanics(t *testing.T) {
	c, rec := newClient(t, Options{Host: rawServer(t, okReply)})
	func() {
		defer func() {
			if p := recover(); p != "oh" {
				t.Errorf("recovered %v", p)
			}
		}()
		c.Get(context.Background(), "/", Check(func(*Response) error { panic("oh") }))
	}()
	if d := take(rec).rows[request("GET", "/")]; d == nil || d.Requests() != 1 || rec.InFlight() != 0 {
		t.Errorf("got %+v and %d in flight, want one request and none", d, rec.InFlight())
	}
	if _, err := c.Get(context.Background(), "/"); err != nil {
		t.Error(err)
	}
}

func TestNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	tests := []struct {
		name, host string
		kind       stats.Kind
		text       string
	}{
		{"refused", "http://" + addr, stats.Connect, "connect " + addr + ": connection refused"},
		{"no such name", "http://no-such-host.invalid", stats.DNS, "resolve no-such-host.invalid: "},
		{"no such socket", "unix:/nowhere/sock", stats.Connect, "no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newClient(t, Options{Host: tt.host, ConnectTimeout: 5 * time.Second})
			_, err := c.Get(t.Context(), "/")
			wantError(t, err, tt.kind, tt.text)
		})
	}
}

// TestReconnect has a server that closes its connections without a word: after
// each reply, or on taking a request. Only what it cannot have seen is sent
// again, so that its count stays ours.
func TestReconnect(t *testing.T) {
	for _, tt := range []struct {
		name       string
		taken      bool // the server takes the second request and closes
		method     string
		fails      bool
		reconnects uint64
		seen       int32
	}{
		{"closed while idle", false, "GET", false, 1, 2},
		{"closed a while ago", false, "LATE", false, 1, 2},
		{"closed while idle, not idempotent", false, "POST", true, 0, 1},
		{"closed on the request", true, "GET", true, 0, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen atomic.Int32
			closed := make(chan struct{}, 4)
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
					r := bufio.NewReader(nc)
					for {
						if _, err := http.ReadRequest(r); err != nil {
							break
						}
						if seen.Add(1) == 2 && tt.taken {
							break
						}
						io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
						if !tt.taken {
							break
						}
					}
					nc.Close()
					closed <- struct{}{}
				}
			}()
			c, rec := newClient(t, Options{Host: "http://" + l.Addr().String()})
			if _, err := c.Do(t.Context(), tt.method, "/", nil); err != nil {
				t.Fatal(err)
			}
			if !tt.taken {
				<-closed
			}
			if tt.method == "LATE" { // which may not be sent twice, but was not sent once
				<-time.After(100 * time.Millisecond)
			}
			_, err = c.Do(t.Context(), tt.method, "/", nil)
			s := take(rec).rows[request(tt.method, "/")].Summary(time.Second)
			if (err != nil) != tt.fails || s.Reconnects != tt.reconnects || seen.Load() != tt.seen {
				t.Errorf("got %v, %d reconnects, %d requests seen; want failure %v, %d and %d", err, s.Reconnects, seen.Load(), tt.fails, tt.reconnects, tt.seen)
			}
		})
	}
}

func TestHardStop(t *testing.T) {
	hung := make(chan struct{}, 3)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hung <- struct{}{}
		<-r.Context().Done()
	}))
	defer srv.Close()
	base, kill := context.WithCancel(context.Background())
	own, cancel := context.WithCancel(context.Background())
	defer cancel()
	type outcome struct {
		err error
		at  time.Time
	}
	outcomes := make(chan outcome, 3)
	for _, ctx := range []context.Context{base, context.WithValue(base, stats.OK, 1), own} {
		c, _ := newClientUnder(t, base, Options{Host: srv.URL})
		go func() {
			_, err := c.Get(ctx, "/")
			outcomes <- outcome{err, time.Now()}
		}()
	}
	for range 3 {
		<-hung
	}
	killed := time.Now()
	kill()
	for range 2 {
		o := <-outcomes
		wantError(t, o.err, stats.Aborted, "aborted waiting for the first byte")
		if took := o.at.Sub(killed); took > 50*time.Millisecond {
			t.Errorf("freed after %v, want at most 50 ms", took)
		}
	}
	select {
	case o := <-outcomes:
		t.Fatalf("a request under a context of its own ended with %v", o.err)
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	o := <-outcomes
	wantError(t, o.err, stats.Aborted, "aborted waiting for the first byte")
}

func TestATasksOwnTimeIsATimeout(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Get(ctx, "/")
	wantError(t, err, stats.Timeout, "timed out by the task's context waiting for the first byte")
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		fmt.Fprint(w, r.Host, r.URL.Path)
	})}
	go srv.Serve(l)
	defer srv.Close()
	c, _ := newClient(t, Options{Host: "unix:" + path})
	for _, path := range []string{"/to", "/from"} {
		if r, err := c.Get(t.Context(), path); err != nil || r.Text() != "localhost/to" {
			t.Errorf("%s: got %q and %v", path, r.Text(), err)
		} else if (r.Timing.Connect > 0) != (path == "/to") {
			t.Errorf("%s: phases %+v", path, r.Timing)
		}
	}
}

func TestGzipIsDecodedForChecks(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Errorf("Accept-Encoding: got %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "the text")
		z.Close()
	}))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL})
	r, err := c.Get(t.Context(), "/")
	if err != nil || r.decoded != nil {
		t.Errorf("decoded, though nobody has looked, and %v", err)
	}
	r, err = c.Get(t.Context(), "/", BodyContains("the text"))
	if err != nil || r.Text() != "the text" || bytes.Equal(r.Raw(), r.Body()) {
		t.Errorf("got %q and %v", r.Text(), err)
	}
}

// rawServer answers every request on a connection with the same bytes and
// allocates nothing while it does.
func rawServer(t testing.TB, reply string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				b, out := make([]byte, 4096), []byte(reply)
				for {
					n, err := nc.Read(b)
					if err != nil {
						return
					}
					if bytes.HasSuffix(b[:n], []byte("\r\n\r\n")) {
						nc.Write(out)
					}
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func TestARequestAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	host := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")
	c, _ := newClient(t, Options{Host: host})
	ctx := c.who.Base
	for _, tt := range []struct {
		name string
		do   func() error
	}{
		{"Get", func() error { _, err := c.Get(ctx, "/"); return err }},
		{"Get with options", func() error {
			_, err := c.Get(ctx, "/items/1", Name("/items/[id]"), BodyContains("World"), Header("X-A", "b"), Expect(200))
			return err
		}},
		{"Get between waits", func() error { _, err := c.Get(ctx, "/"); c.release(); return err }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); err != nil {
				t.Fatal(err)
			}
			n := testing.AllocsPerRun(1000, func() {
				if err := tt.do(); err != nil {
					t.Error(err)
				}
			})
			if n != 0 {
				t.Errorf("got %v allocations a request, want 0", n)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	c, _ := newClient(b, Options{Host: rawServer(b, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")})
	ctx := c.who.Base
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(ctx, "/"); err != nil {
			b.Fatal(err)
		}
	}
}
