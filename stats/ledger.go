package stats

import (
	"slices"
	"time"
)

// Ledger folds batches into totals, per-second slots, segments and groups of
// failures. One goroutine owns it; others see the snapshots that it makes.
// Times are durations since the run began, on the owner's monotonic clock.
type Ledger struct {
	// Tap, if set, is told all that the ledger is told, before it acts: a second
	// ledger that is told the same shows the same. It must not wait, and must not
	// keep what it is given.
	Tap Tap

	rows     map[Key]*row
	order    []*row
	total    *row
	groups   *groups
	now      time.Duration
	second   int64 // the one that goes on
	suspect  int64 // the first one behind those that are suspect
	users    Users
	inFlight int
	folded   bool

	segments []Segment
	segment  string
	since    time.Duration // when the segment began
	shown    time.Duration // when the shown numbers began; 0: with the run's
	from     time.Duration // when the run's numbers began: what was before is kept apart
	marks    []Mark
	seconds  []Second // published; nil when a second closed
}

// Tap is what a ledger can be told; a Ledger is one.
type Tap interface {
	Fold(b *Batch, now time.Duration, users Users)
	Late(b *Batch, second int64)
	Segment(name string)
	Reset(name string)
	Apart(name string)
	Mark(name string)

	// Told says whose seconds are in what was told so far: those before first of
	// all nodes elsewhere, but of these only those before their own.
	Told(first int64, but map[string]int64)
}

// Users is what a second's point on the charts says besides the samples.
type Users struct {
	Running, Target int
	Suspect         bool // the generator was not well, all the time of the batch
}

// row is a key's past and present.
type row struct {
	key     Key
	run     Delta
	shown   *Delta // nil while the numbers never began again
	apart   *Delta // what is kept apart; nil for nothing
	segment Delta
	now     Delta // in the second that goes on
	slots   slots
	window  window
	row     Row  // published
	news    bool // its numbers are newer than row
	moved   bool // its window is
}

// maxSlotRows is how many rows may have ten minutes of seconds each; more rows
// have fewer, so that memory stays bounded.
const maxSlotRows = 100

// NewLedger makes an empty ledger that keeps samples exchanges per group and at
// most memory bytes of them; 0 means 32 and 64 MiB.
func NewLedger(samples, memory int) *Ledger {
	return &Ledger{
		rows:    map[Key]*row{},
		total:   &row{slots: slots{points: true}},
		groups:  newGroups(orDefault(samples, DefaultSamples), orDefault(memory, 64<<20)),
		segment: "ramp",
	}
}

// Fold adds a batch that ends at now, which never goes back. The batch counts
// in the second that holds its middle; its memory stays the caller's.
func (l *Ledger) Fold(b *Batch, now time.Duration, users Users) {
	if l.Tap != nil {
		l.Tap.Fold(b, now, users)
	}
	if users.Suspect {
		_, last := SecondsOf(l.now, now)
		l.users.Suspect, l.suspect = true, last+1
	}
	l.advance(int64((l.now + now) / 2 / time.Second))
	l.users.Running, l.users.Target = users.Running, users.Target
	for key, d := range b.Rows {
		l.row(key).add(d)
		if key.Class == Request {
			l.total.add(d)
		}
	}
	l.groups.fold(b, users.Running, 0, false)
	l.inFlight = b.InFlight
	l.folded = l.folded || b.Folded
	l.now = now
	l.advance(int64(now / time.Second))
}

// Late adds a batch of a second that has closed: of a node that was not heard of
// for a while. Totals and that second's point on the charts have it; the segment
// is the one that goes on.
func (l *Ledger) Late(b *Batch, second int64) {
	if l.Tap != nil {
		l.Tap.Late(b, second)
	}
	apart := time.Duration(second)*time.Second < l.from
	for key, d := range b.Rows {
		l.row(key).late(d, second, l.second, apart)
		if key.Class == Request {
			l.total.late(d, second, l.second, apart)
		}
	}
	if apart {
		l.segments[0] = l.apart(l.segments[0].Name)
	}
	l.groups.fold(b, l.users.Running, int(l.second-second), apart)
	l.folded = l.folded || b.Folded
	l.seconds = nil
}

// late adds what belongs to a second before the one that goes on.
func (r *row) late(d *Delta, second, now int64, apart bool) {
	switch {
	case apart:
		if r.apart == nil {
			r.apart = new(Delta)
		}
		r.apart.Merge(d)
	case second >= now:
		r.add(d)
		return
	default:
		r.run.Merge(d)
		r.segment.Merge(d)
		if r.shown != nil {
			r.shown.Merge(d)
		}
	}
	r.slots.late(d, second)
	if ago := int(now - second); ago <= windowSeconds {
		r.window.late(d, ago)
	}
	r.news, r.moved = true, true
}

