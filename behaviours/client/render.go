package client

import (
	"slices"
	"strconv"
	"strings"

	"tload/behaviours/http1"
)

// render writes the request line and the headers into c.out.
func (c *Client) render(k *call, opts []Option) *http1.Error {
	b := append(c.out.b[:0], k.verb...)
	b = append(b, ' ')
	o := k.origin
	if c.t.proxy != nil && !o.secure && o.unix == "" && !c.t.options.HTTP2 {
		b = append(b, "http://"...)
		b = append(b, o.header...)
	}
	b = append(b, k.prefix...)
	if k.path == "" || k.path[0] != '/' {
		b = append(b, '/')
	}
	b = appendTarget(b, k.path)
	switch {
	case c.t.options.HTTP2:
		b = append(b, " HTTP/2.0\r\n"...)
	case c.t.options.HTTP3:
		b = append(b, " HTTP/3.0\r\n"...)
	default:
		b = append(b, " HTTP/1.1\r\n"...)
	}
	if h := c.header.Load(); h != nil {
		opts = c.out.also(*h, opts, k.contentType != "")
	}
	k.own = false
	for i := range opts {
		k.own = k.own || opts[i].what == optHeader
	}
	k.wait, k.closing, k.cookied = false, false, false
	if !k.own && !k.foreign && !(o.typed && k.contentType != "") {
		b = append(b, o.block...)
	} else {
		var err *http1.Error
		if b, err = c.renderFields(b, k, opts); err != nil {
			return err
		}
	}
	if !k.cookied && (c.cookie.Load() != nil || o.cookies != "") {
		b = c.appendCookies(b, k, nil)
	}
	if k.contentType != "" {
		b = appendField(b, "Content-Type", k.contentType)
	}
	if len(k.body) > 0 || k.verb == "POST" || k.verb == "PUT" || k.verb == "PATCH" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(k.body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if len(k.body) <= inlineBody {
		b = slices.Grow(b, len(k.body)) // the engine sends it in one piece
	}
	c.out.b = b
	return nil
}

// inlineBody is up to what size a body goes behind its headers.
const inlineBody = 32 << 10

// renderFields writes the headers of a request that has some of its own, or
// that a redirect has led away from where it was meant to go. A Content-Type
// that comes with the body stands for that of every request.
func (c *Client) renderFields(b []byte, k *call, opts []Option) ([]byte, *http1.Error) {
	for _, f := range k.origin.fields {
		typed := k.contentType != "" && strings.EqualFold(f.Name, "Content-Type")
		if !overridden(opts, f.Name) && !(k.foreign && c.private(f.Name)) && !typed {
			b = appendField(b, f.Name, f.Value)
		}
	}
	for i := range opts {
		o := &opts[i]
		if o.what == optHeader && strings.EqualFold(o.a, "Cookie") && o.b == "" {
			k.cookied = true // with none
		}
		if o.what != optHeader || o.b == "" || k.foreign && (c.private(o.a) || strings.EqualFold(o.a, "Host")) {
			continue
		}
		if err := checkHeader(o.a, o.b); err != nil {
			return b, refused("%v", err)
		}
		switch {
		case strings.EqualFold(o.a, "Cookie"):
			if !k.cookied {
				b = c.appendCookies(b, k, opts)
			}
			continue
		case strings.EqualFold(o.a, "Content-Type"):
			k.contentType = ""
			if len(k.body) == 0 && len(k.hops) > 0 {
				continue // the redirect has dropped the body
			}
		case strings.EqualFold(o.a, "Connection") && strings.EqualFold(o.b, "close"):
			k.closing = true
		case strings.EqualFold(o.a, "Expect") && strings.EqualFold(o.b, "100-continue"):
			k.wait = true
		}
		b = appendField(b, o.a, o.b)
	}
	if k.foreign && overridden(opts, "Host") {
		b = appendField(b, "Host", k.origin.header)
	}
	return b, nil
}

func overridden(opts []Option, name string) bool {
	for i := range opts {
		if opts[i].what == optHeader && strings.EqualFold(opts[i].a, name) {
			return true
		}
	}
	return false
}

// private headers are not for another server than the one they were given for:
// all whose names are of secrets. Proxy-Authorization is for the proxy, which
// stays the same.
func (c *Client) private(name string) bool {
	if strings.EqualFold(name, "Proxy-Authorization") && c.t.proxy != nil {
		return false
	}
	return c.t.options.Masker.Secret(name) || strings.EqualFold(name, "Www-Authenticate") || strings.EqualFold(name, "Cookie2")
}
