// Redis: count visits, read them back.
//
//	REDIS_ADDR=localhost:6379 go run ./examples/redis -u 10 -t 30s
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"

	"tload/behaviours"
	tredis "tload/behaviours/redis"
	"tload/cli"
)

func main() { cli.Main(counter(os.Getenv("REDIS_ADDR"))) }

func counter(addr string) behaviours.Behaviour {
	return behaviours.Behaviour{
		Name: "Counter",
		Wait: behaviours.Throughput(50),
		New: func(u *behaviours.User) *behaviours.Set {
			c := redis.NewClient(&redis.Options{Addr: addr, PoolSize: 1, MaxRetries: -1})
			c.AddHook(tredis.Measured(u))
			return &behaviours.Set{
				OnStop: func(context.Context) error { return c.Close() },
				Tasks: []behaviours.Task{
					{Name: "visit", Weight: 3, Run: func(ctx context.Context) error {
						return c.Incr(ctx, fmt.Sprintf("visits:%d", u.ID()%10)).Err()
					}},
					{Name: "read", Run: func(ctx context.Context) error {
						if err := c.Get(ctx, "visits:1").Err(); err != redis.Nil {
							return err
						}
						return nil
					}},
				},
			}
		},
	}
}
