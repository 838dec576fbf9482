// Command man prints the manual page.
//
//	go run ./docs/man >tload.1
package main

import (
	"log"
	"os"

	"tload/cli"
)

func main() {
	if err := cli.ManPage(os.Stdout); err != nil {
		log.Fatal(err)
	}
}
