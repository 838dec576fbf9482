package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tload/behaviours/http1"
	"tload/stats"
)

// dialled is the outcome of opening a connection.
type dialled struct {
	conn   *http1.Conn
	phases stats.Phases
	err    *http1.Error
}

// dial opens a connection for HTTP/1.1 and waits for it. It works on a
// goroutine of its own: resolving, connecting and above all TLS need deep
// stacks, which the goroutine that the user acts on would keep.
func (c *Client) dial(ctx context.Context, o *origin) dialled {
	ch := make(chan dialled, 1)
	go func() {
		var d dialled
		d.conn, d.phases, d.err = c.open(ctx, o)
		ch <- d
	}()
	return <-ch // open honours the context
}

func (c *Client) open(ctx context.Context, o *origin) (*http1.Conn, stats.Phases, *http1.Error) {
	nc, phases, err := c.t.connect(ctx, o)
	if err != nil {
		return nil, phases, err
	}
	if !o.secure {
		return http1.NewConn(nc, c.sweeper), phases, nil
	}
	began := time.Now()
	conn := http1.NewTLSConn(nc, c.sweeper, c.tlsConfig(o, "http/1.1"))
	if err := conn.TLS().HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, phases, c.t.tlsError(ctx, o, err)
	}
	phases.TLS = time.Since(began)
	return conn, phases, nil
}

// connect opens the connection underneath: to the socket, the server, or
// through the proxy.
func (t *Transport) connect(ctx context.Context, o *origin) (nc net.Conn, phases stats.Phases, failed *http1.Error) {
	if o.unix != "" {
		began := time.Now()
		nc, err := (&net.Dialer{}).DialContext(ctx, "unix", o.unix)
		phases.Connect = time.Since(began)
		if err != nil {
			return nil, phases, t.connectError(ctx, o.unix, err)
		}
		return nc, phases, nil
	}
	host, port := o.host, o.port
	if t.proxy != nil {
		host, port = t.proxy.Hostname(), t.proxy.Port()
		if port == "" {
			port = "80"
		}
	}
	addrs, number, first, l, err := t.addresses(ctx, host, port, &phases)
	if err != nil {
		return nil, phases, t.ofProxy(err)
	}
	began := time.Now()
	defer func() { phases.Connect = time.Since(began) }()
	for i := range addrs {
		at := (first + i) % len(addrs)
		// Each address gets its share of what time there is.
		actx, cancel := share(ctx, len(addrs)-i)
		nc, dialErr := t.dialAddr(actx, netip.AddrPortFrom(addrs[at], number))
		cancel()
		if dialErr != nil {
			err = t.connectError(ctx, netip.AddrPortFrom(addrs[at], number).String(), dialErr)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		if l != nil && at != first {
			l.works(at)
		}
		if t.proxy != nil && (o.secure || t.options.HTTP2) {
			if err := t.tunnel(ctx, nc, o); err != nil {
				nc.Close()
				return nil, phases, err
			}
		}
		return nc, phases, nil
	}
	return nil, phases, t.ofProxy(err)
}

// ofProxy says of an error on the way to the first hop that this is the proxy:
// its name in the message would else be taken for the server's.
func (t *Transport) ofProxy(err *http1.Error) *http1.Error {
	if t.proxy != nil && (err.Kind == stats.DNS || err.Kind == stats.Connect) {
		err.Text = "proxy " + t.proxy.Host + ": " + err.Text
	}
	return err
}

// share is the context with the n-th part of the time it has left.
func share(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	due, ok := ctx.Deadline()
	if !ok || n <= 1 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(due)/time.Duration(n))
}

