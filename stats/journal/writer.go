package journal

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tload/stats"
)

// Writer appends to a journal. Its methods for the ledger (Fold and the like)
// never wait for the disk: while it does not keep up, seconds are merged, so
// that the totals stay whole and only the resolution suffers.
type Writer struct {
	file    file
	path    string // "" where there is none to look for
	options Options
	end     int64 // where the last whole record ends
	failing bool
	deleted error // that somebody did, once it is known
	kept    kept
	totals  totals
	again   bool // the file was there before
	synced  atomic.Int64

	wake chan struct{} // has room for one
	gone chan struct{}

	mu      sync.Mutex    // guards all below
	queue   []*entry      // oldest first
	open    *entry        // the batch that still grows; nil for none
	free    []*entry      // batches to use again
	now     time.Duration // the end of the last batch
	closing bool
	left    bool // without an end
	last    error
}

// file is what a Writer needs of one; os.File has it.
type file interface {
	WriteAt([]byte, int64) (int, error)
	Truncate(int64) error
	Sync() error
	Close() error
}

// entry is one record that waits: a batch, or a word about the run.
type entry struct {
	kind   byte
	name   string
	batch  stats.Batch
	groups map[stats.GroupKey]int // where in batch.Errors
	second int64
	now    time.Duration
	users  stats.Users
	told   *told // by nodes, behind the batch; nil when nothing is said of it
}

const (
	maxWaiting = 4     // batches that wait before seconds are merged
	maxWords   = 10000 // marks and segments that wait

	// So long each batch is written as it comes: of a run that is killed as it
	// begins there is something to see.
	early = 2 * time.Second
)

// Create makes a journal, in the place of any other of that name, and starts
// its goroutine, which Close ends.
func Create(path string, o Options) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run journal: %w", err)
	}
	return start(f, path, o), nil
}

func start(f file, path string, o Options) *Writer {
	w := &Writer{file: f, path: path, options: o, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	go w.run()
	return w
}

// Fold merges the batch into its second.
func (w *Writer) Fold(b *stats.Batch, now time.Duration, users stats.Users) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.open
	second := int64((w.now + now) / 2 / time.Second) // as the ledger has it
	w.now = now
	if e != nil && e.second != second && w.waiting() < maxWaiting {
		w.seal()
		e = nil
	}
	if e == nil {
		e = w.entry()
		e.second = second
		w.open = e
	}
	e.second = second
	e.now = now
	suspect := e.users.Suspect || users.Suspect
	e.users = users
	e.users.Suspect = suspect
	e.merge(b)
	if whole := now >= time.Duration(second+1)*time.Second; (whole || now <= early) && w.waiting() < maxWaiting {
		w.seal()
	}
}

// Late records what belongs to a second that has closed. It waits with the others:
// for a disk that does not keep up the newest ones are merged into one.
func (w *Writer) Late(b *stats.Batch, second int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seal()
	var e *entry
	if n := len(w.queue); n > 0 && w.queue[n-1].kind == lateRecord && (w.queue[n-1].second == second || n > maxWords) {
		e = w.queue[n-1]
	} else {
		e = w.entry()
		e.kind, e.second = lateRecord, second
		w.queue = append(w.queue, e)
	}
	e.merge(b)
}

// Told records whose seconds are in what was told so far.
func (w *Writer) Told(first int64, but map[string]int64) {
	t := &told{First: first, But: maps.Clone(but)}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := len(w.queue); {
	case w.open != nil:
		w.open.told = t
	case n > 0:
		w.queue[n-1].told = t
	default:
		w.queue = append(w.queue, &entry{kind: toldRecord, told: t})
		w.poke()
	}
}

// Synced is the First of the newest Told that is on disk with all before it.
func (w *Writer) Synced() int64 { return w.synced.Load() }

// Segment records that one begins.
func (w *Writer) Segment(name string) { w.word(segmentRecord, name) }

// Reset records that the shown numbers begin again.
func (w *Writer) Reset(name string) { w.word(resetRecord, name) }

