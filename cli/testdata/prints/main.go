// Command prints is a program whose users print in every way there is.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"tload/behaviours"
	"tload/cli"
)

func main() {
	cli.Main(behaviours.Behaviour{
		Name: "Printer", Wait: behaviours.Constant(200 * time.Millisecond),
		New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "print", Run: func(ctx context.Context) error {
				fmt.Println("by-fmt \x1b[2J", u.ID())
				fmt.Fprintln(os.Stderr, "by-stderr")
				log.Println("by-log")
				println("by-println")
				if _, err := os.Stat("crash"); err == nil {
					go panic("by-crash")
				}
				_, err := u.Get(ctx, "/ok")
				return err
			}}}}
		},
	})
}
