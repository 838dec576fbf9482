package draw

import (
	"slices"
	"strings"
	"testing"
)

func TestNothingBreaksInsideAnEscape(t *testing.T) {
	text := strings.Repeat("ab‹U+200D›c", 30)
	whole := strings.Count(text, "‹U+200D›")
	for w := 9; w < 40; w++ {
		got := 0
		at := breaks(text, w)
		if !slices.IsSorted(at) || at[len(at)-1] != Width(text) {
			t.Fatalf("%d: rows begin at %v", w, at)
		}
		for i := 1; i < len(at); i++ {
			row := Strip(Rest(First(text, at[i]), at[i-1]))
			if Width(row) > w {
				t.Fatalf("%d: a row of %d", w, Width(row))
			}
			got += strings.Count(row, "‹U+200D›")
		}
		if got != whole {
			t.Errorf("wrapped at %d: %d whole escapes, want %d", w, got, whole)
		}
		got = 0
		for _, l := range WrapText(text, w) {
			got += strings.Count(l, "‹U+200D›")
		}
		if got != whole {
			t.Errorf("words wrapped at %d: %d whole escapes, want %d", w, got, whole)
		}
		if c := Cut(text, w); strings.Count(c, "‹") != strings.Count(c, "›") || Width(c) > w {
			t.Errorf("cut to %d: %q", w, c)
		}
	}
}
