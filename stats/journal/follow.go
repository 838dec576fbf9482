package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"tload/stats"
)

// Follower reads the journal of a run that goes on, over and over: each Poll tells the tap
// what has come since the one before. It only reads the file, so that the run does not know
// of it. One goroutine may use it.
type Follower struct {
	f     *os.File
	at    int64 // where the next record is to begin
	stuck time.Time
	p     player
	info  Info
	kept  map[int64]slot // kept records, by where they stand
	fresh []arrived      // exchanges that the tap was not told of
	shown map[stats.GroupKey]int
}

// slot is a kept record's place in the file.
type slot struct {
	size   int64
	number uint64 // of what was last read there
}

// arrived is an exchange, in the record that it came in.
type arrived struct {
	number uint64
	batch  *stats.Batch
}

// torn is how long what is no whole record may be one that is being written.
const torn = 2 * time.Second

// maxPiece bounds what one Poll reads at once.
const maxPiece = 4 << 20

// Follow opens a journal. open is as for Read, and called with the first record.
func Follow(path string, open func(Options) stats.Tap) (*Follower, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(header))
	n, err := io.ReadFull(f, head)
	switch {
	case string(head[:n]) == header:
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Close()
		return nil, ErrEmpty
	default:
		f.Close()
		return nil, ErrFormat
	}
	w := &Follower{f: f, at: int64(len(header)), kept: map[int64]slot{}, shown: map[stats.GroupKey]int{}}
	w.p = player{info: &w.info, open: open, keys: map[stats.Key]bool{}, kept: keptExchanges{known: map[stats.GroupKey]bool{}}}
	return w, nil
}

// Close closes the file.
func (w *Follower) Close() error { return w.f.Close() }

// Info is what is known by now. It changes with the next Poll.
func (w *Follower) Info() *Info { return &w.info }

// ErrReplaced says that the file is another one by now, or was cut: it is to be followed
// anew.
var ErrReplaced = errors.New("the run journal is another one by now")

// Poll reads what has come, and says whether anything has. It does not wait.
func (w *Follower) Poll() (news bool, err error) {
	info, err := w.f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < w.at {
		return false, ErrReplaced
	}
	more, err := w.tail(info.Size())
	if err != nil {
		return more, fmt.Errorf("run journal: %w", err)
	}
	again, err := w.look(more)
	if err != nil {
		return more, fmt.Errorf("run journal: %w", err)
	}
	w.tell()
	return more || again, nil
}

// tail reads the records that were appended.
func (w *Follower) tail(size int64) (news bool, err error) {
	var buf []byte
	for w.at < size {
		want := min(size-w.at, maxPiece)
		if len(buf) >= frame { // one record that is longer
			want = min(size-w.at, max(want, int64(frame)+int64(binary.LittleEndian.Uint32(buf[len(marker)+1:]))))
		}
		if int64(cap(buf)) < want {
			buf = make([]byte, want)
		}
		buf = buf[:want]
		n, err := w.f.ReadAt(buf, w.at)
		if err != nil && err != io.EOF {
			return news, err
		}
		buf = buf[:n]
		used := 0
		for {
			kind, payload, length := whole(buf[used:])
			if length == 0 {
				break
			}
			w.take(kind, payload, w.at+int64(used), int64(length))
			used, news = used+length, true
		}
		w.at += int64(used)
		if used > 0 {
			w.stuck = time.Time{}
			continue
		}
		rest := buf
		if len(rest) >= frame && string(rest[:len(marker)]) == marker {
			if length := binary.LittleEndian.Uint32(rest[len(marker)+1:]); length <= maxPayload && int64(frame)+int64(length) > int64(len(rest)) && w.at+int64(frame)+int64(length) <= size {
				continue // all of it is there
			}
		}
		// It is being written, or was torn.
		if w.stuck.IsZero() {
			w.stuck = time.Now()
		}
		if time.Since(w.stuck) < torn {
			return news, nil
		}
		skip := bytes.Index(rest[min(1, len(rest)):], []byte(marker)) + 1
		if skip == 0 {
			return news, nil
		}
		w.info.Skipped += int64(skip)
		w.at += int64(skip)
	}
	return news, nil
}

