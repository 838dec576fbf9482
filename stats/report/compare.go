package report

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tload/stats"
)

// Two runs are compared by resampling: each run is cut into eight blocks of
// whole seconds, a thousand runs are drawn from each with replacement, and the
// interval holds 99 % of the changes between them. Blocks, not requests, are
// drawn, because requests of one second share its weather, and few and long
// ones, because weather lasts: with seconds drawn one by one, runs of one thing in
// which a slow second is often followed by another were called a regression up
// to one time in ten. What eight blocks do not tell makes the interval wider. 99
// and not 95, because a table has many rows, and one in twenty of them would cry
// wolf. Weather that lasts a third of a run, and what differs between two days,
// is not in it.
const (
	replicates = 1000
	maxBlocks  = 8
	minBlocks  = 5
	coverage   = 0.99
	// smallest is what the whole interval must lie beyond for a change to count:
	// a histogram alone can be wrong by almost one percent, and two runs of one
	// thing differ by as much for reasons that no resampling sees.
	smallest = 0.02
	// beyond is how many requests must lie above a percentile for it to be told.
	beyond = 10
)

// Seconds collects a run second by second; it is a tap for its journal.
type Seconds struct {
	now    time.Duration
	second int64
	open   map[stats.Key]*stats.Delta
	rows   map[stats.Key][]secondOf
	steady map[int64]bool
	inRamp bool
	from   int64 // what was before is kept apart
}

type secondOf struct {
	second int64
	packed []byte
}

// NewSeconds is an empty one.
func NewSeconds() *Seconds {
	return &Seconds{open: map[stats.Key]*stats.Delta{}, rows: map[stats.Key][]secondOf{}, steady: map[int64]bool{}, inRamp: true}
}

// Fold adds a batch.
func (s *Seconds) Fold(b *stats.Batch, now time.Duration, _ stats.Users) {
	if second := int64((s.now + now) / 2 / time.Second); second != s.second {
		s.close()
		s.second = second
	}
	s.now = now
	for k, d := range b.Rows {
		if k.Class != stats.Request {
			continue
		}
		for _, key := range []stats.Key{k, {}} {
			if s.open[key] == nil {
				s.open[key] = new(stats.Delta)
			}
			s.open[key].Merge(d)
		}
	}
}

// Late adds a batch of a second that has closed.
func (s *Seconds) Late(b *stats.Batch, second int64) {
	if second < s.from {
		return
	}
	for k, d := range b.Rows {
		if k.Class == stats.Request {
			x := secondOf{second, d.AppendTo(nil)}
			s.rows[k] = append(s.rows[k], x)
			s.rows[stats.Key{}] = append(s.rows[stats.Key{}], x)
		}
	}
}

func (s *Seconds) close() {
	for k, d := range s.open {
		if !d.Empty() {
			s.rows[k] = append(s.rows[k], secondOf{s.second, d.AppendTo(nil)})
			d.Reset()
		}
	}
	if _, marked := s.steady[s.second]; !marked {
		s.steady[s.second] = !s.inRamp
	}
}

// Segment marks the seconds from here on as steady or not.
func (s *Seconds) Segment(name string) {
	if steady := strings.HasPrefix(name, "steady"); steady == s.inRamp {
		s.close()
		s.steady[s.second] = false // a second that is both is neither
		s.inRamp = !steady
	}
}

// Reset is no matter here.
func (s *Seconds) Reset(string) {}

// Mark is no matter here.
func (s *Seconds) Mark(string) {}

// Apart forgets what was until now: a warm-up is not compared.
func (s *Seconds) Apart(string) {
	s.close()
	s.from = int64(s.now / time.Second)
	clear(s.rows)
	clear(s.steady)
}

// Told implements stats.Tap.
func (s *Seconds) Told(int64, map[string]int64) {}

// steadies is how many whole seconds all users ran.
func (s *Seconds) steadies() (n int) {
	for _, yes := range s.steady {
		if yes {
			n++
		}
	}
	return n
}

// sample is one row of one run, cut into blocks.
type sample struct {
	blocks  []block
	seconds float64
}

type block struct {
	ok, corrected []bin
	n, failed     uint64
	seconds       float64
}

