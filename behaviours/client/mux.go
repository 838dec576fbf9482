package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"tload/behaviours/http1"
	"tload/stats"
)

// mux is a connection that speaks HTTP/2 or HTTP/3, through net/http and
// quic-go. A user has one to each server, as with HTTP/1.1. These protocols
// cost several times what HTTP/1.1 does here; what they share with it is how
// requests are named, judged, recorded and captured.
type mux struct {
	rt     http.RoundTripper
	heard  *heard // of HTTP/2
	dead   func() bool
	close  func()
	proto  string
	tls    string // the version, empty without
	local  string
	remote string
}

// muxes are the libraries' settings, made when the first user needs them.
type muxes struct {
	once sync.Once
	h2   *http.Transport
	h3   *http3.Transport
}

// muxDial is what openMux tells the function that http.Transport calls to
// connect, and hears from it. The library has no other way between them.
type muxDial struct {
	c      *Client
	o      *origin
	phases stats.Phases
	conn   *heard
	tls    string
	err    *http1.Error
}

type muxDialKey struct{}

const (
	maxHead  = 64 << 10  // of a reply, as over HTTP/1.1
	maxAhead = 512 << 10 // that a server may send before it is read; each user holds as much
)

// heard is a connection that remembers the first error of reading from it. When
// it ends while no request is under way the library only says that the
// connection cannot be used, not why.
//
// What the server said before it closed the connection, a refused certificate
// perhaps, lies there to be read when a write already fails. So that it does not
// depend on who is first, a write to a connection that is gone fails in silence,
// and reading, which the library does all the time, tells of the end: as what the
// write was told, for a reset is told once.
type heard struct {
	net.Conn
	err   atomic.Pointer[error]
	write atomic.Pointer[error]
}

func (h *heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if err == nil {
		return n, nil
	}
	if why := h.write.Load(); why != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = *why
	}
	h.err.CompareAndSwap(nil, &err)
	return n, err
}

func (h *heard) Write(b []byte) (int, error) {
	n, err := h.Conn.Write(b)
	if !http1.Gone(err) {
		return n, err
	}
	h.write.CompareAndSwap(nil, &err)
	return len(b), nil
}

func (t *Transport) muxes() *muxes {
	t.mux.once.Do(func() {
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true) // as far as it knows: TLS is done below it
		t.mux.h2 = &http.Transport{
			Protocols:              &protocols,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHead,
			HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: maxAhead, MaxReceiveBufferPerConnection: maxAhead},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				d := ctx.Value(muxDialKey{}).(*muxDial)
				nc, err := d.connect(ctx)
				if err != nil {
					d.err = err
					return nil, err
				}
				d.conn = &heard{Conn: nc}
				return d.conn, nil
			},
		}
		t.mux.h3 = &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxHead}
	})
	return &t.mux
}

