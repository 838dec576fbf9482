package udp_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tload/behaviours"
	"tload/behaviours/udp"
)

func TestExchange(t *testing.T) {
	s, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var count atomic.Int64
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			count.Add(1)
			if string(b[:n]) != "silence" {
				s.WriteTo(b[:n], from)
			}
		}
	}()
	b := func(text string) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "udp", New: func(u *behaviours.User) *behaviours.Set {
			var c *udp.Conn
			return &behaviours.Set{
				OnStart: func(context.Context) (err error) { c, err = udp.Dial(u, s.LocalAddr().String()); return err },
				OnStop:  func(context.Context) error { return c.Close() },
				Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
					reply, err := c.Exchange(ctx, "echo", []byte(text), 200*time.Millisecond)
					if err == nil && string(reply) != text {
						return fmt.Errorf("got %q", reply)
					}
					return err
				}}},
			}
		}}
	}
	if err := behaviours.Run(t.Context(), b("hello"), "", 50); err != nil || count.Load() != 50 {
		t.Errorf("got %v; the server counted %d, want 50", err, count.Load())
	}
	if err := behaviours.Run(t.Context(), b("silence"), "", 1); err == nil || !strings.Contains(err.Error(), "TIMEOUT udp echo") {
		t.Errorf("got %v, want a TIMEOUT", err)
	}
}
