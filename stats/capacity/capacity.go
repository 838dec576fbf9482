// Package capacity finds the highest load at which goals hold. It says which level
// to try next, judges a level by what came back of it, and ends with an interval
// and its confidence, or with why that could not be told.
//
// Levels are doubled until one fails, and then the widest gap between one that
// holds and one that fails is halved until it is narrower than five percent. Both
// ends are tried once more, one that holds for two minutes, and what they are then counts:
// a queue may take that long to grow. A target that answers otherwise the second
// time, again and again, is unsteady. After a level that fails the target is given
// time to recover, so that what it still owes is not taken for the next level's.
//
// Every goal is a ratio. "p95<300ms" says that of the successes fewer than 5 %
// took longer, and what is told of a ratio needs no percentiles of percentiles.
// Requests of one moment are alike (they meet the same queue), so that n of them
// tell less than n: how sure a ratio is comes from the means of up to twenty
// batches of equal length, as in A. M. Law, Simulation Modeling and Analysis,
// section 9.5.3, and is never taken to be surer than that of n coins. A level
// is looked at again and again as it stands; each look is a test at 0.05 % on
// either side, of which there are about twelve, so that one end of the interval is
// wrong for fewer than one in a hundred.
package capacity

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"tload/stats"
)

const (
	// Confidence is how sure each end of the interval is, 0 to 1.
	Confidence = 0.99

	tolerance = 1.05             // between neighbours, when the search ends
	brief     = 5 * time.Second  // that a level stands at least until it holds, as levels are doubled
	short     = 15 * time.Second // … between one that holds and one that fails
	long      = 2 * time.Minute  // … the second time
	longest   = 3 * time.Minute  // that a level stands
	patience  = 3                // levels that were otherwise the second time, before the target is unsteady
	slowest   = time.Minute      // that the target may need to recover
	calm      = 2 * time.Second  // for which it must be well

	batches   = 20
	leastOf   = 10   // batches
	normal    = 3.29 // the quantile of the normal distribution at 0.9995
	blatant   = 2.5  // times as many bad ones as are allowed, or half of all
	related   = 0.4  // correlation of neighbouring batches from which on they are too short
	nextLook  = 1.4  // times as much, after a look that did not tell
	fewest    = 300  // acts that tell of a goal that allows none to be bad
	givenUp   = 64   // the lowest level that is tried is this part of the first one
	apart     = 1.1  // what is so many times as high is another level, whatever chance does
	wide      = 1.3  // … between the ends, when what lies between could not be told
	suspected = 0.5  // part of a level's time in which the load generator was not well
)

// Moment is how the load stands when Next is asked.
type Moment struct {
	At      time.Duration // of the run
	Steady  bool          // the level that was asked for stands
	Backlog int           // arrivals that wait for a free user
}

// Search is one search. It belongs to one goroutine.
type Search struct {
	goals      []Goal
	unit       string
	from, most float64

	level    float64
	since    time.Duration // when the level stood; -1: not yet
	resting  bool          // the target recovers
	checking bool          // the level is tried once more
	last     time.Duration // the end of the newest batch
	cells    []cell
	look     int

	known map[float64]*known
	odd   int     // levels that were otherwise the second time
	taken float64 // the highest level that was left before it was told, as it did not look bad

	result Result
}

// cell is what a batch has of the goals.
type cell struct {
	from, to time.Duration
	suspect  bool
	bad, of  []float64
}

// known is what is known of a level.
type known struct {
	verdict Verdict
	checked bool
	bad, of []float64 // of all goals, the last time
}

// New begins a search at that level, which is of "users", whole numbers, or of
// "arrivals/s". None above most is tried.
func New(goals []Goal, unit string, from, most float64) *Search {
	s := &Search{goals: goals, unit: unit, from: from, most: most, known: map[float64]*known{}}
	s.result = Result{Goals: goals, Unit: unit, Steps: []Step{}}
	s.ask(min(s.round(from), most))
	return s
}

// whole says that there are no levels between 1 and 2.
func (s *Search) whole() bool { return s.unit == "users" }

