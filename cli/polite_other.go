//go:build !unix

package cli

// politely does nothing on this system.
func politely() {}
