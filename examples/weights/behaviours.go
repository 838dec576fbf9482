// Weights: something is done twice as often as something else.
package main

import (
	"time"

	"tload/behaviours"
	"tload/cli"
)

func main() { cli.Main(visitor) }

var visitor = behaviours.Behaviour{
	Name: "Visitor",
	Wait: behaviours.Between(5*time.Second, 15*time.Second),
	New: func(*behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Request: &behaviours.Request{Path: "/something"}, Weight: 2},
			{Request: &behaviours.Request{Path: "/something-else"}, Weight: 1},
		}}
	},
}
