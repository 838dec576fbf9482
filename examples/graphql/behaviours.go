// GraphQL: rows by operation, errors inside a 200 found.
package main

import (
	"context"
	"time"

	"tload/behaviours"
	"tload/behaviours/graphql"
	"tload/cli"
)

func main() { cli.Main(reader) }

var reader = behaviours.Behaviour{
	Name: "Reader",
	Wait: behaviours.Between(500*time.Millisecond, 2*time.Second),
	New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Name: "items", Weight: 3, Run: func(ctx context.Context) error {
				return graphql.Do(ctx, u, "/graphql", graphql.Request{Query: "query Items { items { id name } }"}, nil)
			}},
			{Name: "buy", Run: func(ctx context.Context) error {
				return graphql.Do(ctx, u, "/graphql", graphql.Request{
					Query:     "mutation Buy($id: ID!) { buy(id: $id) { ok } }",
					Variables: map[string]any{"id": u.Rand().IntN(100)},
				}, nil)
			}},
		}}
	},
}
