package stats

import (
	"cmp"
	"maps"
	"slices"
)

// groups is the ledger's store of failures: what the nodes kept, under one
// budget of memory. When it is full the oldest bodies of the reservoirs go
// first, then the older of the last ones, then the first ones; counts never go.
type groups struct {
	byKey   map[GroupKey]*group
	list    []*group
	samples int
	limit   int
	held    int
	dropped uint64
	recent  []*Exchange
	success map[Key]*Exchange
}

type group struct {
	Group
	variants map[string]uint64
	first    []*Exchange
	last     []*Exchange
	random   []*Exchange
	counts   []uint32 // per full second, newest last
	before   uint64   // Count when the shown numbers began again
	now      uint32   // in the second that goes on
	shown    *Group   // the published copy; nil when it is out of date
}

const trendSeconds = 60

func newGroups(samples, memory int) *groups {
	return &groups{byKey: map[GroupKey]*group{}, success: map[Key]*Exchange{}, samples: samples, limit: memory}
}

// fold adds a batch of so many seconds ago; 0 is the one that goes on. It may be of
// what is kept apart.
func (gs *groups) fold(b *Batch, users, ago int, apart bool) {
	for i := range b.Errors {
		gs.foldError(&b.Errors[i], users, ago, apart)
	}
	for k, x := range b.Success {
		if old := gs.success[k]; old != nil {
			gs.held -= old.Weight()
		}
		gs.success[k] = x
		gs.held += x.Weight()
	}
	gs.shrink()
}

func (gs *groups) foldError(e *ErrorDelta, users, ago int, apart bool) {
	g := gs.byKey[e.Key]
	if g == nil {
		key := e.Key
		if len(gs.list) >= MaxGroups {
			key = key.other()
		}
		if g = gs.byKey[key]; g == nil {
			g = &group{variants: map[string]uint64{}}
			g.Group = Group{ID: len(gs.list) + 1, Key: key, First: e.First, Users: users}
			gs.byKey[key] = g
			gs.list = append(gs.list, g)
		}
	}
	g.shown = nil
	if apart {
		g.Apart += e.Count
	} else {
		g.Count += e.Count
	}
	g.add(uint32(e.Count), ago)
	if e.Count > 0 && e.First.Before(g.First) {
		g.First = e.First
	}
	if e.Last.After(g.Last) {
		g.Last = e.Last
	}
	for _, v := range slices.Sorted(maps.Keys(e.Variants)) {
		if _, known := g.variants[v]; known || len(g.variants) < MaxVariants {
			n := e.Variants[v]
			if apart {
				n = 0
			}
			g.variants[v] += n
		}
		if g.Message == "" {
			g.Message = v
		}
	}
	for _, k := range e.Kept {
		gs.keep(g, k)
	}
}

// add counts n in the second so long ago, as far back as a trend reaches.
func (g *group) add(n uint32, ago int) {
	switch {
	case ago <= 0:
		g.now += n
	case ago <= trendSeconds:
		if missing := ago - len(g.counts); missing > 0 {
			g.counts = append(make([]uint32, missing), g.counts...)
		}
		g.counts[len(g.counts)-ago] += n
	}
}

func (gs *groups) keep(g *group, k Kept) {
	quarter := max(gs.samples/4, 1)
	gs.held += k.Exchange.Weight()
	switch {
	case k.First && len(g.first) < quarter:
		g.first = append(g.first, k.Exchange)
	case k.Recent && len(g.last) < quarter:
		g.last = append(g.last, k.Exchange)
	case k.Recent:
		gs.reserve(g, g.last[0], k.Random)
		g.last = append(g.last[1:], k.Exchange)
	default:
		gs.reserve(g, k.Exchange, k.Random)
	}
	gs.recent = append(gs.recent, k.Exchange)
	if len(gs.recent) > 20 {
		gs.recent = slices.Clone(gs.recent[len(gs.recent)-20:])
	}
}

// reserve puts x into the reservoir, whose place it takes once there is no free
// one; without a place x is given up.
func (gs *groups) reserve(g *group, x *Exchange, place int) {
	switch {
	case len(g.random) < max(gs.samples/2, 1):
		g.random = append(g.random, x)
	case place >= 0 && place < len(g.random):
		gs.held -= g.random[place].Weight()
		g.random[place] = x
	default:
		gs.held -= x.Weight()
	}
}

