package tui

import (
	"math"
	"strings"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

func TestAWindowFillsAndJumps(t *testing.T) {
	const span = 2 * time.Minute
	last := time.Duration(-1)
	jumps := 0
	for at := time.Duration(0); at < 20*time.Minute; at += time.Second {
		from := window(at, span)
		if at < from || at > from+span {
			t.Fatalf("at %v the window begins at %v", at, from)
		}
		if from < last {
			t.Fatalf("it went back at %v", at)
		}
		if from > last && last >= 0 {
			jumps++
			if from-last != span/4 {
				t.Fatalf("it jumped by %v", from-last)
			}
		}
		last = from
	}
	if jumps == 0 {
		t.Error("it never jumped")
	}
	if wholeSpan(20*time.Second) != 30*time.Second || wholeSpan(59*time.Second) != time.Minute || wholeSpan(61*time.Second) != 2*time.Minute {
		t.Error("the whole run does not double")
	}
}

func TestColumnsTakeEverySecond(t *testing.T) {
	var seconds []stats.Second
	for i := range 60 {
		seconds = append(seconds, stats.Second{At: time.Duration(i) * time.Second, Span: time.Second, OK: uint64(i)})
	}
	columns := func(seconds []stats.Second, span time.Duration, n int, join func([]float64) float64) draw.Series {
		return columnsOf(seconds, 0, span, n, draw.PenHeavy, func(l *stats.Level) float64 { return float64(l.OK) }, join)
	}
	s := columns(seconds, time.Minute, 30, largest)
	if got := s.Values[:3]; got[0] != 1 || got[1] != 3 || got[2] != 5 {
		t.Errorf("two seconds a column: got %v", got)
	}
	if s = columns(seconds, time.Minute, 30, mean); s.Low[1] != 2.5 || s.High[1] != 3 {
		t.Errorf("two seconds a column: got %v to %v", s.Low[1], s.High[1])
	}
	if s = columns(seconds, time.Minute, 6, mean); s.Low[1] != 10 || s.Values[1] != 14.5 || s.High[1] != 19 {
		t.Errorf("ten seconds a column: got %v, %v, %v", s.Low[1], s.Values[1], s.High[1])
	}
	if got := columns(seconds, time.Minute, 120, mean).Values[:4]; got[0] != 0 || got[1] != 0 || got[2] != 1 || got[3] != 1 {
		t.Errorf("half a second a column: got %v", got)
	}
	if got := columns(seconds, 2*time.Minute, 60, mean).Values; !math.IsNaN(got[59]) {
		t.Errorf("the future is not a gap: %v", got[59])
	}
	coarse := []stats.Second{{At: 0, Span: 10 * time.Second, OK: 70}}
	if got := columns(coarse, 20*time.Second, 20, mean).Values; got[9] != 7 || !math.IsNaN(got[10]) {
		t.Errorf("a coarse slot: got %v", got)
	}
}

// TestASpikeIsOnEveryChart has one second unlike all others and looks at it in every
// window, from the first minute to a day later: its column reaches as high as it was,
// and the axis holds it.
func TestASpikeIsOnEveryChart(t *testing.T) {
	const at, height = 40, 2000
	for _, hours := range []int{0, 1, 6, 24} {
		l := stats.NewLedger(0, 0)
		end := max(hours*3600, 60)
		for second := range int64(end) {
			var b stats.Batch
			n, took := 100, 10*time.Millisecond
			if second == at {
				n, took = height, time.Second
			}
			b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(took, uint64(n))
			l.Fold(&b, time.Duration(second+1)*time.Second, stats.Users{Running: 5, Target: 5})
		}
		p := sit(t, 120, 40, Options{})
		p.load.set(func(s *swarm.Snapshot) {
			s.Snapshot = l.Snapshot()
			s.RunTime, s.Changes, s.State = 0, nil, swarm.Stopped
		})
		p.tick()
		p.press("3")
		for range windows {
			p.press("z") // to the whole run
		}
		for what, want := range map[string]string{"RPS": "2k", "LATENCY": "1000"} {
			screen := p.sees()
			if !strings.Contains(screen, want) {
				t.Errorf("%d h: the axis of %s lacks %s:\n%s", hours, what, want, screen)
			}
		}
		m := p.m
		look := m.lookAt(m.seconds(), 0, wholeSpan(m.snap.Elapsed), percentileSets[0])
		for _, what := range []int{ofRate, ofLatency} {
			c := 0
			drawn := look.picture(m, what, false, 100).Draw(100, 14, false).Lines
			for _, line := range drawn[1:12] {
				if hasDots(draw.Strip(line)) {
					c++
				}
			}
			if c < 8 {
				t.Errorf("%d h: the spike is on %d lines of picture %d, want nearly all:\n%s", hours, c, what, strings.Join(drawn, "\n"))
			}
		}
	}
}

// hasDots says that something is drawn in Braille.
func hasDots(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r > 0x2800 && r <= 0x28ff })
}

func TestARunUnderASecondIsDrawn(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) {
		s.Elapsed, s.Seconds, s.State, s.Marks, s.Segments, s.Changes = 600*time.Millisecond, nil, swarm.Stopped, nil, nil, nil
		s.RunTime = 0
		s.Total = row("", "", 600, 0, 5, 9, 20, 30)
	})
	p.tick()
	for _, keys := range []string{"1", "3"} {
		p.press(keys)
		if s := p.sees(); !hasDots(s) {
			t.Errorf("no line is drawn:\n%s", s)
		}
	}
}