// round is a level that can be asked for: three digits are as much as anybody
// wants to read.
func (s *Search) round(level float64) float64 {
	if s.whole() {
		return max(math.Round(level), 1)
	}
	v, _ := strconv.ParseFloat(strconv.FormatFloat(level, 'g', 3, 64), 64)
	return v
}

// Result is what is known so far. It is not written to any more.
func (s *Search) Result() *Result {
	r := s.result
	r.Steps = r.Steps[:len(r.Steps):len(r.Steps)]
	return &r
}

// Add tells of what happened until that time of the run, in the order of time.
// suspect says that the load generator itself was not well.
func (s *Search) Add(b *stats.Batch, to time.Duration, suspect bool) {
	from := s.last
	s.last = to
	if s.since < 0 || from < s.since || s.result.Done {
		return
	}
	c := cell{from: from, to: to, suspect: suspect, bad: make([]float64, len(s.goals)), of: make([]float64, len(s.goals))}
	for i := range s.goals {
		c.bad[i], c.of[i] = s.goals[i].Count(b)
	}
	s.cells = append(s.cells, c)
}

// Break has the level stand from anew: the load was not what it seems.
func (s *Search) Break() { s.ask(s.level) }

// End says why the search is over before it has found anything; one that is over
// already stays what it is.
func (s *Search) End(why string) {
	if !s.result.Done {
		s.finish(false, why)
	}
}

// Next is the level to ask for now. When it is done, the Result says what came of
// the search.
func (s *Search) Next(m Moment) (level float64, done bool) {
	switch {
	case s.result.Done:
		return s.level, true
	case !m.Steady:
		s.since = -1
		s.cells = nil
	case s.since < 0:
		s.since = m.At
		s.look = 0
	case s.resting:
		s.recover(m)
	default:
		s.judge(m)
	}
	if !s.result.Done {
		s.result.Now = s.now(m)
	}
	return s.level, s.result.Done
}

func (s *Search) now(m Moment) string {
	what := "tries"
	switch {
	case s.resting:
		what = "lets the target recover at"
	case s.checking:
		what = "tries once more"
	}
	took := 0
	if s.since >= 0 {
		took = int((m.At - s.since).Seconds())
	}
	return fmt.Sprintf("%s %s for %d s", what, s.show(s.level), took)
}

// show is a level with its unit.
func (s *Search) show(level float64) string {
	if s.whole() {
		if level == 1 {
			return "1 user"
		}
		return fmt.Sprintf("%.0f users", level)
	}
	return strconv.FormatFloat(level, 'g', 4, 64) + "/s"
}

// holds says of a level that it does.
func (s *Search) holds(level float64) string {
	if s.whole() && level == 1 {
		return "1 user holds"
	}
	return s.show(level) + " hold"
}

// ask makes a level the one that is wanted.
func (s *Search) ask(level float64) {
	s.level, s.since, s.cells, s.look = level, -1, nil, 0
}

// recover waits, at a low level, until the target is well.
func (s *Search) recover(m Moment) {
	well := m.Backlog == 0 && m.At-s.since >= calm
	for i := range s.goals {
		bad, of := 0.0, 0.0
		for _, c := range s.cells {
			if c.from >= m.At-calm {
				bad, of = bad+c.bad[i], of+c.of[i]
			}
		}
		well = well && bad <= s.goals[i].Limit*of
	}
	switch {
	case well:
		s.resting = false
		s.next()
	case m.At-s.since > slowest:
		why := fmt.Sprintf("the target did not recover: a minute at %s did not make it well", s.show(s.level))
		if low, _ := s.ends(); low > s.level {
			why = fmt.Sprintf("the target is unsteady: %s held, and later not even %s for a minute", s.show(low), s.show(s.level))
		}
		s.finish(false, why)
	}
}

