package draw

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Table is rows with a cursor that stays on its row whatever the numbers do:
// cursor, order and scroll go by identity, never by index.
type Table[T any] struct {
	Columns []Column[T]
	ID      func(T) string
	Faint   func(T) bool // rows drawn dimmed; may be nil

	Rows   []T   // in order
	Sort   int   // the column that gives the order; -1: as they came
	turned bool  // against the column's own direction
	Epoch  Epoch // in which the rows were last put in order

	cursor string
	chosen bool // somebody put the cursor where it is
	At     int  // the row under the cursor
	top    int
	skip   int // columns scrolled away to the left
	height int // rows drawn last
}

// Column is one column. Width 0 takes what is left. Columns of a higher rank
// are dropped first when the screen is narrow.
type Column[T any] struct {
	Name   string
	Width  int
	Rank   int
	Off    bool // nothing to show in it now
	Text   bool // left-aligned, and cut in the middle if middle
	Middle bool
	Spare  int // there only where so many cells are left beside the longest name; Drawn fills it
	Drawn  func(r T, w int) string
	Cell   func(T) string
	Number func(T) float64 // sorts by it, largest first
	Rising bool            // … where number is negated to put the smallest first
	Word   func(T) string  // sorts by it
}

// spareMost is how wide a column of spare room gets.
const spareMost = 40

func (c *Column[T]) sortable() bool { return !c.Off && (c.Number != nil || c.Word != nil) }

// Epoch is a while in which rows keep their places: four times a second would be too
// often for whoever reads them. The zero one has them always in order.
type Epoch struct {
	Of     any   // what is shown: of something else they are put in order anew
	Moment int64 // at the next one they are put nearly in order: see settle
}

// Set takes new rows, and puts them where the epoch says.
func (t *Table[T]) Set(rows []T, epoch Epoch) {
	switch was := t.Epoch; {
	case epoch.Of == nil || epoch.Of != was.Of || len(t.Rows) == 0:
		t.order(rows)
	case epoch.Moment != was.Moment:
		t.hold(rows)
		t.settle(rows)
	default:
		t.hold(rows)
	}
	t.Epoch, t.Rows = epoch, rows
	t.find()
}

// order sorts rows by the chosen column.
func (t *Table[T]) order(rows []T) {
	if t.Sort < 0 || t.Sort >= len(t.Columns) || !t.Columns[t.Sort].sortable() {
		return
	}
	c := &t.Columns[t.Sort]
	slices.SortFunc(rows, func(a, b T) int {
		n := 0
		if c.Number != nil {
			n = cmp.Compare(c.Number(b), c.Number(a))
		} else {
			n = cmp.Compare(c.Word(a), c.Word(b))
		}
		if t.turned {
			n = -n
		}
		if n == 0 {
			n = cmp.Compare(t.ID(a), t.ID(b))
		}
		return n
	})
}

// near is the share by which a number has to be larger for its row to pass another. A
// count of some seconds differs by more from one second to the next, by chance alone: rows
// would change places under the eye, and the cursor's finger, and say nothing.
const near = 0.1

// settleMost is up to how many rows keep their places for that: it costs the square.
const settleMost = 500

// settle moves a row up past those whose numbers are clearly smaller, and no other: none
// is then below one that it exceeds by more than near.
func (t *Table[T]) settle(rows []T) {
	if t.Sort < 0 || t.Sort >= len(t.Columns) || t.Columns[t.Sort].Number == nil || len(rows) > settleMost {
		t.order(rows)
		return
	}
	c := &t.Columns[t.Sort]
	if !c.sortable() {
		return
	}
	numbers := make([]float64, len(rows))
	for i, r := range rows {
		n := c.Number(r)
		numbers[i] = n
		k := slices.IndexFunc(numbers[:i], func(other float64) bool {
			larger, smaller := n, other
			if t.turned {
				larger, smaller = other, n
			}
			return larger-smaller > near*max(math.Abs(larger), math.Abs(smaller))
		})
		if k >= 0 {
			copy(rows[k+1:i+1], rows[k:i])
			copy(numbers[k+1:i+1], numbers[k:i])
			rows[k], numbers[k] = r, n
		}
	}
}

