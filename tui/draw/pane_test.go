package draw

import (
	"fmt"
	"strings"
	"testing"
)

// click is a click on a cell of what is shown whole at 0, 0.
func click(p Pane, x, y int) bool {
	for _, a := range p.Areas {
		if a.Has(x, y) && a.Click != nil {
			a.Click(x-a.X, y-a.Y)
			return true
		}
	}
	return false
}

func TestAPaneBringsItsClicksAlong(t *testing.T) {
	var got string
	button := func(name string) Pane {
		return Pane{Lines: []string{name}, Areas: []Area{{W: len(name), H: 1, Click: func(x, y int) { got = fmt.Sprintf("%s %d,%d", name, x, y) }}}}
	}
	var left, right, all Pane
	left.Add("TITLE")
	left.Put(button("one"))
	left.Put(button("two"))
	right.Add("TITLE")
	right.Put(button("three").OnClick(func() { got = "" }))
	all.Add("above")
	all.Put(left.Beside(right, 5, true))
	if want := "above\nTITLE┬TITLE\none  │three\ntwo  │     "; Strip(strings.Join(all.Lines, "\n")) != want {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(all.Lines, "\n"), want)
	}
	for _, c := range []struct {
		x, y int
		want string
	}{{0, 0, ""}, {2, 2, "one 2,0"}, {0, 3, "two 0,0"}, {6, 2, "three 0,0"}, {10, 2, "three 4,0"}, {5, 2, ""}, {6, 3, ""}} {
		got = ""
		if hit := click(all, c.x, c.y); got != c.want || hit != (c.want != "") {
			t.Errorf("at %d,%d: got %q, %v, want %q", c.x, c.y, got, hit, c.want)
		}
	}
}

type town struct {
	name   string
	people int
}

func towns() *Table[town] {
	t := &Table[town]{
		ID: func(t town) string { return t.name },
		Columns: []Column[town]{
			{Name: "TOWN", Text: true, Cell: func(t town) string { return t.name }, Word: func(t town) string { return t.name }},
			{Name: "PEOPLE", Width: 7, Cell: func(t town) string { return fmt.Sprint(t.people) }, Number: func(t town) float64 { return float64(t.people) }},
		},
		Sort: 1,
	}
	t.Set([]town{{"Aldeburgh", 2466}, {"Ely", 20256}, {"Wells", 12000}}, Epoch{})
	return t
}

func TestAClickSelectsARowOrSortsByAColumn(t *testing.T) {
	tb := towns()
	for _, c := range []struct {
		x, y int
		want string // the rows from the top, the selected one in brackets
	}{
		{0, 0, "[Ely] Wells Aldeburgh"}, // left of all columns
		{3, 3, "Ely Wells [Aldeburgh]"},
		{3, 0, "[Aldeburgh] Ely Wells"}, // the cursor stays on its row
		{28, 0, "Ely Wells [Aldeburgh]"},
		{28, 0, "[Aldeburgh] Wells Ely"}, // the other way round
		{3, 7, "[Aldeburgh] Wells Ely"},  // below all rows
	} {
		click(tb.Draw(30, 10, true), c.x, c.y)
		var got []string
		for i, r := range tb.Rows {
			if i == tb.At {
				r.name = "[" + r.name + "]"
			}
			got = append(got, r.name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("at %d,%d: got %s, want %s", c.x, c.y, s, c.want)
		}
	}
}

func ExampleTable() {
	for _, line := range towns().Draw(30, 4, false).Lines {
		fmt.Println(strings.TrimRight(Strip(line), " "))
	}
	// Output:
	//  TOWN                 PEOPLE▼
	//  Ely                    20256
	//  Wells                  12000
	//  Aldeburgh               2466
}
