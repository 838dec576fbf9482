// Not HTTP: lines over TCP, to a server that answers each one.
//
//	LINE_SERVER=localhost:7000 go run ./examples/tcp -u 10 -t 30s
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"tload/behaviours"
	"tload/behaviours/tcp"
	"tload/cli"
)

func main() { cli.Main(pinger(os.Getenv("LINE_SERVER"))) }

func pinger(addr string) behaviours.Behaviour {
	return behaviours.Behaviour{
		Name: "Pinger",
		Wait: behaviours.Throughput(10),
		Host: "tcp://" + addr,
		New: func(u *behaviours.User) *behaviours.Set {
			var c *tcp.Conn
			return &behaviours.Set{
				OnStart: func(ctx context.Context) (err error) {
					c, err = tcp.Dial(ctx, u, addr)
					return err
				},
				OnStop: func(context.Context) error { return c.Close() },
				Tasks: []behaviours.Task{{Name: "ping", Run: func(ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
					defer cancel()
					reply, err := c.Exchange(ctx, "PING", []byte("PING\n"), tcp.Line)
					if err == nil && string(reply) != "PONG\n" {
						return behaviours.WithDetail(fmt.Errorf("not a PONG"), reply)
					}
					return err
				}}},
			}
		},
	}
}
