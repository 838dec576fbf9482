// Package demo is a small web shop on loopback to try tload on: endpoints that
// are healthy, slow, failing and flapping, and gauges that count from the
// server's side, so that a test can hold tload's numbers against them.
//
//	t, err := demo.Start("127.0.0.1:0")
//	defer t.Close()
//	fmt.Println(t.URL, t.Gauges().Requests)
package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Target is a running server. Close stops it.
type Target struct {
	URL string

	server  *http.Server
	started time.Time
	nonce   string

	requests    atomic.Int64
	concurrent  atomic.Int64
	peak        atomic.Int64
	connections atomic.Int64
	logins      atomic.Int64
	carts       atomic.Int64
	checkouts   atomic.Int64
	mu          sync.Mutex // guards status, paths
	status      map[int]int64
	paths       map[string]int64
}

// Gauges is what the server counted itself. Reading it through /_gauges is not
// counted.
type Gauges struct {
	Requests    int64            `json:"requests"`   // that were answered, or given up by the client
	Concurrent  int64            `json:"concurrent"` // being answered now
	Peak        int64            `json:"peak"`
	Connections int64            `json:"connections"` // open now
	Logins      int64            `json:"logins"`
	Status      map[int]int64    `json:"status"`
	Paths       map[string]int64 `json:"paths"`
}

// Start listens on addr, which must be on loopback; port 0 takes a free one.
func Start(addr string) (*Target, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("demo target: %w", err)
	}
	t := &Target{
		URL: "http://" + l.Addr().String(), started: time.Now(), nonce: fmt.Sprintf("%016x", rand.Uint64()),
		status: map[int]int64{}, paths: map[string]int64{},
	}
	mux := http.NewServeMux()
	for pattern, h := range t.routes() {
		mux.HandleFunc(pattern, h)
	}
	t.server = &http.Server{Handler: t.count(mux), ConnState: t.watch, ReadHeaderTimeout: 10 * time.Second, ErrorLog: discard()}
	go t.server.Serve(l)
	return t, nil
}

// Close stops the server and its connections.
func (t *Target) Close() error { return t.server.Close() }

// Nonce is a random word that stands in the bodies of failures, new at each start.
func (t *Target) Nonce() string { return t.nonce }

// Gauges is what the server counted so far.
func (t *Target) Gauges() Gauges {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := Gauges{
		Requests: t.requests.Load(), Concurrent: t.concurrent.Load(), Peak: t.peak.Load(),
		Connections: t.connections.Load(), Logins: t.logins.Load(),
		Status: map[int]int64{}, Paths: map[string]int64{},
	}
	for k, v := range t.status {
		g.Status[k] = v
	}
	for k, v := range t.paths {
		g.Paths[k] = v
	}
	return g
}

// routes is everything that the shop serves.
func (t *Target) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /{$}":             t.page("welcome to the shop", 2*time.Millisecond),
		"GET /products/{id}":   t.product,
		"GET /search":          t.page(`{"items":[{"id":7,"name":"shoe"}]}`, 20*time.Millisecond),
		"POST /login":          t.login,
		"POST /cart":           t.cart,
		"POST /checkout":       t.checkout,
		"GET /recommendations": t.flapping,
		"GET /ok":              t.page("ok", 0),
		"GET /slow":            t.page("slow", 500*time.Millisecond),
		"GET /hang":            t.hang,
		"/fail":                t.fail,
		"GET /reset":           t.reset,
		"GET /bin":             t.binary,
		"GET /big":             t.big,
		"GET /evil":            t.evil,
		"GET /_gauges":         t.gauges,
	}
}

func (t *Target) page(body string, typical time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		pause(r, typical)
		io.WriteString(w, body)
	}
}

// pause sleeps for about d, with the long tail that real services have.
func pause(r *http.Request, d time.Duration) {
	if d == 0 {
		return
	}
	d = time.Duration(float64(d) * (0.5 + rand.ExpFloat64()/2))
	select {
	case <-time.After(min(d, 10*time.Second)):
	case <-r.Context().Done():
	}
}

func (t *Target) product(w http.ResponseWriter, r *http.Request) {
	pause(r, 8*time.Millisecond)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":%q,"name":"shoe","price":49.90}`, r.PathValue("id"))
}