type bin struct {
	value time.Duration
	count uint64
	at    int // its place among all values of the sample
}

// sample cuts a row into blocks; seconds without a request count as such.
func (s *Seconds) sample(key stats.Key, onlySteady bool) sample {
	var all []int64
	last := int64(s.now / time.Second)
	for sec := int64(0); sec <= last; sec++ {
		if !onlySteady || s.steady[sec] {
			all = append(all, sec)
		}
	}
	at := map[int64][][]byte{}
	for _, x := range s.rows[key] {
		at[x.second] = append(at[x.second], x.packed)
	}
	// The last second counts for as much as there is of it.
	length := func(part []int64) float64 {
		n := float64(len(part))
		if part[len(part)-1] == last {
			n += (s.now - time.Duration(last)*time.Second).Seconds() - 1
		}
		return n
	}
	var out sample
	blocks := min(len(all), maxBlocks)
	for i := range blocks {
		part := all[i*len(all)/blocks : (i+1)*len(all)/blocks]
		var d stats.Delta
		for _, sec := range part {
			for _, b := range at[sec] {
				d.MergePacked(b) // packed by us
			}
		}
		out.blocks = append(out.blocks, block{bins(&d.OK), bins(&d.Corrected), d.Requests(), d.Failed.Count(), length(part)})
		out.seconds += length(part)
	}
	return out
}

func bins(h *stats.Histogram) (out []bin) {
	for v, n := range h.Buckets {
		out = append(out, bin{value: v, count: n})
	}
	return out
}

// Comparison is what changed between two runs.
type Comparison struct {
	Base      string       `json:"base"`
	Run       string       `json:"run"`
	Steady    bool         `json:"steady_only"` // only the seconds in which all users ran were compared
	Rows      []Comparable `json:"endpoints"`   // the total first, under an empty name
	OnlyBase  []string     `json:"only_in_base,omitempty"`
	OnlyRun   []string     `json:"only_in_run,omitempty"`
	Regressed bool         `json:"regressed"`
	Notes     []string     `json:"notes,omitempty"`
}

// Comparable is one endpoint in both runs.
type Comparable struct {
	Method  string   `json:"method"`
	Name    string   `json:"name"`
	Metrics []Change `json:"metrics"`
}

// Change is one number in both runs. Change and its bounds are in percent of
// the base, or for errors in percentage points.
type Change struct {
	Metric  string   `json:"metric"`
	Unit    string   `json:"unit"`
	Base    float64  `json:"base"`
	Run     float64  `json:"run"`
	Change  *float64 `json:"change,omitempty"`
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Verdict string   `json:"verdict"` // "worse", "better", "changed", "none": none that can be told, "few": too few requests to tell, "unknown": no interval
}

// metric is one number of a sample.
type metric struct {
	name, unit string
	points     bool // a difference, not a ratio
	lowIsGood  bool
	few        func(*pooled) bool
	of         func(*pooled) float64
}

var metrics = []metric{
	percentileOf("p50", .50, false), percentileOf("p95", .95, false), percentileOf("p99", .99, false),
	percentileOf("corrected p99", .99, true),
	{name: "RPS", unit: "/s", of: func(p *pooled) float64 { return p.n / max(p.seconds, 1e-3) }},
	{name: "errors", unit: "%", points: true, lowIsGood: true, of: func(p *pooled) float64 { return 100 * p.failed / max(p.n, 1) }},
}

func percentileOf(name string, q float64, corrected bool) metric {
	of := func(p *pooled) *tally {
		if corrected {
			return &p.corrected
		}
		return &p.ok
	}
	return metric{name: name, unit: "ms", lowIsGood: true,
		few: func(p *pooled) bool { return float64(of(p).total)*(1-q) < beyond },
		of:  func(p *pooled) float64 { return of(p).quantile(q) },
	}
}

// pooled is a sample with each of its blocks taken some number of times. It is
// filled again and again.
type pooled struct {
	ok, corrected      tally
	n, failed, seconds float64
}

// tally is a histogram over values that are known beforehand.
type tally struct {
	values []time.Duration
	counts []uint64
	total  uint64
}

