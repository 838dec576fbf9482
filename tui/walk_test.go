package tui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// TestAWalkOfRandomKeys presses whatever there is, in every size, while the run goes on,
// ends and begins again: no panic, no line too wide, and esc leads back from everywhere.
func TestAWalkOfRandomKeys(t *testing.T) {
	steps := 10_000
	if testing.Short() {
		steps = 1000
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	var keys []tea.KeyPressMsg
	for _, p := range newPages().all {
		for _, b := range p.keys {
			for _, k := range b.Keys() {
				if msg, ok := named[k]; ok {
					keys = append(keys, msg)
				} else if len([]rune(k)) == 1 {
					keys = append(keys, tea.KeyPressMsg{Code: []rune(k)[0], Text: k})
				}
			}
		}
	}
	for _, c := range "az09/~![]世\u202e %" {
		keys = append(keys, tea.KeyPressMsg{Code: c, Text: string(c)})
	}
	for _, k := range []string{"esc", "enter", "tab", "up", "down", "left", "right"} {
		keys = append(keys, named[k], named[k])
	}
	sizes := [][2]int{{80, 24}, {160, 45}, {100, 30}, {60, 20}, {40, 10}, {38, 9}, {20, 5}, {200, 60}, {1, 1}, {250, 70}, {120, 35}}
	var walked []string
	step := func(what string) { walked = append(walked[max(len(walked)-30, 0):], what) }
	w, h := 80, 24
	var load *fakeLoad
	start := func() Load {
		load = newFake(snapshot())
		close(load.done) // nothing waits for its end
		return load
	}
	o := formOptions()
	o.Run, o.Launch = start(), func(Form) (Load, error) { return start(), nil }
	o.Send = func(_ context.Context, x *stats.Exchange) (*stats.Exchange, error) { return x, nil }
	t.Chdir(t.TempDir())
	o.Dir = t.TempDir()
	p := sit(t, w, h, o)
	for i := range steps {
		for _, d := range p.m.dialogs { // whatever is typed, nothing is written elsewhere
			if d, ok := d.(*exportDialog); ok {
				d.path.Set(filepath.Join(o.Dir, "walked"))
			}
		}
		switch n := r.IntN(100); {
		case n < 80:
			k := keys[r.IntN(len(keys))]
			step(k.String())
			p.send(k)
		case n < 84:
			s := sizes[r.IntN(len(sizes))]
			w, h = s[0], s[1]
			step(fmt.Sprint(s))
			p.send(tea.WindowSizeMsg{Width: w, Height: h})
		case n < 90:
			x, y := r.IntN(w), r.IntN(h)
			step(fmt.Sprintf("click %d,%d", x, y))
			p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
			p.send(tea.MouseReleaseMsg{X: r.IntN(w), Y: y, Button: tea.MouseLeft})
		case n < 92:
			p.send(tea.MouseWheelMsg{X: r.IntN(w), Y: r.IntN(h), Button: []tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown}[r.IntN(2)]})
		case n < 93:
			p.send(tea.ColorProfileMsg{Profile: []colorprofile.Profile{colorprofile.ASCII, colorprofile.ANSI, colorprofile.ANSI256}[r.IntN(3)]})
		case n < 99:
			step("tick")
			s := later(r.IntN(40))
			s.State = []swarm.State{swarm.Ready, swarm.Spawning, swarm.Running, swarm.Paused, swarm.Stopping, swarm.Stopped}[r.IntN(6)]
			if r.IntN(5) == 0 {
				s.Groups, s.Rows, s.Seconds, s.Nodes = nil, nil, nil, nil
			}
			load.mu.Lock()
			load.snap = s
			load.mu.Unlock()
			p.tick()
		default:
			p.send(tea.PasteMsg{Content: "a\x1b[2J\nb"})
		}
		if i%50 == 49 { // the way back
			for range 40 {
				p.send(named["esc"])
			}
			if m := p.m; len(m.dialogs) > 0 || m.prompt != nil || len(m.tabs[m.tab]) > 1 || m.form != nil && m.load == nil {
				t.Fatalf("seed %d, after %v: esc does not lead back from %s:\n%s", seed, walked, p.m.screen().name(), p.sees())
			}
		}
		lines := strings.Split(p.m.View().Content, "\n")
		if p.m.fault != nil {
			t.Fatalf("seed %d, after %v: %v", seed, walked, p.m.fault)
		}
		if len(lines) != h {
			t.Fatalf("seed %d, after %v: %d lines of %d", seed, walked, len(lines), h)
		}
		if at := slices.IndexFunc(lines, func(l string) bool { return draw.Width(l) != w }); at >= 0 {
			t.Fatalf("seed %d, after %v: line %d is %d wide of %d: %q", seed, walked, at, draw.Width(lines[at]), w, draw.Strip(lines[at]))
		}
	}
}
