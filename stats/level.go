package stats

import "time"

// Level is how high the lines of the charts stand. A span of many seconds has a
// lowest and a highest one, so that a spike of one second is seen in a picture of a
// day: its mean hides it.
type Level struct {
	OK, Failed                             float32 // per second
	Due, NotStarted                        float32 // … of what had a schedule
	P50, P95, P99, P999, Max, CorrectedP99 float32 // milliseconds, of successes; 0 where there are none
	Users, Target                          int32
}

// reach is between what levels the seconds of a longer span were; nil says nothing.
// It is two times a Level and not two Seconds, for each row has one per slot.
type reach struct{ low, high Level }

// Level is what the lines show of the whole span: rates are means.
func (s *Second) Level() Level {
	ms := func(d time.Duration) float32 { return float32(float64(d) / 1e6) }
	l := Level{
		Due: s.perSecond(s.Due), NotStarted: s.perSecond(s.NotStarted), Failed: float32(s.FailRate()), OK: float32(s.RPS() - s.FailRate()),
		CorrectedP99: ms(s.CorrectedP99), Users: int32(s.Users), Target: int32(s.Target),
	}
	if s.OK > 0 {
		l.P50, l.P95, l.P99, l.P999, l.Max = ms(s.P50), ms(s.P95), ms(s.P99), ms(s.P999), ms(s.Max)
	}
	return l
}

// Levels are the least and the most of each line in any one second of the span.
func (s *Second) Levels() (low, high Level) {
	if s.reach != nil {
		return s.reach.low, s.reach.high
	}
	l := s.Level()
	return l, l
}

// reachOf is between what the seconds in slots of that span were.
func reachOf(list []slot, span time.Duration) (r *reach) {
	var d Delta
	for _, x := range list {
		r = r.and(x.second(span, &d))
	}
	return r
}

// and also reaches to what another span was.
func (r *reach) and(s Second) *reach {
	low, high := s.Levels()
	if r == nil {
		return &reach{low, high}
	}
	out := *r
	for i, p := range out.low.rates() {
		*p = min(*p, *low.rates()[i])
	}
	for i, p := range out.high.rates() {
		*p = max(*p, *high.rates()[i])
	}
	// What had no latency had not the lowest.
	for i, p := range out.low.latencies() {
		if v := *low.latencies()[i]; v > 0 && (v < *p || *p == 0) {
			*p = v
		}
	}
	for i, p := range out.high.latencies() {
		*p = max(*p, *high.latencies()[i])
	}
	out.low.Users, out.low.Target = min(out.low.Users, low.Users), min(out.low.Target, low.Target)
	out.high.Users, out.high.Target = max(out.high.Users, high.Users), max(out.high.Target, high.Target)
	return &out
}

func (s *Second) perSecond(n uint64) float32 {
	if s.Span <= 0 {
		return 0
	}
	return float32(float64(n) / s.Span.Seconds())
}

func (l *Level) rates() [4]*float32 {
	return [...]*float32{&l.OK, &l.Failed, &l.Due, &l.NotStarted}
}

func (l *Level) latencies() [6]*float32 {
	return [...]*float32{&l.P50, &l.P95, &l.P99, &l.P999, &l.Max, &l.CorrectedP99}
}
