package tui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// table is rows with a cursor that stays on its row whatever the numbers do:
// cursor, order and scroll go by identity, never by index.
type table[T any] struct {
	columns []column[T]
	id      func(T) string
	faint   func(T) bool // rows drawn dimmed; may be nil

	rows   []T  // in order
	sort   int  // the column that gives the order; -1: as they came
	turned bool // against the column's own direction
	epoch  any  // in which the rows were last put in order

	cursor string
	chosen bool // somebody put the cursor where it is
	at     int
	top    int
	skip   int // columns scrolled away to the left
	height int // rows drawn last
}

// column is one column. Width 0 takes what is left. Columns of a higher rank
// are dropped first when the screen is narrow.
type column[T any] struct {
	name   string
	width  int
	rank   int
	off    bool // nothing to show in it now
	text   bool // left-aligned, and cut in the middle if middle
	middle bool
	cell   func(T) string
	number func(T) float64 // sorts by it, largest first
	rising bool            // … where number is negated to put the smallest first
	word   func(T) string  // sorts by it
}

func (c *column[T]) sortable() bool { return !c.off && (c.number != nil || c.word != nil) }

// set takes new rows. Within an epoch, any value that can be compared, they keep
// their places: four times a second would be too often for whoever reads them.
// Nil has them always in order.
func (t *table[T]) set(rows []T, epoch any) {
	if epoch == nil || epoch != t.epoch || len(t.rows) == 0 {
		t.epoch = epoch
		t.order(rows)
	} else {
		t.hold(rows)
	}
	t.rows = rows
	t.find()
}

// order sorts rows by the marked column.
func (t *table[T]) order(rows []T) {
	if t.sort < 0 || t.sort >= len(t.columns) || !t.columns[t.sort].sortable() {
		return
	}
	c := &t.columns[t.sort]
	slices.SortFunc(rows, func(a, b T) int {
		n := 0
		if c.number != nil {
			n = cmp.Compare(c.number(b), c.number(a))
		} else {
			n = cmp.Compare(c.word(a), c.word(b))
		}
		if t.turned {
			n = -n
		}
		if n == 0 {
			n = cmp.Compare(t.id(a), t.id(b))
		}
		return n
	})
}

// hold puts rows where they were; new ones come last, until the next epoch.
func (t *table[T]) hold(rows []T) {
	if t.sort < 0 {
		return
	}
	was := make(map[string]int, len(t.rows))
	for i, r := range t.rows {
		was[t.id(r)] = i
	}
	before := func(r T) int {
		if i, ok := was[t.id(r)]; ok {
			return i
		}
		return len(was)
	}
	slices.SortStableFunc(rows, func(a, b T) int { return cmp.Compare(before(a), before(b)) })
}

// find puts the cursor back on its row, or near where that was. Until somebody
// moves it, it stays on the first: the largest are then always in sight.
func (t *table[T]) find() {
	if !t.chosen && t.sort >= 0 {
		t.to(0)
		return
	}
	if i := slices.IndexFunc(t.rows, func(r T) bool { return t.id(r) == t.cursor }); i >= 0 {
		t.at = i
		return
	}
	t.to(t.at)
}

func (t *table[T]) to(i int) {
	t.at = min(max(i, 0), max(len(t.rows)-1, 0))
	if t.at < len(t.rows) {
		t.cursor = t.id(t.rows[t.at])
	}
}

// selected is the row under the cursor.
func (t *table[T]) selected() (r T, ok bool) {
	if t.at < 0 || t.at >= len(t.rows) {
		return r, false
	}
	return t.rows[t.at], true
}

// move is what every table understands.
func (t *table[T]) move(by move) {
	switch by {
	case up, down, pageUp, pageDown, bottom:
		t.chosen = true
	case top:
		t.chosen = false
	}
	switch by {
	case up:
		t.to(t.at - 1)
	case down:
		t.to(t.at + 1)
	case pageUp:
		t.to(t.at - max(t.height/2, 1))
	case pageDown:
		t.to(t.at + max(t.height/2, 1))
	case top:
		t.to(0)
	case bottom:
		t.to(len(t.rows) - 1)
	case left:
		t.skip = max(t.skip-1, 0)
	case rightward:
		t.skip = min(t.skip+1, max(len(t.columns)-3, 0))
	case sortNext:
		for range t.columns {
			t.sort = (t.sort + 1) % len(t.columns)
			if t.columns[t.sort].sortable() {
				break
			}
		}
		t.turned = false
		t.resort()
	case sortReverse:
		t.turned = !t.turned
		t.resort()
	}
}

func (t *table[T]) resort() {
	t.order(t.rows)
	t.find()
}

// sortBy chooses the column, as a click on its header does.
func (t *table[T]) sortBy(i int) {
	if i < 0 || i >= len(t.columns) || !t.columns[i].sortable() {
		return
	}
	if t.sort == i {
		t.turned = !t.turned
	} else {
		t.sort, t.turned = i, false
	}
	t.resort()
}

// sorting is the column and direction, for titles.
func (t *table[T]) sorting() string {
	if t.sort < 0 || t.sort >= len(t.columns) {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(t.columns[t.sort].name)) + t.arrow()
}

func (t *table[T]) arrow() string {
	if c := &t.columns[t.sort]; (c.number != nil && !c.rising) != t.turned {
		return "▼"
	}
	return "▲"
}

