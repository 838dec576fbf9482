package behaviours

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Rows is test data, read once and shared by all users. Its
// methods may be called from any goroutine.
type Rows struct {
	path   string
	column map[string]int
	rows   [][]string
	next   atomic.Int64 // of a run in one process

	mu sync.Mutex // guards all below

	// In a run of several processes numbers are dealt to each of them.
	by    *counter // who dealt what follows
	hand  deal
	ahead chan deal // the one after hand, once it is asked for

	own      map[int64]int64 // row of a user
	free     []int64         // that users have given back
	dealtOut int64           // how many there ever were, in a run of one process
}

// deal is numbers that nobody else in the swarm has.
type deal struct{ next, end int64 }

// Numbers are those that rows go by where a run has several processes; what names the
// rows. Each may wait for an answer from another machine, for some seconds at most.
type Numbers interface {
	// Deal gives out n numbers, from first on, that nobody else in the swarm is given.
	Deal(what string, n int64) (first int64, err error)
	// Lend gives out one below some number that nobody else has, until it is returned; it
	// is below 0 if there is none.
	Lend(what string, below int64) (i int64, err error)
	Return(what string, list []int64) error
}

// counter is a process's Numbers, with its own to go on by.
type counter struct {
	Numbers
	log    *slog.Logger
	failed atomic.Bool
	alone  atomic.Int64
}

// counts is this process's; nil where it is alone.
var counts atomic.Pointer[counter]

// countBy has rows go by these. Where they fail they come in this process's own order, which
// the log says: some may then come twice.
func countBy(n Numbers, log *slog.Logger) {
	if n == nil {
		counts.Store(nil)
		return
	}
	counts.Store(&counter{Numbers: n, log: log})
}

func (c *counter) said(what string, err error) {
	if !c.failed.Swap(true) {
		c.log.Error("rows of test data are not dealt by the master: some may come twice", "feed", what, "error", err)
	}
}

func (c *counter) deal(what string, n int64) (first int64) {
	first, err := c.Deal(what, n)
	if err != nil {
		c.said(what, err)
		return c.alone.Add(n) - n
	}
	return first
}

// lend waits for one to come back, if there is none: a user that begins here may take
// the place of one that has just ended elsewhere.
func (c *counter) lend(what string, below int64) (i int64) {
	for end := time.Now().Add(shortage); ; time.Sleep(shortage / 20) {
		i, err := c.Lend(what, below)
		switch {
		case err != nil:
			c.said(what, err)
			return c.alone.Add(1) - 1
		case i >= 0:
			return i
		case time.Now().After(end):
			return below
		}
	}
}

const (
	shortage = 4 * time.Second // how long a user waits for a row to come back to the swarm
	spare    = time.Second     // how long a row waits for another user of this process
)

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

// Next is the next row in the file's order, shared by all users of the swarm: behind
// the last one the first comes again. On a worker the master deals the rows, some at a
// time; the first call waits for it.
func (d *Rows) Next() Row {
	var i int64
	if f := counts.Load(); f != nil {
		i = d.dealt(f)
	} else {
		i = d.next.Add(1) - 1
	}
	return Row{d, d.rows[i%int64(len(d.rows))]}
}

// dealt is the next number of those that were dealt to this process. More are asked
// for before the last one is used.
func (d *Rows) dealt(f *counter) int64 {
	size := min(max(int64(len(d.rows))/20, 1), 1000)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begin(f)
	ask := func() {
		c := make(chan deal, 1)
		d.ahead = c
		go func() {
			first := f.deal(d.path, size)
			c <- deal{first, first + size}
		}()
	}
	if d.hand.next == d.hand.end {
		if d.ahead == nil {
			ask()
		}
		d.hand, d.ahead = <-d.ahead, nil
	}
	i := d.hand.next
	d.hand.next++
	if d.ahead == nil && (d.hand.end-d.hand.next)*2 <= size {
		ask()
	}
	return i
}

// Random is any row, by the user's own random numbers.
func (d *Rows) Random(u *User) Row { return Row{d, d.rows[u.Rand().IntN(len(d.rows))]} }

// Of is the user's own row: no two users in the whole swarm have the same one at a time,
// whatever their behaviour. Rows are dealt to those who ask, and come back when their
// users leave, on a worker to its other users first. A worker's user waits some seconds for
// one to come back. The error says that there are more users than rows.
func (d *Rows) Of(u *User) (Row, error) {
	if u.ID() == 0 { // whose tasks are only looked at
		return Row{d, d.rows[0]}, nil
	}
	i := d.rowOf(u, counts.Load())
	if i >= int64(len(d.rows)) {
		return Row{}, fmt.Errorf("feed %s: %d rows are not enough: all of them are taken, and user %d has none", d.path, len(d.rows), u.ID())
	}
	return Row{d, d.rows[i]}, nil
}

// rowOf is the number of the user's row.
func (d *Rows) rowOf(u *User, f *counter) (i int64) {
	d.mu.Lock()
	d.begin(f)
	i, known := d.own[u.ID()]
	last := len(d.free) - 1
	switch {
	case known:
	case last >= 0:
		i, d.free = d.free[last], d.free[:last]
		known = true
		d.take(u, i)
	case f == nil:
		i, known = d.dealtOut, true
		if i < int64(len(d.rows)) {
			d.dealtOut++
			d.take(u, i)
		}
	}
	d.mu.Unlock()
	if known {
		return i
	}
	i = f.lend("user of "+d.path, int64(len(d.rows))) // not under mu: others need not wait for it
	d.mu.Lock()
	defer d.mu.Unlock()
	if i < int64(len(d.rows)) {
		d.take(u, i)
	}
	return i
}

// take notes whose row it is. The user's end gives it back.
func (d *Rows) take(u *User, i int64) {
	d.own[u.ID()] = i
	u.feeds = append(u.feeds, d)
}

// giveBack has the user's row be another one's.
func (d *Rows) giveBack(u *User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i, known := d.own[u.ID()]; known {
		delete(d.own, u.ID())
		if d.free = append(d.free, i); d.by != nil && len(d.free) == 1 {
			by := d.by
			time.AfterFunc(spare, func() { d.pass(by) })
		}
	}
}

// pass gives the rows that no user here has taken to the whole swarm.
func (d *Rows) pass(by *counter) {
	d.mu.Lock()
	if d.by != by {
		d.mu.Unlock()
		return
	}
	free := d.free
	d.free = nil
	d.mu.Unlock()
	if len(free) == 0 {
		return
	}
	if err := by.Return("user of "+d.path, free); err != nil {
		by.log.Warn("rows of test data are not given back", "feed", d.path, "rows", len(free), "error", err)
	}
}

// begin forgets what was dealt in another run.
func (d *Rows) begin(f *counter) {
	if d.by != f || d.own == nil {
		d.by, d.hand, d.ahead, d.own, d.free, d.dealtOut = f, deal{}, nil, map[int64]int64{}, nil, 0
	}
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
