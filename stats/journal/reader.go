package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"tload/stats"
)

// Info is what a journal says besides the statistics.
type Info struct {
	Meta    []byte        // the newest, nil if there is none
	Ended   bool          // the run ended in order, with nothing missing
	Elapsed time.Duration // the end of the last batch
	Skipped int64         // bytes that were no whole record
	Lost    uint64        // requests that were counted in them, as far as that is known
	Notes   []string      // what a reader of the numbers must know, a line each
}

// ErrFormat says that a file is no journal that this program can read.
var ErrFormat = errors.New("not a run journal of a version that this tload reads")

// ErrEmpty says that a journal has nothing in it, not even all of its first line.
var ErrEmpty = errors.New("the run journal is empty: the run was killed as it began, or its disk was full")

// Bounds of what a batch may say, so that a damaged journal costs neither time
// nor memory without end.
const (
	maxElapsed = 400 * 24 * time.Hour
	maxGap     = 24 * time.Hour
	maxRows    = 50_000
)

// Read tells everything in the journal, in order, to the tap that open makes.
// What is torn or damaged is skipped, and said in Info.Notes; only a file that
// is no journal at all, or cannot be read, is an error.
func Read(f io.Reader, open func(Options) stats.Tap) (*Info, error) {
	r := &reader{f: f}
	if !r.fill(len(header)) || string(r.buf[:len(header)]) != header {
		switch {
		case r.err != nil:
			return nil, r.err
		case strings.HasPrefix(header, string(r.buf)):
			return nil, ErrEmpty
		}
		return nil, ErrFormat
	}
	r.next(len(header))
	info := &Info{}
	p := player{info: info, open: open, keys: map[stats.Key]bool{}, kept: keptExchanges{known: map[stats.GroupKey]bool{}}}
	damaged := 0
	for {
		kind, payload, ok := r.record()
		if !ok {
			break
		}
		if err := p.play(kind, payload); err != nil {
			damaged++
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("run journal: %w", r.err)
	}
	p.finish()
	info.Skipped = r.skipped
	if lost := p.lost; lost.requests > 0 {
		info.Lost = lost.requests
		info.Notes = append(info.Notes, fmt.Sprintf("%d of the run's %d requests, %d of them failed, were counted in a part of the journal that is damaged or cut off; no number here has them", lost.requests, p.said.requests, lost.failures))
	}
	if r.skipped > 0 {
		info.Notes = append(info.Notes, fmt.Sprintf("the journal has %d bytes that are no whole record; they were skipped", r.skipped))
	}
	if damaged > 0 {
		info.Notes = append(info.Notes, fmt.Sprintf("%d records of the journal are damaged; they were skipped", damaged))
	}
	if !info.Ended {
		info.Notes = append(info.Notes, "the journal has no end: the run was killed, or still goes on; its last second may be missing")
	}
	return info, nil
}

// player tells records to a tap.
type player struct {
	info    *Info
	open    func(Options) stats.Tap
	to      stats.Tap
	options Options
	batch   stats.Batch
	users   stats.Users
	keys    map[stats.Key]bool

	// In the batches, what totals say there were up to where they stand, and how
	// much of that was not in the batches; and what kept totals say of the whole.
	read, said, lost, whole totals

	kept keptExchanges
	meta uint64 // the number of info.Meta
}

func (p *player) tap() stats.Tap {
	if p.to == nil {
		p.to = p.open(p.options)
	}
	return p.to
}

var errDamaged = errors.New("damaged record")

func (p *player) play(kind byte, payload []byte) error {
	switch kind {
	case optionsRecord:
		var o Options
		if err := json.Unmarshal(payload, &o); err != nil || p.to != nil {
			return errDamaged
		}
		o.Samples, o.Memory = min(max(o.Samples, 0), 10_000), min(max(o.Memory, 0), 1<<32)
		p.options = o
	case batchRecord:
		return p.fold(payload)
	case lateRecord:
		return p.late(payload)
	case segmentRecord:
		p.tap().Segment(string(payload))
	case resetRecord:
		p.tap().Reset(string(payload))
	case apartRecord:
		p.tap().Apart(string(payload))
	case markRecord:
		p.tap().Mark(string(payload))
	case metaRecord: // of an older journal
		p.info.Meta = bytes.Clone(payload)
	case totalsRecord:
		t, err := readTotals(payload)
		if err != nil {
			return err
		}
		p.said, p.lost = t, t.missing(p.read)
	case toldRecord:
		t, err := readTold(payload)
		if err != nil {
			return err
		}
		p.tap().Told(t.First, t.But)
	case keptRecord:
		return p.keep(payload)
	case endRecord:
		p.info.Ended = true
	}
	return nil
}

func (p *player) fold(b []byte) error {
	var users stats.Users
	var numbers [3]uint64
	for i := range numbers {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return errDamaged
		}
		numbers[i], b = v, b[n:]
	}
	if len(b) == 0 || numbers[1] > 1<<31 || numbers[2] > 1<<31 || numbers[0] > uint64(maxElapsed) {
		return errDamaged
	}
	now := time.Duration(numbers[0])
	users.Running, users.Target, users.Suspect = int(numbers[1]), int(numbers[2]), b[0] != 0
	if now < p.info.Elapsed || now-p.info.Elapsed > maxGap {
		return errDamaged
	}
	if err := p.unpack(b[1:]); err != nil {
		return err
	}
	p.tap().Fold(&p.batch, now, users)
	p.read.add(&p.batch)
	p.info.Elapsed, p.users = now, users
	return nil
}

