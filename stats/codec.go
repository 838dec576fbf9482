package stats

import (
	"encoding/binary"
	"errors"
	"time"
)

// A packed delta is a byte string: every number a varint, every histogram the
// distances between its buckets with their counts. A second of one endpoint
// takes two to three bytes for each bucket that was touched. The same form lies
// in the per-second slots, in the journal and on the wire.

var errPacked = errors.New("packed statistics are damaged")

// AppendTo appends the packed form of d to b.
func (d *Delta) AppendTo(b []byte) []byte {
	for _, h := range []*Histogram{&d.OK, &d.Failed, &d.Corrected, &d.Aborted} {
		b = h.appendTo(b)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Outcomes)))
	for _, o := range d.Outcomes {
		b = append(b, byte(o.Kind))
		b = binary.AppendVarint(b, int64(o.Status))
		b = binary.AppendUvarint(b, o.Count)
	}
	for _, p := range d.counters() {
		b = binary.AppendUvarint(b, *p)
	}
	return b
}

func (d *Delta) counters() [10]*uint64 {
	return [...]*uint64{&d.In, &d.Out, &d.Dialled, &d.Handshakes, &d.Reconnects, &d.Redirects, &d.Stalled, &d.Due, &d.Late, &d.NotStarted}
}

// MergePacked merges a packed delta that begins b into d and returns the rest
// of b. Damaged input is an error, never a panic, and its size bounds the
// memory that it can cost; d is then left with whatever was read.
func (d *Delta) MergePacked(b []byte) (rest []byte, err error) {
	r := reader{b: b}
	for _, h := range []*Histogram{&d.OK, &d.Failed, &d.Corrected, &d.Aborted} {
		h.mergePacked(&r)
	}
	n := r.uvarint()
	for i := uint64(0); i < n && r.err == nil; i++ {
		kind, status, count := Kind(r.byte()), r.varint(), r.uvarint()
		if kind >= kinds || status < -1<<31 || status > 1<<31 {
			r.fail()
		}
		if r.err == nil {
			d.outcome(kind, int(status), count)
		}
	}
	for _, p := range d.counters() {
		*p += r.uvarint()
	}
	return r.b, r.err
}

func (h *Histogram) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, h.count)
	if h.count == 0 {
		return b
	}
	b = binary.AppendVarint(b, h.sum)
	b = binary.AppendUvarint(b, uint64(h.min))
	b = binary.AppendUvarint(b, uint64(h.max-h.min))
	last := 0
	for o, bucket := range h.buckets {
		if bucket == nil {
			continue
		}
		for s, n := range bucket {
			if n == 0 {
				continue
			}
			i := o*steps + s + 1
			b = binary.AppendUvarint(b, uint64(i-last))
			b = binary.AppendUvarint(b, n)
			last = i
		}
	}
	return append(b, 0)
}

func (h *Histogram) mergePacked(r *reader) {
	count := r.uvarint()
	if count == 0 || r.err != nil {
		return
	}
	sum, low, width := r.varint(), r.uvarint(), r.uvarint()
	if low > 1<<62 || width > 1<<62 {
		r.fail()
		return
	}
	var seen uint64
	octave, bucket := -1, (*[steps]uint64)(nil)
	for i := uint64(0); ; {
		step := r.uvarint()
		if step == 0 || r.err != nil {
			break
		}
		if i += step; step > octaves*steps || i > octaves*steps {
			r.fail()
			break
		}
		n := r.uvarint()
		if o := int(i-1) / steps; o != octave {
			octave, bucket = o, h.octave(o)
		}
		bucket[int(i-1)%steps] += n
		seen += n
	}
	if r.err == nil && seen != count {
		r.fail()
	}
	h.span(seen, sum, int64(low), int64(low+width))
}

// reader reads the packed form; the first error sticks and everything after it
// reads as zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errPacked
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // nearly all of them
		v := uint64(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(limit int) []byte {
	n := r.uvarint()
	if r.err != nil || n > uint64(limit) || n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) string(limit int) string { return string(r.bytes(limit)) }

func appendString[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, t.UnixNano()) }

func (r *reader) time() time.Time { return time.Unix(0, r.varint()) }
