package stats

import (
	"math"
	"sync"
	"sync/atomic"
)

// live is a histogram that users write and the taker drains, at once, without
// a lock. Not two buffers that are swapped, as is common: each bucket is
// swapped with 0 instead, because a swapped buffer needs a moment in
// which a late writer still holds the old half, and a swapped bucket needs
// none: a late write falls into the next batch, nothing is lost or doubled.
//
// A value costs one atomic add. Its count and its part of the exact sum are one
// word, so they can never come apart between two batches:
//
//	bit 63          40  24 23          0
//	    sum of how far  |  count
//	    values lie above
//	    the bucket's lower end
//
// A word that is half full on either side is emptied into spilled, under a
// lock: 8 million values in one bucket between two takes, or a thousand that
// take minutes each.
type live struct {
	buckets [octaves]atomic.Pointer[[steps]atomic.Uint64]
	min     atomic.Int64 // 0 means none yet; values are stored plus one
	max     atomic.Int64

	mu      sync.Mutex // guards spilled
	spilled *Histogram
}

const (
	countBits  = 24
	countMask  = 1<<countBits - 1
	spillBits  = 1<<(countBits-1) | 1<<63
	lastPacked = 30 // the last octave whose values fit: up to two minutes
)

// lowEnd is the smallest value of a bucket.
func lowEnd(octave, step int) int64 {
	if octave == 0 {
		return int64(step)
	}
	return int64(steps+step) << (octave - 1)
}

// add counts v nanoseconds: a look-up and one atomic add.
func (l *live) add(v int64) {
	if v < 0 {
		v = 0
	}
	// The bounds first: the taker swaps the buckets first, so a value whose
	// bucket it saw has its bounds in this batch or the one before.
	if m := l.max.Load(); v > m {
		raise(&l.max, v)
	}
	if m := l.min.Load(); m == 0 || v+1 < m {
		lower(&l.min, v+1)
	}
	o, s := bucketOf(v)
	if o > lastPacked {
		l.spill(o, s, 1, v)
		return
	}
	b := l.buckets[o].Load()
	if b == nil {
		b = l.grow(o)
	}
	if b[s].Add(uint64(v-lowEnd(o, s))<<countBits|1)&spillBits != 0 {
		x := b[s].Swap(0)
		l.spill(o, s, x&countMask, int64(x>>countBits)+int64(x&countMask)*lowEnd(o, s))
	}
}

func (l *live) grow(o int) *[steps]atomic.Uint64 {
	l.buckets[o].CompareAndSwap(nil, new([steps]atomic.Uint64))
	return l.buckets[o].Load()
}

// spill counts n values of one bucket with their sum.
func (l *live) spill(o, s int, n uint64, sum int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spilled == nil {
		l.spilled = new(Histogram)
	}
	l.spilled.octave(o)[s] += n
	l.spilled.count += n
	l.spilled.sum += sum
}

func raise(a *atomic.Int64, v int64) {
	for m := a.Load(); v > m && !a.CompareAndSwap(m, v); m = a.Load() {
	}
}

func lower(a *atomic.Int64, v int64) {
	for m := a.Load(); (m == 0 || v < m) && !a.CompareAndSwap(m, v); m = a.Load() {
	}
}

// drain moves everything into h and says how many values that were.
func (l *live) drain(h *Histogram) (n uint64) {
	var sum int64
	low, high := int64(math.MaxInt64), int64(-1)
	take := func(o, s int, c uint64) {
		h.octave(o)[s] += c
		n += c
		low = min(low, middle(o, s))
		high = max(high, middle(o, s))
	}
	for o := range l.buckets[:lastPacked+1] {
		b := l.buckets[o].Load()
		if b == nil {
			continue
		}
		for s := range b {
			if b[s].Load() != 0 {
				x := b[s].Swap(0)
				sum += int64(x>>countBits) + int64(x&countMask)*lowEnd(o, s)
				if c := x & countMask; c > 0 { // it may have been spilled meanwhile
					take(o, s, c)
				}
			}
		}
	}
	l.mu.Lock()
	if l.spilled != nil && l.spilled.count > 0 {
		for o, b := range l.spilled.buckets {
			if b == nil {
				continue
			}
			for s, c := range b {
				if c > 0 {
					take(o, s, c)
				}
			}
		}
		sum += l.spilled.sum
		l.spilled.Reset()
	}
	l.mu.Unlock()
	if n == 0 {
		return 0
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
	return n
}

func sameBucket(a, b int64) bool {
	o1, s1 := bucketOf(a)
	o2, s2 := bucketOf(b)
	return o1 == o2 && s1 == s2
}
