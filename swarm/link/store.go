package link

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"tload/stats/journal"
	"tload/swarm"
)

// store keeps on disk what workers have told until the run's journal has it, so that
// an acknowledgement means that not even a kill -9 of the master loses it:
//
//	W  a worker: who it is, and how far it has told
//	D  a delta, as it came
//	N  numbers that were given out
//
// It is some files one after the other. Each begins with all workers and numbers, and goes when
// the journal has all that is in it. One goroutine owns a store.
type store struct {
	dir   string
	files []storeFile // oldest first; the last one is written to
	out   *os.File
	end   int64
	made  time.Time
	size  int64 // a new file is begun behind it
}

type storeFile struct {
	path   string
	number int
	until  int64 // all its seconds are before this one
}

const (
	workerRecord = 'W'
	deltaRecord  = 'D'
	dealRecord   = 'N'

	storeEvery = 30 * time.Second // a file is written to
	storeSize  = 64 << 20
	storeLag   = 5 // seconds until the ledger has what was told, at the latest
)

// workerState is how far a worker has told.
type workerState struct {
	ID       string
	Nth      int // of those that joined
	Hello    Hello
	Seq      uint64
	Sum      [2]uint64 // requests and failures
	Final    bool
	State    swarm.NodeState
	Issue    uint64
	Quota    int64
	Standing standing
}

// openStore makes a store, or opens one that was left. What it held before is given
// to worker and delta, in order, where keep says so, and forgotten else.
func openStore(dir string, keep bool, deal func(dealt), worker func(workerState), delta func(id string, b []byte)) (*store, error) {
	s := &store{dir: dir, size: storeSize}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "told-*"))
	if err != nil {
		return nil, err
	}
	for _, path := range names {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(path), "told-%d", &n); err != nil {
			continue
		}
		s.files = append(s.files, storeFile{path: path, number: n})
	}
	sort.Slice(s.files, func(i, j int) bool { return s.files[i].number < s.files[j].number })
	for i := range s.files {
		if !keep {
			err = errors.Join(err, os.Remove(s.files[i].path))
			continue
		}
		if e := readStore(s.files[i].path, deal, worker, delta); e != nil {
			return nil, e
		}
	}
	if !keep {
		s.files = nil
	}
	return s, err
}

func readStore(path string, deal func(dealt), worker func(workerState), delta func(string, []byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return journal.Records(f, func(kind byte, p []byte) bool {
		switch kind {
		case workerRecord:
			var w workerState
			if json.Unmarshal(p, &w) == nil {
				worker(w)
			}
		case dealRecord:
			var d dealt
			if json.Unmarshal(p, &d) == nil {
				deal(d)
			}
		case deltaRecord:
			if n, k := binary.Uvarint(p); k > 0 && n <= uint64(len(p)-k) {
				delta(string(p[k:k+int(n)]), p[k+int(n):])
			}
		}
		return true
	})
}

func appendJSON(p []byte, kind byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return p
	}
	return journal.Append(p, kind, b)
}

func appendWorker(p []byte, w workerState) []byte { return appendJSON(p, workerRecord, w) }

func appendDelta(p []byte, id string, b []byte) []byte {
	return journal.Append(p, deltaRecord, append(appendBytes(nil, []byte(id)), b...))
}

// due says that a new file is to be begun.
func (s *store) due(now time.Time) bool {
	return s.out == nil || s.end > s.size || now.Sub(s.made) > storeEvery
}

// begin starts a new file with all workers and numbers.
func (s *store) begin(now time.Time, all []workerState, numbers deals) error {
	n := 1
	if last := len(s.files) - 1; last >= 0 {
		n = s.files[last].number + 1
	}
	path := filepath.Join(s.dir, fmt.Sprintf("told-%06d", n))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	var p []byte
	for _, w := range all {
		p = appendWorker(p, w)
	}
	for _, d := range numbers.records() {
		p = appendJSON(p, dealRecord, d)
	}
	if _, err = f.WriteAt(p, 0); err == nil {
		err = errors.Join(f.Sync(), syncDir(s.dir))
	}
	if err != nil {
		f.Close()
		os.Remove(path)
		return err
	}
	if s.out != nil {
		s.out.Close()
	}
	s.out, s.end, s.made = f, int64(len(p)), now
	s.files = append(s.files, storeFile{path: path, number: n})
	return nil
}

// write puts records, whose seconds are before until, on disk. What is not written
// whole is not there.
func (s *store) write(p []byte, until int64) error {
	_, err := s.out.WriteAt(p, s.end)
	if err == nil {
		err = s.out.Sync()
	}
	if err != nil {
		s.out.Truncate(s.end)
		return err
	}
	s.end += int64(len(p))
	last := &s.files[len(s.files)-1]
	last.until = max(last.until, until)
	return nil
}

// until says of all that was found that its seconds are before that one.
func (s *store) until(second int64) {
	for i := range s.files {
		s.files[i].until = second
	}
}

// renew has the next record begin a new file.
func (s *store) renew() { s.made = time.Time{} }

// forget lets go of the files whose seconds the journal has: all before kept. It
// has late ones some seconds after they came.
func (s *store) forget(kept int64) {
	s.files = slices.DeleteFunc(s.files, func(f storeFile) bool {
		if f.number == s.files[len(s.files)-1].number || f.until+storeLag > kept {
			return false
		}
		err := os.Remove(f.path)
		return err == nil || errors.Is(err, fs.ErrNotExist)
	})
}

// remove takes the store away, of a run that is over.
func (s *store) remove() {
	if s.out != nil {
		s.out.Close()
	}
	for _, f := range s.files {
		os.Remove(f.path)
	}
	os.Remove(s.dir)
}

// syncDir makes sure that a new file in dir is found again.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !strings.Contains(err.Error(), "invalid") { // not every system knows it
		return err
	}
	return nil
}
