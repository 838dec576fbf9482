package tui

import (
	"fmt"
	"slices"

	"tload/stats"
	"tload/tui/draw"
)

// sample is a captured exchange and its number among those it is listed with.
type sample struct {
	n int // from 1
	*stats.Exchange
}

// samples is a list of exchanges, of which one can be opened and gone on from.
type samples struct {
	table *list[sample]
	all   []*stats.Exchange
}

func newSamples(columns ...draw.Column[sample]) samples {
	return samples{table: &list[sample]{Table: draw.Table[sample]{
		// An exchange is immutable: its address is its identity.
		ID: func(x sample) string { return fmt.Sprintf("%p", x.Exchange) },
		Columns: slices.Concat([]draw.Column[sample]{
			{Name: "#", Width: 3, Cell: func(x sample) string { return fmt.Sprint(x.n) }, Number: func(x sample) float64 { return -float64(x.n) }, Rising: true},
			{Name: "TIME", Width: 12, Text: true, Cell: func(x sample) string { return x.When.Local().Format("15:04:05.000") }, Number: func(x sample) float64 { return float64(x.When.UnixNano()) }},
			{Name: "STATUS", Width: 8, Rank: 2, Cell: func(x sample) string {
				if x.Status == 0 {
					return x.Kind.String()
				}
				return fmt.Sprint(x.Status)
			}, Number: func(x sample) float64 { return float64(x.Status) }},
			{Name: "ms", Width: 6, Rank: 1, Cell: func(x sample) string { return millis(x.Took) }, Number: func(x sample) float64 { return float64(x.Took) }},
			{Name: "SIZE", Width: 7, Rank: 2, Cell: func(x sample) string { return size(float64(x.Response.Size)) }, Number: func(x sample) float64 { return float64(x.Response.Size) }},
			{Name: "USER", Width: 6, Rank: 3, Cell: func(x sample) string { return thousands(x.User) }, Number: func(x sample) float64 { return float64(x.User) }},
		}, columns, []draw.Column[sample]{{Name: "BODY", Text: true}}),
	}, text: func(x sample) subject {
		body := string(x.Response.Body[:min(len(x.Response.Body), 64<<10)])
		return subject{text: x.Message + " " + body + " " + x.URL, parts: []string{body, x.URL}, kind: x.Kind.String(), status: x.Status}
	}}}
}

// take shows exchanges, as far as keep wants them.
func (s *samples) take(m *model, list []*stats.Exchange, keep func(*stats.Exchange) bool) {
	s.all = list
	for i := range s.table.Columns {
		if c := &s.table.Columns[i]; c.Name == "BODY" {
			c.Cell = func(x sample) string { return m.inBrief(x.Exchange) }
		}
	}
	var rows []sample
	for i, x := range list {
		if keep(x) {
			rows = append(rows, sample{i + 1, x})
		}
	}
	s.table.show(m, rows)
}

// inBrief is how a body begins, or what was wrong where there is none.
func (m *model) inBrief(x *stats.Exchange) string {
	body, ok := m.bodyStart(x)
	switch {
	case !ok:
		return "(binary)"
	case body == "":
		return clean(oneLine(x.Message))
	}
	return body
}

// neighbour is the sample that many places on in the list as it is sorted.
func (s *samples) neighbour(x *stats.Exchange, step int) (*stats.Exchange, bool) {
	i := slices.IndexFunc(s.table.Rows, func(r sample) bool { return r.Exchange == x })
	if i < 0 {
		i = s.table.At // it gave way to a newer one
	}
	if i+step < 0 || i+step >= len(s.table.Rows) {
		return x, false
	}
	s.table.To(i + step)
	return s.table.Rows[i+step].Exchange, true
}

func (s *samples) number(x *stats.Exchange) (n, of int) {
	return slices.Index(s.all, x) + 1, len(s.all)
}