// addresses are what to connect to for a host and port, where to begin among
// them, and the look-up to tell which one works.
func (t *Transport) addresses(ctx context.Context, host, port string, phases *stats.Phases) ([]netip.Addr, uint16, int, *lookup, *http1.Error) {
	if to := t.override(host, port); to != "" {
		if h, p, err := net.SplitHostPort(to); err == nil {
			to, port = h, p
		}
		host = strings.Trim(to, "[]")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		if p, lookErr := net.LookupPort("tcp", port); lookErr == nil {
			n, err = uint64(p), nil
		}
	}
	if err != nil {
		return nil, 0, 0, nil, &http1.Error{Kind: stats.Connect, Phase: http1.Connecting, Text: fmt.Sprintf("bad port %q", port)}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, uint16(n), 0, nil, nil
	}
	began := time.Now()
	l, err := t.find(ctx, host)
	phases.DNS = time.Since(began)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, 0, nil, t.interrupted(ctx, http1.Resolving)
		}
		return nil, 0, 0, nil, &http1.Error{Kind: stats.DNS, Phase: http1.Resolving, Err: err,
			Text: "resolve " + host + ": " + lookupText(err)}
	}
	return l.addrs, uint16(n), l.from(), l, nil
}

// override is what --resolve says about a host.
func (t *Transport) override(host, port string) string {
	host = strings.ToLower(host)
	if to := t.resolve[host+":"+port]; to != "" {
		return to
	}
	return t.resolve[host]
}

// dialAddr connects, from the source addresses that were asked for, or on
// loopback from as many as it takes when one is out of ports.
func (t *Transport) dialAddr(ctx context.Context, to netip.AddrPort) (nc net.Conn, err error) {
	d := net.Dialer{KeepAlive: -1, Control: controlBind}
	if len(t.options.Bind) > 0 {
		err = errNoBind
		for from := range t.sources(to.Addr()) {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
			if nc, err = d.DialContext(ctx, "tcp", to.String()); !isOutOfPorts(err) {
				break
			}
		}
		return nc, err
	}
	spreads := to.Addr().Is4() && to.Addr().IsLoopback()
	if spreads && !t.spreads.Load() {
		t.spreads.Store(true)
	}
	for {
		spent := t.loopback.Load()
		if spreads && spent > 0 {
			d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+spent))}
		}
		nc, err = d.DialContext(ctx, "tcp", to.String())
		if !isOutOfPorts(err) || !spreads || spent >= maxLoopback {
			return nc, err
		}
		t.loopback.CompareAndSwap(spent, spent+1)
	}
}

var errNoBind = errors.New("no --bind address of its family")

// isOutOfPorts says whether there was no local port left: to connect from, or,
// where one is taken before that, to be bound to.
func isOutOfPorts(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EADDRINUSE)
}

// sources are the addresses of --bind that fit, each once, beginning with the
// next one.
func (t *Transport) sources(to netip.Addr) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		n, first := uint64(len(t.options.Bind)), t.bind.Add(1)
		for i := range n {
			if from := t.options.Bind[(first+i)%n]; from.Is4() == to.Is4() && !yield(from) {
				return
			}
		}
	}
}

// Sources is how many source addresses connections to one server may have. Each
// has local ports of its own.
func (t *Transport) Sources() int {
	four := 0
	for _, from := range t.options.Bind {
		if from.Is4() {
			four++
		}
	}
	switch {
	case len(t.options.Bind) > 0:
		return max(four, len(t.options.Bind)-four)
	case t.spreads.Load():
		return 1 + maxLoopback
	}
	return 1
}

// maxLoopback is how many more source addresses are tried on loopback:
// with 28,000 ports each that is enough for a million and a half connections.
const maxLoopback = 60

