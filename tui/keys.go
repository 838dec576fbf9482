package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// Keys belong to the page that answers them. Those that several pages share are
// the groups below, and a page's keys are its own and the groups that it takes.
// The footer, the help and a test that no key means two things on one page are
// made of these lists.

// binding is one meaning of one or more keys.
type binding struct {
	key.Binding
	sign  string                // its keys in the footer; the first of them if empty
	foot  string                // its word in the footer
	now   func(m *model) string // both of them, where that changes
	steer bool                  // changes the run: nothing any more when that is over
	meaning
}

// meaning is what a key does on the screen that is shown.
type meaning struct {
	do func(m *model, s screen, press string) tea.Cmd
	of func(s screen) bool // the screen is one that answers; nil: it need not
}

// bind binds keys, separated by blanks and named as the terminal library names
// them, to what they do.
func bind(keys, foot, help string, does meaning) binding {
	list := strings.Fields(keys)
	return binding{Binding: key.NewBinding(key.WithKeys(list...), key.WithHelp(keys, help)), sign: list[0], foot: foot, meaning: does}
}

// as is the binding with its keys written otherwise in the footer.
func (b binding) as(sign string) binding { b.sign = sign; return b }

// while is the binding with words in the footer that change.
func (b binding) while(now func(m *model) string) binding { b.now = now; return b }

// steers is the binding as one that changes the run.
func (b binding) steers() binding { b.steer = true; return b }

// same says that two bindings are one line of the help.
func (b binding) same(as binding) bool { return b.Help() == as.Help() }

// on is a method of those screens that have it.
func on[S any](do func(S, *model) tea.Cmd) meaning {
	return meaning{
		do: func(m *model, s screen, _ string) tea.Cmd {
			if s, ok := s.(S); ok {
				return do(s, m)
			}
			return nil
		},
		of: func(s screen) bool { _, ok := s.(S); return ok },
	}
}

// anywhere is a method of the model.
func anywhere(do func(*model) tea.Cmd) meaning {
	return meaning{do: func(m *model, _ screen, _ string) tea.Cmd { return do(m) }}
}

// What a screen answers in its own way to a key that others have too.
type (
	mover interface {
		move(*model, draw.Move) tea.Cmd
	}
	opener   interface{ open(*model) tea.Cmd }
	exporter interface{ export(*model) tea.Cmd }
	paned    interface {
		pane(m *model, step int) tea.Cmd // the next one, or with -1 the one before
	}
	copier interface {
		copyCell(*model) tea.Cmd
		copyRow(*model) tea.Cmd
	}
	ofEndpoint interface {
		endpoint() (stats.Key, bool) // that is shown, or selected
	}
)

func moves(by draw.Move) meaning {
	return on(func(s mover, m *model) tea.Cmd { return s.move(m, by) })
}

func steps(by int) meaning {
	return on(func(s paned, m *model) tea.Cmd { return s.pane(m, by) })
}

func adds(step func(level float64) float64) meaning {
	return anywhere(func(m *model) tea.Cmd {
		l := m.level()
		m.drive(max(l+step(l), 0))
		return nil
	})
}

func by(n float64) func(float64) float64 { return func(float64) float64 { return n } }

// always are the keys that mean the same wherever one is: in a dialog, too.
func always() []binding {
	return []binding{
		bind("ctrl+l", "", "draw everything again", anywhere(func(*model) tea.Cmd { return tea.ClearScreen })),
		bind("ctrl+c", "quit", "like q; again within 2 s: stop at once and leave", anywhere((*model).interrupted)),
		bind("ctrl+z", "", "does nothing: it would pause the load", anywhere(func(m *model) tea.Cmd {
			m.say("ctrl+z would pause the load: D detaches, tload attach comes back")
			return nil
		})),
	}
}

// everywhere are the keys of every page of a run.
func everywhere(tabs []*page) []binding {
	return append([]binding{
		bind("j down", "scroll", "down", moves(draw.MoveDown)).as("j/k"),
		bind("k up", "", "up", moves(draw.MoveUp)),
		bind("ctrl+d pgdown", "", "half a page down", moves(draw.PageDown)),
		bind("ctrl+u pgup", "", "half a page up", moves(draw.PageUp)),
		bind("g home", "", "to the top", moves(draw.MoveTop)),
		bind("G end", "", "to the bottom (logs: and follow)", moves(draw.MoveBottom)),
		bind("h left", "cursor", "tables: columns; charts: time cursor; text: sideways", moves(draw.MoveLeft)).as("h/l"),
		bind("l right", "", "tables: columns; charts: time cursor; text: sideways", moves(draw.MoveRight)),
		bind("enter", "open", "open what is selected; charts: maximise", on(opener.open)),
		bind("esc backspace", "back", "close, clear the filter, one level up; never quits", anywhere((*model).goBack)),
		bind("tab", "pane", "next pane or part", steps(1)),
		bind("shift+tab", "", "previous pane or part", steps(-1)),
		bind("/", "filter", "filter or search: words, !not, ~regexp, status:5xx, kind:reset", anywhere((*model).askFilter)),
		bind("e", "export", "export what is shown; an exchange: save it", on(exporter.export)),

		bind("+ =", "", "more users or arrivals, by the step shown", adds(stepAt)).steers().while((*model).stepWords),
		bind("- _", "", "fewer of them", adds(fewer)).steers(),
		bind("u", "set users", "set users and spawn rate, or arrivals, exactly", opens(newUsersDialog)).steers().while(func(m *model) string {
			if m.live.Open {
				return footItem("u", "set rate")
			}
			return footItem("u", "set users")
		}),
		bind("A", "shape", "the load follows its shape or search again", anywhere((*model).followShape)).steers(),
		bind("space", "", "pause and resume: users keep their sessions", anywhere((*model).pause)).steers().while(func(m *model) string {
			if m.snap.State == swarm.Paused {
				return footItem("space", "resume")
			}
			return footItem("space", "pause")
		}),
		bind("r", "reset", "start a new segment: the shown numbers begin again", opens(newSegmentDialog)).steers(),
		bind("M", "mark", "mark this moment with a name", opens(newMarkDialog)).steers(),
		bind("f", "", "freeze the screen; the load goes on", anywhere((*model).freeze)).while(func(m *model) string {
			if m.frozen {
				return footItem("f", "go live")
			}
			return footItem("f", "freeze")
		}),
		goToTab(tabs),
		bind("m", "", "give the mouse to the terminal, to select text; take it back", anywhere((*model).releaseMouse)),
		bind("q", "quit", "quit; asks while a run is active", anywhere((*model).askToQuit)),
		bind("D", "detach", "leave the run to itself: tload attach opens its screens again", anywhere((*model).detach)),
		bind("?", "help", "this list", opens(newHelp)),
	}, always()...)
}

