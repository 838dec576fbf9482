package behaviours

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
)

// Rows is test data, read once and shared by all users of a process. Its
// methods may be called from any goroutine.
type Rows struct {
	path   string
	column map[string]int
	rows   [][]string
	next   atomic.Int64
}

// Row is one line of test data.
type Row struct {
	from   *Rows
	fields []string
}

// Feed reads a CSV file whose first line names the columns. The error names
// the line.
func Feed(path string) (*Rows, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("feed %s: a file is expected, not a directory, a device or a pipe", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("feed %s: empty: a first line with the names of the columns is expected", path)
	}
	if err != nil {
		return nil, fmt.Errorf("feed %s: %w", path, err)
	}
	d := &Rows{path: path, column: map[string]int{}}
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if _, twice := d.column[name]; twice {
			return nil, fmt.Errorf("feed %s:1: two columns are called %q", path, name)
		}
		d.column[name] = i
	}
	if d.rows, err = r.ReadAll(); err != nil {
		return nil, fmt.Errorf("feed %s: %w", path, err)
	}
	if len(d.rows) == 0 {
		return nil, fmt.Errorf("feed %s: no rows below the names of the columns", path)
	}
	return d, nil
}

// Len is how many rows there are.
func (d *Rows) Len() int { return len(d.rows) }

// Next is the next row in the file's order, shared by all users: behind the
// last one the first comes again.
func (d *Rows) Next() Row {
	i := (d.next.Add(1) - 1) % int64(len(d.rows))
	return Row{d, d.rows[i]}
}

// Random is any row, by the user's own random numbers.
func (d *Rows) Random(u *User) Row { return Row{d, d.rows[u.Rand().IntN(len(d.rows))]} }

// Of is the user's own row: no two users in the whole swarm have the same one.
// The error says that there are more users than rows.
func (d *Rows) Of(u *User) (Row, error) {
	i := max(u.ID()-1, 0)
	if i >= int64(len(d.rows)) {
		return Row{}, fmt.Errorf("feed %s: %d rows are not enough for user %d", d.path, len(d.rows), u.ID())
	}
	return Row{d, d.rows[i]}, nil
}

// Get is the value in a column; it panics if there is no such column, which is
// a mistake in the behaviour.
func (r Row) Get(column string) string {
	i, ok := r.from.column[column]
	if !ok {
		panic(fmt.Sprintf("feed %s has no column %q", r.from.path, column))
	}
	return r.fields[i]
}
