package report

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tload/stats"
)

// measured is a run of that many seconds: latencies about exponential, each
// second with a weather of its own, slower by a factor, failing at a rate.
func measured(seed uint64, seconds int, slower, failing float64) *Seconds {
	r := rand.New(rand.NewPCG(seed, 99))
	s := NewSeconds()
	s.Segment("ramp")
	for tick := range 4 * seconds {
		if tick == 8 {
			s.Segment("steady 10")
		}
		weather := 1 + 0.1*r.NormFloat64()
		var b stats.Batch
		var d, other stats.Delta
		for range 50 + r.IntN(6) {
			took := time.Duration(1e7 * slower * weather * (0.5 + r.ExpFloat64()))
			if r.Float64() < failing {
				d.Failed.Add(took)
			} else {
				d.OK.Add(took)
			}
			other.OK.Add(time.Duration(1e6 * (1 + r.Float64())))
		}
		b.Row(stats.Key{Method: "GET", Name: "/"}).Merge(&d)
		b.Row(stats.Key{Method: "GET", Name: "/static"}).Merge(&other)
		s.Fold(&b, time.Duration(tick+1)*250*time.Millisecond, stats.Users{})
	}
	return s
}

func changeOf(t *testing.T, c *Comparison, name, metric string) Change {
	t.Helper()
	for _, r := range c.Rows {
		if r.Name == name {
			for _, x := range r.Metrics {
				if x.Metric == metric {
					return x
				}
			}
		}
	}
	t.Fatalf("no %s of %q in %+v", metric, name, c.Rows)
	return Change{}
}

func TestCompareFindsWhatChanged(t *testing.T) {
	c := Compare(measured(1, 60, 1, 0.001), measured(2, 60, 1.2, 0.03))
	if !c.Regressed || !c.Steady {
		t.Errorf("regressed %v, steady %v; want both", c.Regressed, c.Steady)
	}
	p95 := changeOf(t, c, "/", "p95")
	if p95.Verdict != "worse" || *p95.Low > 20 || *p95.High < 20 || *p95.High-*p95.Low > 20 {
		t.Errorf("p95: got %+v (%v to %v), want worse by about 20 %%", p95, *p95.Low, *p95.High)
	}
	if e := changeOf(t, c, "/", "errors"); e.Verdict != "worse" || *e.Low > 2.9 || *e.High < 2.9 {
		t.Errorf("errors: got %+v, want worse by about 2.9 points", e)
	}
	for _, m := range []string{"p50", "p95", "errors", "RPS"} {
		if x := changeOf(t, c, "/static", m); x.Verdict == "worse" || x.Verdict == "better" {
			t.Errorf("/static %s, which did not change: got %+v", m, x)
		}
	}
	better := Compare(measured(1, 60, 1.2, 0.03), measured(2, 60, 1, 0.001))
	if better.Regressed || changeOf(t, better, "/", "p95").Verdict != "better" {
		t.Errorf("the other way round: got %+v", changeOf(t, better, "/", "p95"))
	}
	var b strings.Builder
	c.Text(&b)
	for _, want := range []string{"worse", "a regression", "GET /static", "no change that can be told"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// TestCompareOfTheSame: twenty pairs of runs of one thing; a regression that is
// none may be called in one of them, not in many.
func TestCompareOfTheSame(t *testing.T) {
	wrong := 0
	for i := range uint64(20) {
		if Compare(measured(10+i, 30, 1, 0.01), measured(100+i, 30, 1, 0.01)).Regressed {
			wrong++
		}
	}
	if wrong > 2 {
		t.Errorf("regressions between runs of the same: got %d of 20", wrong)
	}
}

// weather is a run in which a second is slower or faster than the run as a
// whole, and likely to be followed by one of its kind.
type weather struct {
	name     string
	seconds  int
	spread   float64 // of the seconds, as a part of the latency
	lasts    float64 // how much of a second's weather the next one has
	tail     float64 // of the requests in a second
	failing  float64
	requests int // a second
}

func (c weather) run(r *rand.Rand) sample {
	s := NewSeconds()
	key := stats.Key{Method: "GET", Name: "/"}
	w := r.NormFloat64()
	for sec := range c.seconds {
		w = c.lasts*w + math.Sqrt(1-c.lasts*c.lasts)*r.NormFloat64()
		slow := math.Exp(c.spread * w)
		var b stats.Batch
		d := b.Row(key)
		for range int(float64(c.requests) / slow) {
			took := time.Duration(1e7 * slow * math.Exp(c.tail*r.NormFloat64()))
			if r.Float64() < c.failing {
				d.Failed.Add(took)
			} else {
				d.OK.Add(took)
			}
		}
		s.Fold(&b, time.Duration(sec+1)*time.Second, stats.Users{})
	}
	s.close()
	return s.sample(stats.Key{}, false)
}

// TestCompareCriesNoWolf compares pairs of runs of one truth. An interval of
// 99 % is wrong one time in a hundred, half of them for the worse, and it has a
// margin: no more than one number in a hundred may be called a regression.
func TestCompareCriesNoWolf(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, c := range []weather{
		{"ten seconds", 10, 0.1, 0, 0.5, 0.01, 60},
		{"a long tail", 30, 0.05, 0, 1.5, 0.001, 40},
		{"weather that lasts", 60, 0.15, 0.5, 0.5, 0.01, 20},
		{"weather that lasts longer", 90, 0.15, 0.8, 0.5, 0.01, 20},
	} {
		numbers, worse := 0, 0
		for range 60 {
			for _, x := range compareRow(c.run(r), c.run(r)) {
				switch x.Verdict {
				case "worse":
					worse++
					numbers++
				case "better", "none":
					numbers++
				}
			}
		}
		if numbers < 200 || worse > numbers/100 {
			t.Errorf("%s: got %d regressions in %d numbers of runs of the same, want at most one in a hundred", c.name, worse, numbers)
		}
	}
}

func TestCompareOfLittle(t *testing.T) {
	c := Compare(measured(1, 3, 1, 0), measured(2, 3, 5, 0))
	if x := changeOf(t, c, "/", "p99"); x.Verdict != "few" || x.Low != nil {
		t.Errorf("three seconds: got %+v, want too few to tell", x)
	}
	empty := Compare(NewSeconds(), NewSeconds())
	if empty.Regressed || len(empty.Rows) != 0 {
		t.Errorf("two empty runs: got %+v", empty)
	}
}

// TestSecondsAddUp: what compare calls the rate is what the run's summary does,
// also for a short run with a segment that begins in the midst of a second.
func TestSecondsAddUp(t *testing.T) {
	s := NewSeconds()
	key := stats.Key{Class: stats.Request, Method: "GET", Name: "/"}
	for i := range 13 { // 3.25 s, 100 requests each quarter
		var b stats.Batch
		for range 100 {
			b.Row(key).OK.Add(time.Millisecond)
		}
		s.Fold(&b, time.Duration(i+1)*250*time.Millisecond, stats.Users{})
		if i == 1 {
			s.Segment("steady 1")
		}
	}
	s.close()
	got := s.sample(stats.Key{}, false)
	var n uint64
	for _, b := range got.blocks {
		n += b.n
	}
	if n != 1300 || got.seconds < 3.24 || got.seconds > 3.26 {
		t.Errorf("got %d requests in %.2f s, want 1300 in 3.25", n, got.seconds)
	}
	if s.steady[0] || !s.steady[1] || !s.steady[2] {
		t.Errorf("steady: got %v, want the seconds 1 and 2 and not 0", s.steady)
	}
}
