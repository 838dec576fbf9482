package client

import (
	"context"
	"errors"
	"fmt"

	"tload/behaviours/http1"
	"tload/stats"
)

// Reach opens one connection to the base URL's server and closes it again,
// without a request that the server would count. The error says why there is
// none and what to look at.
func (t *Transport) Reach(ctx context.Context) error {
	if t.base == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.options.ConnectTimeout)
	defer cancel()
	err := t.knock(ctx)
	if err == nil {
		return nil
	}
	host := t.base.url("") // which has no password in it
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch proxied := t.proxy != nil && t.base.unix == ""; {
	case late && proxied:
		return fmt.Errorf("%s does not answer: no connection within %v through --proxy %s; is the proxy's address right, and does it reach the server?", host, t.options.ConnectTimeout, t.proxy.Host)
	case late:
		return fmt.Errorf("%s does not answer: no connection within %v; is the address right, and is a firewall in between?", host, t.options.ConnectTimeout)
	case proxied:
		return fmt.Errorf("%s cannot be reached: %w; is --proxy right, and is the proxy running?", host, err)
	}
	return fmt.Errorf("%s cannot be reached: %w; is the server running, and is the address right?", host, err)
}

// knock opens a connection as requests need it, and closes it.
func (t *Transport) knock(ctx context.Context) *http1.Error {
	if !t.options.HTTP3 {
		nc, _, err := t.connect(ctx, t.base)
		if err == nil {
			nc.Close()
		}
		return err
	}
	m, _, err := (&Client{t: t}).openH3(ctx, t.base)
	switch {
	case err == nil:
		m.close()
	case err.Kind == stats.TLS: // somebody is there, which is all that is asked
		return nil
	}
	return err
}
