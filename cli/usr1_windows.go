package cli

import "os"

// reportsAsked is nothing: Windows has no signal that asks.
func reportsAsked() <-chan os.Signal { return nil }
