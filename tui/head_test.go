package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// extreme are numbers of the greatest width that a run can have.
func extreme(s *swarm.Snapshot) {
	t := row("", "", 99_999_999, 99_900_000, 23, 64_123, 999_640, 1_954_950)
	t.Window.RPS, t.Window.FailRate = 1_234_567, 13_741
	t.Window.Due, t.Window.Late = 1000, 998
	s.Total = t
	s.Running, s.Target, s.RunTime, s.Elapsed = 4_999_999, 5_000_000, 100*time.Hour, 99*time.Hour
}

func TestNoNumberOfTheHeadIsCut(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		p := sit(t, 80, 24, Options{})
		p.load.set(extreme)
		if quiet {
			p.load.set(func(s *swarm.Snapshot) { s.InFlight = 123_456 })
		}
		p.tick()
		if quiet {
			p.m.pulse.quiet = time.Hour
		}
		for w := leastWidth; w <= 200; w++ {
			p.m.Update(tea.WindowSizeMsg{Width: w, Height: 24})
			if got := draw.Width(p.m.numbers()); got > w {
				t.Errorf("the numbers take %d of %d: %q", got, w, draw.Strip(p.m.numbers()))
			}
		}
	}
}

func TestTheLightNeverGoes(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.load.set(extreme)
	p.tick()
	for _, frozen := range []bool{false, true} {
		p.m.frozen = frozen
		for w := 8; w <= 200; w++ {
			p.m.Update(tea.WindowSizeMsg{Width: w, Height: 24})
			if s := p.sees(); !strings.Contains(s, "▲ GEN") {
				t.Fatalf("%d columns: the generator is not well, and the screen does not say so:\n%s", w, s)
			}
		}
	}
}

func TestTheWindowsNameNeverGoes(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) {
		s.Total.Shown.Span = 5 * time.Second
		for i := range 500 {
			s.Groups = append(s.Groups, &stats.Group{ID: 100 + i})
		}
	})
	p.tick()
	p.press("a")
	for w := leastWidth; w <= 200; w++ {
		p.m.Update(tea.WindowSizeMsg{Width: w, Height: 24})
		for tab := range p.m.tabs {
			p.m.tab = tab
			if l := draw.Strip(p.m.tabLine()); !strings.Contains(l, "since reset") {
				t.Fatalf("%d columns: the tabs do not say what the numbers are of: %q", w, l)
			}
		}
	}
}

func TestATargetThatStandsStillIsSaid(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	at := func(d time.Duration, replies uint64, out int) {
		p.load.set(func(s *swarm.Snapshot) {
			s.Elapsed, s.InFlight, s.Groups, s.Recent = d, out, nil, nil
			s.Total = row("", "", replies, 0, 5, 9, 20, 30)
		})
		p.tick()
	}
	at(134*time.Second, 1000, 10)
	at(135*time.Second, 1010, 10)
	p.want("✓ no failures")
	at(146*time.Second, 1010, 10)
	p.want("▲ 10 in flight, no reply for 11s", "nothing failed because nothing ends")
	p.wantNot("✓ no failures")
	for _, w := range []int{40, 60, 100, 160} {
		p.m.Update(tea.WindowSizeMsg{Width: w, Height: 24})
		p.want("▲ 10 in flight, no reply for 11s")
	}
	p.m.Update(tea.WindowSizeMsg{Width: 38, Height: 9})
	p.want("▲ 10 in flight, no reply for 11s", "▲ GEN")
	p.m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	at(147*time.Second, 1020, 10)
	p.wantNot("no reply")
	at(150*time.Second, 1020, 0) // all think
	at(151*time.Second, 1020, 3)
	p.wantNot("no reply")
}

func TestATinyScreenSaysWhichDialogIsOpen(t *testing.T) {
	for keys, want := range map[string]string{
		"x": "stop?  enter yes  esc back", "q": "quit:  s stop  d detach  esc back", "u": "users 200", "r": "New segment:", "M": "Mark this moment:", "e": "write ", "?": "keys:",
	} {
		p := sit(t, 38, 9, Options{})
		p.press("2 " + keys)
		p.want(want, "RUN 02:14")
	}
}

func TestATinyScreenShowsWhatIsTyped(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("2 /cart")
	p.m.Update(tea.WindowSizeMsg{Width: 38, Height: 9})
	p.want("/ cart", "enter/esc", "RUN 02:14")
}

func TestTheTinyScreenKeepsThePercentile(t *testing.T) {
	for _, state := range []swarm.State{swarm.Spawning, swarm.Running, swarm.Paused, swarm.Stopping, swarm.Stopped} {
		p := sit(t, 38, 9, Options{})
		p.load.set(extreme)
		p.load.set(func(s *swarm.Snapshot) { s.State = state })
		p.tick()
		p.want("p95 64.1k", fmt.Sprintf("%s%%", percent(p.m.shown(&p.m.snap.Total).FailPercent())))
	}
}