// hold puts rows where they were; new ones come last, until the next epoch.
func (t *Table[T]) hold(rows []T) {
	if t.Sort < 0 {
		return
	}
	was := make(map[string]int, len(t.Rows))
	for i, r := range t.Rows {
		was[t.ID(r)] = i
	}
	before := func(r T) int {
		if i, ok := was[t.ID(r)]; ok {
			return i
		}
		return len(was)
	}
	slices.SortStableFunc(rows, func(a, b T) int { return cmp.Compare(before(a), before(b)) })
}

// Raise has rows that are urgent among the first n, in the places of the last of those
// that are not, as many as there are places.
func (t *Table[T]) Raise(n int, urgent func(T) bool) {
	n = max(n, 0)
	if n >= len(t.Rows) {
		return
	}
	var first, rest []T
	room := n
	for _, r := range t.Rows {
		if room > 0 && urgent(r) {
			room--
		}
	}
	for _, r := range t.Rows { // room is for others now
		switch {
		case urgent(r) && len(first) < n:
			first = append(first, r)
		case room > 0 && !urgent(r):
			first, room = append(first, r), room-1
		default:
			rest = append(rest, r)
		}
	}
	t.Rows = append(first, rest...)
	t.find()
}

// find puts the cursor back on its row, or near where that was. Until somebody
// moves it, it stays on the first: the largest are then always in sight.
func (t *Table[T]) find() {
	if !t.chosen && t.Sort >= 0 {
		t.To(0)
		return
	}
	if i := slices.IndexFunc(t.Rows, func(r T) bool { return t.ID(r) == t.cursor }); i >= 0 {
		t.At = i
		return
	}
	t.To(t.At)
}

// To puts the cursor on the row at i, or the nearest there is.
func (t *Table[T]) To(i int) {
	t.At = min(max(i, 0), max(len(t.Rows)-1, 0))
	if t.At < len(t.Rows) {
		t.cursor = t.ID(t.Rows[t.At])
	}
}

// Selected is the row under the cursor.
func (t *Table[T]) Selected() (r T, ok bool) {
	if t.At < 0 || t.At >= len(t.Rows) {
		return r, false
	}
	return t.Rows[t.At], true
}

// Move is what every table understands.
func (t *Table[T]) Move(by Move) {
	switch by {
	case MoveUp, MoveDown, PageUp, PageDown, MoveBottom:
		t.chosen = true
	case MoveTop:
		t.chosen = false
	}
	switch by {
	case MoveUp:
		t.To(t.At - 1)
	case MoveDown:
		t.To(t.At + 1)
	case PageUp:
		t.To(t.At - max(t.height/2, 1))
	case PageDown:
		t.To(t.At + max(t.height/2, 1))
	case MoveTop:
		t.To(0)
	case MoveBottom:
		t.To(len(t.Rows) - 1)
	case MoveLeft:
		t.skip = max(t.skip-1, 0)
	case MoveRight:
		t.skip = min(t.skip+1, max(len(t.Columns)-3, 0))
	case SortNext:
		for range t.Columns {
			t.Sort = (t.Sort + 1) % len(t.Columns)
			if t.Columns[t.Sort].sortable() {
				break
			}
		}
		t.turned = false
		t.resort()
	case SortReverse:
		t.turned = !t.turned
		t.resort()
	}
}

func (t *Table[T]) resort() {
	t.order(t.Rows)
	t.find()
}

// sortBy chooses the column, as a click on its header does.
func (t *Table[T]) sortBy(i int) {
	if i < 0 || i >= len(t.Columns) || !t.Columns[i].sortable() {
		return
	}
	if t.Sort == i {
		t.turned = !t.turned
	} else {
		t.Sort, t.turned = i, false
	}
	t.resort()
}

// Sorting is the column and direction, for titles.
func (t *Table[T]) Sorting() string {
	if t.Sort < 0 || t.Sort >= len(t.Columns) {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(t.Columns[t.Sort].Name)) + t.arrow()
}