func (l *Ledger) row(key Key) *row {
	r := l.rows[key]
	if r == nil {
		r = &row{key: key}
		if l.shown > 0 {
			r.shown = new(Delta)
		}
		r.slots.keep = min(600, max(60, 600*maxSlotRows/(len(l.rows)+1)))
		l.rows[key] = r
		l.order = append(l.order, r)
		slices.SortFunc(l.order, func(a, b *row) int {
			return a.key.compare(b.key)
		})
		if n := len(l.rows); n > maxSlotRows {
			for _, o := range l.rows {
				o.slots.keep = r.slots.keep
			}
		}
	}
	return r
}

func (r *row) add(d *Delta) {
	r.run.Merge(d)
	r.segment.Merge(d)
	r.now.Merge(d)
	if r.shown != nil {
		r.shown.Merge(d)
	}
	r.news = true
}

// advance closes the seconds before the given one.
func (l *Ledger) advance(second int64) {
	for ; l.second < second; l.second++ {
		l.total.close(l.second, l.users)
		for _, r := range l.order {
			r.close(l.second, Users{})
		}
		l.groups.tick()
		l.users.Suspect = l.second+1 < l.suspect
		l.seconds = nil
	}
}

// hardly is how much of a second a span may reach into that is not said to lie
// in it: ticks come a moment late.
const hardly = 125 * time.Millisecond

// SecondsOf are the first and the last second of a run that a span of it lies in.
func SecondsOf(from, to time.Duration) (first, last int64) {
	return int64(from / time.Second), int64((to - min((to-from)/2, hardly)) / time.Second)
}

func (r *row) close(second int64, u Users) {
	x := slot{from: second, users: u.Running, target: u.Target, taint: u.Suspect}
	r.moved = r.moved || !r.now.Empty() || r.row.Window.Requests > 0 || len(r.row.Trend) < trendSeconds
	if r.slots.points {
		x.sofar = r.run.sofar()
	}
	r.slots.push(x, &r.now)
	r.window.push(&r.now, r.slots.before(windowSeconds))
	r.now.Reset()
}

// Segment ends the segment that goes on and begins one of that name. Nothing is
// forgotten.
func (l *Ledger) Segment(name string) {
	if l.Tap != nil {
		l.Tap.Segment(name)
	}
	l.begin(name)
}

func (l *Ledger) begin(name string) {
	if l.now == l.since && len(l.segments) == 0 || l.now-l.since < time.Second/2 && l.total.segment.Empty() {
		l.segment = name
		return
	}
	l.segments = append(l.segments, l.endSegment())
	if len(l.segments) > maxSegments {
		l.segments = slices.Delete(slices.Clone(l.segments), 1, 2)
	}
	l.segment, l.since = name, l.now
	l.total.segment.Reset()
	for _, r := range l.order {
		r.segment.Reset()
	}
}

// maxSegments bounds what a long run with many changes keeps; past it the
// second oldest goes.
const maxSegments = 200

func (l *Ledger) endSegment() Segment {
	span := l.now - l.since
	s := Segment{Name: l.segment, From: l.since, To: l.now, Total: l.total.segment.Summary(span)}
	for _, r := range l.order {
		if !r.segment.Empty() {
			s.Rows = append(s.Rows, Row{Key: r.key, Run: r.segment.Summary(span)})
		}
	}
	return s
}

// Reset begins a segment of that name and the shown numbers again.
func (l *Ledger) Reset(name string) {
	if l.Tap != nil {
		l.Tap.Reset(name)
	}
	l.begin(name)
	l.shown = max(l.now, 1)
	for _, r := range append(slices.Clone(l.order), l.total) {
		r.shown = new(Delta)
		r.news = true
	}
	l.groups.begin()
	l.mark(name)
}

// Apart keeps what was until now as one segment of that name, and as points of the
// charts, and has all other numbers begin again: those of a warm-up are not the run's.
func (l *Ledger) Apart(name string) {
	if l.Tap != nil {
		l.Tap.Apart(name)
	}
	for _, r := range append(slices.Clone(l.order), l.total) {
		if r.apart != nil {
			r.run.Merge(r.apart) // of an earlier call
		}
		r.apart, r.run, r.shown = r.run.Clone(), Delta{}, nil
		r.segment.Reset()
		r.news = true
	}
	l.from, l.shown = l.now, 0
	l.segments, l.since = []Segment{l.apart(name)}, l.now
	l.groups.apart()
}

