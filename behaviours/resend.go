package behaviours

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tload/stats"
)

// Send sends the request of an exchange once more, on a connection of its own,
// and returns the fresh exchange. It is recorded nowhere. The error says why it
// could not be sent; a failing reply is no error.
func (t *Transport) Send(ctx context.Context, x *stats.Exchange) (*stats.Exchange, error) {
	lines := strings.Split(strings.TrimRight(string(x.Request.Head), "\r\n"), "\n")
	method, _, ok := strings.Cut(lines[0], " ")
	switch {
	case !ok || x.URL == "":
		return nil, fmt.Errorf("only HTTP requests can be sent again, and this one went over %s", x.Key.Method)
	case x.Request.Cut():
		return nil, fmt.Errorf("of the request's body only %d of %d bytes were kept (--capture-body)", len(x.Request.Body), x.Request.Size)
	}
	// The headers go as they went, so the client's own are taken away.
	var opts []Option
	seen := map[string]bool{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":")
		switch strings.ToLower(name) {
		case "", "host", "content-length", "transfer-encoding", "connection":
			continue
		}
		if ok {
			seen[strings.ToLower(name)] = true
			opts = append(opts, Header(name, strings.TrimSpace(value)))
		}
	}
	for _, name := range []string{"User-Agent", "Accept", "Accept-Encoding", "Content-Type"} {
		if !seen[strings.ToLower(name)] {
			opts = append(opts, Header(name, ""))
		}
	}
	opts = append(opts, Name(x.Key.Name))
	if len(x.Hops) == 0 {
		opts = append(opts, NoRedirect())
	}
	base, cancel := context.WithCancel(ctx)
	defer cancel()
	var fresh *stats.Exchange
	c := t.Client(Who{ID: x.User, Behaviour: x.Behaviour, Base: base, Trace: func(x *stats.Exchange) { fresh = x }})
	defer t.Retire(c)
	c.doing(x.Task, x.Iteration, false, 0)
	c.Do(base, method, x.URL, x.Request.Body, opts...)
	if fresh == nil {
		return nil, errors.New("nothing was sent")
	}
	return fresh, nil
}
