package stats

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"
)

// A packed batch is the packed deltas of its rows with their keys, and the
// failures with their exchanges. It is what the journal stores each second and
// what a worker sends.

// What a packed batch may hold at most, so that damaged or hostile input costs
// no more memory than its own size explains.
const (
	maxPackedText  = 1 << 20
	maxPackedBytes = 1 << 28
)

// AppendTo appends the packed form of the batch to p.
func (b *Batch) AppendTo(p []byte) []byte {
	var n uint64
	for range b.Rows {
		n++
	}
	p = binary.AppendUvarint(p, n)
	for key, d := range b.Rows {
		p = d.AppendTo(key.appendTo(p))
	}
	p = binary.AppendVarint(p, int64(b.InFlight))
	p = appendBool(p, b.Folded)
	p = binary.AppendUvarint(p, uint64(len(b.Errors)))
	for i := range b.Errors {
		p = b.Errors[i].appendTo(p)
	}
	p = binary.AppendUvarint(p, uint64(len(b.Success)))
	for _, k := range slices.SortedFunc(maps.Keys(b.Success), Key.compare) {
		p = b.Success[k].appendTo(k.appendTo(p))
	}
	return p
}

// MergePacked merges a packed batch, which must be all of p, into b. Damaged
// input is an error, never a panic; b is then left with whatever was read.
func (b *Batch) MergePacked(p []byte) error {
	r := reader{b: p}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		key := r.key()
		if r.err != nil {
			break
		}
		var err error
		if r.b, err = b.Row(key).MergePacked(r.b); err != nil {
			return err
		}
	}
	b.InFlight += int(r.varint())
	b.Folded = r.bool() || b.Folded
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		if e := r.errorDelta(); r.err == nil {
			b.Errors = append(b.Errors, e)
		}
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		key := r.key()
		if x := r.exchange(); r.err == nil {
			b.setSuccess(key, x)
		}
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail()
	}
	return r.err
}

func (k Key) appendTo(p []byte) []byte {
	p = append(p, byte(k.Class))
	p = appendString(p, k.Method)
	return appendString(p, k.Name)
}

func (r *reader) key() Key {
	k := Key{Class: Class(r.byte()), Method: r.string(maxPackedText), Name: r.string(maxPackedText)}
	if k.Class >= classes {
		r.fail()
	}
	return k
}

func (e *ErrorDelta) appendTo(p []byte) []byte {
	p = e.Key.Key.appendTo(p)
	p = append(p, byte(e.Key.Kind))
	p = binary.AppendVarint(p, int64(e.Key.Status))
	p = appendString(p, e.Key.Print)
	p = binary.AppendUvarint(p, e.Count)
	p = appendTime(p, e.First)
	p = appendTime(p, e.Last)
	p = binary.AppendUvarint(p, uint64(len(e.Variants)))
	for _, v := range slices.Sorted(maps.Keys(e.Variants)) {
		p = appendString(p, v)
		p = binary.AppendUvarint(p, e.Variants[v])
	}
	p = binary.AppendUvarint(p, uint64(len(e.Kept)))
	for _, k := range e.Kept {
		p = appendBool(p, k.First)
		p = appendBool(p, k.Recent)
		p = binary.AppendVarint(p, int64(k.Random))
		p = k.Exchange.appendTo(p)
	}
	return p
}

func (r *reader) errorDelta() ErrorDelta {
	e := ErrorDelta{Key: GroupKey{Key: r.key(), Kind: r.kind(), Status: r.int(), Print: r.string(maxPackedText)}}
	e.Count, e.First, e.Last = r.uvarint(), r.time(), r.time()
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		text, count := r.string(maxPackedText), r.uvarint()
		if e.Variants == nil {
			e.Variants = map[string]uint64{}
		}
		e.Variants[text] += count
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		k := Kept{First: r.bool(), Recent: r.bool(), Random: r.int()}
		if k.Exchange = r.exchange(); r.err == nil {
			e.Kept = append(e.Kept, k)
		}
	}
	return e
}