func newPooled(s *sample) *pooled {
	p := &pooled{}
	p.ok.values = index(s, func(b *block) []bin { return b.ok })
	p.corrected.values = index(s, func(b *block) []bin { return b.corrected })
	p.ok.counts, p.corrected.counts = make([]uint64, len(p.ok.values)), make([]uint64, len(p.corrected.values))
	return p
}

// index gives every bin its place among all values of the sample.
func index(s *sample, of func(*block) []bin) (values []time.Duration) {
	for i := range s.blocks {
		for _, x := range of(&s.blocks[i]) {
			values = append(values, x.value)
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	for i := range s.blocks {
		list := of(&s.blocks[i])
		for j := range list {
			list[j].at, _ = slices.BinarySearch(values, list[j].value)
		}
	}
	return values
}

func (p *pooled) fill(s *sample, drawn []int) {
	p.ok.reset()
	p.corrected.reset()
	p.n, p.failed, p.seconds = 0, 0, 0
	for i, times := range drawn {
		if times == 0 {
			continue
		}
		b := &s.blocks[i]
		p.ok.add(b.ok, uint64(times))
		p.corrected.add(b.corrected, uint64(times))
		p.n += float64(times) * float64(b.n)
		p.failed += float64(times) * float64(b.failed)
		p.seconds += float64(times) * b.seconds
	}
}

func (t *tally) reset() {
	clear(t.counts)
	t.total = 0
}

func (t *tally) add(list []bin, times uint64) {
	for _, x := range list {
		t.counts[x.at] += times * x.count
		t.total += times * x.count
	}
}

func (t *tally) quantile(q float64) float64 {
	rank, seen := uint64(math.Ceil(q*float64(t.total)-1e-9*float64(t.total))), uint64(0)
	for i, n := range t.counts {
		if seen += n; seen >= rank && n > 0 {
			return float64(t.values[i]) / 1e6
		}
	}
	return 0
}

// Compare says what changed from base to run. The same two runs compare the
// same each time.
func Compare(base, run *Seconds) *Comparison {
	c := &Comparison{Steady: base.steadies() >= 5 && run.steadies() >= 5}
	keys := func(s *Seconds) map[stats.Key]bool {
		m := map[stats.Key]bool{}
		for k := range s.rows {
			m[k] = true
		}
		return m
	}
	base.close()
	run.close()
	inBase, inRun := keys(base), keys(run)
	var both []stats.Key
	for k := range inBase {
		if inRun[k] {
			both = append(both, k)
		} else {
			c.OnlyBase = append(c.OnlyBase, strings.TrimSpace(k.Method+" "+k.Name))
		}
	}
	for k := range inRun {
		if !inBase[k] {
			c.OnlyRun = append(c.OnlyRun, strings.TrimSpace(k.Method+" "+k.Name))
		}
	}
	slices.Sort(c.OnlyBase)
	slices.Sort(c.OnlyRun)
	slices.SortFunc(both, func(a, b stats.Key) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Method, b.Method))
	})
	for _, k := range both {
		c.add(k.Method, k.Name, compareRow(base.sample(k, c.Steady), run.sample(k, c.Steady)))
	}
	return c
}

func (c *Comparison) add(method, name string, list []Change) {
	c.Rows = append(c.Rows, Comparable{method, name, list})
	for _, x := range list {
		c.Regressed = c.Regressed || x.Verdict == "worse"
	}
}

func compareRow(a, b sample) []Change {
	rng := rand.New(rand.NewPCG(1, 2))
	drawn := make([]int, max(len(a.blocks), len(b.blocks)))
	draw := func(n int) []int {
		clear(drawn)
		for range n {
			drawn[rng.IntN(n)]++
		}
		return drawn[:n]
	}
	once := func(n int) []int {
		for i := range drawn {
			drawn[i] = 1
		}
		return drawn[:n]
	}
	pa, pb := newPooled(&a), newPooled(&b)
	pa.fill(&a, once(len(a.blocks)))
	pb.fill(&b, once(len(b.blocks)))
	type active struct {
		metric
		change  Change
		few     bool
		changes []float64
	}
	var list []*active
	for _, m := range metrics {
		x := &active{metric: m, change: Change{Metric: m.name, Unit: m.unit, Base: round(m.of(pa)), Run: round(m.of(pb))}}
		if m.unit == "ms" && x.change.Base == 0 && x.change.Run == 0 {
			continue // nothing succeeded, or nothing was due
		}
		x.few = min(len(a.blocks), len(b.blocks)) < minBlocks || m.few != nil && (m.few(pa) || m.few(pb))
		list = append(list, x)
	}
	for range replicates {
		pa.fill(&a, draw(len(a.blocks)))
		pb.fill(&b, draw(len(b.blocks)))
		for _, x := range list {
			if d, ok := difference(x.of(pa), x.of(pb), x.points); ok && !x.few {
				x.changes = append(x.changes, d)
			}
		}
	}
	var out []Change
	for _, x := range list {
		x.change.judge(x.metric, x.changes, wider(min(len(a.blocks), len(b.blocks))))
		out = append(out, x.change)
	}
	return out
}