func (d *muxDial) connect(ctx context.Context) (net.Conn, *http1.Error) {
	nc, phases, err := d.c.t.connect(ctx, d.o)
	d.phases = phases
	if err != nil || !d.o.secure {
		return nc, err
	}
	began := time.Now()
	tc := tls.Client(nc, d.c.tlsConfig(d.o, "h2"))
	failed := tc.HandshakeContext(ctx)
	d.phases.TLS = time.Since(began)
	switch {
	case failed != nil:
		err = d.c.t.tlsError(ctx, d.o, failed)
	case tc.ConnectionState().NegotiatedProtocol != "h2":
		err = &http1.Error{Kind: stats.TLS, Phase: http1.Handshaking, Text: "TLS with " + d.o.header + ": the server does not offer HTTP/2 (leave --http2 away)"}
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	d.tls = tls.VersionName(tc.ConnectionState().Version)
	return tc, nil
}

// openMux opens a connection, on a goroutine of its own as dial does.
func (c *Client) openMux(ctx context.Context, o *origin) (*mux, stats.Phases, *http1.Error) {
	type opened struct {
		m      *mux
		phases stats.Phases
		err    *http1.Error
	}
	ch := make(chan opened, 1)
	go func() {
		var r opened
		if c.t.options.HTTP3 {
			r.m, r.phases, r.err = c.openH3(ctx, o)
		} else {
			r.m, r.phases, r.err = c.openH2(ctx, o)
		}
		ch <- r
	}()
	r := <-ch
	return r.m, r.phases, r.err
}

func (c *Client) openH2(ctx context.Context, o *origin) (*mux, stats.Phases, *http1.Error) {
	d := &muxDial{c: c, o: o}
	cc, err := c.t.muxes().h2.NewClientConn(context.WithValue(ctx, muxDialKey{}, d), "http", net.JoinHostPort(o.host, o.port))
	if err != nil {
		if d.err == nil {
			d.err = c.t.connectError(ctx, o.header, err)
		}
		return nil, d.phases, d.err
	}
	return &mux{rt: cc, heard: d.conn, dead: func() bool { return cc.Err() != nil || cc.Available() == 0 }, close: func() { cc.Close() },
		proto: "HTTP/2.0", tls: d.tls, local: d.conn.LocalAddr().String(), remote: d.conn.RemoteAddr().String()}, d.phases, nil
}

func (c *Client) openH3(ctx context.Context, o *origin) (*mux, stats.Phases, *http1.Error) {
	var phases stats.Phases
	switch {
	case !o.secure:
		return nil, phases, &http1.Error{Kind: stats.Connect, Phase: http1.Connecting, Text: "HTTP/3 needs https://"}
	case c.t.proxy != nil:
		return nil, phases, &http1.Error{Kind: stats.Connect, Phase: http1.Connecting, Text: "HTTP/3 does not go through --proxy"}
	}
	addrs, port, first, l, failed := c.t.addresses(ctx, o.host, o.port, &phases)
	if failed != nil {
		return nil, phases, failed
	}
	began := time.Now()
	for i := range addrs {
		at := (first + i) % len(addrs)
		to := netip.AddrPortFrom(addrs[at], port)
		udp, err := c.t.listenUDP(to.Addr())
		if err != nil {
			failed = c.t.connectError(ctx, to.String(), err)
			continue
		}
		actx, cancel := share(ctx, len(addrs)-i)
		conn, err := quic.Dial(actx, udp, net.UDPAddrFromAddrPort(to), c.tlsConfig(o, http3.NextProtoH3),
			&quic.Config{MaxIdleTimeout: time.Hour, HandshakeIdleTimeout: c.t.options.ConnectTimeout,
				MaxStreamReceiveWindow: maxAhead, MaxConnectionReceiveWindow: maxAhead})
		cancel()
		if err != nil {
			udp.Close()
			if failed = quicError(c.t, ctx, o, to.String(), err); ctx.Err() != nil {
				break
			}
			continue
		}
		if l != nil && at != first {
			l.works(at)
		}
		phases.TLS = time.Since(began) // connecting is part of it
		cc := c.t.muxes().h3.NewClientConn(conn)
		return &mux{rt: cc, dead: func() bool { return conn.Context().Err() != nil },
			close: func() { conn.CloseWithError(0, ""); udp.Close() }, proto: "HTTP/3.0", tls: "TLS 1.3",
			local: localAddr(udp, to), remote: to.String()}, phases, nil
	}
	return nil, phases, failed
}

// listenUDP opens a socket to send to that address from: with --bind one that
// is bound to the next address that fits and has a port left.
func (t *Transport) listenUDP(to netip.Addr) (udp *net.UDPConn, err error) {
	if len(t.options.Bind) == 0 {
		return net.ListenUDP("udp", nil)
	}
	err = errNoBind
	for from := range t.sources(to) {
		if udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))); !isOutOfPorts(err) {
			break
		}
	}
	return udp, err
}

// localAddr is where packets to that address come from: a socket that is bound
// to no address of its own does not say it, one that is connected does.
func localAddr(udp *net.UDPConn, to netip.AddrPort) string {
	local := *udp.LocalAddr().(*net.UDPAddr)
	if local.IP.IsUnspecified() {
		if probe, err := net.Dial("udp", to.String()); err == nil { // which sends nothing
			local.IP = probe.LocalAddr().(*net.UDPAddr).IP
			probe.Close()
		}
	}
	return local.String()
}

func quicError(t *Transport, ctx context.Context, o *origin, to string, err error) *http1.Error {
	var te *quic.TransportError
	switch {
	case ctx.Err() != nil:
		return t.interrupted(ctx, http1.Handshaking)
	case errors.As(err, &te) && te.ErrorCode.IsCryptoError():
		return t.tlsError(ctx, o, cryptoError(te))
	}
	return t.connectError(ctx, to, err)
}