func (x *Exchange) appendTo(p []byte) []byte {
	p = appendTime(p, x.When)
	p = x.Key.appendTo(p)
	p = append(p, byte(x.Kind))
	p = binary.AppendVarint(p, int64(x.Status))
	p = appendString(p, x.Message)
	p = binary.AppendVarint(p, int64(x.User))
	p = appendString(p, x.Behaviour)
	p = appendString(p, x.Task)
	p = binary.AppendVarint(p, int64(x.Iteration))
	p = appendString(p, x.URL)
	p = x.Request.appendTo(p)
	p = x.Response.appendTo(p)
	p = binary.AppendUvarint(p, uint64(len(x.Hops)))
	for _, h := range x.Hops {
		p = appendString(p, h.URL)
		p = binary.AppendVarint(p, int64(h.Status))
		p = appendString(p, h.Location)
		p = binary.AppendVarint(p, int64(h.Took))
		p = appendString(p, h.Head)
	}
	for _, d := range x.durations() {
		p = binary.AppendVarint(p, int64(*d))
	}
	flags := byte(0)
	if x.Conn.Reused {
		flags |= packedReused
	}
	if x.Surplus > 0 {
		flags |= packedSurplus
	}
	if x.Worker != "" {
		flags |= packedWorker
	}
	if p = append(p, flags); x.Surplus > 0 {
		p = binary.AppendUvarint(p, uint64(x.Surplus))
	}
	if x.Worker != "" {
		p = appendString(p, x.Worker)
	}
	for _, s := range []string{x.Conn.Local, x.Conn.Remote, x.Conn.TLS, x.Conn.Proto} {
		p = appendString(p, s)
	}
	return p
}

// What the byte before a packed connection says. There was only the first of
// them once, so a journal of that time reads as ever.
const (
	packedReused  = 1 << iota
	packedSurplus // how many bytes follows
	packedWorker  // its name follows
)

func (x *Exchange) durations() [8]*time.Duration {
	f := &x.Phases
	return [...]*time.Duration{&x.Took, &x.Late, &f.DNS, &f.Connect, &f.TLS, &f.Write, &f.FirstByte, &f.Body}
}

func (r *reader) exchange() *Exchange {
	x := &Exchange{
		When: r.time(), Key: r.key(), Kind: r.kind(), Status: r.int(), Message: r.string(maxPackedText),
		User: r.int(), Behaviour: r.string(maxPackedText), Task: r.string(maxPackedText), Iteration: r.int(), URL: r.string(maxPackedText),
		Request: r.part(), Response: r.part(),
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		x.Hops = append(x.Hops, Hop{
			URL: r.string(maxPackedText), Status: r.int(), Location: r.string(maxPackedText), Took: time.Duration(r.varint()), Head: r.copy(),
		})
	}
	for _, d := range x.durations() {
		*d = time.Duration(r.varint())
	}
	flags := r.byte()
	x.Conn.Reused = flags&packedReused != 0
	if flags&packedSurplus != 0 {
		x.Surplus = int(min(r.uvarint(), math.MaxInt32))
	}
	if flags&packedWorker != 0 {
		x.Worker = r.string(maxPackedText)
	}
	for _, s := range []*string{&x.Conn.Local, &x.Conn.Remote, &x.Conn.TLS, &x.Conn.Proto} {
		*s = r.string(maxPackedText)
	}
	return x
}

func (q *Part) appendTo(p []byte) []byte {
	p = appendString(p, q.Head)
	p = appendString(p, q.Body)
	p = binary.AppendVarint(p, q.Size)
	p = binary.AppendVarint(p, q.Expected)
	return appendString(p, q.SHA256)
}

func (r *reader) part() Part {
	return Part{Head: r.copy(), Body: r.copy(), Size: r.varint(), Expected: r.varint(), SHA256: r.copy()}
}

// copy is bytes of their own: what was read is not kept alive by them.
func (r *reader) copy() []byte {
	b := r.bytes(maxPackedBytes)
	if len(b) == 0 {
		return nil
	}
	return slices.Clone(b)
}

func (r *reader) int() int {
	v := r.varint()
	if v < -1<<31 || v > 1<<31 {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) kind() Kind {
	k := Kind(r.byte())
	if k >= kinds {
		r.fail()
		return Error
	}
	return k
}

func (r *reader) bool() bool { return r.byte() != 0 }

func appendBool(p []byte, v bool) []byte {
	if v {
		return append(p, 1)
	}
	return append(p, 0)
}
