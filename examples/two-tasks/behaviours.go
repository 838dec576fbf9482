// Two tasks, picked evenly. Run it with
//
//	tload --host=http://localhost:5000
//
// in this directory.
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
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Name: "something", Run: func(ctx context.Context) error {
				_, err := u.Get(ctx, "/something")
				return err
			}},
			{Name: "something else", Run: func(ctx context.Context) error {
				_, err := u.Get(ctx, "/something-else")
				return err
			}},
		}}
	},
}
