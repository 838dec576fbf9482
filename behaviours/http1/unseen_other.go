//go:build !linux

package http1

// unseen cannot be told here: what was sent counts as seen.
func (w *wire) unseen() bool { return false }
