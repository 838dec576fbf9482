package client

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"tload/behaviours/http1"
	"tload/stats"
)

// Again sends the request of an exchange once more, as it was but over a new
// connection, and returns what came of it this time. It is for a person who
// looks at a failure: nothing is recorded, no redirect is followed. The error
// is for a request that cannot be sent again at all; one that fails again is
// an exchange like any other.
func (t *Transport) Again(ctx context.Context, x *stats.Exchange) (*stats.Exchange, error) {
	line, _, _ := strings.Cut(string(x.Request.Head), "\r\n")
	method, _, _ := strings.Cut(line, " ")
	switch {
	case x.URL == "" || method == "":
		return nil, errors.New("only HTTP requests can be sent again")
	case x.Request.Cut():
		return nil, errors.New("the request's body was not kept whole")
	}
	target := x.URL
	if strings.HasPrefix(target, "unix:") {
		target = requestTarget(x.Request.Head)
	}
	opts := []Option{Name(x.Key.Name), NoRedirect()}
	captured := http1.Reply{Head: x.Request.Head}
	for n, v := range captured.Headers {
		switch name := string(n); http.CanonicalHeaderKey(name) {
		case "Content-Length", "Connection", "Proxy-Authorization":
		default:
			opts = append(opts, Header(name, string(v)))
		}
	}
	// Its base never ends, so ctx alone says when to give up.
	c := t.Client(Who{ID: x.User, Behaviour: x.Behaviour, Base: context.Background()})
	defer c.close()
	(*Driver)(c).Doing(x.Task, x.Iteration, false, 0)
	_, err := c.Do(ctx, method, target, x.Request.Body, opts...)
	if c.out == nil {
		return nil, err
	}
	message := ""
	var failed *RequestError
	if errors.As(err, &failed) {
		message = failed.Message
	}
	fresh := c.capture(&c.out.call, message)
	fresh.Key = x.Key
	return fresh, nil
}
