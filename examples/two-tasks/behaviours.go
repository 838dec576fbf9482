// Two tasks, picked evenly. Run it with
//
//	tload --host=http://localhost:5000
//
// in this directory.
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
			{Name: "something", Request: &behaviours.Request{Path: "/something"}},
			{Name: "something else", Request: &behaviours.Request{Path: "/something-else"}},
		}}
	},
}
