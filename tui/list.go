package tui

import "tload/tui/draw"

// list is a table of which a filter leaves some rows.
type list[T any] struct {
	draw.Table[T]
	text  func(T) subject // what the filter is put to
	query query
	all   int // rows before it
}

// show takes the rows of a new snapshot.
func (l *list[T]) show(m *model, rows []T) {
	kept := make([]T, 0, len(rows))
	for _, r := range rows {
		if l.query.empty() || l.query.match(l.text(r)) {
			kept = append(kept, r)
		}
	}
	l.showKept(m, kept, len(rows))
}

// showKept takes those that somebody else chose of so many. Numbers that change four
// times a second cannot be read, and are most of what goes over the line: for a second a
// table stays as it is, unless there is a row more.
func (l *list[T]) showKept(m *model, kept []T, all int) {
	epoch := m.epoch(l.query.text)
	if epoch.Of != nil && epoch == l.Epoch && len(kept) == len(l.Rows) && all == l.all {
		return
	}
	l.all = all
	l.Set(kept, epoch)
}

// caption says in a title what the filter leaves.
func (l *list[T]) caption() string { return l.query.caption(len(l.Rows), l.all) }

// ending is what stands at the end of a title: what the filter leaves, or something else.
func (l *list[T]) ending(other string) string {
	if l.query.text != "" {
		return " " + l.caption() + " "
	}
	return " " + other + " "
}
