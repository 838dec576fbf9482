package client

import (
	"slices"
	"strings"
)

// SetHeader has every request of this user, from the next one on, send that header, for
// as long as the user lives: the token of a login, say. It stands instead of the run's
// header of that name, and gives way to a request's own; an empty value sends none. It may
// be called on any goroutine. Redirects to another server do not take it there if it is a
// secret, as with Header.
func (c *Client) SetHeader(name, value string) {
	for {
		was := c.header.Load()
		var list []Option
		if was != nil {
			list = slices.DeleteFunc(slices.Clone(*was), func(o Option) bool { return strings.EqualFold(o.a, name) })
		}
		list = append(list, Header(name, value))
		if c.header.CompareAndSwap(was, &list) {
			return
		}
	}
}

// wants says whether the user sends a header of that name with every request.
func (c *Client) wants(name string) bool {
	h := c.header.Load()
	return h != nil && overridden(*h, name)
}

// also is a request's options behind those of its user that they do not take the place
// of, in memory that lasts until the next request. One that is typed says itself of what
// type its body is.
func (s *scratch) also(users, opts []Option, typed bool) []Option {
	s.opts = s.opts[:0]
	for _, o := range users {
		if !overridden(opts, o.a) && !(typed && strings.EqualFold(o.a, "Content-Type")) {
			s.opts = append(s.opts, o)
		}
	}
	s.opts = append(s.opts, opts...)
	return s.opts
}
