package tui

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"

	"tload/swarm"
)

// later is the run of snapshot() that many quarters of a second on: the clock
// goes, the numbers of the last ten seconds move, and each full second is one
// more point of the charts.
func later(quarters int) *swarm.Snapshot {
	s := snapshot()
	in := s.Snapshot
	since := time.Duration(quarters) * 250 * time.Millisecond
	in.Elapsed += since
	s.Taken = s.Taken.Add(since)
	for i := range quarters / 4 {
		next := in.Seconds[len(in.Seconds)-1]
		next.At += time.Second
		next.OK += uint64(i%3) * 40
		in.Seconds = append(in.Seconds, next)
	}
	for i := range in.Rows {
		r := &in.Rows[i]
		r.Window = row("", "", r.Run.Requests+uint64(quarters*(i+1)*97), r.Run.Failures+uint64(quarters*i), 12, 31+float64(quarters%5), 88, 402).Window
	}
	in.Total.Window = row("", "", in.Total.Run.Requests+uint64(quarters*457), in.Total.Run.Failures+uint64(quarters), 23, 118+float64(quarters%7), 640, 4950).Window
	return s
}

// BenchmarkFrame is what one tick costs: a snapshot is read, the whole screen is
// drawn, and what changed goes to the terminal. The figure is the model's part;
// bytes/frame are those that the library's renderer sends after the first frame.
//
//	go test ./tui -run XXX -bench Frame -benchmem
func BenchmarkFrame(b *testing.B) {
	var ahead []*swarm.Snapshot
	for i := range 40 {
		ahead = append(ahead, later(i))
	}
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		for _, screen := range []struct{ name, keys string }{{"dash", "1"}, {"stats", "2"}, {"charts", "3"}, {"errors", "4"}} {
			b.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], screen.name), func(b *testing.B) {
				load := newFake(ahead[0])
				m := newModel(Options{Run: load, Logs: logged(), Dir: b.TempDir()})
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				m.Update(tea.KeyPressMsg{Code: rune(screen.keys[0]), Text: screen.keys})
				t := newFarEnd(size[0], size[1])
				t.show(m.View().Content)
				first := t.sent
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					load.snap = ahead[i%len(ahead)]
					m.read()
					content := m.View().Content
					if i < len(ahead) {
						b.StopTimer()
						t.show(content)
						b.StartTimer()
					}
				}
				b.ReportMetric(float64(t.sent-first)/float64(t.frames-1), "bytes/frame")
			})
		}
	}
}

// farEnd counts what the library's renderer sends for a row of frames.
type farEnd struct {
	out          bytes.Buffer
	cells        uv.ScreenBuffer
	renderer     *uv.TerminalRenderer
	frames, sent int
}

func newFarEnd(w, h int) *farEnd {
	t := &farEnd{cells: uv.NewScreenBuffer(w, h)}
	t.renderer = uv.NewTerminalRenderer(&t.out, []string{"TERM=xterm-256color"})
	t.renderer.SetColorProfile(colorprofile.ANSI256)
	t.renderer.SetFullscreen(true)
	t.renderer.SetRelativeCursor(false)
	t.renderer.SetTabStops(-1)
	t.renderer.SetScrollOptim(true)
	return t
}

func (t *farEnd) show(frame string) {
	t.cells.Clear()
	uv.NewStyledString(frame).Draw(t.cells, t.cells.Bounds())
	t.renderer.Render(t.cells.RenderBuffer)
	t.renderer.Flush()
	t.sent += t.out.Len()
	t.frames++
	t.out.Reset()
}