func (t *Table[T]) arrow() string {
	if c := &t.Columns[t.Sort]; (c.Number != nil && !c.Rising) != t.turned {
		return "▼"
	}
	return "▲"
}

// shown are the columns that fit w, in order, with their widths.
type shown struct{ column, width int }

// visible are the columns that fit w. One takes what is left; what it does not need for
// its longest cell goes to columns of spare room.
func (t *Table[T]) visible(w int) []shown {
	show, flex := t.fitting(w)
	out := make([]shown, 0, len(t.Columns))
	longest, spare := flex, 0
	if slices.ContainsFunc(t.Columns, func(c Column[T]) bool { return c.Spare > 0 && !c.Off }) && t.skip == 0 {
		longest = t.longest(show, flex)
		spare = flex - longest
	}
	for _, i := range show {
		cw := t.Columns[i].Width
		if cw == 0 {
			cw = longest
		}
		out = append(out, shown{i, cw})
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Spare == 0 || c.Off || spare <= c.Spare {
			continue
		}
		cw := c.Spare
		if rest := spare - 1 - cw; !slices.ContainsFunc(t.Columns[i+1:], func(c Column[T]) bool { return c.Spare > 0 && c.Spare < rest }) {
			cw = min(spare-1, spareMost)
		}
		out = append(out, shown{i, cw})
		spare -= cw + 1
	}
	if spare > 0 && longest < flex { // nobody wants it
		for j := range out {
			if t.Columns[out[j].column].Width == 0 && t.Columns[out[j].column].Spare == 0 {
				out[j].width += spare
			}
		}
	}
	return out
}

// longest is how wide the column that takes what is left has to be, at most flex.
func (t *Table[T]) longest(show []int, flex int) int {
	n := 12
	for _, i := range show {
		if c := &t.Columns[i]; c.Width == 0 {
			n = max(n, Width(c.Name)+1)
			for _, r := range t.Rows {
				if n = max(n, Width(c.Cell(r))); n >= flex {
					return flex
				}
			}
		}
	}
	return n
}

// fitting are the columns that fit w, in order, and the width of the one that takes what
// is left.
func (t *Table[T]) fitting(w int) (show []int, flex int) {
	const least = 12
	need := func(cols []int) int {
		n := 1
		for _, i := range cols {
			n += t.Columns[i].Width + 1
			if t.Columns[i].Width == 0 {
				n += least
			}
		}
		return n
	}
	skipped := 0
	for i := range t.Columns {
		if t.Columns[i].Off || t.Columns[i].Spare > 0 {
			continue
		}
		if t.Columns[i].Rank > 0 && skipped < t.skip {
			skipped++
			continue
		}
		show = append(show, i)
	}
	for need(show) > w && len(show) > 1 {
		worst := 0
		for j, i := range show {
			if t.Columns[i].Rank >= t.Columns[show[worst]].Rank {
				worst = j
			}
		}
		show = slices.Delete(show, worst, worst+1)
	}
	return show, least + w - need(show)
}

// line is one line of cells.
func (t *Table[T]) line(show []shown, pointer string, cell func(c *Column[T], w int) string) string {
	var b strings.Builder
	b.WriteString(pointer)
	for j, x := range show {
		c, cw := &t.Columns[x.column], max(x.width, 1)
		if j > 0 {
			b.WriteByte(' ')
		}
		s := cell(c, cw)
		switch {
		case c.Text && c.Middle:
			s = Fit(CutMiddle(s, cw), cw)
		case c.Text:
			s = Fit(Cut(s, cw), cw)
		default:
			s = Few(s, cw)
		}
		b.WriteString(s)
	}
	return b.String()
}

// Total is a row that stands under the table: the fullest of the labels that fits
// takes the place of its first columns, those of text.
func (t *Table[T]) Total(r T, w int, labels ...string) string {
	show := t.visible(w)
	room := -1
	for _, x := range show {
		if !t.Columns[x.column].Text {
			break
		}
		room += x.width + 1
	}
	line := Fit(t.line(show, " ", func(c *Column[T], _ int) string { return c.Cell(r) }), w)
	label := FirstThatFits(room, labels...)
	return Bold.Render(" "+Fit(Cut(label, room), room)) + Bold.Render(Strip(Rest(line, room+1)))
}

