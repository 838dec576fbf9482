//go:build unix

package cli

import "syscall"

const (
	interruption = syscall.SIGINT
	terminate    = syscall.SIGTERM
	trace        = syscall.SIGQUIT
	pause        = syscall.SIGSTOP
	resume       = syscall.SIGCONT
)

func init() { signals["USR1"] = syscall.SIGUSR1 }