// unpack reads a batch.
func (p *player) unpack(b []byte) error {
	p.batch.Reset()
	if err := p.batch.MergePacked(b); err != nil {
		return err
	}
	for k := range p.batch.Rows {
		p.keys[k] = true
	}
	for i := range p.batch.Errors {
		p.kept.known[p.batch.Errors[i].Key] = true
	}
	if len(p.keys) > maxRows || len(p.kept.known) > maxRows {
		return errDamaged
	}
	return nil
}

func (p *player) late(b []byte) error {
	second, n := binary.Uvarint(b)
	if n <= 0 || second > uint64(p.info.Elapsed/time.Second) {
		return errDamaged
	}
	if err := p.unpack(b[n:]); err != nil {
		return err
	}
	p.tap().Late(&p.batch, int64(second))
	p.read.add(&p.batch)
	return nil
}

func (p *player) keep(payload []byte) error {
	f, err := readKept(payload)
	switch {
	case err != nil:
		return err
	case f.kind == exchangeRecord:
		return p.kept.add(f)
	case f.kind == totalsRecord:
		t, err := readTotals(f.data)
		p.whole = p.whole.most(t)
		return err
	case f.kind == metaRecord && f.number >= p.meta:
		p.info.Meta, p.meta = bytes.Clone(f.data), f.number
	}
	return nil
}

// finish tells the tap of what was kept.
func (p *player) finish() {
	to := p.tap()
	p.said, p.lost = p.said.most(p.whole), p.lost.most(p.whole.missing(p.read))
	b := stats.Batch{InFlight: p.batch.InFlight}
	p.kept.samples = p.options.Samples
	p.kept.into(&b)
	if len(b.Errors)+len(b.Success) > 0 {
		p.users.Suspect = false
		to.Fold(&b, p.info.Elapsed, p.users)
	}
}

// reader finds records. It holds one in memory at a time.
type reader struct {
	f       io.Reader
	buf     []byte // read, not used yet
	store   []byte // what buf is a part of
	err     error
	eof     bool
	skipped int64
}

// fill reads on until buf holds n bytes; false at the end of the file.
func (r *reader) fill(n int) bool {
	for len(r.buf) < n && !r.eof {
		if cap(r.store) < n || len(r.buf) == 0 || cap(r.buf) < n {
			// At most twice what is there: a length that lies costs no memory.
			grow := max(64<<10, min(n, 2*len(r.buf)+64<<10))
			if cap(r.store) < grow {
				r.store = make([]byte, grow)
			}
			r.buf = r.store[:copy(r.store[:cap(r.store)], r.buf)]
		}
		m, err := r.f.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+m]
		if err != nil {
			r.eof = true
			if err != io.EOF {
				r.err = err
			}
		}
	}
	return len(r.buf) >= n
}

func (r *reader) next(n int) { r.buf = r.buf[n:] }

// record is the next whole record, past anything that is none. The payload is
// good until the next call.
func (r *reader) record() (kind byte, payload []byte, ok bool) {
	for r.fill(frame) {
		if string(r.buf[:len(marker)]) != marker {
			r.skip()
			continue
		}
		head := r.buf[len(marker):frame]
		length := binary.LittleEndian.Uint32(head[1:])
		if length > maxPayload || !r.fill(frame+int(length)) {
			r.skip()
			continue
		}
		head = r.buf[len(marker):frame]
		payload = r.buf[frame : frame+int(length)]
		sum := crc32.Update(crc32.Checksum(head[:5], castagnoli), castagnoli, payload)
		if sum != binary.LittleEndian.Uint32(head[5:]) {
			r.skip()
			continue
		}
		r.next(frame + int(length))
		return head[0], payload, true
	}
	r.skipped += int64(len(r.buf))
	r.buf = nil
	return 0, nil, false
}

// skip goes on to where the next marker may begin.
func (r *reader) skip() {
	n := bytes.Index(r.buf[1:], []byte(marker)) + 1
	if n == 0 {
		n = max(len(r.buf)-len(marker)+1, 1)
	}
	r.skipped += int64(n)
	r.next(n)
}