// cryptoError is what TLS said inside QUIC: the reason on this side, or the
// server's alert in words.
func cryptoError(te *quic.TransportError) error {
	for _, e := range te.Unwrap() {
		if e != nil && e != net.ErrClosed {
			return e
		}
	}
	if te.ErrorMessage != "" {
		return errors.New(te.ErrorMessage)
	}
	return errors.New("remote error: " + te.ErrorCode.Message())
}

// onceMux is once over HTTP/2 or HTTP/3. Nothing is sent twice.
func (c *Client) onceMux(ctx context.Context, k *call, opts []Option) {
	reply := &c.resp.reply
	c.resp.Status, *reply = 0, http1.Reply{Expected: -1}
	defer func() { reply.End = c.sweeper.Now() }()
	if k.err = c.render(k, opts); k.err != nil {
		return
	}
	if ctx.Done() == nil {
		ctx = c.who.Base
	}
	route := c.route(k.origin)
	if route.mux != nil && route.mux.dead() {
		route.drop()
		k.sample.Reconnect = true
	}
	k.reused = route.mux != nil
	if route.mux == nil {
		dctx, cancel := c.dialContext(ctx, k)
		c.t.tried.Store(true)
		m, phases, err := c.openMux(dctx, k.origin)
		cancel()
		k.phases.DNS, k.phases.Connect, k.phases.TLS = phases.DNS, phases.Connect, phases.TLS
		if k.err = err; err != nil {
			return
		}
		route.mux = m
		c.t.stood.Store(true)
		k.sample.Dialled = true
		k.sample.Handshake = k.sample.Handshake || k.origin.secure
	}
	k.mux = route.mux
	if k.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, k.start+k.timeout-c.sweeper.Now(), &dialTimeout{k.timeout})
		defer cancel()
	}
	sent := c.sweeper.Now()
	k.err = c.exchangeMux(ctx, k)
	if reply.FirstByte > 0 {
		k.phases.FirstByte = reply.FirstByte - sent
		k.phases.Body = c.sweeper.Now() - reply.FirstByte
	}
	k.sample.In += int64(len(reply.Head)+len(reply.Body)) + reply.Forgotten
	k.sample.Out += int64(len(c.out.b) + len(k.body))
	if reply.Cookies {
		c.storeCookies(k)
	}
	if c.t.options.NoKeepalive || k.closing {
		route.drop()
	}
}

// exchangeMux sends what was rendered, in the library's terms, and reads the
// reply into memory of its own.
func (c *Client) exchangeMux(ctx context.Context, k *call) *http1.Error {
	reply := &c.resp.reply
	req, err := c.requestMux(ctx, k)
	if err != nil {
		return refused("%v", err)
	}
	res, err := k.mux.rt.RoundTrip(req)
	if err != nil {
		return c.muxError(ctx, k, http1.Waiting, "", err)
	}
	defer res.Body.Close()
	reply.FirstByte = c.sweeper.Now()
	c.resp.Status, reply.Status = res.StatusCode, res.StatusCode
	reply.KeepAlive, reply.Expected = true, res.ContentLength
	reply.Cookies, reply.Encoded = len(res.Header["Set-Cookie"]) > 0, len(res.Header["Content-Encoding"]) > 0
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s\r\n", k.mux.proto, c.statusText(res.StatusCode))
	res.Header.Write(&head)
	head.WriteString("\r\n")
	reply.Head = head.Bytes()
	n, err := c.readMux(k, res.Body)
	limit := c.t.options.MaxBody
	switch {
	case err != nil:
		detail := fmt.Sprintf(" (%d bytes came)", n)
		if res.ContentLength >= 0 {
			detail = fmt.Sprintf(" (%d of %d bytes came)", n, res.ContentLength)
		}
		return c.muxError(ctx, k, http1.Body, detail, err)
	case n > limit:
		return &http1.Error{Kind: stats.Body, Phase: http1.Body, Text: fmt.Sprintf("body longer than the limit of %d bytes", limit)}
	}
	var trailer bytes.Buffer
	res.Trailer.Write(&trailer)
	reply.Trailer = trailer.Bytes()
	return nil
}

