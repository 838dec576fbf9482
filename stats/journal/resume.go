package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"tload/stats"
)

// told is whose seconds are in the batches before it.
type told struct {
	First int64
	But   map[string]int64
}

func (t *told) pack() []byte {
	p := binary.AppendUvarint(nil, uint64(t.First))
	p = binary.AppendUvarint(p, uint64(len(t.But)))
	names := make([]string, 0, len(t.But))
	for name := range t.But {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		p = binary.AppendUvarint(p, uint64(len(name)))
		p = append(p, name...)
		p = binary.AppendUvarint(p, uint64(t.But[name]))
	}
	return p
}

func readTold(p []byte) (*told, error) {
	bad := false
	number := func() int64 {
		v, n := binary.Uvarint(p)
		if n <= 0 || v > 1<<40 {
			bad, p = true, nil
			return 0
		}
		p = p[n:]
		return int64(v)
	}
	t := &told{First: number(), But: map[string]int64{}}
	for range number() {
		n := number()
		if bad || n > int64(len(p)) {
			return nil, errDamaged
		}
		name := string(p[:n])
		p = p[n:]
		t.But[name] = number()
	}
	if bad {
		return nil, errDamaged
	}
	return t, nil
}

// ErrOver says that a run cannot be gone on with, for it has ended.
var ErrOver = errors.New("the run has ended")

// Past is what a journal says that is gone on with.
type Past struct {
	*Info
	First int64            // whose seconds are in it: those before First of all nodes …
	But   map[string]int64 // … but of these only those before their own
}

// Resume opens the journal of a run that was killed, tells all that is to count of
// it to the tap that open makes, and goes on with it: see Create. What stands behind
// the last word of what nodes have told is taken back.
func Resume(path string, o Options, open func(Options) stats.Tap) (*Writer, *Past, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("run journal: %w", err)
	}
	w := &Writer{file: f, path: path, options: o, again: true, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	past, err := w.takeUp(f, open)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	go w.run()
	return w, past, nil
}

func (w *Writer) takeUp(f io.ReadSeeker, open func(Options) stats.Tap) (*Past, error) {
	from, behind, err := w.survey(f)
	if err != nil {
		return nil, err
	}
	for _, e := range behind {
		if err := w.blank(e); err != nil {
			return nil, fmt.Errorf("run journal: %w", err)
		}
	}
	if err := errors.Join(w.file.Truncate(w.end), w.file.Sync()); err != nil {
		return nil, fmt.Errorf("run journal: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("run journal: %w", err)
	}
	tap := &counting{}
	info, err := Read(f, func(o Options) stats.Tap {
		w.options.Samples, w.options.Memory = o.Samples, o.Memory
		tap.Tap = open(o)
		return tap
	})
	if err != nil {
		return nil, err
	}
	w.totals, w.now = tap.totals, info.Elapsed
	w.synced.Store(from.First)
	return &Past{Info: info, First: from.First, But: from.But}, nil
}

// survey finds the last word of what nodes have told, and the records behind it that
// are to be taken back. It sets where the file ends, and what is kept in it.
func (w *Writer) survey(f io.Reader) (*told, []extent, error) {
	r := &reader{f: f}
	if !r.fill(len(header)) || string(r.buf[:len(header)]) != header {
		return nil, nil, errors.Join(ErrFormat, r.err)
	}
	r.next(len(header))
	last := &told{}
	var behind []extent
	at := int64(len(header))
	w.end = at
	for {
		skipped := r.skipped
		kind, payload, ok := r.record()
		at += r.skipped - skipped
		if !ok {
			break
		}
		e := extent{at, int64(frame + len(payload))}
		at += e.size
		w.end = at
		switch kind {
		case optionsRecord:
		case keptRecord:
			w.kept.old = append(w.kept.old, e)
			if k, err := readKept(payload); err == nil {
				w.kept.number = max(w.kept.number, k.number)
			}
		case endRecord:
			return nil, nil, ErrOver
		case toldRecord:
			if t, err := readTold(payload); err == nil {
				last, behind = t, nil
			}
		default:
			behind = append(behind, e)
		}
	}
	return last, behind, r.err
}

// blank makes a record one that nobody knows.
func (w *Writer) blank(e extent) error {
	_, err := w.file.WriteAt(appendRecord(nil, blankRecord, make([]byte, e.size-int64(frame))), e.at)
	return err
}

// counting is a tap that adds up what another one is told.
type counting struct {
	stats.Tap
	totals totals
}

func (c *counting) Fold(b *stats.Batch, now time.Duration, users stats.Users) {
	c.totals.add(b)
	c.Tap.Fold(b, now, users)
}

func (c *counting) Late(b *stats.Batch, second int64) {
	c.totals.add(b)
	c.Tap.Late(b, second)
}