// visible are the columns that fit w, in order, and the width of the one that
// takes what is left.
func (t *table[T]) visible(w int) (show []int, flex int) {
	const least = 12
	need := func(cols []int) int {
		n := 1
		for _, i := range cols {
			n += t.columns[i].width + 1
			if t.columns[i].width == 0 {
				n += least
			}
		}
		return n
	}
	skipped := 0
	for i := range t.columns {
		if t.columns[i].off {
			continue
		}
		if t.columns[i].rank > 0 && skipped < t.skip {
			skipped++
			continue
		}
		show = append(show, i)
	}
	for need(show) > w && len(show) > 1 {
		worst := 0
		for j, i := range show {
			if t.columns[i].rank >= t.columns[show[worst]].rank {
				worst = j
			}
		}
		show = slices.Delete(show, worst, worst+1)
	}
	return show, least + w - need(show)
}

// line is one line of cells.
func (t *table[T]) line(show []int, flex int, mark string, cell func(c *column[T], w int) string) string {
	var b strings.Builder
	b.WriteString(mark)
	for j, i := range show {
		c := &t.columns[i]
		cw := c.width
		if cw == 0 {
			cw = max(flex, 1)
		}
		if j > 0 {
			b.WriteByte(' ')
		}
		s := cell(c, cw)
		switch {
		case c.text && c.middle:
			s = fit(cutMiddle(s, cw), cw)
		case c.text:
			s = fit(cut(s, cw), cw)
		default:
			s = few(s, cw)
		}
		b.WriteString(s)
	}
	return b.String()
}

// total is a row that stands under the table: the fullest of the labels that fits
// takes the place of its first columns, those of text.
func (t *table[T]) total(r T, w int, labels ...string) string {
	show, flex := t.visible(w)
	room := -1
	for _, i := range show {
		c := &t.columns[i]
		if !c.text {
			break
		}
		if room += c.width + 1; c.width == 0 {
			room += flex
		}
	}
	line := fit(t.line(show, flex, " ", func(c *column[T], _ int) string { return c.cell(r) }), w)
	label := firstThatFits(room, labels...)
	return bold.Styled(" "+fit(cut(label, room), room)) + bold.Styled(plainText(ansiRest(line, room+1)))
}

// draw is a header and the rows, h lines of w. A click selects or sorts, the
// wheel scrolls.
func (t *table[T]) draw(w, h int, focused bool) pane {
	show, flex := t.visible(w)
	t.height = max(h-1, 0)
	t.scroll()
	out := []string{heading.Styled(fit(t.line(show, flex, " ", func(c *column[T], cw int) string {
		n := c.name
		if t.sort >= 0 && t.sort < len(t.columns) && c == &t.columns[t.sort] && c.sortable() && width(n) < cw {
			n += t.arrow()
		}
		return n
	}), w))}
	for i := t.top; i < len(t.rows) && len(out) < h; i++ {
		r := t.rows[i]
		mark := " "
		if i == t.at && focused {
			mark = ">"
		}
		l := fit(t.line(show, flex, mark, func(c *column[T], _ int) string { return c.cell(r) }), w)
		switch {
		case i == t.at && focused:
			l = reversed(l)
		case t.faint != nil && t.faint(r):
			l = dim.Styled(ansi.Strip(l))
		}
		out = append(out, l)
	}
	return pane{lines: sized(out, w, h), areas: []area{t.area(w, h)}}
}

// area is where clicks and the wheel mean the table.
func (t *table[T]) area(w, h int) area {
	return area{w: w, h: h, wheel: t.move, click: func(x, y int) {
		row, col := t.hit(x, y, w)
		if row >= 0 {
			t.choose(row)
		} else if col >= 0 {
			t.sortBy(col)
		}
	}}
}

// choose puts the cursor on a row, to stay there.
func (t *table[T]) choose(i int) {
	t.to(i)
	t.chosen = true
}

// scroll keeps the cursor in sight.
func (t *table[T]) scroll() {
	if t.height <= 0 {
		return
	}
	t.top = min(t.top, t.at)
	t.top = max(t.top, t.at-t.height+1)
	t.top = max(min(t.top, len(t.rows)-t.height), 0)
}

// hit is the row at line y of what was drawn, or the column of the header
// under x.
func (t *table[T]) hit(x, y, w int) (row, col int) {
	row, col = -1, -1
	if y > 0 {
		if i := t.top + y - 1; i < len(t.rows) {
			row = i
		}
		return row, col
	}
	show, flex := t.visible(w)
	at := 1
	for _, i := range show {
		cw := t.columns[i].width
		if cw == 0 {
			cw = flex
		}
		if x >= at && x < at+cw+1 {
			return row, i
		}
		at += cw + 1
	}
	return row, col
}

// plainText is the table as lines of cells with sep between them, for export and
// copying.
func (t *table[T]) plainText(rows []T, sep string) string {
	var b strings.Builder
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(strings.TrimSpace(c.name))
	}
	for _, r := range rows {
		b.WriteByte('\n')
		b.WriteString(t.rowText(r, sep))
	}
	b.WriteByte('\n')
	return b.String()
}

// rowText is a row of plainText.
func (t *table[T]) rowText(r T, sep string) string {
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = strings.TrimSpace(ansi.Strip(c.cell(r)))
		if sep == "," && strings.ContainsAny(cells[i], ",\"") {
			cells[i] = `"` + strings.ReplaceAll(cells[i], `"`, `""`) + `"`
		}
	}
	return strings.Join(cells, sep)
}
