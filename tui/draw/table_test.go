package draw

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRowsAreInOrderOncePerEpoch(t *testing.T) {
	tb := &Table[[2]int]{
		ID:      func(r [2]int) string { return string(rune('a' + r[0])) },
		Columns: []Column[[2]int]{{Name: "n", Cell: func([2]int) string { return "" }, Number: func(r [2]int) float64 { return float64(r[1]) }}},
	}
	for _, step := range []struct {
		name        string
		a, b, first int
		epoch       Epoch
	}{
		{"the larger one leads", 1000, 999, 0, Epoch{1, 1}},
		{"within an epoch rows keep their places", 1000, 5000, 0, Epoch{1, 1}},
		{"the next one has only the clearly larger pass", 1000, 1099, 0, Epoch{1, 2}},
		{"and then it does", 1000, 1200, 1, Epoch{1, 3}},
		{"nor does it fall back by little", 1100, 1000, 1, Epoch{1, 4}},
		{"what is something else is in order", 1100, 1000, 0, Epoch{2, 4}},
		{"what has none is in order", 1000, 1001, 1, Epoch{}},
		{"and stays it", 1001, 1000, 0, Epoch{}},
	} {
		tb.Set([][2]int{{0, step.a}, {1, step.b}}, step.epoch)
		if got := tb.Rows[0][0]; got != step.first {
			t.Errorf("%s: got row %d first, want %d", step.name, got, step.first)
		}
		if tb.At != 0 {
			t.Errorf("%s: the cursor nobody moved is on row %d, want the first", step.name, tb.At)
		}
	}
	tb.Move(MoveDown)
	tb.Set([][2]int{{0, 1000}, {1, 1001}}, Epoch{1, 3})
	if tb.At != 0 || tb.Rows[tb.At][0] != 1 {
		t.Errorf("the cursor is on row %d, want it to stay on b", tb.At)
	}
}

// No row stands below one that it exceeds by more than near, however the numbers went.
func TestRowsAreNearlyInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, turned := range []bool{false, true} {
		tb := &Table[[2]int]{
			ID:      func(r [2]int) string { return string(rune('a' + r[0])) },
			Columns: []Column[[2]int]{{Name: "n", Cell: func([2]int) string { return "" }, Number: func(r [2]int) float64 { return float64(r[1]) }}},
			turned:  turned,
		}
		moved := 0
		for second := range int64(300) {
			rows := make([][2]int, 12)
			for i := range rows {
				rows[i] = [2]int{i, 20 + i*r.IntN(12)}
			}
			before := slices.Clone(tb.Rows)
			tb.Set(rows, Epoch{1, second})
			for i, a := range tb.Rows {
				if len(before) > 0 && before[i][0] != a[0] {
					moved++
				}
				for _, b := range tb.Rows[i:] {
					small, large := float64(a[1]), float64(b[1])
					if turned {
						small, large = large, small
					}
					if large-small > near*large {
						t.Fatalf("turned %v, second %d: got %v before %v", turned, second, a, b)
					}
				}
			}
		}
		if moved == 0 {
			t.Error("no row ever moved: the test says nothing")
		}
	}
}
