package stats

import (
	"math"
	"sync/atomic"
)

// live is a histogram that users write and the taker drains, at once, without
// a lock. The design pages speak of two buffers that are swapped; here each
// bucket is swapped with 0 instead, because a swapped buffer needs a moment in
// which a late writer still holds the old half, and a swapped bucket needs
// none: a late write falls into the next batch, nothing is lost or doubled.
type live struct {
	buckets [octaves]atomic.Pointer[[steps]atomic.Uint32]
	sum     atomic.Int64
	min     atomic.Int64 // 0 means none yet; values are stored plus one
	max     atomic.Int64
}

// add counts v nanoseconds: one look-up and two atomic adds.
func (l *live) add(v int64) {
	if v < 0 {
		v = 0
	}
	o, s := bucketOf(v)
	b := l.buckets[o].Load()
	if b == nil {
		b = l.grow(o)
	}
	// The bounds first: the taker swaps the buckets first, so a value whose
	// bucket it saw has its bounds in this batch or the one before.
	if m := l.max.Load(); v > m {
		raise(&l.max, v)
	}
	if m := l.min.Load(); m == 0 || v+1 < m {
		lower(&l.min, v+1)
	}
	l.sum.Add(v)
	b[s].Add(1)
}

func (l *live) grow(o int) *[steps]atomic.Uint32 {
	l.buckets[o].CompareAndSwap(nil, new([steps]atomic.Uint32))
	return l.buckets[o].Load()
}

func raise(a *atomic.Int64, v int64) {
	for m := a.Load(); v > m && !a.CompareAndSwap(m, v); m = a.Load() {
	}
}

func lower(a *atomic.Int64, v int64) {
	for m := a.Load(); (m == 0 || v < m) && !a.CompareAndSwap(m, v); m = a.Load() {
	}
}

// drain moves everything into h.
func (l *live) drain(h *Histogram) {
	var n uint64
	low, high := int64(math.MaxInt64), int64(-1)
	for o := range l.buckets {
		b := l.buckets[o].Load()
		if b == nil {
			continue
		}
		for s := range b {
			if b[s].Load() == 0 {
				continue
			}
			c := uint64(b[s].Swap(0))
			h.octave(o)[s] += c
			n += c
			low = min(low, middle(o, s))
			high = max(high, middle(o, s))
		}
	}
	sum := l.sum.Swap(0)
	if n == 0 {
		l.sum.Add(sum) // of a value whose bucket comes with the next batch
		return
	}
	// The exact bounds, where they belong to this batch. One that does not is of
	// a value whose bucket is still to come: it is put back for that batch, and
	// the middle of the outermost bucket stands in here.
	if m := l.min.Swap(0); m != 0 {
		if sameBucket(m-1, low) {
			low = m - 1
		} else {
			lower(&l.min, m)
		}
	}
	if m := l.max.Swap(0); sameBucket(m, high) {
		high = m
	} else {
		raise(&l.max, m)
	}
	h.span(n, sum, low, high)
}

func sameBucket(a, b int64) bool {
	o1, s1 := bucketOf(a)
	o2, s2 := bucketOf(b)
	return o1 == o2 && s1 == s2
}
