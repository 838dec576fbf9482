package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// fingers tell keys that were pressed from a text that was pasted into a terminal which
// does not say so: different characters come one upon the other, faster than anybody
// types. A key that is held down repeats itself, and is none of that.
type fingers struct {
	now  func() time.Time // time.Now if nil
	at   time.Time        // of the last character
	last string
	rush bool // it was one of a pasted text
}

// slowest is how far apart the characters of a pasted text are at most.
const slowest = 5 * time.Millisecond

// pasted says whether a key is one of a pasted text, past its first character.
func (f *fingers) pasted(k tea.KeyPressMsg) bool {
	if k.Text == "" && k.String() != "enter" && k.String() != "tab" {
		return false
	}
	now := time.Now()
	if f.now != nil {
		now = f.now()
	}
	close := !f.at.IsZero() && now.Sub(f.at) < slowest
	f.rush = close && (f.rush || k.Text != "" && k.String() != f.last)
	f.at, f.last = now, k.String()
	return f.rush
}
