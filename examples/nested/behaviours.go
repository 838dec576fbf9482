// Nested tasks: a user goes into the forum, reads for a while, and leaves.
package main

import (
	"context"
	"time"

	"tload/behaviours"
	"tload/cli"
)

func main() { cli.Main(visitor) }

var visitor = behaviours.Behaviour{
	Name: "Visitor",
	Wait: behaviours.Between(1*time.Second, 5*time.Second),
	New: func(u *behaviours.User) *behaviours.Set {
		v := user{u}
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Run: v.index, Weight: 10},
			{Weight: 5, Set: &behaviours.Set{
				Name: "forum",
				Tasks: []behaviours.Task{
					{Run: v.read, Weight: 20},
					{Run: v.write, Weight: 1},
					{Run: v.leave, Weight: 5},
				},
			}},
		}}
	},
}

type user struct{ *behaviours.User }

func (v user) index(ctx context.Context) error {
	_, err := v.Get(ctx, "/")
	return err
}

func (v user) read(ctx context.Context) error {
	_, err := v.Get(ctx, "/forum/thread")
	return err
}

func (v user) write(ctx context.Context) error {
	_, err := v.Post(ctx, "/forum/thread", "text/plain", []byte("me too"))
	return err
}

func (v user) leave(context.Context) error { return behaviours.Interrupt }