// difference is in percent, or in points.
func difference(a, b float64, points bool) (float64, bool) {
	if points {
		return b - a, true
	}
	if a == 0 {
		return 0, false
	}
	return 100 * (b - a) / a, true
}

// wider is by how much an interval that is drawn from a few blocks of each run
// is too narrow: by what resampling always misses, n to n-1, and by Student's t
// for that many against the normal distribution.
func wider(blocks int) float64 {
	const z = 2.5758 // has coverage between it and its opposite
	n := float64(blocks)
	freedom := 2*n - 2
	t := z + (math.Pow(z, 3)+z)/(4*freedom) + (5*math.Pow(z, 5)+16*math.Pow(z, 3)+3*z)/(96*freedom*freedom)
	return math.Sqrt(n/(n-1)) * t / z
}

func (c *Change) judge(m metric, changes []float64, wider float64) {
	if d, ok := difference(c.Base, c.Run, m.points); ok {
		d = round(d)
		c.Change = &d
	}
	if len(changes) < replicates/2 || c.Change == nil {
		c.Verdict = "few"
		return
	}
	slices.Sort(changes)
	middle := changes[len(changes)/2]
	at := func(q float64) *float64 {
		v := round(middle + wider*(changes[min(int(q*float64(len(changes))), len(changes)-1)]-middle))
		return &v
	}
	c.Low, c.High = at((1-coverage)/2), at((1+coverage)/2)
	least := 100 * smallest
	if m.points {
		least = 0.1
	}
	switch {
	case *c.Low <= least && *c.High >= -least:
		c.Verdict = "none"
	case (*c.Change > 0) == m.lowIsGood:
		c.Verdict = "worse"
	default:
		c.Verdict = "better"
	}
}

// CompareSummaries is the comparison of two runs of which only the numbers are
// there: without intervals nothing can be told for certain.
func CompareSummaries(base, run *stats.Snapshot) *Comparison {
	c := &Comparison{Notes: []string{"no interval can be given without both runs' journals: nothing is called a regression"}}
	row := func(method, name string, a, b *stats.Summary) {
		var list []Change
		for _, m := range []struct {
			name, unit string
			of         func(*stats.Summary) float64
		}{
			{"p50", "ms", func(s *stats.Summary) float64 { return ms(s.OK.P50) }},
			{"p95", "ms", func(s *stats.Summary) float64 { return ms(s.OK.P95) }},
			{"p99", "ms", func(s *stats.Summary) float64 { return ms(s.OK.P99) }},
			{"RPS", "/s", func(s *stats.Summary) float64 { return round(s.RPS) }},
			{"errors", "%", (*stats.Summary).FailPercent},
		} {
			x := Change{Metric: m.name, Unit: m.unit, Base: round(m.of(a)), Run: round(m.of(b)), Verdict: "unknown"}
			if d, ok := difference(x.Base, x.Run, m.unit == "%"); ok {
				d = round(d)
				x.Change = &d
			}
			list = append(list, x)
		}
		c.add(method, name, list)
	}
	row("", "", &base.Total.Run, &run.Total.Run)
	for i := range base.Rows {
		for j := range run.Rows {
			if base.Rows[i].Key == run.Rows[j].Key {
				row(base.Rows[i].Key.Method, base.Rows[i].Key.Name, &base.Rows[i].Run, &run.Rows[j].Run)
			}
		}
	}
	return c
}
