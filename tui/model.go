package tui

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"tload/stats"
	"tload/stats/exchange"
	"tload/swarm"
	"tload/tui/draw"
)

// screen is one thing that fills the body: a tab, or what was opened on it. What
// else it does with keys is in the list of its page.
type screen interface {
	name() string                       // of its page
	title() string                      // its part of the breadcrumb, empty for a tab
	refresh(m *model)                   // a new snapshot is there, or a filter
	view(m *model, w, h int) draw.Pane  // exactly w by h is drawn of it
	filtered(m *model, text string)     // what was typed after "/"
	filterText() string                 // … and is in force
	notice(m *model, s tea.Msg) tea.Cmd // a result of slow work
}

// blankScreen is what most screens do not care for.
type blankScreen struct{}

func (blankScreen) title() string                  { return "" }
func (blankScreen) refresh(*model)                 {}
func (blankScreen) filtered(*model, string)        {}
func (blankScreen) filterText() string             { return "" }
func (blankScreen) notice(*model, tea.Msg) tea.Cmd { return nil }

// dialog lies over the screen and gets the keys first.
type dialog interface {
	key(m *model, k tea.KeyPressMsg) (close bool, cmd tea.Cmd)
	view(m *model, w, h int) []string
	brief() string // in one line, for a screen with room for no more
	steers() bool  // it is about a run that goes on, and closes with that
}

// model owns all that is shown. Only the drawing goroutine touches it.
type model struct {
	o        Options
	terminal *terminal
	secrets  *exchange.Masker // see masker
	every    time.Duration

	load   Load
	dir    string          // where this run's exchanges and copies are saved
	live   *swarm.Snapshot // newest
	snap   *swarm.Snapshot // shown: live, or where it was frozen
	before []stats.Second  // the points of a frame ago, see look.behind
	frozen bool

	layout  layout
	form    *form // shown instead of a run
	pages   pages
	tabs    [][]screen // a stack for each of pages.tabs
	tab     int
	dialogs []dialog
	prompt  *prompt // the filter being typed
	mouse   mouse
	fingers fingers

	theme  *draw.Theme
	colors colorprofile.Profile // of the terminal, as far as it is known
	ground string               // the theme for its background, once it said what that is

	whole   bool // numbers of the whole run, not of the last ten seconds
	reveal  bool // secrets, too
	ignored map[int]bool
	scales  map[string]*draw.Scale
	docs    shelf
	preview preview
	toast   toast
	drew    time.Duration // last view took

	dry      bool // one user, one pass
	ran      bool // the run was seen to go on
	fromFile bool // … was over when it was opened: read from a file
	wanted   wanted
	pulse    pulse

	ctrlC    time.Time // last pressed
	quitting bool      // once the run is over
	outcome  Outcome
	fault    error
}

func newModel(o Options) *model {
	m := &model{
		o: o, secrets: o.Masker, reveal: o.Masker != nil && !o.Masker.Masks(), mouse: mouse{ours: true}, ignored: map[int]bool{}, scales: map[string]*draw.Scale{},
		docs: newShelf(), every: o.Refresh, layout: newLayout(80, 24),
	}
	m.theme = draw.ThemeOf("")
	if m.colors = colorprofile.ANSI; o.NoColor {
		m.colors = colorprofile.ASCII
	}
	if m.secrets == nil {
		m.secrets = exchange.NewMasker()
	}
	if m.every <= 0 {
		m.every = 250 * time.Millisecond
	}
	m.terminal = newTerminal(m.every)
	if o.Dir == "" {
		m.o.Dir = "."
	}
	m.live = &swarm.Snapshot{Snapshot: &stats.Snapshot{}}
	m.snap = m.live
	m.pages = newPages()
	m.clearTabs()
	if o.Run != nil {
		m.attach(o.Run)
	} else {
		m.form = newForm(m, o.Form)
	}
	return m
}

func (m *model) clearTabs() {
	m.tabs = nil
	for _, p := range m.pages.tabs {
		m.tabs = append(m.tabs, []screen{p.make()})
	}
}

// tabOf is the tab that is an S, and where it is.
func tabOf[S screen](m *model) (s S, at int) {
	for i, stack := range m.tabs {
		if s, ok := stack[0].(S); ok {
			return s, i
		}
	}
	panic(fmt.Sprintf("no tab is a %T", s))
}

// alone is that tab with nothing opened on it.
func alone[S screen](m *model) (s S, at int) {
	s, at = tabOf[S](m)
	m.tabs[at] = m.tabs[at][:1]
	return s, at
}

// attach shows a run.
func (m *model) attach(l Load) {
	m.load, m.form, m.frozen, m.quitting, m.ran = l, nil, false, false, false
	m.wanted, m.whole = wanted{}, false
	m.pulse = pulse{idle: true}
	m.dir = m.o.Dir
	if m.o.DirOf != nil {
		if d := m.o.DirOf(l); d != "" {
			m.dir = d
		}
	}
	m.read()
	if m.fromFile = m.live.State == swarm.Stopped; m.fromFile { // all of it
		charts, _ := tabOf[*chartsScreen](m)
		charts.window = len(windows) - 1
	}
}

