package tui

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"
)

func TestLogsIsAHandler(t *testing.T) {
	var l *Logs
	slogtest.Run(t, func(*testing.T) slog.Handler {
		l = NewLogs(10)
		return l
	}, func(t *testing.T) map[string]any {
		r := l.all()[0]
		out := map[string]any{slog.MessageKey: strings.Fields(r.text)[0], slog.LevelKey: r.level}
		if !r.when.IsZero() {
			out[slog.TimeKey] = r.when
		}
		for _, pair := range strings.Fields(r.text)[1:] {
			k, v, _ := strings.Cut(pair, "=")
			at := out
			for {
				group, rest, ok := strings.Cut(k, ".")
				if !ok {
					break
				}
				in, _ := at[group].(map[string]any)
				if in == nil {
					in = map[string]any{}
					at[group] = in
				}
				at, k = in, rest
			}
			at[k] = v
		}
		return out
	})
}

func TestLogsAreBounded(t *testing.T) {
	l := NewLogs(100)
	log := slog.New(l)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				log.Info(fmt.Sprintf("line %d of %d", i, w))
			}
		})
	}
	wg.Wait()
	if n := len(l.all()); n > 100 || n < 90 {
		t.Errorf("%d of 2000 records are kept, want the newest hundred or nearly", n)
	}
	for range 1000 {
		log.Error("again")
	}
	all := l.all()
	if last := all[len(all)-1]; last.count != 1000 || all[len(all)-2].text == "again" {
		t.Errorf("repeated records: got a count of %d", last.count)
	}
	log.Info(strings.Repeat("x", 1<<20))
	all = l.all()
	if n := len(all[len(all)-1].text); n > longestRecord+10 {
		t.Errorf("a record of %d bytes is kept", n)
	}
}

func TestLogScreenFollowsAndFilters(t *testing.T) {
	l := NewLogs(100)
	log := slog.New(l)
	for i := range 50 {
		log.Info(fmt.Sprintf("line %d", i))
	}
	p := sit(t, 80, 24, Options{Logs: l})
	p.press("7")
	p.want("line 49", "following")
	log.Warn("newest")
	p.tick()
	p.want("newest")
	p.press("k k")
	log.Warn("unseen yet")
	p.tick()
	p.want("scrolled")
	p.press("G")
	p.want("unseen yet", "following")
	p.press("v v")
	p.want("level ≥ error", "nothing was logged")
	p.press("v v / newest enter")
	p.want("1 of 52")
}

func TestDragZooms(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("3")
	p.sees()
	p.send(clickAt(20, 8))
	p.send(releaseAt(50, 8))
	c := p.m.screen().(*chartsScreen)
	if from, to := c.zoom[0], c.zoom[1]; from <= 30*time.Second || to-from < 30*time.Second || to > 2*time.Minute {
		t.Errorf("zoomed to %v-%v", from, to)
	}
	p.want("00:50-01:40")
	p.press("esc")
	p.want("2m (z)")
}
