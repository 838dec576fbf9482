package tcp_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"tload/behaviours"
	"tload/behaviours/tcp"
)

// serve answers lines: "echo X" with X, "close" by closing, and counts.
func serve(t *testing.T, count *atomic.Int64) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for s := bufio.NewScanner(c); s.Scan(); {
					count.Add(1)
					word, rest, _ := strings.Cut(s.Text(), " ")
					switch word {
					case "echo":
						fmt.Fprintln(c, rest)
					case "close":
						fmt.Fprint(c, "half")
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func behaviour(addr, line string) behaviours.Behaviour {
	return behaviours.Behaviour{Name: "tcp", New: func(u *behaviours.User) *behaviours.Set {
		var c *tcp.Conn
		return &behaviours.Set{
			OnStart: func(ctx context.Context) (err error) {
				c, err = tcp.Dial(ctx, u, addr)
				return err
			},
			OnStop: func(context.Context) error { return c.Close() },
			Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
				reply, err := c.Exchange(ctx, "line", []byte(line+"\n"), tcp.Line)
				if err == nil && string(reply) != "hello\n" {
					return fmt.Errorf("got %q", reply)
				}
				return err
			}}},
		}
	}}
}

func TestExchange(t *testing.T) {
	var count atomic.Int64
	addr := serve(t, &count)
	if err := behaviours.Run(t.Context(), behaviour(addr, "echo hello"), "", 100); err != nil {
		t.Error(err)
	}
	if count.Load() != 100 {
		t.Errorf("the server counted %d, want 100", count.Load())
	}
}

func TestAConnectionThatClosesIsAnEOF(t *testing.T) {
	var count atomic.Int64
	err := behaviours.Run(t.Context(), behaviour(serve(t, &count), "close"), "", 1)
	if err == nil || !strings.Contains(err.Error(), "EOF tcp line") {
		t.Errorf("got %v, want an EOF of the row line", err)
	}
}

func TestNobodyListens(t *testing.T) {
	err := behaviours.Run(t.Context(), behaviour("127.0.0.1:1", "echo x"), "", 1)
	if err == nil || !strings.Contains(err.Error(), "CONNECT tcp connect 127.0.0.1:1") {
		t.Errorf("got %v, want a CONNECT failure", err)
	}
}
