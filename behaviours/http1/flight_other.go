//go:build !linux

package http1

// poller needs epoll.
type poller struct{ sweeper *Sweeper }

func (p *poller) forget(*Conn) {}

func (p *poller) start() {}

func (p *poller) close() {}

func (w *wire) attach() {}

func (c *Conn) Startable() bool { return false }

func (c *Conn) Start(*Request, *Reply, Waiter, bool) bool { panic("http1: not startable") }

func (c *Conn) Finish() error { panic("http1: not started") }
