package draw

import "testing"

func TestRowsAreInOrderOncePerEpoch(t *testing.T) {
	tb := &Table[[2]int]{
		ID:      func(r [2]int) string { return string(rune('a' + r[0])) },
		Columns: []Column[[2]int]{{Name: "n", Cell: func([2]int) string { return "" }, Number: func(r [2]int) float64 { return float64(r[1]) }}},
	}
	for _, step := range []struct {
		name        string
		a, b, first int
		epoch       any
	}{
		{"the larger one leads", 1000, 999, 0, 1},
		{"within an epoch rows keep their places", 1000, 5000, 0, 1},
		{"the next one puts them in order", 1000, 1001, 1, 2},
		{"so does one of another kind", 1001, 1000, 0, "two"},
		{"what has none is in order", 1000, 1001, 1, nil},
		{"and stays it", 1001, 1000, 0, nil},
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
	tb.Set([][2]int{{0, 1000}, {1, 1001}}, 3)
	if tb.At != 0 || tb.Rows[tb.At][0] != 1 {
		t.Errorf("the cursor is on row %d, want it to stay on b", tb.At)
	}
}
