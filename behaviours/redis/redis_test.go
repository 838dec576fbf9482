package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"tload/behaviours"
	tredis "tload/behaviours/redis"
	"tload/behaviours/servertest"
)

func TestCommands(t *testing.T) {
	addr := servertest.Redis(t)
	b := behaviours.Behaviour{Name: "redis", New: func(u *behaviours.User) *behaviours.Set {
		var c *redis.Client
		return &behaviours.Set{
			OnStart: func(context.Context) error {
				c = redis.NewClient(&redis.Options{Addr: addr, PoolSize: 1, MaxRetries: -1})
				c.AddHook(tredis.Measured(u))
				return nil
			},
			OnStop: func(context.Context) error { return c.Close() },
			Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
				if err := c.Incr(ctx, "n").Err(); err != nil {
					return err
				}
				if err := c.Get(ctx, "nothing").Err(); !errors.Is(err, redis.Nil) {
					return fmt.Errorf("a missing key: %v", err)
				}
				return nil
			}}, {Name: "wrong", Weight: 1, Run: func(ctx context.Context) error {
				c.Set(ctx, "text", "x", 0)
				c.Incr(ctx, "text")
				return nil
			}}},
		}
	}}
	err := behaviours.Run(t.Context(), b, "", 40)
	if err == nil || !strings.Contains(err.Error(), "ERROR redis INCR: ERR value is not an integer") {
		t.Errorf("got %v, want the server's complaint about INCR", err)
	}
	if err != nil && strings.Contains(err.Error(), "nothing") {
		t.Errorf("a missing key is a failure: %v", err)
	}
	// The server's own count is the truth.
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	info := c.Info(t.Context(), "commandstats").Val()
	n, _ := c.Get(t.Context(), "n").Int()
	if !strings.Contains(info, "cmdstat_incr:calls=40") || n == 0 {
		t.Errorf("INCR: the server counted %q, n is %d", grep(info, "cmdstat_incr"), n)
	}
}

func grep(text, word string) string {
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, word) {
			return l
		}
	}
	return ""
}
