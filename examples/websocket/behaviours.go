// Chat over a WebSocket: one connection per user, a message and its answer.
//
//	CHAT_URL=ws://localhost:8080/chat go run ./examples/websocket -u 10 -t 30s
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"tload/behaviours"
	"tload/behaviours/ws"
	"tload/cli"
)

func main() { cli.Main(talker(os.Getenv("CHAT_URL"))) }

func talker(url string) behaviours.Behaviour {
	return behaviours.Behaviour{
		Name: "Talker",
		Wait: behaviours.Poisson(2 * time.Second),
		New: func(u *behaviours.User) *behaviours.Set {
			var c *ws.Conn
			return &behaviours.Set{
				OnStart: func(ctx context.Context) (err error) {
					c, err = ws.Dial(ctx, u, url)
					return err
				},
				OnStop: func(context.Context) error { return c.Close() },
				Tasks: []behaviours.Task{{Name: "talk", Run: func(ctx context.Context) error {
					_, err := c.Exchange(ctx, "say", fmt.Appendf(nil, `{"from":%d,"say":"hello"}`, u.ID()))
					return err
				}}},
			}
		},
	}
}
