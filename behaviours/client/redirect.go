package client

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tload/behaviours/http1"
	"tload/stats"
)

// maxHops is how many redirects are followed in a row.
const maxHops = 10

// redirect prepares the next request if the reply sends elsewhere. What led
// there becomes a hop of the exchange.
func (c *Client) redirect(k *call, opts []Option) bool {
	r := c.resp
	keepMethod := false
	switch r.Status {
	case 301, 302, 303:
	case 307, 308:
		keepMethod = true
	default:
		return false
	}
	location := r.Header("Location")
	if location == "" || k.expect && c.expected(k, opts) {
		return false
	}
	from := k.origin.url(requestTarget(c.out.b))
	if len(k.hops) == maxHops {
		k.err = &http1.Error{Kind: stats.Protocol, Phase: http1.Body, Text: fmt.Sprintf("more than %d redirects", maxHops)}
		return false
	}
	to, path, err := c.resolve(k, from, location)
	if err != nil {
		k.err = &http1.Error{Kind: stats.Protocol, Phase: http1.Body, Err: err,
			Text: fmt.Sprintf("bad redirect to %q: %v", c.t.options.Masker.URL(location), masked(c.t.options.Masker, location, err))}
		return false
	}
	before := k.start
	for _, h := range k.hops {
		before += h.Took
	}
	k.sample.Redirects++
	k.hops = append(k.hops, stats.Hop{URL: from, Status: r.Status, Location: location,
		Took: r.reply.End - before, Head: bytes.Clone(r.reply.Head)})
	// 303 says to fetch what is there; for 301 and 302 it is what every
	// browser does to a POST.
	if !keepMethod && k.verb != "HEAD" && (r.Status == 303 || k.verb == "POST") {
		k.verb, k.body, k.contentType = "GET", nil, ""
	}
	k.origin, k.prefix, k.path = to, "", path
	k.foreign = k.foreign || foreign(k.first, to.host, to.secure)
	return true
}

// foreign says whether a redirect leads to another host, to which no secret goes
// along: another name or address (a subdomain is another, as is localhost for
// 127.0.0.1), or from https to http, where others can read it. Another port of
// the same host is none: a server that moves its users to its TLS port means
// them to arrive as who they are.
func foreign(from *origin, host string, secure bool) bool {
	return from.host != host || from.secure && !secure
}

// resolve says where a Location leads to.
func (c *Client) resolve(k *call, from, location string) (*origin, string, error) {
	if k.origin.unix != "" {
		from = "http://" + k.origin.header + requestTarget(c.out.b)
	}
	base, err := url.Parse(from)
	if err != nil {
		return nil, "", err
	}
	u, err := base.Parse(location)
	if err == nil {
		err = checkOrigin(u)
	}
	switch {
	case err != nil:
		return nil, "", err
	case u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host) && u.User == nil:
		return k.origin, u.RequestURI(), nil
	case u.Scheme == "unix":
		return nil, "", errors.New("no redirect leads to a unix socket")
	case u.User == nil && !k.foreign && !foreign(k.first, u.Hostname(), u.Scheme == "https"):
		u.User = k.first.user
	}
	return c.t.origin(u), u.RequestURI(), nil
}