// shrink gives up bodies until what is held fits.
func (gs *groups) shrink() {
	if gs.held <= gs.limit {
		return
	}
	for _, part := range []func(*group) []*Exchange{
		func(g *group) []*Exchange { return g.random },
		func(g *group) []*Exchange { return g.last },
		func(g *group) []*Exchange { return g.first },
	} {
		type place struct {
			g *group
			x *Exchange
		}
		var all []place
		for _, g := range gs.list {
			for _, x := range part(g) {
				if len(x.Response.Body)+len(x.Request.Body) > 0 {
					all = append(all, place{g, x})
				}
			}
		}
		slices.SortFunc(all, func(a, b place) int { return a.x.When.Compare(b.x.When) })
		for _, p := range all {
			// Down to nine tenths, so that the next batch does not shrink again.
			if gs.held <= gs.limit/10*9 {
				return
			}
			gs.strip(p.g, p.x)
		}
	}
}

// strip puts a copy without bodies in the place of x: snapshots may hold x.
func (gs *groups) strip(g *group, x *Exchange) {
	bare := *x
	bare.Request.Body, bare.Response.Body = nil, nil
	found := false
	for _, list := range [][]*Exchange{g.first, g.last, g.random, gs.recent} {
		for i := range list {
			if list[i] == x {
				list[i] = &bare
				found = true
			}
		}
	}
	if found {
		gs.held -= x.Weight() - bare.Weight()
		gs.dropped++
		g.shown = nil
	}
}

// tick closes a second in every trend.
func (gs *groups) tick() {
	for _, g := range gs.list {
		if g.now == 0 && quiet(g.counts) {
			continue
		}
		g.counts = append(g.counts, g.now)
		if len(g.counts) > 2*trendSeconds {
			g.counts = slices.Clone(g.counts[len(g.counts)-trendSeconds:])
		}
		g.now = 0
		g.shown = nil
	}
}

func quiet(counts []uint32) bool {
	for _, n := range counts[max(0, len(counts)-trendSeconds):] {
		if n > 0 {
			return false
		}
	}
	return true
}

// begin has the shown counts begin again.
func (gs *groups) begin() {
	for _, g := range gs.list {
		g.before, g.shown = g.Count, nil
	}
}

// apart has all counts begin again.
func (gs *groups) apart() {
	for _, g := range gs.list {
		g.Apart, g.Count, g.before, g.shown = g.Apart+g.Count, 0, 0, nil
		for v := range g.variants {
			g.variants[v] = 0
		}
	}
}

// publish copies the groups that changed and shares the rest. In the first
// second of a run it is the window.
func (gs *groups) publish(s *Snapshot, first bool) {
	s.Groups = make([]*Group, len(gs.list))
	for i, g := range gs.list {
		if g.shown == nil {
			g.shown = g.copy()
			if first {
				g.shown.Window = uint64(g.now)
			}
		}
		s.Groups[i] = g.shown
	}
	slices.SortStableFunc(s.Groups, func(a, b *Group) int {
		if c := cmp.Compare(b.Count, a.Count); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	s.Recent = slices.Clone(gs.recent)
	s.Success = maps.Clone(gs.success)
	s.Captured, s.CaptureOf, s.Dropped = gs.held, gs.limit, gs.dropped
}

func (g *group) copy() *Group {
	out := g.Group
	counts := g.counts[max(0, len(g.counts)-trendSeconds):]
	out.Trend = slices.Clone(counts)
	var n uint64
	ten := counts[max(0, len(counts)-windowSeconds):]
	for _, c := range ten {
		n += uint64(c)
	}
	out.Shown, out.Window = g.Count-g.before, n
	if len(ten) > 0 {
		out.Rate = float64(n) / float64(len(ten))
	}
	for text, c := range g.variants {
		out.Variants = append(out.Variants, Variant{text, c})
	}
	slices.SortFunc(out.Variants, func(a, b Variant) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Message, b.Message))
	})
	out.Samples = slices.Concat(g.first, g.random, g.last)
	slices.SortStableFunc(out.Samples, func(a, b *Exchange) int { return a.When.Compare(b.When) })
	return &out
}