// Draw is a header and the rows, h lines of w. A click selects or sorts, the
// wheel scrolls.
func (t *Table[T]) Draw(w, h int, focused bool) Pane {
	show := t.visible(w)
	t.height = max(h-1, 0)
	t.scroll()
	out := []string{Heading.Render(Fit(t.line(show, " ", func(c *Column[T], cw int) string {
		n := c.Name
		if t.Sort >= 0 && t.Sort < len(t.Columns) && c == &t.Columns[t.Sort] && c.sortable() && Width(n) < cw {
			n += t.arrow()
		}
		return n
	}), w))}
	for i := t.top; i < len(t.Rows) && len(out) < h; i++ {
		r := t.Rows[i]
		pointer := " "
		if i == t.At && focused {
			pointer = ">"
		}
		l := Fit(t.line(show, pointer, t.cellOf(r)), w)
		switch {
		case i == t.At && focused:
			l = Tinted(l)
		case t.Faint != nil && t.Faint(r):
			l = Dim.Render(ansi.Strip(l))
		}
		out = append(out, l)
	}
	return Pane{Lines: Sized(out, w, h), Areas: []Area{t.Area(w, h)}}
}

// cellOf is what stands in the columns of a row.
func (t *Table[T]) cellOf(r T) func(c *Column[T], w int) string {
	return func(c *Column[T], w int) string {
		if c.Drawn != nil {
			return Fit(c.Drawn(r, w), w)
		}
		return c.Cell(r)
	}
}

// Area is where clicks and the wheel mean the table.
func (t *Table[T]) Area(w, h int) Area {
	return Area{W: w, H: h, Wheel: t.Move, Click: func(x, y int) {
		row, col := t.hit(x, y, w)
		if row >= 0 {
			t.choose(row)
		} else if col >= 0 {
			t.sortBy(col)
		}
	}}
}

// choose puts the cursor on a row, to stay there.
func (t *Table[T]) choose(i int) {
	t.To(i)
	t.chosen = true
}

// Stay keeps the cursor on its row from now on.
func (t *Table[T]) Stay() { t.chosen = true }

// scroll keeps the cursor in sight.
func (t *Table[T]) scroll() {
	if t.height <= 0 {
		return
	}
	t.top = min(t.top, t.At)
	t.top = max(t.top, t.At-t.height+1)
	t.top = max(min(t.top, len(t.Rows)-t.height), 0)
}

// hit is the row at line y of what was drawn, or the column of the header
// under x.
func (t *Table[T]) hit(x, y, w int) (row, col int) {
	row, col = -1, -1
	if y > 0 {
		if i := t.top + y - 1; i < len(t.Rows) {
			row = i
		}
		return row, col
	}
	at := 1
	for _, c := range t.visible(w) {
		if x >= at && x < at+c.width+1 {
			return row, c.column
		}
		at += c.width + 1
	}
	return row, col
}

// Separated is the table as lines of cells with sep between them, for export and
// copying.
func (t *Table[T]) Separated(rows []T, sep string) string {
	var b strings.Builder
	for i, c := range t.data() {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(strings.TrimSpace(c.Name))
	}
	for _, r := range rows {
		b.WriteByte('\n')
		b.WriteString(t.SeparatedRow(r, sep))
	}
	b.WriteByte('\n')
	return b.String()
}

// data are the columns that hold something of their own.
func (t *Table[T]) data() []Column[T] {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c Column[T]) bool { return c.Drawn != nil })
}

// SeparatedRow is a row of Separated.
func (t *Table[T]) SeparatedRow(r T, sep string) string {
	columns := t.data()
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = strings.TrimSpace(ansi.Strip(c.Cell(r)))
		if sep == "," && strings.ContainsAny(cells[i], ",\"") {
			cells[i] = `"` + strings.ReplaceAll(cells[i], `"`, `""`) + `"`
		}
	}
	return strings.Join(cells, sep)
}
