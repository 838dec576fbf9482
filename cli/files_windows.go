package cli

// raiseFileLimit is 0: Windows has no limit of this kind.
func raiseFileLimit() int { return 0 }