// whole is the record that b begins with; length is 0 where that is none, or not all of one.
func whole(b []byte) (kind byte, payload []byte, length int) {
	if len(b) < frame || string(b[:len(marker)]) != marker {
		return 0, nil, 0
	}
	head := b[len(marker):frame]
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxPayload || len(b) < frame+int(n) {
		return 0, nil, 0
	}
	payload = b[frame : frame+int(n)]
	if crc32.Update(crc32.Checksum(head[:5], castagnoli), castagnoli, payload) != binary.LittleEndian.Uint32(head[5:]) {
		return 0, nil, 0
	}
	return head[0], payload, frame + int(n)
}

// take plays a record, or notes where a kept one stands.
func (w *Follower) take(kind byte, payload []byte, at, size int64) {
	if kind != keptRecord {
		w.p.play(kind, payload)
		return
	}
	w.kept[at] = slot{size: size, number: w.keep(payload)}
}

// keep plays a kept record and returns its number.
func (w *Follower) keep(payload []byte) uint64 {
	f, err := readKept(payload)
	if err != nil {
		return 0
	}
	if f.kind == exchangeRecord {
		b := new(stats.Batch)
		if b.MergePacked(f.data) == nil {
			w.fresh = append(w.fresh, arrived{f.number, b})
		}
		return f.number
	}
	w.p.keep(payload)
	return f.number
}

// look reads the kept records again whose places hold something else by now.
func (w *Follower) look(news bool) (again bool, err error) {
	if !news {
		return false, nil // they are written with what is appended
	}
	var head [frame + binary.MaxVarintLen64]byte
	for _, at := range slices.Sorted(maps.Keys(w.kept)) {
		s := w.kept[at]
		n, err := w.f.ReadAt(head[:], at)
		if err != nil && err != io.EOF {
			return again, err
		}
		if n <= frame {
			continue
		}
		number, _ := binary.Uvarint(head[frame:n])
		if number == s.number || number == 0 {
			continue
		}
		b := make([]byte, s.size)
		if _, err := w.f.ReadAt(b, at); err != nil {
			continue
		}
		if kind, payload, length := whole(b); length == len(b) && kind == keptRecord { // else it is being written
			s.number = w.keep(payload)
			w.kept[at], again = s, true
		}
	}
	return again, nil
}

// tell has the ledger hold the exchanges that are new: of a group that has none yet the
// first ones, and then the newest.
func (w *Follower) tell() {
	if len(w.fresh) == 0 {
		return
	}
	slices.SortFunc(w.fresh, func(a, b arrived) int { return cmp.Compare(a.number, b.number) })
	few := w.p.options.Samples
	if few <= 0 {
		few = stats.DefaultSamples
	}
	few = max(few/4, 1)
	all := stats.Batch{InFlight: w.p.batch.InFlight}
	later := w.fresh[:0]
	for _, x := range w.fresh {
		known := true
		for i := range x.batch.Errors {
			e := &x.batch.Errors[i]
			if known = known && w.p.kept.known[e.Key]; !known {
				break
			}
			d := stats.ErrorDelta{Key: e.Key}
			for _, k := range e.Kept {
				n := w.shown[e.Key]
				w.shown[e.Key]++
				d.Kept = append(d.Kept, stats.Kept{Exchange: k.Exchange, First: n < few, Recent: n >= few, Random: -1})
			}
			all.Errors = append(all.Errors, d)
		}
		if !known { // of a group that nothing is counted in yet
			later = append(later, x)
			continue
		}
		for key, s := range x.batch.Success {
			if all.Success == nil {
				all.Success = map[stats.Key]*stats.Exchange{}
			}
			all.Success[key] = s
		}
	}
	w.fresh = later
	if len(all.Errors)+len(all.Success) > 0 {
		users := w.p.users
		users.Suspect = false
		w.p.tap().Fold(&all, w.info.Elapsed, users)
	}
}
