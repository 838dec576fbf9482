package stats

import "time"

// window is the last ten full seconds of a row, merged. Each second that comes
// is added and the one that falls out is taken away again, which is exact for
// counts and sums; the bounds, which cannot be taken away, are kept by second.
type window struct {
	sum    Delta
	bounds [windowSeconds][4]bounds
	next   int // place of the next second in bounds
}

const windowSeconds = int(WindowSpan / time.Second)

type bounds struct {
	any      bool
	min, max int64
}

func (d *Delta) histograms() [4]*Histogram {
	return [...]*Histogram{&d.OK, &d.Failed, &d.Corrected, &d.Aborted}
}

// push adds a second; out is the packed second that falls out, nil when nothing
// happened in it or there is none yet.
func (w *window) push(now *Delta, out []byte) {
	w.sum.Merge(now)
	if out != nil {
		w.sum.subtractPacked(out)
	}
	for i, h := range now.histograms() {
		w.bounds[w.next][i] = bounds{h.count > 0, h.min, h.max}
	}
	w.next = (w.next + 1) % windowSeconds
	for i, h := range w.sum.histograms() {
		first := true
		for j := range w.bounds {
			b := w.bounds[j][i]
			switch {
			case !b.any:
			case first:
				h.min, h.max = b.min, b.max
				first = false
			default:
				h.min, h.max = min(h.min, b.min), max(h.max, b.max)
			}
		}
	}
}

// late adds to a second that was pushed: the newest one is 1 ago.
func (w *window) late(d *Delta, ago int) {
	w.sum.Merge(d)
	at := &w.bounds[(w.next-ago+windowSeconds)%windowSeconds]
	for i, h := range d.histograms() {
		switch b := &at[i]; {
		case h.count == 0:
		case !b.any:
			*b = bounds{true, h.min, h.max}
		default:
			b.min, b.max = min(b.min, h.min), max(b.max, h.max)
		}
	}
}

// subtractPacked takes away what was merged before. The bytes are our own, so
// they are whole.
func (d *Delta) subtractPacked(b []byte) {
	r := reader{b: b}
	for _, h := range d.histograms() {
		h.subtractPacked(&r)
	}
	for n := r.uvarint(); n > 0; n-- {
		kind, status, count := Kind(r.byte()), r.varint(), r.uvarint()
		for i := range d.Outcomes {
			if o := &d.Outcomes[i]; o.Kind == kind && int64(o.Status) == status {
				o.Count -= count
				if o.Count == 0 {
					d.Outcomes = append(d.Outcomes[:i], d.Outcomes[i+1:]...)
				}
				break
			}
		}
	}
	for _, p := range d.counters() {
		*p -= r.uvarint()
	}
}

func (h *Histogram) subtractPacked(r *reader) {
	count := r.uvarint()
	if count == 0 {
		return
	}
	h.count -= count
	h.sum -= r.varint()
	r.uvarint() // the bounds
	r.uvarint()
	for i := 0; ; {
		step := int(r.uvarint())
		if step == 0 {
			return
		}
		i += step
		h.buckets[(i-1)/steps][(i-1)%steps] -= r.uvarint()
	}
}