// readMux reads a body, and keeps as much of it as the engine for HTTP/1.1 would.
func (c *Client) readMux(k *call, in io.Reader) (n int64, err error) {
	reply := &c.resp.reply
	in = io.LimitReader(in, c.t.options.MaxBody+1)
	var body bytes.Buffer
	defer func() { reply.Body = body.Bytes() }()
	n, err = body.ReadFrom(io.LimitReader(in, http1.Long))
	if err != nil || n < http1.Long {
		return n, err
	}
	most, sum := (*keeper)(c).Keep(reply)
	more := in
	if most >= 0 {
		more = io.LimitReader(in, int64(most)-n)
	}
	m, err := body.ReadFrom(more)
	n += m
	for piece := make([]byte, 32<<10); most >= 0 && err == nil; {
		var got int
		got, err = in.Read(piece)
		n += int64(got)
		reply.Forget(body.Bytes(), piece[:got], sum)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// requestMux reads c.out back, so that what is captured is what was sent.
func (c *Client) requestMux(ctx context.Context, k *call) (*http.Request, error) {
	u, err := url.Parse(k.origin.url(requestTarget(c.out.b)))
	if err != nil {
		return nil, err
	}
	if k.origin.unix != "" {
		u = &url.URL{Scheme: "http", Host: k.origin.header, Opaque: requestTarget(c.out.b)}
	}
	req := (&http.Request{Method: k.verb, URL: u, Header: make(http.Header), ContentLength: int64(len(k.body))}).WithContext(ctx)
	if len(k.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(k.body))
	}
	rendered := http1.Reply{Head: c.out.b}
	for n, v := range rendered.Headers {
		switch name := http.CanonicalHeaderKey(string(n)); name {
		case "Host":
			req.Host = string(v)
		case "Connection", "Content-Length", "Proxy-Authorization":
		default:
			req.Header[name] = append(req.Header[name], string(v))
		}
	}
	return req, nil
}

// muxError classifies what the libraries say, in the words of HTTP/1.1.
func (c *Client) muxError(ctx context.Context, k *call, phase http1.Phase, detail string, err error) *http1.Error {
	if ctx.Err() != nil {
		e := c.t.interrupted(ctx, phase)
		e.Text += detail
		return e
	}
	if h := k.mux.heard; h != nil && strings.HasPrefix(err.Error(), "http2: client conn") {
		if why := h.err.Load(); why != nil {
			err = *why
		}
	}
	e := &http1.Error{Kind: stats.Reset, Phase: phase, Err: err}
	var idle *quic.IdleTimeoutError
	text := err.Error()
	switch {
	case errors.As(err, &idle):
		e.Kind, e.Text = stats.Timeout, "the connection went silent "+phase.String()+detail
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind, e.Text = stats.EOF, "the server closed the connection "+phase.String()+detail
		if phase == http1.Body {
			e.Kind = stats.Body
		}
	case http1.Gone(err):
		e.Text = "the server reset the connection " + phase.String() + detail
	case ofTLS(err) != nil:
		e.Kind, e.Text = stats.TLS, "TLS failed "+phase.String()+detail+": "+ofTLS(err).Error()
	case strings.Contains(text, "looked like an HTTP/1.1 header"):
		e.Kind, e.Text = stats.Protocol, "malformed reply "+phase.String()+": the server speaks HTTP/1.1 (leave --http2 away)"
	case breaksProtocol(text):
		e.Kind, e.Text = stats.Protocol, "malformed reply "+phase.String()+detail+": "+text
	default:
		e.Text = "the stream broke " + phase.String() + detail + ": " + text
	}
	return e
}

// ofTLS is what TLS said about a connection that stood, nil if it said nothing.
func ofTLS(err error) error {
	var alert *net.OpError
	var te *quic.TransportError
	switch {
	case errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"):
		return alert
	case errors.As(err, &te) && te.ErrorCode.IsCryptoError():
		return cryptoError(te)
	}
	return nil
}

// breaksProtocol says whether it is the server's reply that the library does
// not like. Of its errors nothing can be had but their texts.
func breaksProtocol(text string) bool {
	if strings.Contains(text, "from peer") || strings.Contains(text, "GOAWAY") { // the server dislikes the request
		return false
	}
	for _, part := range []string{"malformed", "PROTOCOL_ERROR", "FRAME_", "frame too large", "COMPRESSION_ERROR", "MESSAGE_ERROR", "more than declared"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
