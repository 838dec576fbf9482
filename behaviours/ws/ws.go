// Package ws measures WebSocket connections and messages, by
// github.com/coder/websocket.
//
//	c, err := ws.Dial(ctx, u, "ws://127.0.0.1:8080/chat")
//	reply, err := c.Exchange(ctx, "say", []byte(`{"say":"hello"}`))
package ws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"tload/behaviours"
)

// Conn is a WebSocket of one user. It is for that user's goroutine.
type Conn struct {
	u *behaviours.User
	c *websocket.Conn
}

// Dial connects and measures that as the row "ws connect PATH". The URL begins
// with ws:// or wss://. The caller closes the connection.
func Dial(ctx context.Context, u *behaviours.User, url string, headers ...behaviours.Field) (*Conn, error) {
	name := url
	if _, rest, ok := strings.Cut(url, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name = rest[i:]
		}
	}
	header := http.Header{}
	for _, f := range headers {
		header.Add(f.Name, f.Value)
	}
	var c *websocket.Conn
	err := u.MeasureCall(ctx, "ws", "connect "+name, func(ctx context.Context, call *behaviours.Call) error {
		call.Dialled = true
		conn, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: u.HTTPClient(), HTTPHeader: header})
		if resp != nil {
			call.Status = resp.StatusCode
			if err != nil && resp.Body != nil {
				call.Response, _ = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			}
		}
		c = conn
		return err
	})
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(64 << 20)
	return &Conn{u, c}, nil
}

// Exchange sends a text message and waits for the next message; both are
// measured as the row name.
func (c *Conn) Exchange(ctx context.Context, name string, message []byte) ([]byte, error) {
	return c.exchange(ctx, name, websocket.MessageText, message)
}

// ExchangeBinary is Exchange of a binary message.
func (c *Conn) ExchangeBinary(ctx context.Context, name string, message []byte) ([]byte, error) {
	return c.exchange(ctx, name, websocket.MessageBinary, message)
}

func (c *Conn) exchange(ctx context.Context, name string, kind websocket.MessageType, message []byte) ([]byte, error) {
	var reply []byte
	err := c.u.MeasureCall(ctx, "ws", name, func(ctx context.Context, call *behaviours.Call) (err error) {
		call.Request, call.Out = message, int64(len(message))
		defer func() { call.Status = int(max(closeStatus(err), 0)) }()
		if err := c.c.Write(ctx, kind, message); err != nil {
			return err
		}
		_, reply, err = c.c.Read(ctx)
		call.Response, call.In = reply, int64(len(reply))
		return err
	})
	return reply, err
}

// Send sends a text message and measures that alone.
func (c *Conn) Send(ctx context.Context, name string, message []byte) error {
	return c.send(ctx, name, websocket.MessageText, message)
}

// SendBinary is Send of a binary message.
func (c *Conn) SendBinary(ctx context.Context, name string, message []byte) error {
	return c.send(ctx, name, websocket.MessageBinary, message)
}

func (c *Conn) send(ctx context.Context, name string, kind websocket.MessageType, message []byte) error {
	return c.u.MeasureCall(ctx, "ws", name, func(ctx context.Context, call *behaviours.Call) error {
		call.Request, call.Out = message, int64(len(message))
		return c.c.Write(ctx, kind, message)
	})
}

// Receive waits for the next message and measures how long that took.
func (c *Conn) Receive(ctx context.Context, name string) ([]byte, error) {
	var message []byte
	err := c.u.MeasureCall(ctx, "ws", name, func(ctx context.Context, call *behaviours.Call) (err error) {
		_, message, err = c.c.Read(ctx)
		call.Response, call.In = message, int64(len(message))
		call.Status = int(max(closeStatus(err), 0))
		return err
	})
	return message, err
}

// Close says goodbye to the server.
func (c *Conn) Close() error { return c.c.Close(websocket.StatusNormalClosure, "") }

// closeStatus is the status that the peer closed with, -1 if it did not.
func closeStatus(err error) websocket.StatusCode {
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		return e.Code
	}
	return -1
}