// Apart records that what was until now is kept apart.
func (w *Writer) Apart(name string) { w.word(apartRecord, name) }

// Mark records a named moment.
func (w *Writer) Mark(name string) { w.word(markRecord, name) }

// word puts a record after the batches so far, since it is their end that it
// speaks of.
func (w *Writer) word(kind byte, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seal()
	if len(w.queue) < maxWords {
		w.queue = append(w.queue, &entry{kind: kind, name: name})
	}
}

// seal ends the batch that grows and hands it to the goroutine.
func (w *Writer) seal() {
	if w.open != nil {
		w.queue = append(w.queue, w.open)
		w.open = nil
	}
	w.poke()
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// waiting is how many batches wait.
func (w *Writer) waiting() (n int) {
	for _, e := range w.queue {
		if e.kind == batchRecord {
			n++
		}
	}
	return n
}

func (w *Writer) entry() *entry {
	if n := len(w.free); n > 0 {
		e := w.free[n-1]
		w.free = w.free[:n-1]
		return e
	}
	return &entry{kind: batchRecord, groups: map[stats.GroupKey]int{}}
}

// reset empties a batch and keeps its memory.
func (e *entry) reset() {
	e.kind = batchRecord
	e.batch.Reset()
	clear(e.groups)
	e.users, e.told = stats.Users{}, nil
}

// merge adds b, which stays its owner's, but for its exchanges.
func (e *entry) merge(b *stats.Batch) {
	for k, d := range b.Rows {
		e.batch.Row(k).Merge(d)
	}
	e.batch.InFlight = b.InFlight // how many there are at the end
	e.batch.Folded = e.batch.Folded || b.Folded
	for i := range b.Errors {
		x := &b.Errors[i]
		at, ok := e.groups[x.Key]
		if !ok {
			at = len(e.batch.Errors)
			e.groups[x.Key] = at
			e.batch.Errors = append(e.batch.Errors, stats.ErrorDelta{Key: x.Key, First: x.First, Last: x.Last, Variants: map[string]uint64{}})
		}
		to := &e.batch.Errors[at]
		to.Count += x.Count
		if x.First.Before(to.First) {
			to.First = x.First
		}
		if x.Last.After(to.Last) {
			to.Last = x.Last
		}
		for v, n := range x.Variants {
			if _, known := to.Variants[v]; known || len(to.Variants) < stats.MaxVariants {
				to.Variants[v] += n
			}
		}
	}
}

// Close writes what waits, the last meta and the end, and closes the file. It
// gives up when ctx ends, so that a disk that hangs does not hang the program,
// and returns why the journal is not whole, if it is not.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.seal()
	w.mu.Unlock()
	select {
	case <-w.gone:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.last
	case <-ctx.Done():
		return fmt.Errorf("run journal: the disk does not answer; the last seconds are missing")
	}
}

// Leave is Close without the end: of a run that is to be gone on with.
func (w *Writer) Leave(ctx context.Context) error {
	w.mu.Lock()
	w.left = true
	w.mu.Unlock()
	return w.Close(ctx)
}

// piece is what is written at once, or not at all.
type piece struct {
	b []byte
	e *entry // what it is made of, nil for none
}

// run is the journal's goroutine.
func (w *Writer) run() {
	defer close(w.gone)
	o, _ := json.Marshal(w.options)
	// Not written yet, in order. The beginning goes by itself, so that a disk
	// that fills up later leaves a journal and not an empty file.
	pending := []piece{{b: appendRecord([]byte(header), optionsRecord, o)}}
	if w.again {
		pending = nil
	}
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	for first := true; ; first = false {
		if !first {
			select {
			case <-w.wake:
			case <-retry.C:
			}
		}
		news := w.failing
		if !w.failing || len(pending) == 0 {
			for _, e := range w.take() {
				news = true
				pending = append(pending, piece{w.pack(e), e})
			}
		}
		closing, empty, left := w.ending()
		var err error
		pending, err = w.writeAll(pending)
		if err == nil && (news || closing) {
			err = w.keep(closing && empty)
		}
		finished := closing && empty && err == nil
		if finished && !left {
			err = w.write(appendRecord(w.totals.appendTo(nil), endRecord, nil))
		}
		w.report(err)
		w.look()
		if closing && (finished || err != nil) {
			w.closeFile()
			return
		}
		if closing {
			w.poke()
		}
	}
}