// now is the time of what is shown: a frozen screen stands still. After a run
// there are no new snapshots, and the clock goes on.
func (m *model) now() time.Time {
	if m.snap.Taken.IsZero() || m.snap.State == swarm.Stopped && !m.frozen {
		return time.Now()
	}
	return m.snap.Taken
}

func (m *model) read() {
	if m.load == nil {
		return
	}
	if s := m.load.Snapshot(); s != nil && s.Snapshot != nil {
		m.live = s
	}
	m.ran = m.ran || m.live.State.Active()
	m.pulse.feel(m.live, m.frozen)
	m.before = m.seconds()
	if !m.frozen {
		m.snap = m.live
	}
	m.wanted.settle(m.asked())
	if !m.active() {
		m.dialogs = slices.DeleteFunc(m.dialogs, dialog.steers)
	}
	m.refresh()
}

func (m *model) refresh() {
	for _, s := range m.tabs[m.tab] {
		s.refresh(m)
	}
}

// shown is the window of a row that the user chose. A run that is over has no
// last ten seconds.
func (m *model) shown(r *stats.Row) *stats.Summary {
	if m.wholeRun() {
		return &r.Shown
	}
	return &r.Window
}

func (m *model) wholeRun() bool { return m.whole || m.snap.State == swarm.Stopped }

// epoch is while a table stays as it is: for a second, of one window, on one tab, under one
// filter. A wide one has three times the numbers: they take longer to read, and to send, and
// stay for two. There is none when nothing moves, and rows are in order.
func (m *model) epoch(filter string) draw.Epoch {
	if m.frozen || m.snap.State == swarm.Stopped {
		return draw.Epoch{}
	}
	type shown struct {
		whole  bool
		tab    int
		filter string
	}
	long := time.Second
	if m.layout.wide() {
		long = 2 * time.Second
	}
	return draw.Epoch{Of: shown{m.whole, m.tab, filter}, Moment: int64(m.snap.Elapsed / long)}
}

func (m *model) windowName() string {
	switch {
	case !m.wholeRun():
		return "last 10 s"
	case m.snap.Total.Shown.Span > 0 && m.snap.Total.Shown.Span < m.snap.Total.Run.Span:
		return "since reset"
	}
	return "whole run"
}

// screen is the one that is shown, which gets the keys: the form, or the top of
// the tab.
func (m *model) screen() screen {
	if m.form != nil {
		return m.form
	}
	st := m.tabs[m.tab]
	return st[len(st)-1]
}

// page is that of the screen that is shown.
func (m *model) page() *page { return m.pages.of(m.screen()) }

// tabPage is that of the tab.
func (m *model) tabPage() *page { return m.pages.tabs[m.tab] }

// push opens a screen on the tab that is shown.
func (m *model) push(s screen) tea.Cmd {
	m.tabs[m.tab] = append(m.tabs[m.tab], s)
	s.refresh(m)
	return s.notice(m, tickMsg{})
}

func (m *model) pop() bool {
	st := m.tabs[m.tab]
	if len(st) < 2 {
		return false
	}
	m.tabs[m.tab] = st[:len(st)-1]
	m.refresh()
	return true
}

func (m *model) goTo(tab int) tea.Cmd {
	m.tab = (tab + len(m.tabs)) % len(m.tabs)
	m.refresh()
	return m.screen().notice(m, tickMsg{})
}

// safely runs slow work as a command. A panic in it ends the screen in order,
// with the terminal restored, and never the load.
func safely(f func() tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = faultMsg{fmt.Errorf("panic in the screen's background work: %v\n%s", r, debug.Stack())}
			}
		}()
		return f()
	}
}

// Init starts the one tick, and takes synchronised output as given over SSH,
// where the library does not ask for it.
func (m *model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.tick(), m.watchEnd()}
	if m.o.Theme == "" {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	env := m.o.Env
	if env == nil {
		env = os.Environ()
	}
	for _, e := range env {
		if strings.HasPrefix(e, "SSH_TTY=") && !m.o.NoSync {
			cmds = append(cmds, func() tea.Msg {
				return tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset}
			})
		}
	}
	if m.form != nil {
		cmds = append(cmds, m.form.probe(m))
	}
	return tea.Batch(cmds...)
}

func (m *model) tick() tea.Cmd {
	return tea.Tick(m.terminal.next(m.every, time.Now()), func(t time.Time) tea.Msg { return tickMsg(t) })
}

func (m *model) watchEnd() tea.Cmd {
	l := m.load
	if l == nil {
		return nil
	}
	return func() tea.Msg {
		<-l.Done()
		return endedMsg{l}
	}
}

