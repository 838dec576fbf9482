// Command tload is a load tester that lives in a terminal.
package main

import "tload/cli"

func main() { cli.Main() }
