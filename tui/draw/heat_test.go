package draw

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
)

func heat(counts [][]float64) *Heat {
	return &Heat{
		Chart: Chart{Span: time.Minute, Clock: clock, Cursor: -1}, Counts: counts,
		Bound: func(step int) string { return Short(float64(step)) }, Style: func(step int) lipgloss.Style { return Shade(step) },
	}
}

// TestHeatShowsEachCountOnce and the more there is in a cell, the denser it is.
func TestHeatShowsEachCountOnce(t *testing.T) {
	h := heat([][]float64{{0, 1, 0, 0}, {0, 0, 100, 0}, nil, {0, 0, 0, 1e6}})
	lines := h.Draw(ChartMargin+4, 6)
	got := make([]string, len(lines))
	for i, l := range lines {
		got[i] = strings.TrimRight(Strip(l), " ")
	}
	want := "     4 ┤\n       ┤   █\n     2 ┤ ▒\n       ┤░\n     0 ┤"
	if s := strings.Join(got[:5], "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	total := 0.0
	for x := range 4 {
		for y := range 5 {
			total += h.at(x, y)
		}
	}
	if total != 1000101 {
		t.Errorf("the cells hold %v, want 1000101", total)
	}
}

func TestHeatOfAnySize(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for w := range 90 {
		for lines := range 20 {
			counts := make([][]float64, r.IntN(120))
			for i := range counts {
				counts[i] = make([]float64, r.IntN(60))
				for j := range counts[i] {
					counts[i][j] = float64(r.IntN(3) * r.IntN(1000))
				}
			}
			h := heat(counts)
			h.Cursor = 20 * time.Second
			h.Marks = []ChartMark{{30 * time.Second, "▲1"}}
			got := h.Draw(w, lines)
			if len(got) != lines {
				t.Fatalf("%dx%d: %d lines", w, lines, len(got))
			}
			for _, l := range got {
				if Width(l) != w {
					t.Fatalf("%dx%d: a line of %d: %q", w, lines, Width(l), Strip(l))
				}
			}
		}
	}
}
