package stats

import (
	"math"
	"math/bits"
	"time"
)

// The histogram is log-linear over nanoseconds. Octave 0 counts 0–127 ns one by
// one; octave n > 0 covers [128·2^(n-1), 128·2^n) in 128 equal steps:
//
//	octave 0   0 1 2 … 127                 exact
//	octave 1   128 129 … 255               exact
//	octave 2   256 258 … 510               steps of 2
//	octave k   steps of 2^(k-1)            a step is at most 1/128 of its value
//
// A bucket is reported by its middle, so the relative error of a value is at
// most 1/256, below 0.4 %. Octaves are allocated when first touched: most
// histograms live in four or five of them.
const (
	stepBits = 7
	steps    = 1 << stepBits
	octaves  = 42 // the last one ends at 2^48 ns, 78 hours; longer is counted there
)

// bucketOf is the octave and step that count v nanoseconds.
func bucketOf(v int64) (octave, step int) {
	if v < steps {
		if v < 0 {
			v = 0
		}
		return 0, int(v)
	}
	octave = bits.Len64(uint64(v)) - stepBits
	if octave >= octaves {
		return octaves - 1, steps - 1
	}
	return octave, int(v>>(octave-1)) - steps
}

// middle is the value that stands for a bucket, in nanoseconds.
func middle(octave, step int) int64 {
	if octave <= 1 {
		return int64(octave*steps + step)
	}
	low := int64(steps+step) << (octave - 1)
	return low + int64(1)<<(octave-2)
}

// Histogram counts durations. Any two merge exactly, without configuration; the
// zero value is empty and ready. It is not safe for concurrent use: the
// recorder's live half is, and drains into this one.
type Histogram struct {
	buckets [octaves]*[steps]uint64
	count   uint64
	sum     int64
	min     int64 // valid when count > 0
	max     int64
}

// Add counts d once.
func (h *Histogram) Add(d time.Duration) { h.AddN(d, 1) }

// AddN counts d n times.
func (h *Histogram) AddN(d time.Duration, n uint64) {
	if n == 0 {
		return
	}
	v := max(int64(d), 0)
	o, s := bucketOf(v)
	h.octave(o)[s] += n
	h.span(n, v*int64(n), v, v)
}

func (h *Histogram) octave(o int) *[steps]uint64 {
	if h.buckets[o] == nil {
		h.buckets[o] = new([steps]uint64)
	}
	return h.buckets[o]
}

// span accounts for n values that are in their buckets already.
func (h *Histogram) span(n uint64, sum, low, high int64) {
	if h.count == 0 {
		h.min, h.max = low, high
	} else {
		h.min, h.max = min(h.min, low), max(h.max, high)
	}
	h.count += n
	h.sum += sum
}

// Merge adds all that o counted. Merging is associative and commutative.
func (h *Histogram) Merge(o *Histogram) {
	if o == nil || o.count == 0 {
		return
	}
	for i, b := range o.buckets {
		if b == nil {
			continue
		}
		to := h.octave(i)
		for j, n := range b {
			to[j] += n
		}
	}
	h.span(o.count, o.sum, o.min, o.max)
}

// Reset forgets everything and keeps the memory.
func (h *Histogram) Reset() {
	if h.count == 0 {
		return // and its buckets are clear
	}
	for _, b := range h.buckets {
		if b != nil {
			*b = [steps]uint64{}
		}
	}
	h.count, h.sum, h.min, h.max = 0, 0, 0, 0
}

// Clone is an independent copy.
func (h *Histogram) Clone() *Histogram {
	c := new(Histogram)
	c.Merge(h)
	return c
}

// Count is how many values were counted.
func (h *Histogram) Count() uint64 {
	if h == nil {
		return 0
	}
	return h.count
}

// Sum is their exact sum.
func (h *Histogram) Sum() time.Duration { return time.Duration(h.sum) }

// Min is the exact smallest value, 0 when empty.
func (h *Histogram) Min() time.Duration { return time.Duration(h.min) }

// Max is the exact largest value, 0 when empty.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Mean is the exact mean, 0 when empty.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.sum / int64(h.count))
}

// Quantile is the value at q, 0 to 1, by nearest rank: the smallest value that
// at least ⌈q·n⌉ of the n values do not exceed. This is the one definition of a
// percentile in the program. Quantile(1) is the maximum; 0 when empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	var out [1]time.Duration
	h.quantiles([]float64{q}, out[:])
	return out[0]
}

// quantiles fills out with the values at qs, which must ascend, in one pass.
func (h *Histogram) quantiles(qs []float64, out []time.Duration) {
	clear(out)
	if h.Count() == 0 {
		return
	}
	next, seen := 0, uint64(0)
	rank := func(q float64) uint64 {
		// The epsilon keeps 0.95·100, which floating point makes
		// 95.00000000000001, at rank 95.
		r := uint64(math.Ceil(q*float64(h.count) - 1e-9*float64(h.count)))
		return min(max(r, 1), h.count)
	}
	want := rank(qs[0])
	for o, b := range h.buckets {
		if b == nil {
			continue
		}
		for s, n := range b {
			if n == 0 {
				continue
			}
			seen += n
			for seen >= want {
				v := min(max(middle(o, s), h.min), h.max)
				if want == h.count {
					v = h.max
				}
				out[next] = time.Duration(v)
				if next++; next == len(qs) {
					return
				}
				want = rank(qs[next])
			}
		}
	}
}

// CountBelow is how many values were at most d, to the histogram's resolution.
func (h *Histogram) CountBelow(d time.Duration) uint64 {
	if h.Count() == 0 || d < 0 {
		return 0
	}
	lastOctave, lastStep := bucketOf(int64(d))
	var n uint64
	for o, b := range h.buckets[:lastOctave+1] {
		if b == nil {
			continue
		}
		for s, c := range b {
			if o == lastOctave && s > lastStep {
				break
			}
			n += c
		}
	}
	return n
}

// Buckets calls yield for each value that was counted, ascending, with how
// often; exporters use it.
func (h *Histogram) Buckets(yield func(value time.Duration, count uint64) bool) {
	if h == nil {
		return
	}
	for o, b := range h.buckets {
		if b == nil {
			continue
		}
		for s, n := range b {
			if n > 0 && !yield(time.Duration(middle(o, s)), n) {
				return
			}
		}
	}
}