// writeAll writes pieces until the disk takes no more and returns the rest.
func (w *Writer) writeAll(pending []piece) ([]piece, error) {
	for i, p := range pending {
		if err := w.write(p.b); err != nil {
			return pending[i:], err
		}
		if p.e != nil {
			if p.e.told != nil {
				w.synced.Store(p.e.told.First)
			}
			w.release(p.e)
		}
	}
	return nil, nil
}

// look says when the file is no longer where it was made: what goes on being
// written to it is lost.
func (w *Writer) look() {
	if w.path == "" || w.deleted != nil {
		return
	}
	f, ok := w.file.(*os.File)
	if !ok {
		return
	}
	ours, err := f.Stat()
	if err != nil {
		return
	}
	if there, err := os.Stat(w.path); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(ours, there) {
		w.deleted = fmt.Errorf("run journal: somebody has deleted %s while the run went on; it cannot be viewed again", w.path)
		if w.options.Report != nil {
			w.options.Report(w.deleted)
		}
	}
}

func (w *Writer) take() []*entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.queue
	w.queue = nil
	return q
}

// ending says whether Close was called, whether nothing waits, and whether there is
// to be no end.
func (w *Writer) ending() (closing, empty, left bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closing, len(w.queue) == 0, w.left
}

func (w *Writer) closeFile() {
	err := w.file.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.deleted != nil:
		w.last = w.deleted
	case w.last == nil && err != nil:
		w.last = fmt.Errorf("run journal: %w", err)
	}
}

// write puts b after the last whole record and syncs. When the disk takes only
// a part, that part is taken back, and the same bytes are tried again later.
func (w *Writer) write(b []byte) error {
	_, err := w.file.WriteAt(b, w.end)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.file.Truncate(w.end)
	} else {
		w.end += int64(len(b))
	}
	return err
}

// report says once that writing fails, and once that it works again.
func (w *Writer) report(err error) {
	if err != nil {
		err = fmt.Errorf("run journal: %w; the run goes on, its last seconds are kept in memory", err)
	}
	w.mu.Lock()
	w.last = err
	w.mu.Unlock()
	if (err != nil) != w.failing && w.options.Report != nil {
		w.options.Report(err)
	}
	w.failing = err != nil
}

func (w *Writer) release(e *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.groups != nil && len(w.free) < maxWaiting {
		e.reset()
		w.free = append(w.free, e)
	}
}

// pack is the records of an entry.
func (w *Writer) pack(e *entry) []byte {
	b := w.packed(e)
	if e.told != nil {
		b = appendRecord(b, toldRecord, e.told.pack())
	}
	return b
}

func (w *Writer) packed(e *entry) []byte {
	switch e.kind {
	case batchRecord:
	case toldRecord:
		return nil
	case lateRecord:
		p := binary.AppendUvarint(nil, uint64(e.second))
		w.totals.add(&e.batch)
		return w.totals.appendTo(appendRecord(nil, lateRecord, e.batch.AppendTo(p)))
	default:
		return appendRecord(nil, e.kind, []byte(e.name))
	}
	p := binary.AppendUvarint(nil, uint64(e.now))
	p = binary.AppendUvarint(p, uint64(e.users.Running))
	p = binary.AppendUvarint(p, uint64(e.users.Target))
	suspect := byte(0)
	if e.users.Suspect {
		suspect = 1
	}
	p = append(p, suspect)
	w.totals.add(&e.batch)
	return w.totals.appendTo(appendRecord(nil, batchRecord, e.batch.AppendTo(p)))
}
