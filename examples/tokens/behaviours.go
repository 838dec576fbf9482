// A stream of tokens, as language models send them: the time to the first one
// and the gaps between them are rows of their own.
package main

import (
	"context"
	"os"
	"time"

	"tload/behaviours"
	"tload/behaviours/sse"
	"tload/cli"
)

func main() { cli.Main(asker(os.Getenv("MODEL_URL"))) }

func asker(url string) behaviours.Behaviour {
	return behaviours.Behaviour{
		Name: "Asker",
		Wait: behaviours.Between(1*time.Second, 3*time.Second),
		New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "ask", Run: func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				return sse.Get(ctx, u, url, func(e sse.Event) error {
					if e.Data == "[DONE]" {
						return sse.Done
					}
					return nil
				})
			}}}}
		},
	}
}
