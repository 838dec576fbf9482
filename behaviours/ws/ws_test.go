package ws_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"tload/behaviours"
	"tload/behaviours/ws"
)

func TestWebSocket(t *testing.T) {
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			http.Error(w, "no sockets here", http.StatusForbidden)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			count.Add(1)
			if string(b) == "bye" {
				c.Close(websocket.StatusPolicyViolation, "not that")
				return
			}
			c.Write(r.Context(), kind, append([]byte("re: "), b...))
		}
	}))
	defer s.Close()
	b := func(path, text string) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "ws", New: func(u *behaviours.User) *behaviours.Set {
			var c *ws.Conn
			return &behaviours.Set{
				OnStart: func(ctx context.Context) (err error) {
					c, err = ws.Dial(ctx, u, strings.Replace(s.URL, "http", "ws", 1)+path)
					return err
				},
				OnStop: func(context.Context) error { c.Close(); return nil },
				Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
					reply, err := c.Exchange(ctx, "say", []byte(text))
					if err == nil && string(reply) != "re: "+text {
						return fmt.Errorf("got %q", reply)
					}
					return err
				}}},
			}
		}}
	}
	if err := behaviours.Run(t.Context(), b("/chat", "hello"), "", 50); err != nil || count.Load() != 50 {
		t.Errorf("got %v; the server counted %d, want 50", err, count.Load())
	}
	if err := behaviours.Run(t.Context(), b("/chat", "bye"), "", 1); err == nil || !strings.Contains(err.Error(), "ws say") || !strings.Contains(err.Error(), "not that") {
		t.Errorf("got %v, want the reason of the close", err)
	}
	if err := behaviours.Run(t.Context(), b("/refused", "x"), "", 1); err == nil || !strings.Contains(err.Error(), "connect /refused") {
		t.Errorf("got %v, want a refused connect", err)
	}
}

// TestBinaryMessages are binary when they arrive.
func TestBinaryMessages(t *testing.T) {
	kinds := make(chan websocket.MessageType, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			kinds <- kind
			c.Write(r.Context(), kind, b)
		}
	}))
	defer s.Close()
	err := behaviours.Run(t.Context(), behaviours.Behaviour{Name: "ws", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
			c, err := ws.Dial(ctx, u, strings.Replace(s.URL, "http", "ws", 1)+"/")
			if err != nil {
				return err
			}
			defer c.Close()
			if reply, err := c.ExchangeBinary(ctx, "binary", []byte("\x00\xff")); err != nil || string(reply) != "\x00\xff" {
				return fmt.Errorf("got %q, %v", reply, err)
			}
			if err := c.Send(ctx, "text", []byte("a")); err != nil {
				return err
			}
			if err := c.SendBinary(ctx, "binary", []byte{0xff}); err != nil {
				return err
			}
			_, err = c.Receive(ctx, "reply")
			return err
		}}}}
	}}, s.URL, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []websocket.MessageType{websocket.MessageBinary, websocket.MessageText, websocket.MessageBinary} {
		if got := <-kinds; got != want {
			t.Errorf("message %d is %v, want %v", i, got, want)
		}
	}
}
