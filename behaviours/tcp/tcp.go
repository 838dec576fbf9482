// Package tcp measures request and reply over a TCP connection of a user's own,
// for protocols that have no package.
//
//	c, err := tcp.Dial(ctx, u, "127.0.0.1:7000")
//	reply, err := c.Exchange(ctx, "PING", []byte("PING\n"), tcp.Line)
package tcp

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"tload/behaviours"
)

// Conn is a connection of one user. It is for that user's goroutine.
type Conn struct {
	u *behaviours.User
	c net.Conn
	r *bufio.Reader
}

// Dial connects and measures that as the row "tcp connect ADDR". The caller
// closes the connection, for instance in OnStop.
func Dial(ctx context.Context, u *behaviours.User, addr string) (*Conn, error) {
	return dial(ctx, u, addr, nil)
}

// DialTLS is Dial with a TLS handshake; config may be nil.
func DialTLS(ctx context.Context, u *behaviours.User, addr string, config *tls.Config) (*Conn, error) {
	if config == nil {
		config = &tls.Config{}
	}
	return dial(ctx, u, addr, config)
}

func dial(ctx context.Context, u *behaviours.User, addr string, config *tls.Config) (*Conn, error) {
	var c net.Conn
	err := u.MeasureCall(ctx, "tcp", "connect "+addr, func(ctx context.Context, call *behaviours.Call) (err error) {
		call.Dialled = true
		if config == nil {
			c, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		} else {
			c, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", addr)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Conn{u, c, bufio.NewReader(c)}, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.c.Close() }

// Read reads one reply from a connection, such as Line or Bytes(n). It returns
// all that it read, also with an error.
type Read func(*bufio.Reader) ([]byte, error)

// maxReply bounds what a peer can make a user hold.
const maxReply = 64 << 20

// Line reads up to a newline.
func Line(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
		if len(line) > maxReply {
			return line, fmt.Errorf("a line of more than %d bytes", maxReply)
		}
	}
}

// Bytes reads exactly n bytes.
func Bytes(n int) Read {
	return func(r *bufio.Reader) ([]byte, error) {
		b := make([]byte, n)
		got, err := io.ReadFull(r, b)
		return b[:got], err
	}
}

// Exchange writes request, reads a reply and measures both as the row name. A
// nil read waits for no reply. ctx bounds it; when it ends the connection is
// of no more use. The errors view shows what was sent and what had come.
func (c *Conn) Exchange(ctx context.Context, name string, request []byte, read Read) ([]byte, error) {
	var reply []byte
	err := c.u.MeasureCall(ctx, "tcp", name, func(ctx context.Context, call *behaviours.Call) (err error) {
		call.Request = request
		call.Local, call.Remote = c.c.LocalAddr().String(), c.c.RemoteAddr().String()
		stop := context.AfterFunc(ctx, func() { c.c.SetDeadline(time.Unix(1, 0)) })
		defer stop()
		defer func() {
			call.Response, call.In = reply, int64(len(reply))
			if err != nil && ctx.Err() != nil {
				err = fmt.Errorf("%w: %w", ctx.Err(), err)
			}
		}()
		n, err := c.c.Write(request)
		call.Out = int64(n)
		if err == nil && read != nil {
			reply, err = read(c.r)
		}
		return err
	})
	return reply, err
}