// goToTab has the keys of all tabs. From the help, which names none, it stays.
func goToTab(tabs []*page) binding {
	var keys []string
	for _, p := range tabs {
		keys = append(keys, p.key)
	}
	b := bind(strings.Join(keys, " "), "", "go to that screen", meaning{do: func(m *model, _ screen, press string) tea.Cmd {
		if i := slices.Index(keys, press); i >= 0 {
			if i == m.tab { // from a page below it
				m.tabs[i] = m.tabs[i][:1]
			}
			return m.goTo(i)
		}
		return m.goTo(m.tab)
	}})
	b.SetHelp(keys[0]+"-"+keys[len(keys)-1], b.Help().Desc)
	return b
}

// opens is a dialog over the screen.
func opens(dialog func(m *model) dialog) meaning {
	return anywhere(func(m *model) tea.Cmd {
		m.dialogs = append(m.dialogs, dialog(m))
		return nil
	})
}

// steering are the keys that change the run, but for those of every page: a page
// whose own keys they are leaves them out.
func steering() []binding {
	return []binding{
		bind("x", "stop", "stop the run, stay here", opens(newStopDialog)).steers(),
		bind("R", "new run", "start a new run, when this one is over", anywhere((*model).again)),
	}
}

func nextTabs() []binding {
	return []binding{
		bind("]", "", "next screen", anywhere(func(m *model) tea.Cmd { return m.goTo(m.tab + 1) })),
		bind("[", "", "previous screen", anywhere(func(m *model) tea.Cmd { return m.goTo(m.tab - 1) })),
	}
}

// fineSteps are for pages that show no text, where w wraps.
func fineSteps() []binding {
	return []binding{
		bind("w", "1/10", "one more, of users or arrivals", adds(by(1))).steers().as("w/W s/S"),
		bind("W", "", "ten more", adds(by(10))).steers(),
		bind("s", "", "one fewer", adds(by(-1))).steers(),
		bind("S", "", "ten fewer", adds(by(-10))).steers(),
	}
}

func sortKeys() []binding {
	return []binding{
		bind("o", "sort", "sort by the next column", moves(draw.SortNext)).as("o/O"),
		bind("O", "", "turn the order round", moves(draw.SortReverse)),
	}
}

func copyCell() binding { return bind("y", "copy", "copy the cell or line", on(copier.copyCell)) }
func copyRow() binding  { return bind("Y", "", "copy the row", on(copier.copyRow)) }

func wholeRun() binding {
	return bind("a", "window", "the last 10 seconds, or the whole run", anywhere((*model).toggleWindow))
}

const errorsOfHelp = "its errors; charts: those of that second"

func errorsOf() binding {
	return bind("E", "errors", errorsOfHelp, on(func(s ofEndpoint, m *model) tea.Cmd {
		if k, ok := s.endpoint(); ok {
			return m.errorsOf(k)
		}
		m.complain("nothing is selected that has errors of its own")
		return nil
	}))
}

func chartsOf() binding {
	return bind("C", "charts", "its charts", on(func(s ofEndpoint, m *model) tea.Cmd {
		if k, ok := s.endpoint(); ok {
			return m.chartsOf(k)
		}
		m.complain("nothing is selected that has charts of its own")
		return nil
	}))
}

func wrapLines() binding { return bind("w", "wrap", "wrap long lines", moves(draw.Wrap)) }

func matchKeys() []binding {
	match := func(by draw.Move) meaning {
		return on(func(s mover, m *model) tea.Cmd {
			if m.screen().filterText() == "" {
				m.say("no search: / begins one")
				return nil
			}
			return s.move(m, by)
		})
	}
	return []binding{bind("n", "", "next match", match(draw.NextMatch)), bind("N", "", "previous match", match(draw.PrevMatch))}
}