// judge looks at the level, if it is time to.
func (s *Search) judge(m Moment) {
	counted, suspects := s.counted()
	sick := suspects > 8 && float64(suspects) > suspected*float64(suspects+len(counted))
	verdict, why := Unsure, ""
	stood := m.At - s.since
	if len(counted) >= max(s.look, leastOf) || stood >= longest || sick {
		s.look = int(nextLook * float64(max(len(counted), leastOf)))
		verdict, why = s.verdict(counted)
		if verdict == Holds && stood < s.least() {
			verdict = Unsure
			s.look = 0 // it will be seen when its time comes
		}
	}
	switch {
	case sick && verdict != Holds:
		s.note(m.At, counted, Unsure, "the load generator was not well")
		s.finish(false, fmt.Sprintf("the load generator is the bottleneck at %s: see why it is not well, or use more workers", s.show(s.level)))
	case verdict == Unsure && stood < longest && !s.harmless(counted, stood):
	default:
		s.note(m.At, counted, verdict, why)
		switch {
		case s.odd >= patience:
			s.finish(false, fmt.Sprintf("the target is unsteady: %s and %d other levels were otherwise when they were tried once more", s.show(s.level), s.odd-1))
		case verdict == Fails:
			s.rest()
		default:
			s.next()
		}
	}
}

// harmless says that a level which cannot be told yet does not look bad, and that none
// has failed so far: many acts are needed to show that it holds, and at a higher level
// there are more of them.
func (s *Search) harmless(counted []cell, stood time.Duration) bool {
	if _, high := s.ends(); high > 0 || s.level >= s.most || s.checking || stood < short {
		return false
	}
	some := false
	for i, g := range s.goals {
		bad, of := sums(counted, i)
		if bad > of*g.Limit/2 {
			return false
		}
		some = some || of > 0
	}
	if some {
		s.taken = s.level
	}
	return some
}

// least is how long a level stands at least until it is taken to hold.
func (s *Search) least() time.Duration {
	_, high := s.ends()
	switch {
	case s.checking:
		return long
	case high > 0:
		return short
	}
	return brief
}

// ends are the highest level that holds below the lowest one that fails, and that
// one; 0 for none.
func (s *Search) ends() (low, high float64) {
	for level, k := range s.known {
		if k.verdict == Fails && (high == 0 || level < high) {
			high = level
		}
	}
	for level, k := range s.known {
		if k.verdict == Holds && (high == 0 || level < high) {
			low = max(low, level)
		}
	}
	return low, high
}

// rest has the target recover from the level that failed.
func (s *Search) rest() {
	low, _ := s.ends()
	if low == 0 {
		low = s.level / 2
	}
	calmer := s.round(low / 2)
	if calmer >= s.level { // there is nothing below
		s.next()
		return
	}
	s.resting = true
	s.ask(calmer)
}

// counted are the cells that count: not those of the first third of the time, in
// which the target gets used to the load, and not those in which the load
// generator was not well.
func (s *Search) counted() (list []cell, suspects int) {
	for _, c := range s.cells[len(s.cells)/3:] {
		if c.suspect {
			suspects++
		} else {
			list = append(list, c)
		}
	}
	return list, suspects
}

// note keeps what was found of a level. The second time is the longer one, and counts.
func (s *Search) note(at time.Duration, counted []cell, v Verdict, why string) {
	step := Step{Level: s.level, Verdict: v, From: rounded(s.since.Seconds(), 1e3), To: rounded(at.Seconds(), 1e3), Why: why, Again: s.checking}
	k := s.known[s.level]
	if k == nil {
		k = &known{verdict: v, bad: make([]float64, len(s.goals)), of: make([]float64, len(s.goals))}
		s.known[s.level] = k
	}
	flipped := k.verdict+v == Holds+Fails && k.verdict != v
	if flipped {
		s.odd++
	}
	k.verdict, k.checked = v, s.checking && !flipped
	for i := range s.goals {
		bad, of := sums(counted, i)
		k.bad[i], k.of[i] = bad, of
		step.Bad = append(step.Bad, -1)
		if of > 0 {
			step.Bad[i] = rounded(bad/of, 1e6)
		}
	}
	s.result.Steps = append(s.result.Steps, step)
	s.result.Low, s.result.High = s.ends()
}

// rounded is v to a part of 1.
func rounded(v, part float64) float64 { return math.Round(v*part) / part }

func sums(cells []cell, i int) (bad, of float64) {
	for _, c := range cells {
		bad, of = bad+c.bad[i], of+c.of[i]
	}
	return bad, of
}

