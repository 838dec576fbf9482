//go:build !linux && !darwin

package http1

const pollable = false

func (w *wire) step(fd uintptr) bool { return true }

func (w *wire) alive() (open, surplus bool) { return true, false }

func (w *wire) nudge() {}
