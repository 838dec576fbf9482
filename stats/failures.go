package stats

import (
	"maps"
	"sync"
	"time"
)

// What is kept of a group of failures: how it began, how it is now, and an
// unbiased middle.
const (
	DefaultSamples = 32  // exchanges per group: a quarter first, a quarter last, the rest at random
	MaxGroups      = 512 // groups; of the rest there is one group "other" for each kind
	MaxVariants    = 16  // raw messages per group
)

// GroupKey says which failures are one group.
type GroupKey struct {
	Key    Key
	Kind   Kind
	Status int
	Print  string // the message's fingerprint
}

// ErrorDelta is what happened to one group since the last batch.
type ErrorDelta struct {
	Key         GroupKey
	Count       uint64
	First, Last time.Time
	Variants    map[string]uint64
	Kept        []Kept
}

// Kept is an exchange and why it was kept. The middle of a group is what is
// neither of its first nor of its last, and a sample of it is kept in a
// reservoir.
type Kept struct {
	Exchange *Exchange
	First    bool // one of the first
	Recent   bool // one of the last, from which it may push another into the middle
	Random   int  // the reservoir's place for what comes into the middle, it or what it pushes; -1 for none
}

// failures groups what fails in this process and decides what is kept of it,
// before anything is copied. "The last" are not every last one: in a storm
// that would copy every body, so once there are as many as are kept a group
// gets a copy every 100 ms.
type failures struct {
	mu        sync.Mutex // guards all below
	groups    map[GroupKey]*failing
	prints    map[string]string // of messages seen; bounded
	first     int               // how many are kept of each
	last      int
	random    int
	limit     int // bytes that may wait
	waiting   int
	successes map[Key]*Exchange
}

type failing struct {
	key      GroupKey
	total    uint64 // since the run began
	last     int    // … of the last ones, as many as are kept
	middle   uint64 // … of all others but the first
	tokens   float64
	refilled time.Time
	variants map[string]struct{} // seen since the run began
	delta    ErrorDelta
}

const (
	recentInterval = 100 * time.Millisecond
	maxPrints      = 4096
)

func (f *failures) init(samples, memory int) {
	f.groups = map[GroupKey]*failing{}
	f.prints = map[string]string{}
	f.first, f.last = max(samples/4, 1), max(samples/4, 1)
	f.random = max(samples/2, 1)
	f.limit = memory
}

// Keep is the store's answer to a failure.
type Keep struct {
	group *failing
	why   Kept
}

// Wanted says whether the exchange of this failure is to be handed to Sink.Keep.
func (k Keep) Wanted() bool { return k.group != nil }

// Fail records a failing sample and groups it by its message. Wanted answers
// whether to copy the exchange. In a storm it costs a lock and a map look-up.
func (s *Sink) Fail(m *Meter, x Sample, message string) Keep {
	f := &s.r.failures
	f.mu.Lock()
	s.record(m, &x) // with its group, so that no batch has the one without the other
	keep := f.fail(m.key, x.Kind, x.Status, message)
	f.mu.Unlock()
	if s.r.log != nil && m.key.Class == Request {
		s.r.log(m.key, x, message)
	}
	return keep
}

// Exception counts a panic or an error of a behaviour's own, which no request's
// row counts: it is kept apart, under the task's key, with x as its detail.
func (s *Sink) Exception(key Key, kind Kind, message string, x *Exchange) {
	f := &s.r.failures
	f.mu.Lock()
	k := f.fail(key, kind, 0, message)
	f.mu.Unlock()
	if k.Wanted() {
		s.Keep(k, x)
	}
}

// fail counts a failure in its group; the caller holds mu.
func (f *failures) fail(key Key, kind Kind, status int, message string) Keep {
	now := time.Now()
	g := f.group(GroupKey{key, kind, status, f.print(message)})
	g.total++
	d := &g.delta
	if d.Count++; d.Count == 1 {
		d.First = now
	}
	d.Last = now
	f.variant(g, message)
	if f.waiting >= f.limit {
		return Keep{}
	}
	g.tokens = min(g.tokens+float64(now.Sub(g.refilled))/float64(recentInterval), float64(f.last))
	g.refilled = now
	why := Kept{First: g.total <= uint64(f.first), Random: -1}
	if !why.First && g.tokens >= 1 {
		g.tokens--
		why.Recent = true
	}
	switch {
	case why.First:
	case why.Recent && g.last < f.last:
		g.last++
	default:
		g.middle++
		why.Random = randomSlot(g.middle, f.random)
	}
	if !why.First && !why.Recent && why.Random < 0 {
		return Keep{}
	}
	return Keep{g, why}
}

func (f *failures) print(message string) string {
	if p, ok := f.prints[message]; ok {
		return p
	}
	p := Fingerprint(message)
	if len(f.prints) >= maxPrints {
		for m := range f.prints { // any one
			delete(f.prints, m)
			break
		}
	}
	f.prints[message] = p
	return p
}

func (f *failures) group(key GroupKey) *failing {
	g := f.groups[key]
	if g == nil {
		if len(f.groups) >= MaxGroups {
			key = key.other()
			g = f.groups[key]
		}
		if g == nil {
			g = &failing{key: key, tokens: float64(f.last), refilled: time.Now(), variants: map[string]struct{}{}}
			g.delta.Key = key
			f.groups[key] = g
		}
	}
	return g
}

// other is the group for what is past MaxGroups: one for each kind of failure,
// those of requests and those of behaviours apart.
func (k GroupKey) other() GroupKey {
	return GroupKey{Key: other(k.Key.Class), Kind: k.Kind, Print: "other failures, past the number of groups that are kept"}
}

func (f *failures) variant(g *failing, message string) {
	if len(message) > 1000 {
		message = message[:1000]
	}
	if _, known := g.variants[message]; !known {
		if len(g.variants) >= MaxVariants {
			return
		}
		g.variants[message] = struct{}{}
	}
	if g.delta.Variants == nil {
		g.delta.Variants = map[string]uint64{}
	}
	g.delta.Variants[message]++
}

// Keep hands over an exchange that was wanted. The store owns it from here.
func (s *Sink) Keep(k Keep, x *Exchange) {
	if k.group == nil {
		return
	}
	f := &s.r.failures
	k.why.Exchange = x
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting += x.Weight()
	k.group.delta.Kept = append(k.group.delta.Kept, k.why)
}

func (f *failures) success(key Key, x *Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.successes == nil {
		f.successes = map[Key]*Exchange{}
	}
	f.successes[key] = x
}

// take moves everything into b; the caller holds mu.
func (f *failures) take(b *Batch) {
	for _, g := range f.groups {
		if g.delta.Count > 0 || len(g.delta.Kept) > 0 {
			b.Errors = append(b.Errors, g.delta)
			g.delta = ErrorDelta{Key: g.key}
		}
	}
	b.Success = maps.Clone(f.successes)
	f.successes = nil
	f.waiting = 0
}
