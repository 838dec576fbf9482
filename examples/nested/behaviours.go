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
	New: func(*behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Request: &behaviours.Request{Path: "/"}, Weight: 10},
			{Weight: 5, Set: &behaviours.Set{Name: "forum", Tasks: []behaviours.Task{
				{Name: "read", Request: &behaviours.Request{Path: "/forum/thread"}, Weight: 20},
				{Name: "write", Request: &behaviours.Request{Method: "POST", Path: "/forum/thread", Body: []byte("me too")}, Weight: 1},
				{Name: "leave", Run: func(context.Context) error { return behaviours.Interrupt }, Weight: 5},
			}}},
		}}
	},
}
