package stats

import "time"

// slots is a row's past: packed deltas, one a second for the newest, then ten
// seconds, then a minute each, so that a day takes the memory of an hour.
type slots struct {
	tiers  [len(slotTiers)][]slot
	keep   int  // how many slots of one second
	points bool // keep each slot's point
}

type slot struct {
	from   int64 // seconds since the run began
	users  int
	target int
	taint  bool
	packed []byte  // nil when nothing happened
	acts   uint64  // how many it holds
	reach  *reach  // of the seconds in a longer span, where they may differ
	point  *Second // kept for the rows whose charts are always drawn
	sofar  Sofar   // … which also know the run up to there
}

var slotTiers = [...]struct {
	seconds int64
	keep    int
}{{1, 600}, {10, 720}, {60, 1440}}

// push adds the newest second and folds what is too old into the next tier.
func (s *slots) push(x slot, d *Delta) {
	s.fill(&x, d, time.Second)
	s.tiers[0] = append(s.tiers[0], x)
	for t := range s.tiers {
		keep := slotTiers[t].keep
		if t == 0 && s.keep > 0 {
			keep = s.keep
		}
		last := t == len(s.tiers)-1
		for len(s.tiers[t]) > keep {
			if last {
				s.tiers[t] = s.drop(t, 1)
				continue
			}
			// As many as make one whole slot of the next tier.
			unit := slotTiers[t+1].seconds
			end := s.tiers[t][0].from/unit*unit + unit
			n := 0
			for n < len(s.tiers[t]) && s.tiers[t][n].from < end {
				n++
			}
			if n == len(s.tiers[t]) {
				break
			}
			list := s.tiers[t][:n]
			r := reachOf(list, time.Duration(slotTiers[t].seconds)*time.Second)
			s.tiers[t+1] = append(s.tiers[t+1], s.merge(list, r, time.Duration(unit)*time.Second))
			s.tiers[t] = s.drop(t, n)
		}
	}
}

// late adds to a second that was pushed before. One that is forgotten stays so.
func (s *slots) late(d *Delta, second int64) {
	for t, tier := range slotTiers {
		for i := len(s.tiers[t]) - 1; i >= 0; i-- {
			x := &s.tiers[t][i]
			if second < x.from {
				continue
			}
			if second >= x.from+tier.seconds {
				break
			}
			var all Delta
			x.unpack(&all)
			all.Merge(d)
			span := time.Duration(tier.seconds) * time.Second
			if t > 0 {
				// What that second was is forgotten, so the least and the most are
				// what is sure: the latencies of these, and the rates of all.
				p := d.second(0, span, x.users, x.target, x.taint)
				p.OK, p.Failed = all.OK.Count(), all.Failed.Count()
				x.reach = x.reach.and(p)
			}
			s.fill(x, &all, span)
			return
		}
	}
}

// drop forgets the first n, and once in a while the memory under them.
func (s *slots) drop(t, n int) []slot {
	rest := s.tiers[t][n:]
	if cap(rest) > 2*len(rest)+64 {
		return append(make([]slot, 0, len(rest)+len(rest)/2+32), rest...)
	}
	return rest
}

// fill packs d into x.
func (s *slots) fill(x *slot, d *Delta, span time.Duration) {
	if !d.Empty() {
		x.packed = d.AppendTo(nil)
		x.acts = d.Requests()
	}
	if s.points {
		p := d.second(time.Duration(x.from)*time.Second, span, x.users, x.target, x.taint)
		p.Latency, p.Sofar, p.reach = d.all().Latency(), x.sofar, x.reach
		x.point = &p
	}
}

// merge makes one slot of a list, which reach says how its seconds differ.
func (s *slots) merge(list []slot, r *reach, span time.Duration) slot {
	out := slot{from: list[0].from, sofar: list[len(list)-1].sofar, reach: r}
	var d Delta
	for _, x := range list {
		out.users, out.target = max(out.users, x.users), max(out.target, x.target)
		out.taint = out.taint || x.taint
		x.unpack(&d)
	}
	if d.Empty() && !s.points {
		out.reach = nil // one word for a silence
	}
	s.fill(&out, &d, span)
	return out
}

// unpack merges the slot into d. Its bytes are our own, so they are whole.
func (x slot) unpack(d *Delta) {
	if x.packed != nil {
		d.MergePacked(x.packed)
	}
}

// before is the packed second that came n seconds before the newest one, nil if
// there is none or nothing happened in it.
func (s *slots) before(n int) []byte {
	if one := s.tiers[0]; len(one) > n {
		return one[len(one)-1-n].packed
	}
	return nil
}

// requests is how many requests each of the newest n seconds had.
func (s *slots) requests(n int) []float64 {
	one := s.tiers[0]
	one = one[max(0, len(one)-n):]
	out := make([]float64, len(one))
	for i, x := range one {
		out[i] = float64(x.acts)
	}
	return out
}

// seconds are the points of a chart, oldest first.
func (s *slots) seconds() []Second {
	var out []Second
	var d Delta
	for t := len(s.tiers) - 1; t >= 0; t-- {
		for _, x := range s.tiers[t] {
			out = append(out, x.second(time.Duration(slotTiers[t].seconds)*time.Second, &d))
		}
	}
	return out
}

// second is the point of a slot; d is memory for it.
func (x slot) second(span time.Duration, d *Delta) Second {
	if x.point != nil {
		return *x.point
	}
	d.Reset()
	x.unpack(d)
	p := d.second(time.Duration(x.from)*time.Second, span, x.users, x.target, x.taint)
	p.reach = x.reach
	return p
}

func (d *Delta) second(at, span time.Duration, users, target int, suspect bool) Second {
	l := d.OK.Latency()
	return Second{
		At: at, Span: span, OK: d.OK.Count(), Failed: d.Failed.Count(), Late: d.Late, NotStarted: d.NotStarted, Due: d.Due, In: d.In, Out: d.Out,
		P50: l.P50, P95: l.P95, P99: l.P99, P999: l.P999, Max: l.Max, CorrectedP99: d.Corrected.Latency().P99,
		Spread: d.OK.spread(), FailedSpread: d.Failed.spread(),
		Users: users, Target: target, Suspect: suspect,
	}
}
