// Weights: something is done twice as often as something else.
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
	Wait: behaviours.Between(5*time.Second, 15*time.Second),
	New: func(u *behaviours.User) *behaviours.Set {
		v := user{u}
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Run: v.something, Weight: 2},
			{Run: v.somethingElse, Weight: 1},
		}}
	},
}

type user struct{ *behaviours.User }

func (v user) something(ctx context.Context) error {
	_, err := v.Get(ctx, "/something")
	return err
}

func (v user) somethingElse(ctx context.Context) error {
	_, err := v.Get(ctx, "/something-else")
	return err
}
