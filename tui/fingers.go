package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// fingers tell keys that were pressed from a text that was pasted into a terminal which
// does not say so: letters come one upon the other, faster than anybody types. A key
// that is held down repeats itself, and a number typed by a script is none of that.
type fingers struct {
	now     func() time.Time // time.Now if nil
	at      time.Time        // of the last character
	last    string
	letters int // that came so, each another one than before
	dialogs int // that were open when it began
}

const (
	pastedApart = 5 * time.Millisecond // the characters of a pasted text, at most
	pastedFrom  = 4                    // letters on, it is one
)

// pasted says whether a key is one of a pasted text, and how many dialogs were open
// before that began.
func (f *fingers) pasted(k tea.KeyPressMsg, dialogs int) (yes bool, before int) {
	now := time.Now()
	if f.now != nil {
		now = f.now()
	}
	if f.at.IsZero() || now.Sub(f.at) >= pastedApart {
		f.letters, f.dialogs, f.last = 0, dialogs, ""
	}
	f.at = now
	if c := k.String(); c != f.last && len(k.Text) > 0 && (k.Text[0] < '0' || k.Text[0] > '9') {
		f.letters++
		f.last = c
	}
	return f.letters >= pastedFrom, f.dialogs
}