// apart is the segment of what is kept apart.
func (l *Ledger) apart(name string) Segment {
	s := Segment{Name: name, To: l.from}
	if d := l.total.apart; d != nil {
		s.Total = d.Summary(l.from)
	}
	for _, r := range l.order {
		if r.apart != nil && !r.apart.Empty() {
			s.Rows = append(s.Rows, Row{Key: r.key, Run: r.apart.Summary(l.from)})
		}
	}
	return s
}

// Mark names this moment.
func (l *Ledger) Mark(name string) {
	if l.Tap != nil {
		l.Tap.Mark(name)
	}
	l.mark(name)
}

// Told is for the tap: the ledger does not know nodes.
func (l *Ledger) Told(first int64, but map[string]int64) {
	if l.Tap != nil {
		l.Tap.Told(first, but)
	}
}

func (l *Ledger) mark(name string) {
	l.marks = append(slices.Clip(l.marks), Mark{l.now, name})
}

// Snapshot is everything as it is now. Rows without news are shared with the
// snapshot before.
func (l *Ledger) Snapshot() *Snapshot {
	s := &Snapshot{Elapsed: l.now, Apart: l.from, InFlight: l.inFlight, Folded: l.folded, Marks: slices.Clip(l.marks)}
	s.Total = l.publish(l.total)
	for _, r := range l.order {
		row := l.publish(r)
		switch r.key.Class {
		case Request:
			s.Rows = append(s.Rows, row)
		case Transaction:
			s.Transactions = append(s.Transactions, row)
		case Task:
			s.Tasks = append(s.Tasks, row)
		case Counter:
			s.Counters = append(s.Counters, row)
		}
	}
	s.Segments = append(slices.Clip(l.segments), Segment{Name: l.segment, From: l.since, Total: l.total.segment.Summary(l.now - l.since)})
	if l.seconds == nil {
		l.seconds = l.total.slots.seconds()
	}
	s.Seconds, s.Rest = l.seconds, l.rest()
	l.groups.publish(s, l.second == 0)
	return s
}

// rest is the second that goes on. Rates over a few milliseconds would say
// nothing, so a short one comes with the second before it.
func (l *Ledger) rest() Second {
	s, span := &l.total.slots, l.now-time.Duration(l.second)*time.Second
	x := slot{from: l.second, users: l.users.Running, target: l.users.Target, taint: l.users.Suspect, sofar: l.total.run.sofar()}
	s.fill(&x, &l.total.now, span)
	if one := s.tiers[0]; span < time.Second/2 && len(one) > 0 {
		x = s.merge([]slot{one[len(one)-1], x}, nil, time.Second+span)
	}
	return *x.point
}

func (l *Ledger) publish(r *row) Row {
	r.row.Key = r.key
	if r.news {
		r.row.Run = r.run.Summary(l.now - l.from)
		r.row.Shown = r.row.Run
		if r.shown != nil {
			r.row.Shown = r.shown.Summary(l.now - l.shown)
		}
	}
	// Rates decay by the clock even where nothing happens.
	r.row.Run.over(l.now - l.from)
	r.row.Shown.over(l.now - max(l.shown, l.from))
	if r.moved || r.news && l.second == 0 {
		window, span := &r.window.sum, min(WindowSpan, time.Duration(l.second)*time.Second)
		if l.second == 0 { // before the first full second: what there is
			window, span = &r.now, l.now
		}
		r.row.Window = window.Summary(span)
		r.row.Trend = r.slots.requests(trendSeconds)
	}
	r.news, r.moved = false, false
	return r.row
}

// over makes the rates those of another span.
func (s *Summary) over(span time.Duration) {
	if s.Span = span; span > 0 {
		s.RPS = float64(s.Requests) / span.Seconds()
		s.FailRate = float64(s.Failures) / span.Seconds()
	}
}

// History is the points of one row's charts, oldest first; nil for a row that
// does not exist.
func (l *Ledger) History(key Key) []Second {
	if r := l.rows[key]; r != nil {
		return r.slots.seconds()
	}
	return nil
}

// Histograms calls yield with each row's whole-run delta, the total first under
// a zero key; it must not be kept past the call.
func (l *Ledger) Histograms(yield func(Key, *Delta) bool) {
	if !yield(Key{}, &l.total.run) {
		return
	}
	for _, r := range l.order {
		if !yield(r.key, &r.run) {
			return
		}
	}
}

// Second is the number of the second that goes on, from 0.
func (l *Ledger) Second() int64 { return l.second }
