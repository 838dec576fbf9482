package client

import (
	"context"
	"net"
	"net/http"
	"time"
)

// HTTPClient is a client of net/http for libraries that need one, with this
// run's certificates, proxy and --resolve, and connections of the user's own.
// What goes through it is not measured by itself: measure the call around it.
func (c *Client) HTTPClient() *http.Client {
	if c.plain == nil {
		t := c.t
		dialer := &net.Dialer{Timeout: t.options.ConnectTimeout}
		transport := &http.Transport{
			TLSClientConfig:        t.tls.Clone(),
			TLSHandshakeTimeout:    t.options.ConnectTimeout,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxHead,
			ForceAttemptHTTP2:      t.options.HTTP2,
			DisableKeepAlives:      t.options.NoKeepalive,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if host, port, err := net.SplitHostPort(addr); err == nil {
					if to := t.override(host, port); to != "" {
						if _, _, err := net.SplitHostPort(to); err != nil {
							to = net.JoinHostPort(to, port)
						}
						addr = to
					}
				}
				return dialer.DialContext(ctx, network, addr)
			},
		}
		if t.proxy != nil {
			transport.Proxy = http.ProxyURL(t.proxy)
		}
		c.plain = &http.Client{Transport: transport}
	}
	return c.plain
}
