//go:build !unix

package cli

import "errors"

type leash struct{}

type left struct {
	Run, Dir string
	PID      int
}

func leashed() *leash           { return nil }
func (*leash) keep()            {}
func (*leash) watch(func())     {}
func (*leash) leave(left) error { return errors.New("not on this system") }

// inChild is not to be had on this system.
func (p *program) inChild(bool) (code int, ok bool) { return 0, false }