func (t *Target) login(w http.ResponseWriter, r *http.Request) {
	pause(r, 30*time.Millisecond)
	if r.FormValue("username") == "" {
		t.problem(w, http.StatusUnauthorized, `{"error":"who are you?"}`)
		return
	}
	t.logins.Add(1)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: fmt.Sprintf("%016x", rand.Uint64()), Path: "/"})
	io.WriteString(w, "hello")
}

// cart fails for one request in twelve. Which ones is a matter of count and not
// of luck, and the first is among them, so that the shortest look at the shop
// has a failure in it.
func (t *Target) cart(w http.ResponseWriter, r *http.Request) {
	pause(r, 15*time.Millisecond)
	if t.carts.Add(1)%12 == 1 {
		w.Header().Set("Retry-After", "1")
		t.problem(w, http.StatusServiceUnavailable,
			fmt.Sprintf(`{"error":"pool exhausted","pool":"pg-main","waiting":%d,"request_id":"%08x"}`, rand.IntN(900), rand.Uint32()))
		return
	}
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, `{"items":1}`)
}

// checkout closes the connection on one request in 25, the third to begin with.
func (t *Target) checkout(w http.ResponseWriter, r *http.Request) {
	pause(r, 120*time.Millisecond)
	if t.checkouts.Add(1)%25 == 3 {
		reset(w)
		return
	}
	io.WriteString(w, `{"order":"accepted"}`)
}

// flapping is well for ten seconds and fails for three.
func (t *Target) flapping(w http.ResponseWriter, r *http.Request) {
	pause(r, 5*time.Millisecond)
	if time.Since(t.started)%(13*time.Second) > 10*time.Second {
		t.problem(w, http.StatusBadGateway, "<html><body><h1>502 Bad Gateway</h1></body></html>")
		return
	}
	io.WriteString(w, `["hat","scarf"]`)
}

func (t *Target) hang(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func (t *Target) fail(w http.ResponseWriter, r *http.Request) {
	t.problem(w, http.StatusServiceUnavailable, fmt.Sprintf(`{"error":"always","nonce":%q}`, t.nonce))
}

func (t *Target) reset(w http.ResponseWriter, r *http.Request) { reset(w) }

// binary fails with a body that is no text.
func (t *Target) binary(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "image/png")
	w.WriteHeader(http.StatusBadGateway)
	w.Write(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), bytes.Repeat([]byte{0, 1, 2, 0xff}, 500)...))
}

// big fails with 5 MiB of JSON.
func (t *Target) big(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	var b bytes.Buffer
	b.WriteString(`{"error":"big","rows":[`)
	for i := 0; b.Len() < 5<<20; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"name":"row %d","tags":["a","b"]}`, i, i)
	}
	b.WriteString(`],"last":"` + t.nonce + `"}`)
	w.Write(b.Bytes())
}

// evil fails with a body and a header that would take a terminal over.
func (t *Target) evil(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Evil", "a\tb")
	w.WriteHeader(http.StatusInternalServerError)
	io.WriteString(w, "\x1b]0;owned\a\x1b]52;c;b3duZWQ=\a\x1b[2J\x1b[H\x9b31m\u202eevil\u200b\xff\xfe\r\nnext\tline "+t.nonce)
}

func (t *Target) gauges(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(t.Gauges())
}

func (t *Target) problem(w http.ResponseWriter, status int, body string) {
	if json.Valid([]byte(body)) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// reset closes the connection so that the peer sees a reset.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// count counts every request but those for the gauges.
func (t *Target) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_gauges" {
			next.ServeHTTP(w, r)
			return
		}
		t.requests.Add(1)
		now := t.concurrent.Add(1)
		defer t.concurrent.Add(-1)
		for p := t.peak.Load(); now > p && !t.peak.CompareAndSwap(p, now); p = t.peak.Load() {
		}
		seen := &status{ResponseWriter: w, code: 200}
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.status[seen.code]++
			if len(t.paths) < 1000 || t.paths[r.URL.Path] > 0 {
				t.paths[r.URL.Path]++
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Hijack makes it a request without a status.
func (s *status) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.code = 0
	return http.NewResponseController(s.ResponseWriter).Hijack()
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (t *Target) watch(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		t.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		t.connections.Add(-1)
	}
}
