// Package tui is the full screen: a few screens over one run, and the way from
// a group of errors down to one complete exchange.
//
//	outcome, err := tui.Run(ctx, tui.Options{Run: controller, Logs: logs})
//
// The load never depends on the screen. The screen reads an immutable snapshot
// on a tick of its own and calls methods that return at once; a terminal that
// stalls, hangs up or is resized to nothing slows the drawing and nothing else.
//
// One root model owns everything that is shown (model.go). A screen is a plain
// struct behind the interface screen; each tab has a stack of them, and what is
// opened goes on top. What there is to say of a screen beside its struct is its
// page: key, name, footer, keys. All pages are one list (pages.go), and the
// footer, the help and the tabs are made of it. Dialogs have a stack of their
// own, and the top one gets the keys first. A view is a pane of the package draw,
// which puts things into cells and knows nothing of a run. Slow work (decoding and indenting a body, writing a file, a look-up) is a command
// whose result says what it was made for.
//
// Charts carry clock times on their axis and not "-2m … now", because a window
// that fills from left to right and then jumps has no fixed "now". curl lines quote with '…' alone, never
// $'…', which a plain /bin/sh does not know: what needs it goes to a file.
package tui

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tload/stats"
	"tload/stats/exchange"
	"tload/swarm"
	"tload/tui/draw"
)

// Load is a run as the screen sees it. Every method but History returns at once.
// A *swarm.Controller is one; so may be a finished run read from a file, whose
// state is swarm.Stopped and which no key changes.
type Load interface {
	Snapshot() *swarm.Snapshot
	Scale(users int, who string)
	SetRate(perSecond float64, who string)
	FollowShape()
	SetSpawnRate(perSecond float64)
	SetWeight(behaviour string, task, weight int, who string)
	Pause(on bool)
	Stop(reason string)
	Reset(name string)
	Mark(name string)
	History(ctx context.Context, key stats.Key) []stats.Second
	Done() <-chan struct{}
}

// Options are what the screen needs of the program around it. Every func may
// be nil: the key that needs it then says so. They are called outside the
// drawing goroutine.
type Options struct {
	Run    Load                     // a run that goes on; nil shows the start form first
	Form   Form                     // what the start form holds at first
	Launch func(Form) (Load, error) // starts a run; its error is shown in the form

	// Probe looks at a host once and says what it found, for the form.
	Probe func(ctx context.Context, host string) (string, error)
	// Send sends an exchange's request once more.
	Send func(ctx context.Context, x *stats.Exchange) (*stats.Exchange, error)
	// Export writes the run to a file in one of Formats.
	Export  func(format, path string, s *swarm.Snapshot) error
	Formats []string

	Logs   *Logs
	Dir    string            // where exchanges and copies are saved; "." if empty
	DirOf  func(Load) string // … of a run that the form started; Dir if nil or empty
	Masker *exchange.Masker  // the run's; what it knows is masked until R is pressed. The usual names if nil

	FileLimit int // open files this process may have, for the form; 0: unknown

	// ReadOnly leaves the run as it is, whatever keys are pressed. Attached says that the run
	// is another process': to leave the screen is not to end the run.
	ReadOnly, Attached bool

	NoColor bool
	Colors  int    // 16 or 256; 0: as many as the terminal is known to have
	Theme   string // one of draw.ThemeNames; "" for one that goes with the terminal's background
	ASCII   bool
	NoSync  bool          // do not force synchronised output over SSH
	Refresh time.Duration // 0: 250 ms, slower on a slow link

	// Width and Height are of an output that does not know its size, and Resized says when
	// they are others; 80 by 24 if they are 0.
	Width, Height int
	Resized       <-chan Size

	Input  io.Reader // os.Stdin if nil
	Output io.Writer // os.Stdout if nil
	Env    []string  // os.Environ() if nil
}

// ThemeNames are what Options.Theme may be.
func ThemeNames() []string { return draw.ThemeNames() }

// Size is that of a terminal, in cells.
type Size struct{ Width, Height int }

// Outcome is how the screen was left, for whoever goes on without it.
type Outcome int

// The ways out. The load goes on after all of them but Quit, where it has
// ended or was told to; what to do with it is the caller's.
const (
	Quit      Outcome = iota // the user left; the run is over, or was told to stop
	Detach                   // the user left; the run goes on
	Interrupt                // ctrl+c twice; the run was told to stop at once
	Cancelled                // the context ended
	Hangup                   // the terminal is gone: print nothing to it
	Panicked                 // the screen failed; the error says how
)

// Run shows the screen until the user leaves it, ctx ends or the terminal is
// lost, and restores the terminal. The error is for what kept the screen from
// being shown, and for Panicked.
func Run(ctx context.Context, o Options) (Outcome, error) {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	m := newModel(o)
	fps := 10
	if o.Attached { // many may look at one run, and each look costs
		fps = 4
	}
	opts := []tea.ProgramOption{
		tea.WithInput(o.Input), tea.WithOutput(m.terminal.watch(o.Output)), tea.WithFPS(fps), tea.WithoutSignalHandler(),
		tea.WithWindowSize(cmp.Or(o.Width, 80), cmp.Or(o.Height, 24)), // of an output that has no size
	}
	switch {
	case o.NoColor:
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	case o.Colors == 16:
		opts = append(opts, tea.WithColorProfile(colorprofile.ANSI))
	case o.Colors == 256:
		opts = append(opts, tea.WithColorProfile(colorprofile.ANSI256))
	}
	if o.Env != nil {
		opts = append(opts, tea.WithEnvironment(o.Env))
	}
	p := tea.NewProgram(m, opts...)

	left := make(chan struct{})
	defer close(left)
	if o.Resized != nil {
		go func() {
			for {
				select {
				case s, ok := <-o.Resized:
					if !ok {
						return
					}
					p.Send(tea.WindowSizeMsg{Width: s.Width, Height: s.Height})
				case <-left:
					return
				}
			}
		}()
	}
	hung, forget := onHangup()
	defer forget()
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	// giveBack gives the terminal back from outside. That writes to it, and it may
	// be stuck for good.
	giveBack := func(how Outcome) (Outcome, error) {
		go p.Kill()
		select {
		case <-ended:
		case <-time.After(2 * time.Second):
		}
		return how, nil
	}
	select {
	case err := <-ended:
		switch {
		case m.fault != nil:
			return Panicked, m.fault
		case lostTerminal(err):
			return Hangup, nil
		case err != nil:
			return Panicked, fmt.Errorf("draw the screen: %w", err)
		}
		return m.outcome, nil
	case <-hung:
		return giveBack(Hangup)
	case <-m.terminal.lost:
		return giveBack(Hangup)
	case <-ctx.Done():
		return giveBack(Cancelled)
	}
}
