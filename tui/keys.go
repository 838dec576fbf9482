package tui

import (
	"strings"
)

// All keys are here. The help, the footer and a test that no two meanings fall
// on one key are made of this table; screens get the action, never the key.

// place is where a key means something.
type place uint32

// The places. Each screen is one; what is open on top of a tab is its own.
const (
	inForm place = 1 << iota
	inDash
	inStats
	inDetail // one endpoint, from the statistics
	inCharts
	inErrors
	inGroup
	inExchange
	inUsers
	inWorkers
	inLogs

	inRun   = inDash | inStats | inDetail | inCharts | inErrors | inGroup | inExchange | inUsers | inWorkers | inLogs
	inText  = inExchange | inLogs | inDetail
	inLists = inDash | inStats | inErrors | inGroup | inUsers | inWorkers
	inAll   = inForm | inRun
)

type action int

const (
	noAction action = iota
	goScreen
	nextScreen
	prevScreen
	nextSample
	prevSample
	nextPane
	prevPane
	up
	down
	pageUp
	pageDown
	top
	bottom
	left
	rightward
	open
	back
	filter
	nextMatch
	prevMatch
	sortNext
	sortReverse
	wholeRun
	moreUsers
	fewerUsers
	plusOne
	plusTen
	minusOne
	minusTen
	setUsers
	freeze
	segment
	mark
	pause
	stop
	newRun
	errorsOf
	chartsOf
	zoomOut
	zoomIn
	logScale
	pickSeries
	logLevel
	follow
	splitVariants
	ignore
	showIgnored
	copyPart
	copyAll
	copyCurl
	sendAgain
	export
	rawBody
	hexBody
	wrap
	reveal
	repaint
	releaseMouse
	help
	quit
	interrupt
	suspend
	formNext
	formPrev
	formToggle
	formStart
	formDryRun
	formLeave
)

// binding is one meaning of one or more keys.
type binding struct {
	keys []string // as the terminal library names them
	in   place
	do   action
	foot string // its words in the footer
	help string
}

