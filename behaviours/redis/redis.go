// Package redis measures commands of github.com/redis/go-redis, by a hook.
//
//	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", PoolSize: 1})
//	client.AddHook(tredis.Measured(u))
//	err := client.Set(ctx, "key", "value", 0).Err()
package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"tload/behaviours"
)

// Measured is a hook that makes each command of a client a row, named by the
// command. The client must be that user's own. A missing key (redis.Nil) is an
// answer, not a failure.
func Measured(u *behaviours.User) redis.Hook { return hook{u} }

type hook struct{ u *behaviours.User }

func (h hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		err = h.u.MeasureCall(ctx, "redis", "connect", func(ctx context.Context, call *behaviours.Call) (err error) {
			call.Dialled = true
			c, err = next(ctx, network, addr)
			return err
		})
		return c, err
	}
}

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if h.setup(cmd) {
			return next(ctx, cmd)
		}
		var answer error
		h.u.MeasureCall(ctx, "redis", strings.ToUpper(cmd.FullName()), func(ctx context.Context, call *behaviours.Call) error {
			answer = next(ctx, cmd)
			if answer != nil && !errors.Is(answer, redis.Nil) {
				call.Request, call.Response = describe(cmd), []byte(answer.Error())
				return answer
			}
			return nil
		})
		return answer
	}
}

// setup says whether a command is the client's own, as it connects.
func (hook) setup(cmd redis.Cmder) bool {
	switch cmd.Name() {
	case "hello", "client", "auth", "select":
		return true
	}
	return false
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 && h.setup(cmds[0]) {
			return next(ctx, cmds)
		}
		var answer error
		h.u.MeasureCall(ctx, "redis", fmt.Sprintf("pipeline of %d", len(cmds)), func(ctx context.Context, call *behaviours.Call) error {
			answer = next(ctx, cmds)
			if answer != nil && !errors.Is(answer, redis.Nil) {
				for _, c := range cmds {
					call.Request = append(append(call.Request, describe(c)...), '\n')
				}
				call.Response = []byte(answer.Error())
				return answer
			}
			return nil
		})
		return answer
	}
}

func describe(cmd redis.Cmder) []byte {
	var b strings.Builder
	for i, a := range cmd.Args() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, a)
	}
	return []byte(b.String())
}
