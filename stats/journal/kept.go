package journal

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	"tload/stats"
)

// kept is what a Writer has in the file of the things of which only the newest
// matters, and where there is room for more. It belongs to the Writer's goroutine.
type kept struct {
	number  uint64 // of the newest record
	written int64
	free    []extent // with what was given up in it
	blank   []extent // free, and nothing in it
	old     []extent // of before the file was opened again
	meta    extent
	totals  extent
	groups  map[stats.GroupKey]*keptGroup
	success map[stats.Key]keptSuccess
}

// extent is a piece of the file.
type extent struct{ at, size int64 }

type keptGroup struct {
	at     map[*stats.Exchange]extent
	looked time.Time
}

type keptSuccess struct {
	at   extent
	when time.Time
}

const (
	keepEvery    = 5 * time.Second // between two looks at a group that goes on failing
	keepBytes    = 2 << 20         // written at one look at all groups, about
	successEvery = time.Minute     // between two successes to hold a row's failures against
)

// keep brings the file up to what the store of failures holds, all of it or what
// is due, and the newest meta and totals: of a file that was cut short these may
// stand before the cut, and say what was behind it.
func (w *Writer) keep(all bool) error {
	k := &w.kept
	all = all || len(k.old) > 0
	if w.options.Held != nil {
		switch s := w.options.Held(); {
		case s != nil:
			if err := w.keepGroups(s, all); err != nil {
				return err
			}
		default:
			all = false
		}
	}
	if w.options.Meta != nil {
		if b := w.options.Meta(); len(b) > 0 {
			if err := w.renew(&w.kept.meta, metaRecord, b); err != nil {
				return err
			}
		}
	}
	if err := w.renew(&w.kept.totals, totalsRecord, w.totals.pack()); err != nil {
		return err
	}
	if all {
		// What the file had from before is written again by now.
		k.free, k.old = append(k.free, k.old...), nil
	}
	if err := w.blankOut(); err != nil {
		return err
	}
	return w.file.Sync()
}

func (w *Writer) keepGroups(s *stats.Snapshot, all bool) error {
	k := &w.kept
	if k.groups == nil {
		k.groups, k.success = map[stats.GroupKey]*keptGroup{}, map[stats.Key]keptSuccess{}
	}
	type due struct {
		g  *stats.Group
		to *keptGroup
	}
	var list []due
	now := time.Now()
	for _, g := range s.Groups {
		to := k.groups[g.Key]
		if to == nil {
			to = &keptGroup{at: map[*stats.Exchange]extent{}}
			k.groups[g.Key] = to
		}
		// How it began is worth haste.
		if begins := len(to.at) < min(len(g.Samples), stats.DefaultSamples/4); all || begins || now.Sub(to.looked) >= keepEvery {
			list = append(list, due{g, to})
		}
	}
	slices.SortStableFunc(list, func(a, b due) int { return a.to.looked.Compare(b.to.looked) })
	begun := w.kept.written
	for _, d := range list {
		if !all && w.kept.written-begun > keepBytes {
			return nil // the others come first next time
		}
		if err := w.keepGroup(d.g, d.to, s.Success[d.g.Key.Key]); err != nil {
			return err
		}
		d.to.looked = now
	}
	return nil
}

// keepGroup writes what the group has and the file has not, in the place of what
// it no longer has.
func (w *Writer) keepGroup(g *stats.Group, to *keptGroup, success *stats.Exchange) error {
	k := &w.kept
	held := map[*stats.Exchange]bool{}
	for _, x := range g.Samples {
		held[x] = true
	}
	for x, at := range to.at {
		if !held[x] {
			k.drop(at)
			delete(to.at, x)
		}
	}
	for _, x := range g.Samples {
		if _, there := to.at[x]; there {
			continue
		}
		b := stats.Batch{Errors: []stats.ErrorDelta{{Key: g.Key, First: x.When, Last: x.When, Kept: []stats.Kept{{Exchange: w.options.Redact.Exchange(x)}}}}}
		at, err := w.put(exchangeRecord, b.AppendTo(nil))
		if err != nil {
			return err
		}
		to.at[x] = at
	}
	if old := k.success[g.Key.Key]; success != nil && success.When.Sub(old.when) >= successEvery {
		b := stats.Batch{Success: map[stats.Key]*stats.Exchange{g.Key.Key: w.options.Redact.Exchange(success)}}
		at, err := w.put(exchangeRecord, b.AppendTo(nil))
		if err != nil {
			return err
		}
		k.drop(old.at)
		k.success[g.Key.Key] = keptSuccess{at, success.When}
	}
	return nil
}

// put writes a kept record where there is room, or at the end. It does not sync.
func (w *Writer) put(kind byte, payload []byte) (extent, error) {
	k := &w.kept
	k.number++
	p := binary.AppendUvarint(nil, k.number)
	p = append(p, kind)
	p = binary.AppendUvarint(p, uint64(len(payload)))
	p = append(p, payload...)
	at := k.take(int64(frame + len(p)))
	last := at == extent{}
	if last {
		at = extent{w.end, roomy(int64(frame + len(p)))}
	}
	p = append(p, make([]byte, at.size-int64(frame+len(p)))...)
	w.kept.written += at.size
	_, err := w.file.WriteAt(appendRecord(nil, keptRecord, p), at.at)
	switch {
	case err == nil && last:
		w.end += at.size
	case err != nil && last:
		w.file.Truncate(w.end)
	case err != nil:
		k.drop(at)
	}
	return at, err
}