// tunnel asks the proxy for a connection to the origin.
func (t *Transport) tunnel(ctx context.Context, nc net.Conn, o *origin) *http1.Error {
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	failed := func(format string, a ...any) *http1.Error {
		if ctx.Err() != nil {
			return t.interrupted(ctx, http1.Connecting)
		}
		return &http1.Error{Kind: stats.Connect, Phase: http1.Connecting,
			Text: fmt.Sprintf("proxy "+t.proxy.Host+": "+format, a...)}
	}
	hostport := net.JoinHostPort(o.host, o.port)
	req := &http.Request{Method: "CONNECT", URL: &url.URL{Opaque: hostport}, Host: hostport, Header: http.Header{}}
	if t.proxyAuth != "" {
		req.Header.Set("Proxy-Authorization", t.proxyAuth)
	}
	if err := req.Write(nc); err != nil {
		return failed("%v", err)
	}
	var head bytes.Buffer
	in := &byByte{Conn: nc, careful: true}
	reply, err := http.ReadResponse(bufio.NewReader(io.TeeReader(io.LimitReader(in, maxProxyReply), &head)), req)
	var refusal *http1.Error
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		refusal = failed("CONNECT %s: it closed the connection", hostport)
	case err != nil:
		refusal = failed("CONNECT %s: %v", hostport, err)
	case reply.StatusCode/100 == 2:
		return nil
	default:
		refusal = failed("CONNECT %s: %s", hostport, reply.Status)
	}
	refusal.Head = bytes.Clone(head.Bytes())
	if in.careful = false; err == nil {
		nc.SetReadDeadline(time.Now().Add(proxyBodyWait))
		if ctx.Err() == nil { // else its end may have come before this deadline
			refusal.Body, _ = io.ReadAll(reply.Body)
		}
	}
	return refusal
}

const (
	maxProxyReply = 64 << 10    // of a proxy that does not connect, head and body
	proxyBodyWait = time.Second // for the body, which is only for people
)

// byByte reads, while it is careful, no further than it must: what comes behind
// a proxy's reply is the server's, and some speak first.
type byByte struct {
	net.Conn
	careful bool
}

func (c *byByte) Read(b []byte) (int, error) {
	if c.careful && len(b) > 1 {
		b = b[:1]
	}
	return c.Conn.Read(b)
}

// interrupted is the error of a connection whose time was up, or whose user
// was told to stop.
func (t *Transport) interrupted(ctx context.Context, phase http1.Phase) *http1.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		var d *dialTimeout
		if errors.As(context.Cause(ctx), &d) {
			return http1.TimedOut(phase, d.after, "")
		}
		return &http1.Error{Kind: stats.Timeout, Phase: phase, Text: "timed out " + phase.String()}
	}
	return http1.Aborted(phase)
}

// dialTimeout is the cause of a context that ended because connecting took
// that long.
type dialTimeout struct{ after time.Duration }

func (d *dialTimeout) Error() string { return "timed out after " + d.after.String() }

// connectError says why there is no connection, and what helps where
// something does.
func (t *Transport) connectError(ctx context.Context, to string, err error) *http1.Error {
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		<-ctx.Done() // whose timer may fire just after the dialer's
	}
	if ctx.Err() != nil {
		return t.interrupted(ctx, http1.Connecting)
	}
	text := ""
	var errno syscall.Errno
	var dns *net.DNSError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return &http1.Error{Kind: stats.Timeout, Phase: http1.Connecting, Err: err, Text: "timed out connecting to " + to}
	case isOutOfPorts(err):
		text = outOfPorts()
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		text = outOfFiles()
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.As(err, &dns):
		text = dns.Err
	default:
		text = err.Error()
	}
	return &http1.Error{Kind: stats.Connect, Phase: http1.Connecting, Err: err, Text: "connect " + to + ": " + text}
}

func (t *Transport) tlsError(ctx context.Context, o *origin, err error) *http1.Error {
	if ctx.Err() != nil {
		return t.interrupted(ctx, http1.Handshaking)
	}
	e := &http1.Error{Kind: stats.TLS, Phase: http1.Handshaking, Err: err, Text: "TLS with " + o.header + ": "}
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var errno syscall.Errno
	switch {
	case errors.As(err, &record):
		e.Text += "the server does not speak TLS (is it http:// ?)"
	case errors.As(err, &unknown):
		e.Text += "certificate signed by unknown authority (--insecure takes any)"
	case errors.As(err, &errno):
		e.Text += errno.Error()
	case err.Error() == "EOF":
		e.Text += "the server closed the connection in the handshake"
	default:
		e.Text += strings.TrimPrefix(err.Error(), "tls: ")
	}
	return e
}

// lookupText is a failed look-up without the name and the server in it, which
// differ where the failure does not.
func lookupText(err error) string {
	var d *net.DNSError
	if errors.As(err, &d) {
		return d.Err
	}
	return err.Error()
}
