// Command prints is a program whose users print in every way there is.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"tload/behaviours"
	"tload/cli"
)

var started atomic.Bool

func main() {
	cli.Main(behaviours.Behaviour{
		Name: "Printer", Wait: behaviours.Constant(200 * time.Millisecond),
		New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "print", Run: func(ctx context.Context) error {
				fmt.Println("by-fmt \x1b[2J", u.ID())
				fmt.Fprintln(os.Stderr, "by-stderr")
				log.Println("by-log")
				println("by-println")
				if u.ID() == 1 && !started.Swap(true) { // it holds standard output for longer than the screen is up
					child := exec.Command("sleep", "20")
					child.Stdout = os.Stdout
					child.Start()
				}
				if _, err := os.Stat("crash"); err == nil {
					go panic("by-crash")
				}
				_, err := u.Get(ctx, "/ok")
				return err
			}}}}
		},
	})
}