// renew puts a kept record and gives up the one before it.
func (w *Writer) renew(old *extent, kind byte, payload []byte) error {
	at, err := w.put(kind, payload)
	if err != nil {
		return err
	}
	w.kept.drop(*old)
	*old = at
	return nil
}

// roomy rounds a size up by an eighth at most, so that what is a little longer
// fits in the place of what was a little shorter. What is small, the totals, keeps
// its place near the beginning however the numbers in it grow.
func roomy(size int64) int64 {
	size = max(size, 64)
	unit := int64(1) << max(bits.Len64(uint64(size))-4, 0)
	return (size + unit - 1) / unit * unit
}

// take is the smallest free piece of the file with room for size bytes, if it is
// not too large for them.
func (k *kept) take(size int64) extent {
	for _, list := range []*[]extent{&k.free, &k.blank} {
		best := -1
		for i, e := range *list {
			if e.size >= size && e.size <= 2*roomy(size) && (best < 0 || e.size < (*list)[best].size) {
				best = i
			}
		}
		if best >= 0 {
			at := (*list)[best]
			*list = slices.Delete(*list, best, best+1)
			return at
		}
	}
	return extent{}
}

// blankOut writes nothing where something was given up whose place is not used
// again yet.
func (w *Writer) blankOut() error {
	k := &w.kept
	for len(k.free) > 0 {
		e := k.free[len(k.free)-1]
		p := make([]byte, e.size-int64(frame))
		if _, err := w.file.WriteAt(appendRecord(nil, keptRecord, p), e.at); err != nil {
			return err
		}
		k.free, k.blank = k.free[:len(k.free)-1], append(k.blank, e)
	}
	return nil
}

func (k *kept) drop(e extent) {
	if e.size > 0 {
		k.free = append(k.free, e)
	}
}

// found is a kept record that was read.
type found struct {
	number uint64
	kind   byte
	data   []byte
}

func readKept(p []byte) (f found, err error) {
	number, n := binary.Uvarint(p)
	if n <= 0 || n == len(p) {
		return f, errDamaged
	}
	f.number, f.kind = number, p[n]
	p = p[n+1:]
	length, n := binary.Uvarint(p)
	if n <= 0 || length > uint64(len(p)-n) {
		return f, errDamaged
	}
	f.data = p[n : n+int(length)]
	return f, nil
}

// keptExchanges makes of all exchanges that were read the batch that has the
// ledger hold them. Of a run that was killed there may be more than there were:
// what was given up last.
type keptExchanges struct {
	samples int
	known   map[stats.GroupKey]bool // groups that something is counted in
	groups  map[stats.GroupKey][]numbered
	success map[stats.Key]numbered
}

type numbered struct {
	number uint64
	x      *stats.Exchange
}

func (k *keptExchanges) add(f found) error {
	var b stats.Batch
	if err := b.MergePacked(f.data); err != nil {
		return err
	}
	for _, e := range b.Errors {
		for _, x := range e.Kept {
			if k.groups == nil {
				k.groups = map[stats.GroupKey][]numbered{}
			}
			k.groups[e.Key] = append(k.groups[e.Key], numbered{f.number, x.Exchange})
		}
	}
	for key, x := range b.Success {
		if k.success == nil {
			k.success = map[stats.Key]numbered{}
		}
		if f.number >= k.success[key].number {
			k.success[key] = numbered{f.number, x}
		}
	}
	return nil
}

// into adds them to b, oldest first, so that the ledger finds the first and the
// last of each group as it had them.
func (k *keptExchanges) into(b *stats.Batch) {
	few := k.samples
	if few <= 0 {
		few = stats.DefaultSamples
	}
	few = max(few/4, 1)
	for key, list := range k.groups {
		if !k.known[key] {
			continue
		}
		slices.SortFunc(list, func(a, b numbered) int {
			return cmp.Or(a.x.When.Compare(b.x.When), cmp.Compare(a.x.User, b.x.User), cmp.Compare(b.number, a.number))
		})
		// The same one twice was written again without its bodies.
		list = slices.CompactFunc(list, func(a, b numbered) bool { return a.x.When.Equal(b.x.When) && a.x.User == b.x.User })
		e := stats.ErrorDelta{Key: key}
		for i, n := range list {
			e.Kept = append(e.Kept, stats.Kept{Exchange: n.x, First: i < few, Recent: i >= few && i >= len(list)-few, Random: -1})
		}
		b.Errors = append(b.Errors, e)
	}
	slices.SortFunc(b.Errors, func(a, b stats.ErrorDelta) int {
		return a.Kept[0].Exchange.When.Compare(b.Kept[0].Exchange.When)
	})
	for key, n := range k.success {
		if b.Success == nil {
			b.Success = map[stats.Key]*stats.Exchange{}
		}
		b.Success[key] = n.x
	}
}
