package tui

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

func drawn(t *testing.T, c *chart, w, h int) string {
	t.Helper()
	lines := c.draw(w, h)
	if len(lines) != h {
		t.Fatalf("got %d lines, want %d", len(lines), h)
	}
	for i, l := range lines {
		if draw.Width(l) != w {
			t.Fatalf("line %d is %d wide, want %d: %q", i, draw.Width(l), w, draw.Strip(l))
		}
		lines[i] = draw.Strip(l)
	}
	return strings.Join(lines, "\n")
}

func plot(values ...[]float64) *chart {
	c := &chart{span: time.Minute, label: draw.Short, cursor: -1, upper: func(rows int) float64 { return 100 }}
	for _, v := range values {
		c.series = append(c.series, series{values: v, pen: penHeavy})
	}
	return c
}

func TestWhatThePlottingLibraryCannotTake(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, values := range map[string][][]float64{
		"none": nil, "empty": {{}}, "second empty": {{1, 2, 3}, {}}, "one": {{5}}, "infinite": {{1, inf, -inf, 2}}, "nothing but gaps": {{nan, nan}},
		"flat": {{7, 7, 7, 7}}, "zero": {{0, 0, 0}}, "too high": {{1e300, 5}}, "below": {{-5, 5}}, "gaps": {{1, nan, 3, nan, nan, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, log := range []bool{false, true} {
				for _, upper := range []float64{100, 0, nan, inf} {
					c := plot(values...)
					c.log = log
					c.upper = func(int) float64 { return upper }
					s := drawn(t, c, 60, 10)
					if strings.Contains(s, "NaN") || strings.Contains(s, "9223372036854775808") || strings.Contains(s, "Inf") {
						t.Errorf("got\n%s", s)
					}
				}
			}
		})
	}
}

func TestChartsOfAnySize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for w := range 120 {
		for h := range 20 {
			v := make([]float64, r.IntN(200))
			for i := range v {
				v[i] = r.ExpFloat64() * 1000
			}
			c := plot(v, v)
			c.marks = []chartMark{{30 * time.Second, "▲+100u"}, {31 * time.Second, "a long name of a moment"}}
			c.cursor = 20 * time.Second
			c.suspect = func(from, to time.Duration) bool { return from > 40*time.Second }
			drawn(t, c, w, h)
		}
	}
}

func TestLabelsAreRoundAndStandStill(t *testing.T) {
	var s scale
	now := time.Unix(0, 0)
	if got := s.reach(640, 7, now); got != 700 {
		t.Errorf("got %v, want 700: seven rows of 100", got)
	}
	if got := s.reach(10, 7, now.Add(29*time.Second)); got != 700 {
		t.Errorf("shrank after one look: %v", got)
	}
	if got := s.reach(10, 7, now.Add(60*time.Second)); got != 14 {
		t.Errorf("got %v, want 14 after half a minute", got)
	}
	if got := s.reach(5000, 7, now.Add(61*time.Second)); got != 7000 {
		t.Errorf("got %v, want 7000 at once", got)
	}
	for _, c := range []struct{ in, want float64 }{{0, 1}, {1, 1}, {1.01, 2}, {2.4, 2.5}, {3, 5}, {7, 10}, {.03, .05}, {math.NaN(), 1}, {math.Inf(1), 1}} {
		if got := roundUp(c.in); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("roundUp(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

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
	if wholeSpan(59*time.Second) != time.Minute || wholeSpan(61*time.Second) != 2*time.Minute {
		t.Error("the whole run does not double")
	}
}

func TestColumnsTakeEverySecond(t *testing.T) {
	var seconds []stats.Second
	for i := range 60 {
		seconds = append(seconds, stats.Second{At: time.Duration(i) * time.Second, Span: time.Second, OK: uint64(i)})
	}
	columns := func(seconds []stats.Second, span time.Duration, n int, join func([]float64) float64) series {
		return columnsOf(seconds, 0, span, n, penHeavy, func(l *stats.Level) float64 { return float64(l.OK) }, join)
	}
	s := columns(seconds, time.Minute, 30, largest)
	if got := s.values[:3]; got[0] != 1 || got[1] != 3 || got[2] != 5 {
		t.Errorf("two seconds a column: got %v", got)
	}
	if s = columns(seconds, time.Minute, 30, mean); s.low[1] != 2.5 || s.high[1] != 3 {
		t.Errorf("two seconds a column: got %v to %v", s.low[1], s.high[1])
	}
	if s = columns(seconds, time.Minute, 6, mean); s.low[1] != 10 || s.values[1] != 14.5 || s.high[1] != 19 {
		t.Errorf("ten seconds a column: got %v, %v, %v", s.low[1], s.values[1], s.high[1])
	}
	if got := columns(seconds, time.Minute, 120, mean).values[:4]; got[0] != 0 || got[1] != 0 || got[2] != 1 || got[3] != 1 {
		t.Errorf("half a second a column: got %v", got)
	}
	if got := columns(seconds, 2*time.Minute, 60, mean).values; !math.IsNaN(got[59]) {
		t.Errorf("the future is not a gap: %v", got[59])
	}
	coarse := []stats.Second{{At: 0, Span: 10 * time.Second, OK: 70}}
	if got := columns(coarse, 20*time.Second, 20, mean).values; got[9] != 7 || !math.IsNaN(got[10]) {
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
		look := look{m.seconds(), 0, wholeSpan(m.snap.Elapsed), percentileSets[0], false, -1}
		for _, what := range []int{ofRate, ofLatency} {
			c := 0
			for _, line := range look.picture(m, what, 100, 14, false)[1:12] {
				if strings.ContainsAny(draw.Strip(line), "┃│┆") {
					c++
				}
			}
			if c < 8 {
				t.Errorf("%d h: the spike is on %d lines of picture %d, want nearly all:\n%s", hours, c, what, strings.Join(look.picture(m, what, 100, 14, false), "\n"))
			}
		}
	}
}

func TestMarksDoNotWriteOverEachOther(t *testing.T) {
	c := &chart{span: 100 * time.Second, cursor: -1}
	for _, m := range []struct {
		at   int
		text string
	}{{10, "▲deploy"}, {13, "▲rollback"}, {14, "▲+100u"}, {40, "▲first"}, {40, "▲second"}, {96, "▲the last one"}} {
		c.marks = append(c.marks, chartMark{time.Duration(m.at) * time.Second, m.text})
	}
	for cols := 20; cols <= 200; cols++ {
		end := 0
		for _, l := range c.labels(cols) {
			if l.x < end || l.x+draw.Width(l.text) > cols || l.text == "" {
				t.Fatalf("%d columns: %q at %d, the one before ends at %d", cols, l.text, l.x, end)
			}
			end = l.x + draw.Width(l.text)
		}
	}
	line := draw.Strip(c.axis(100, -1))
	for _, part := range []string{"▲+100u", "▲second", "▲the last one"} {
		if !strings.Contains(line, part) {
			t.Errorf("%q is not on %q", part, line)
		}
	}
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
		if s := p.sees(); !strings.ContainsAny(s, "╸╴") {
			t.Errorf("no line is drawn:\n%s", s)
		}
	}
}
