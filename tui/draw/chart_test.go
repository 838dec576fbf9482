package draw

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func clock(d time.Duration) string { return d.String() }

func drawn(t *testing.T, c *Chart, w, h int) string {
	t.Helper()
	lines := c.Draw(w, h)
	if len(lines) != h {
		t.Fatalf("got %d lines, want %d", len(lines), h)
	}
	for i, l := range lines {
		if Width(l) != w {
			t.Fatalf("line %d is %d wide, want %d: %q", i, Width(l), w, Strip(l))
		}
		lines[i] = Strip(l)
	}
	return strings.Join(lines, "\n")
}

func plot(values ...[]float64) *Chart {
	c := &Chart{Span: time.Minute, Label: Short, Clock: clock, Cursor: -1, Upper: func(rows int) float64 { return 100 }}
	for _, v := range values {
		c.Series = append(c.Series, Series{Values: v, Pen: PenHeavy})
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
			for i := range 4 {
				log, dots := i%2 == 1, i >= 2
				for _, upper := range []float64{100, 0, nan, inf} {
					c := plot(values...)
					c.Log, c.Dots = log, dots
					c.Upper = func(int) float64 { return upper }
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
			c.Dots = w%2 == 0
			c.Marks = []ChartMark{{30 * time.Second, "▲1"}, {31 * time.Second, "▲12"}}
			c.Cursor = 20 * time.Second
			c.Suspect = func(from, to time.Duration) bool { return from > 40*time.Second }
			drawn(t, c, w, h)
		}
	}
}

func TestLabelsAreRoundAndStandStill(t *testing.T) {
	var s Scale
	now := time.Unix(0, 0)
	if got := s.Reach(640, 7, now); got != 700 {
		t.Errorf("got %v, want 700: seven rows of 100", got)
	}
	if got := s.Reach(10, 7, now.Add(29*time.Second)); got != 700 {
		t.Errorf("shrank after one look: %v", got)
	}
	if got := s.Reach(10, 7, now.Add(60*time.Second)); got != 14 {
		t.Errorf("got %v, want 14 after half a minute", got)
	}
	if got := s.Reach(5000, 7, now.Add(61*time.Second)); got != 7000 {
		t.Errorf("got %v, want 7000 at once", got)
	}
	for _, c := range []struct{ in, want float64 }{{0, 1}, {1, 1}, {1.01, 2}, {2.4, 2.5}, {3, 5}, {7, 10}, {.03, .05}, {math.NaN(), 1}, {math.Inf(1), 1}} {
		if got := roundUp(c.in); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("roundUp(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

func TestMarksDoNotWriteOverEachOther(t *testing.T) {
	c := &Chart{Span: 100 * time.Second, Clock: clock, Cursor: -1}
	for i, at := range []int{10, 13, 14, 40, 40, 96, 100} {
		c.Marks = append(c.Marks, ChartMark{time.Duration(at) * time.Second, fmt.Sprintf("▲%d", i+1)})
	}
	for cols := 4; cols <= 200; cols++ {
		if line := Strip(c.marks(cols)); Width(line) != cols || !strings.HasSuffix(line, "▲7") {
			t.Fatalf("%d columns: %q", cols, line)
		}
	}
	line := Strip(c.marks(100))
	for _, part := range []string{"▲1", "▲3", "▲5", "▲6"} {
		if !strings.Contains(line, part) {
			t.Errorf("%q is not on %q", part, line)
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	mmss := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60) }
	for _, tt := range []struct {
		from, span time.Duration
		cols       int
		want       string
	}{
		{0, 30 * time.Second, 40, "00:00        00:10        00:20    00:30"},
		{0, time.Minute, 60, "00:00     00:10     00:20     00:30     00:40     00:50     "},
		{30 * time.Second, 2 * time.Minute, 60, "00:30          01:00          01:30          02:00     02:30"},
	} {
		c := &Chart{From: tt.from, Span: tt.span, Clock: mmss}
		if got := Strip(c.axis(tt.cols, -1))[ChartMargin:]; got != tt.want {
			t.Errorf("%v from %v in %d: got\n%q, want\n%q", tt.span, tt.from, tt.cols, got, tt.want)
		}
	}
}
