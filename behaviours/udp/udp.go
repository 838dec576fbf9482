// Package udp measures request and reply in datagrams.
//
//	c, err := udp.Dial(u, "127.0.0.1:5353")
//	reply, err := c.Exchange(ctx, "query", packet, time.Second)
package udp

import (
	"context"
	"fmt"
	"net"
	"time"

	"tload/behaviours"
)

// Conn is a socket of one user, connected to one address. It is for that
// user's goroutine.
type Conn struct {
	u *behaviours.User
	c net.Conn
	b []byte
}

// Dial makes a socket. Nothing is sent, so nothing is measured. The caller
// closes it.
func Dial(u *behaviours.User, addr string) (*Conn, error) {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{u, c, make([]byte, 64<<10)}, nil
}

// Close closes the socket.
func (c *Conn) Close() error { return c.c.Close() }

// Exchange sends a datagram and waits for one back, at most timeout long;
// a lost one is a TIMEOUT. What was still on its way from an exchange before is
// thrown away first. With a timeout of 0 no reply is waited for. The reply is
// valid until the next call.
func (c *Conn) Exchange(ctx context.Context, name string, request []byte, timeout time.Duration) ([]byte, error) {
	c.drain()
	var reply []byte
	err := c.u.MeasureCall(ctx, "udp", name, func(ctx context.Context, call *behaviours.Call) error {
		call.Request, call.Out = request, int64(len(request))
		call.Local, call.Remote = c.c.LocalAddr().String(), c.c.RemoteAddr().String()
		if _, err := c.c.Write(request); err != nil || timeout <= 0 {
			return err
		}
		c.c.SetReadDeadline(time.Now().Add(timeout))
		stop := context.AfterFunc(ctx, func() { c.c.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
		n, err := c.c.Read(c.b)
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("%w: %w", ctx.Err(), err)
			}
			return err
		}
		reply = c.b[:n]
		call.Response, call.In = reply, int64(n)
		return nil
	})
	return reply, err
}

func (c *Conn) drain() {
	c.c.SetReadDeadline(time.Now())
	for {
		if _, err := c.c.Read(c.b); err != nil {
			return
		}
	}
}
