package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tload/behaviours/http1"
	"tload/stats/exchange"
)

// Transport is what the HTTP clients of all users of a run have in common:
// settings, name look-ups, certificates, and the goroutine that enforces
// timeouts. Connections are not shared: each user has its own.
type Transport struct {
	options   Options
	base      *origin // nil without a host
	prefix    string  // of a base URL with a path: what stands before every path
	proxy     *url.URL
	proxyAuth string
	resolve   map[string]string
	tls       *tls.Config
	names     names
	mux       muxes
	status    [600]string // "404 Not Found", so that a storm of them allocates nothing

	bind     atomic.Uint64 // which of Options.Bind is next
	loopback atomic.Uint32 // how many source addresses 127.0.0.x have run out of ports
	spreads  atomic.Bool   // connections go to 127.0.0.0/8, from as many addresses as it takes
	tried    atomic.Bool   // a user has tried to connect
	stood    atomic.Bool   // … and could send a request

	mu      sync.Mutex
	origins map[string]*origin
	said    map[string]struct{} // in the log
	watches map[<-chan struct{}]*watch
	closed  bool
	running sync.WaitGroup
	ctx     context.Context // of the sweepers; ended by Close
	stop    context.CancelFunc
}

// watch is a sweeper and what ties it to the context whose end aborts the
// requests of its users.
type watch struct {
	sweeper *http1.Sweeper
	untie   func() bool
}

// NewTransport checks the options and returns a transport. It opens nothing;
// what its first client starts is stopped by Close.
func NewTransport(options Options) (*Transport, error) {
	options.setDefaults()
	t := &Transport{options: options, origins: make(map[string]*origin), said: make(map[string]struct{}), watches: make(map[<-chan struct{}]*watch)}
	if options.HTTP2 && options.HTTP3 {
		return nil, fmt.Errorf("--http2 and --http3 exclude each other")
	}
	for _, f := range options.Header {
		if err := checkHeader(f.Name, f.Value); err != nil {
			return nil, fmt.Errorf("bad --header: %w", err)
		}
	}
	var err error
	if t.proxy, err = options.proxy(); err != nil {
		return nil, err
	}
	if t.proxy != nil && t.proxy.User != nil {
		t.proxyAuth = basicAuth(t.proxy.User)
	}
	options.Masker.URL(options.Host) // so that its password is known, and the proxy's
	options.Masker.URL(options.Proxy)
	if t.resolve, err = options.resolved(); err != nil {
		return nil, err
	}
	if t.tls, err = options.tlsConfig(); err != nil {
		return nil, err
	}
	u, err := options.base()
	if err != nil {
		return nil, err
	}
	switch {
	case !options.HTTP3:
	case t.proxy != nil:
		return nil, fmt.Errorf("--http3 does not go through --proxy (leave one of them away)")
	case u != nil && u.Scheme != "https":
		return nil, fmt.Errorf("bad --host %q: --http3 needs https:// (try https://localhost:5000)", options.Host)
	}
	if u != nil {
		t.base = t.origin(u)
		if u.Scheme != "unix" {
			t.prefix = strings.TrimSuffix(u.EscapedPath(), "/")
		}
	}
	for code := range t.status {
		t.status[code] = strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code)))
	}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t, nil
}

// Close stops what the transport runs. The clients must have been closed.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	for _, w := range t.watches {
		w.untie()
	}
	t.mu.Unlock()
	t.stop()
	t.running.Wait()
}

// watch returns the sweeper for users whose requests end with that context.
func (t *Transport) watch(base context.Context) *http1.Sweeper {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.watches[base.Done()]; w != nil {
		return w.sweeper
	}
	s := http1.NewSweeper()
	w := &watch{sweeper: s, untie: context.AfterFunc(base, s.Cancel)}
	if !t.closed {
		t.running.Go(func() { s.Run(t.ctx) })
	}
	t.watches[base.Done()] = w
	return s
}

// Host is the one of Options, as it was given.
func (t *Transport) Host() string { return t.options.Host }

// Masker is the one of Options; nil for a Transport that is none.
func (t *Transport) Masker() *exchange.Masker { return t.options.Masker }

// Unconnected says that users have tried to connect, and that no connection ever
// stood on which a request could be sent: none was accepted, or no TLS handshake
// came to its end.
func (t *Transport) Unconnected() bool { return t.tried.Load() && !t.stood.Load() }

// background runs f so that Close stops it and waits for it.
func (t *Transport) background(f func(context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.running.Go(func() { f(t.ctx) })
		return
	}
	go f(t.ctx) // which has ended, so f does, too
}

// origin is the one origin for the scheme, the host and the user of u.
func (t *Transport) origin(u *url.URL) *origin {
	key := originKey(u)
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.origins[key]
	if o == nil {
		o = t.newOrigin(u)
		if len(t.origins) < maxOrigins {
			t.origins[key] = o
		}
	}
	return o
}

// maxOrigins bounds how many servers are remembered: a behaviour that makes
// up host names must not fill the memory.
const maxOrigins = 10_000

// Probe looks at the target before a run: it resolves the base URL's host and
// fetches the base URL once, following nothing. The text is for people:
// "resolves 127.0.0.1 · GET / 200 in 1.4 ms".
func (t *Transport) Probe(ctx context.Context) (text string, err error) {
	if t.base == nil {
		return "", fmt.Errorf("no host yet (try http://localhost:5000)")
	}
	var parts []string
	if _, err := netip.ParseAddr(t.base.host); err != nil && t.base.unix == "" && t.proxy == nil && t.override(t.base.host, t.base.port) == "" {
		l, err := t.find(ctx, t.base.host)
		if err != nil {
			return "", fmt.Errorf("resolve %s: %s", t.base.host, lookupText(err))
		}
		var addrs []string
		for _, a := range l.addrs[:min(len(l.addrs), 3)] {
			addrs = append(addrs, a.String())
		}
		parts = append(parts, "resolves "+strings.Join(addrs, ", "))
	}
	c := t.Client(Who{Base: context.Background()})
	defer c.close()
	r, err := c.Get(ctx, "/", NoRedirect(), Timeout(min(5*time.Second, max(t.options.Timeout, time.Second))))
	if r.Status == 0 {
		return strings.Join(parts, " · "), err
	}
	parts = append(parts, fmt.Sprintf("GET / %d in %.1f ms", r.Status, float64(r.Took)/float64(time.Millisecond)))
	return strings.Join(parts, " · "), nil
}
