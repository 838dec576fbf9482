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
	l.all = len(rows)
	kept := make([]T, 0, len(rows))
	for _, r := range rows {
		if l.query.empty() || l.query.match(l.text(r)) {
			kept = append(kept, r)
		}
	}
	l.Set(kept, m.epoch(l.query.text))
}

// caption says in a title what the filter leaves.
func (l *list[T]) caption() string { return l.query.caption(len(l.Rows), l.all) }
