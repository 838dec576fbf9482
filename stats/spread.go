package stats

import "time"

// Spread is how durations lie about: a histogram with eight steps to each doubling,
// between 16 µs and 4 minutes, coarse enough to be drawn. What is shorter or longer is
// counted at its ends.
type Spread [24 * spreadSteps]uint32

const (
	spreadFrom  = 8 // the histogram's octave at which a spread begins
	spreadSteps = 8 // of an octave
)

// SpreadBound is where step i of a spread begins: 16.4 µs, 18.4, 20.5 …
func SpreadBound(i int) time.Duration {
	low := int64(steps) << (spreadFrom - 1 + i/spreadSteps)
	return time.Duration(low + low/spreadSteps*int64(i%spreadSteps))
}

// spread is the histogram's, nil for nothing.
func (h *Histogram) spread() *Spread {
	if h.Count() == 0 {
		return nil
	}
	out := new(Spread)
	for o, b := range h.buckets {
		if b == nil {
			continue
		}
		for part := range spreadSteps {
			n := uint64(0)
			for _, c := range b[part*steps/spreadSteps : (part+1)*steps/spreadSteps] {
				n += c
			}
			i := min((o-spreadFrom)*spreadSteps+part, len(out)-1)
			if o < spreadFrom {
				i = 0
			}
			out[i] += uint32(min(n, 1<<31))
		}
	}
	return out
}

// Add counts all that o counted; nil is nothing.
func (s *Spread) Add(o *Spread) {
	if o == nil {
		return
	}
	for i, n := range o {
		s[i] += n
	}
}