var bindings = []binding{
	{[]string{"down", "tab"}, inForm, formNext, "next", "next field"},
	{[]string{"up", "shift+tab"}, inForm, formPrev, "", "previous field"},
	{[]string{"space"}, inForm, formToggle, "toggle", "tick or untick"},
	{[]string{"enter"}, inForm, formStart, "start", "start the run"},
	{[]string{"ctrl+d"}, inForm, formDryRun, "dry run", "dry run: one user, one pass"},
	{[]string{"esc"}, inForm, formLeave, "back", "back to the run that was"},

	{[]string{"y"}, inExchange, copyPart, "body", "copy the body, to the clipboard and a file"},
	{[]string{"Y"}, inExchange, copyAll, "", "copy the whole exchange"},
	{[]string{"c"}, inExchange, copyCurl, "curl", "copy the request as a curl command"},
	{[]string{"!"}, inExchange, sendAgain, "again", "send this request once more, and compare"},
	{[]string{"R"}, inExchange, reveal, "secrets", "show or mask secrets"},
	{[]string{"b"}, inExchange, rawBody, "raw", "body as it came, or indented"},
	{[]string{"x"}, inExchange, hexBody, "hex", "body as hex, or as text"},
	{[]string{"w"}, inText, wrap, "wrap", "wrap long lines"},
	{[]string{"n"}, inText, nextMatch, "", "next match"},
	{[]string{"N"}, inText, prevMatch, "", "previous match"},
	{[]string{"]"}, inExchange, nextSample, "next", "next sample"},
	{[]string{"["}, inExchange, prevSample, "prev", "previous sample"},

	{[]string{"v"}, inGroup, splitVariants, "variants", "only one variant of the message; again: the next"},
	{[]string{"i"}, inErrors | inGroup, ignore, "ignore", "ignore this group: dimmed, counted apart"},
	{[]string{"I"}, inErrors, showIgnored, "", "show or hide ignored groups"},

	{[]string{"v"}, inLogs, logLevel, "level", "least level that is shown"},
	{[]string{"F"}, inLogs, follow, "follow", "follow the end"},

	{[]string{"z"}, inCharts, zoomOut, "window", "longer window: 1m 2m 5m 15m all"},
	{[]string{"Z"}, inCharts, zoomIn, "", "shorter window"},
	{[]string{"L"}, inCharts, logScale, "log", "logarithmic or linear scale"},
	{[]string{"p"}, inCharts, pickSeries, "series", "which percentiles are drawn"},

	{[]string{"j", "down"}, inRun, down, "", "down"},
	{[]string{"k", "up"}, inRun, up, "", "up"},
	{[]string{"ctrl+d", "pgdown"}, inRun, pageDown, "", "half a page down"},
	{[]string{"ctrl+u", "pgup"}, inRun, pageUp, "", "half a page up"},
	{[]string{"g", "home"}, inRun, top, "", "to the top"},
	{[]string{"G", "end"}, inRun, bottom, "", "to the bottom (logs: and follow)"},
	{[]string{"h", "left"}, inRun, left, "", "tables: columns; charts: time cursor; text: sideways"},
	{[]string{"l", "right"}, inRun, rightward, "", "tables: columns; charts: time cursor; text: sideways"},
	{[]string{"enter"}, inRun, open, "open", "open what is selected; charts: maximise"},
	{[]string{"esc", "backspace"}, inRun, back, "back", "close, clear the filter, one level up; never quits"},
	{[]string{"tab"}, inRun, nextPane, "pane", "next pane or part"},
	{[]string{"shift+tab"}, inRun, prevPane, "", "previous pane or part"},
	{[]string{"/"}, inRun, filter, "filter", "filter or search: words, !not, ~regexp, status:5xx, kind:reset"},

	{[]string{"o"}, inLists, sortNext, "sort", "sort by the next column"},
	{[]string{"O"}, inLists, sortReverse, "", "turn the order round"},
	{[]string{"a"}, inDash | inStats | inDetail | inErrors, wholeRun, "window", "the last 10 seconds, or the whole run"},
	{[]string{"E"}, inDash | inStats | inDetail | inCharts, errorsOf, "errors", "its errors; charts: those of that second"},
	{[]string{"C"}, inDash | inStats | inDetail | inErrors | inGroup, chartsOf, "charts", "its charts"},
	{[]string{"y"}, inLists | inLogs, copyPart, "copy", "copy the cell or line"},
	{[]string{"Y"}, inLists, copyAll, "", "copy the row"},
	{[]string{"e"}, inRun, export, "export", "export what is shown; an exchange: save it"},

	{[]string{"+", "="}, inRun, moreUsers, "", "more users, by the step shown"},
	{[]string{"-", "_"}, inRun, fewerUsers, "", "fewer users"},
	{[]string{"w"}, inRun &^ inText, plusOne, "", "one user more"},
	{[]string{"W"}, inRun &^ inText, plusTen, "", "ten users more"},
	{[]string{"s"}, inRun &^ inText, minusOne, "", "one user fewer"},
	{[]string{"S"}, inRun &^ inText, minusTen, "", "ten users fewer"},
	{[]string{"u"}, inRun, setUsers, "set users", "set users and spawn rate exactly"},
	{[]string{"space"}, inRun, pause, "pause", "pause and resume: users keep their sessions"},
	{[]string{"x"}, inRun &^ inExchange, stop, "stop", "stop the run, stay here"},
	{[]string{"r"}, inRun, segment, "reset", "start a new segment: the shown numbers begin again"},
	{[]string{"M"}, inRun, mark, "mark", "mark this moment with a name"},
	{[]string{"f"}, inRun, freeze, "freeze", "freeze the screen; the load goes on"},
	{[]string{"R"}, inRun &^ inExchange, newRun, "new run", "start a new run, when this one is over"},

	{[]string{"1", "2", "3", "4", "5", "6", "7"}, inRun, goScreen, "", "go to that screen"},
	{[]string{"]"}, inRun &^ inExchange, nextScreen, "", "next screen"},
	{[]string{"["}, inRun &^ inExchange, prevScreen, "", "previous screen"},
	{[]string{"ctrl+l"}, inAll, repaint, "", "draw everything again"},
	{[]string{"m"}, inRun, releaseMouse, "", "give the mouse to the terminal, to select text; take it back"},
	{[]string{"q"}, inRun, quit, "quit", "quit; asks while a run is active"},
	{[]string{"ctrl+c"}, inAll, interrupt, "", "like q; again within 2 s: stop at once and leave"},
	{[]string{"ctrl+z"}, inAll, suspend, "", "does nothing: it would pause the load"},
	{[]string{"?"}, inRun, help, "help", "this list"},
}

// footers say which keys each place shows at its foot, most used first. Help
// is always last.
var footers = map[place][]action{
	inForm:     {formNext, formToggle, formStart, interrupt, formDryRun},
	inDash:     {moreUsers, setUsers, open, filter, freeze, stop, nextPane, sortNext, wholeRun, errorsOf, segment, quit},
	inStats:    {open, sortNext, wholeRun, errorsOf, chartsOf, filter, export, freeze, moreUsers, quit},
	inDetail:   {errorsOf, chartsOf, wholeRun, back, export, freeze},
	inCharts:   {nextPane, open, left, zoomOut, logScale, pickSeries, errorsOf, freeze, moreUsers, quit},
	inErrors:   {open, sortNext, wholeRun, filter, ignore, chartsOf, export, freeze, moreUsers, quit},
	inGroup:    {open, filter, splitVariants, ignore, chartsOf, export, back},
	inExchange: {copyPart, copyCurl, export, filter, rawBody, hexBody, nextPane, back, sendAgain, reveal, wrap, nextSample},
	inUsers:    {moreUsers, plusOne, setUsers, pause, stop, freeze, quit},
	inWorkers:  {filter, sortNext, export, freeze, quit},
	inLogs:     {down, follow, logLevel, wrap, filter, open, copyPart, freeze, quit},
}

// lookup is what a key means in a place.
func lookup(in place, key string) action {
	for _, b := range bindings {
		if b.in&in == 0 {
			continue
		}
		for _, k := range b.keys {
			if k == key {
				return b.do
			}
		}
	}
	return noAction
}

// bound is the binding of an action in a place.
func bound(in place, do action) (binding, bool) {
	for _, b := range bindings {
		if b.in&in != 0 && b.do == do {
			return b, true
		}
	}
	return binding{}, false
}

// label is a binding's keys as help and footer show them.
func (b binding) label() string {
	if b.do == goScreen {
		return "1-7"
	}
	return strings.Join(b.keys, " ")
}