// next chooses the level to try.
func (s *Search) next() {
	s.checking = false
	low, high := s.ends()
	if k := s.known[s.taken]; low == 0 && s.taken < high && k != nil && !k.checked {
		low = s.taken
	}
	levels := s.between(low, high)
	switch {
	case high == 0:
		top := levels[len(levels)-1]
		if top >= s.most {
			s.finish(false, "more than "+s.show(s.most)+" are not allowed (-u)")
			return
		}
		s.ask(min(s.round(2*top), s.most))
		return
	case low == 0:
		least := levels[0]
		if half := s.round(least / 2); half < least && half >= s.from/givenUp {
			s.ask(half)
			return
		}
		s.finish(false, fmt.Sprintf("not even %s", s.holds(least)))
		return
	}
	widest, mid := tolerance, 0.0
	for i := 1; i < len(levels); i++ {
		a, b := levels[i-1], levels[i]
		if m := s.round(math.Sqrt(a * b)); b/a > widest && m > a && m < b {
			widest, mid = b/a, m
		}
	}
	switch {
	case mid > 0:
		s.ask(mid)
	case !s.known[low].checked:
		s.checking = true
		s.ask(low)
	case !s.known[high].checked:
		s.checking = true
		s.ask(high)
	case s.contrary(low, high) != "":
		s.finish(false, "the target is unsteady: "+s.contrary(low, high))
	case high/low > wide && high-low > 1:
		s.finish(false, fmt.Sprintf("between %s and %s %v each did not tell: the target is unsteady", s.show(low), s.show(high), longest))
	default:
		s.result.Level, s.result.Confidence = s.crossing(levels), Confidence
		s.finish(true, "")
	}
}

// contrary says what is far from what is found now; "" for nothing.
func (s *Search) contrary(low, high float64) string {
	k := s.known[low]
	for _, x := range s.result.Steps {
		switch {
		case x.Verdict == Holds && x.Level > apart*high:
			return fmt.Sprintf("%s held at %.0f s, and later %s did not", s.show(x.Level), x.From, s.show(high))
		case x.Verdict == Fails && x.Level < low/apart:
			return fmt.Sprintf("%s did not hold at %.0f s, and later %s did", s.show(x.Level), x.From, s.show(low))
		case x.Level < low && x.To-x.From >= short.Seconds():
			for i, g := range s.goals {
				if !g.Guard && x.Bad[i] > g.Limit/4 && x.Bad[i] > 3*k.bad[i]/k.of[i] {
					return fmt.Sprintf("it was worse with %s at %.0f s than with %s later", s.show(x.Level), x.From, s.show(low))
				}
			}
		}
	}
	return ""
}

// between are the levels that were tried, ascending, from one to another; those in
// between could not be told.
func (s *Search) between(low, high float64) []float64 {
	var list []float64
	for level := range s.known {
		if level >= low && (high == 0 || level <= high) {
			list = append(list, level)
		}
	}
	slices.Sort(list)
	return list
}

// crossing is where the worst goal has just what is allowed, on the line between
// the two levels around that, both axes logarithmic.
func (s *Search) crossing(levels []float64) float64 {
	out := levels[0]
	for i := 1; i < len(levels); i++ {
		a, b := levels[i-1], levels[i]
		from, to := s.excess(a), s.excess(b)
		if !(from <= 0 && to > from) || math.IsInf(from, 0) {
			break
		}
		out = a * math.Pow(b/a, min(-from/(to-from), 1))
		if to > 0 {
			break
		}
	}
	if s.whole() {
		return math.Floor(out)
	}
	return s.round(out)
}

// excess is the logarithm of how many times what is allowed is bad of the worst goal.
func (s *Search) excess(level float64) float64 {
	k, worst := s.known[level], math.Inf(-1)
	for i, g := range s.goals {
		if k.of[i] > 0 && g.Limit > 0 {
			// Half an act more is bad than is, so that none has a logarithm.
			worst = max(worst, math.Log((k.bad[i]+0.5)/k.of[i]/g.Limit))
		}
	}
	return worst
}

func (s *Search) finish(found bool, why string) {
	s.result.Done, s.result.Found, s.result.Why, s.result.Now = true, found, why, ""
}
