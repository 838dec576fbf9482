//go:build !linux && !darwin

package http1

import "time"

const pollable = false

func (w *wire) step(fd uintptr) bool { return true }

func (w *wire) alive() (open, surplus bool) { return true, false }

func (w *wire) nudge() bool { return false }

// outbox needs sockets that can be written without blocking.
type outbox struct{}

func (b *outbox) open(*Sweeper) {}

func (b *outbox) busy(time.Duration) bool { return false }

func (w *wire) collect() bool { return false }
