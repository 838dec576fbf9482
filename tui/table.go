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
	text    func(T) subject // what a filter is put to
	faint   func(T) bool    // rows drawn dimmed; may be nil

	rows   []T // filtered and sorted
	all    int // before the filter
	query  query
	sort   int
	turned bool   // against the column's own direction
	sorted moment // when the rows were last put in order
	typed  string // the query then

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

// moment is what a table is put in order for once. Within one, rows keep their
// places: four times a second would be too often for whoever reads them. What
// stands still has no moments and is always in order.
type moment struct {
	second int64
	still  bool
	whole  bool // numbers of the whole run
	tab    int
}

// set takes the rows of a new snapshot.
func (t *table[T]) set(rows []T, now moment) {
	t.all = len(rows)
	kept := make([]T, 0, len(rows))
	for _, r := range rows {
		if t.query.empty() || t.query.match(t.text(r)) {
			kept = append(kept, r)
		}
	}
	if now.still || now != t.sorted || t.typed != t.query.text || len(t.rows) == 0 {
		t.sorted, t.typed = now, t.query.text
		t.order(kept)
	} else {
		t.hold(kept)
	}
	t.rows = kept
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

// hold puts rows where they were; new ones come last, until the next moment.
func (t *table[T]) hold(rows []T) {
	if t.sort < 0 {
		return
	}
	was := make(map[string]int, len(t.rows))
	for i, r := range t.rows {
		was[t.id(r)] = i
	}
	place := func(r T) int {
		if i, ok := was[t.id(r)]; ok {
			return i
		}
		return len(was)
	}
	slices.SortStableFunc(rows, func(a, b T) int { return cmp.Compare(place(a), place(b)) })
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

// move is what a key does to a table, a text or a picture.
type move int

// The moves.
const (
	up move = iota + 1
	down
	pageUp
	pageDown
	top
	bottom
	left
	rightward
	sortNext
	sortReverse
	wrap
	nextMatch
	prevMatch
)

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

// draw is a header and the rows, h lines of w.
func (t *table[T]) draw(w, h int, focused bool) []string {
	show, flex := t.visible(w)
	t.height = max(h-1, 0)
	t.scroll()
	line := func(mark string, cell func(c *column[T], w int) string) string {
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
		return fit(b.String(), w)
	}
	out := []string{heading.Styled(line(" ", func(c *column[T], cw int) string {
		n := c.name
		if t.sort >= 0 && t.sort < len(t.columns) && c == &t.columns[t.sort] && c.sortable() && width(n) < cw {
			n += t.arrow()
		}
		return n
	}))}
	for i := t.top; i < len(t.rows) && len(out) < h; i++ {
		r := t.rows[i]
		mark := " "
		if i == t.at && focused {
			mark = ">"
		}
		l := line(mark, func(c *column[T], _ int) string { return c.cell(r) })
		switch {
		case i == t.at && focused:
			l = reversed(l)
		case t.faint != nil && t.faint(r):
			l = dim.Styled(ansi.Strip(l))
		}
		out = append(out, l)
	}
	return sized(out, w, h)
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

// plainText is the whole table as tab-separated lines, for export and copying.
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
