// Command tload is a load tester that lives in a terminal.
package main

import (
	"embed"

	"tload/cli"
)

// source is the program itself, so that it can build behaviours on a machine
// that has only Go and this binary.
//
//go:embed go.mod go.sum LICENSE behaviours cli stats swarm tui
var source embed.FS

func main() { cli.Tool(source) }