// Update takes one message. A panic ends the screen, not the program: the load
// goes on and the caller is told.
func (m *model) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			m.fail(fmt.Errorf("panic in the screen: %v\n%s", r, debug.Stack()))
			next, cmd = m, tea.Quit
		}
	}()
	if m.fault != nil { // drawing failed: out, in order
		return m, tea.Quit
	}
	return m, m.update(msg)
}

// dress puts a theme on: the one that was asked for, or one for the background that the
// terminal says it has. With sixteen colours, or when it says nothing, it is its own.
func (m *model) dress() {
	name := m.o.Theme
	if name == "" {
		name = m.ground
	}
	if m.colors < colorprofile.ANSI256 {
		name = ""
	}
	m.theme = draw.ThemeOf(name)
}

// dots says that charts are drawn in dots, which differ by their colour alone.
func (m *model) dots() bool { return !m.o.ASCII && m.colors >= colorprofile.ANSI }

func (m *model) fail(err error) {
	if m.fault == nil {
		m.fault = err
		if m.o.Logs != nil {
			slog.New(m.o.Logs).Error(err.Error())
		}
	}
}

func (m *model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tickMsg:
		m.read()
		return tea.Batch(m.tick(), m.screen().notice(m, msg))
	case tea.WindowSizeMsg:
		m.layout = newLayout(msg.Width, msg.Height)
		return nil
	case tea.ColorProfileMsg:
		if m.colors = msg.Profile; m.o.NoColor {
			m.colors = colorprofile.ASCII
		}
		m.dress()
	case tea.BackgroundColorMsg:
		m.ground = draw.ThemeFor(msg.IsDark())
		m.dress()
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg)
	case tea.MouseMsg:
		return m.pointed(msg)
	case docMsg:
		if msg.want == m.preview.next {
			m.preview.x, m.preview.doc = msg.want.x, msg.doc
		}
		if !m.docs.take(msg.want, msg.doc) {
			return nil
		}
		for _, s := range m.tabs[m.tab] {
			s.notice(m, msg)
		}
	case savedMsg:
		return m.saved(msg)
	case launchedMsg:
		return m.launched(msg)
	case probedMsg:
		if m.form != nil {
			m.form.probed(msg)
		}
	case endedMsg:
		if msg.load == m.load {
			m.read()
			if m.quitting {
				return m.quit(Quit)
			}
			if m.dry && m.ran && m.form == nil {
				m.say("the dry run is over: enter opens an exchange, R starts a run")
			} else if m.ran && m.form == nil {
				m.say("the run is over: %s", reasonText(m.live))
			}
		}
	case faultMsg:
		m.fail(msg.err)
		return tea.Quit
	default:
		var cmds []tea.Cmd
		for _, st := range m.tabs {
			for _, s := range st {
				cmds = append(cmds, s.notice(m, msg))
			}
		}
		return tea.Batch(cmds...)
	}
	return nil
}

func reasonText(s *swarm.Snapshot) string {
	switch s.Reason {
	case "run-time":
		return "its run time is up"
	case "command":
		return "it was stopped by tload stop"
	case "":
		return "stopped"
	case "you":
		return "stopped by you"
	case "shape":
		return "its shape is at its end"
	}
	return s.Reason
}

func (m *model) saved(msg savedMsg) tea.Cmd {
	switch {
	case msg.err != nil && msg.clip != "":
		m.complain("%s, %s bytes; no file: %v", strings.TrimSuffix(msg.what, " and a file"), thousands(msg.size), msg.err)
	case msg.err != nil:
		m.complain("not saved: %v", msg.err)
	default:
		m.say("%s, %s bytes: %s", msg.what, thousands(msg.size), msg.path)
	}
	if msg.clip != "" {
		return tea.SetClipboard(msg.clip)
	}
	return nil
}

func (m *model) launched(msg launchedMsg) tea.Cmd {
	if msg.err != nil {
		if m.form != nil {
			m.form.failed(msg.err)
		}
		return nil
	}
	m.clearTabs()
	m.tab = 0
	m.attach(msg.load)
	if m.dry = msg.dry; m.dry {
		return tea.Batch(m.watchEnd(), m.push(newDry()))
	}
	return m.watchEnd()
}

// masker masks what is shown, copied and saved, unless R was pressed.
func (m *model) masker() *exchange.Masker {
	if m.reveal {
		return m.secrets.Off()
	}
	return m.secrets.On()
}

// scale is the memory of one chart's upper bound.
func (m *model) scale(name string) *draw.Scale {
	s := m.scales[name]
	if s == nil {
		s = &draw.Scale{}
		m.scales[name] = s
	}
	return s
}

// quit ends the screen. What becomes of the load is the caller's.
func (m *model) quit(how Outcome) tea.Cmd {
	m.outcome = how
	return tea.Quit
}

// active says that there is a load that leaving would concern.
func (m *model) active() bool { return m.load != nil && m.live.State.Active() }

// history asks for one row's chart points.
func (m *model) history(key stats.Key) tea.Cmd {
	l := m.load
	if l == nil {
		return nil
	}
	return safely(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return historyMsg{key, l.History(ctx, key)}
	})
}
