package tui

import (
	"time"

	"tload/stats"
	"tload/stats/exchange"
)

// The messages of our own. A result of slow work carries what it was made for,
// and is dropped when nobody asks for that any more.

// tickMsg is the screen's one clock: read a snapshot, draw.
type tickMsg time.Time

// docMsg is a body made ready to read.
type docMsg struct {
	want docKey
	doc  *document
}

// historyMsg is one row's chart points.
type historyMsg struct {
	key     stats.Key
	seconds []stats.Second
}

// diffMsg is a comparison of two exchanges.
type diffMsg struct {
	a, b  *stats.Exchange
	lines []exchange.Line
}

// sentMsg is what came back when a request was sent again.
type sentMsg struct {
	to    *stats.Exchange
	fresh *stats.Exchange
	err   error
}

// savedMsg says where something was written, or why not; clip also goes to the
// terminal's clipboard.
type savedMsg struct {
	what string
	path string
	size int
	clip string
	err  error
}

// launchedMsg is the run that the form started, or why it did not.
type launchedMsg struct {
	load Load
	dry  bool // one user, one pass
	err  error
}

// probedMsg is what a look at the host found.
type probedMsg struct {
	host string
	text string
	err  error
}

// endedMsg says that the run is over.
type endedMsg struct{ load Load }

// faultMsg is a panic in a command.
type faultMsg struct{ err error }
