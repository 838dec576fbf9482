package client

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
)

// atOnce is how many requests of a batch are under way at a time, each over a connection
// of its own: as many as browsers open to a server.
const atOnce = 6

// Batch sends n requests, up to six at a time, and waits for all of their replies, which
// are copies and stay valid. What i is about says of. They share the user's cookies and
// headers; the connections beside the user's own stay open for the next batch. The
// error joins those of all that failed.
func (d *Driver) Batch(ctx context.Context, n int, of func(i int) (method, path string, body []byte, opts []Option)) ([]*Response, error) {
	c := (*Client)(d)
	if err := c.take(); err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	defer c.give()
	c.settle()
	c.widen(min(n, atOnce) - 1)
	replies, errs := make([]*Response, n), make([]error, n)
	var next atomic.Int64
	var panicked atomic.Pointer[string]
	work := func(c *Client) {
		defer func() {
			if r := recover(); r != nil { // of a Check; it is the task's, on whose goroutine it is caught
				text := fmt.Sprintf("%v\n%s", r, debug.Stack())
				panicked.CompareAndSwap(nil, &text)
			}
		}()
		for {
			i := int(next.Add(1) - 1)
			if i >= n {
				return
			}
			replies[i], errs[i] = c.one(ctx, of, i)
		}
	}
	var wg sync.WaitGroup
	for _, l := range c.lanes[:max(min(n, atOnce)-1, 0)] {
		wg.Go(func() { work(l) })
	}
	work(c)
	wg.Wait()
	if text := panicked.Load(); text != nil {
		panic(*text)
	}
	return replies, errors.Join(errs...)
}

// one sends one request of a batch.
func (c *Client) one(ctx context.Context, of func(int) (string, string, []byte, []Option), i int) (*Response, error) {
	method, path, body, opts := of(i)
	if slices.ContainsFunc(opts, func(o Option) bool { return o.what == optCatch }) {
		return new(Response), fmt.Errorf("%s %s: CatchResponse is for a request that is alone: Check judges one of a batch", method, path)
	}
	r, err := c.doTaken(ctx, method, path, body, opts)
	return r.Clone(), err
}

// widen makes n lanes that are as this client is now.
func (c *Client) widen(n int) {
	jar := c.jar()
	for len(c.lanes) < n {
		c.lanes = append(c.lanes, c.t.Client(c.who))
	}
	for _, l := range c.lanes[:max(n, 0)] {
		l.cookie.Store(jar)
		l.header.Store(c.header.Load())
		l.task, l.iteration = c.task, c.iteration
		for i := range c.routes {
			l.route(c.routes[i].o).session = c.session(c.routes[i].o)
		}
	}
}
