package capacity_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tload/stats"
	"tload/stats/capacity"
	"tload/stats/report"
)

// queue is a server with some places, a queue without an end, and service times that
// follow an exponential distribution: M/M/c.
type queue struct {
	places  int
	serves  float64 // per second and place
	random  *rand.Rand
	free    []float64 // when each place is
	arrives float64   // the next one
	leaves  map[int64][]float64
	slower  func(at float64) float64 // how many times as long it takes
}

func newQueue(places int, serves float64, seed uint64) *queue {
	return &queue{
		places: places, serves: serves, random: rand.New(rand.NewPCG(seed, 1)), free: make([]float64, places), leaves: map[int64][]float64{},
		slower: func(float64) float64 { return 1 },
	}
}

const step = 0.25 // seconds

// run is what comes back between two ticks, of Poisson arrivals at that rate.
func (q *queue) run(tick int64, rate float64) *stats.Batch {
	from, to := float64(tick)*step, float64(tick+1)*step
	if q.arrives < from {
		q.arrives = from + q.random.ExpFloat64()/rate
	}
	for ; q.arrives < to; q.arrives += q.random.ExpFloat64() / rate {
		first := 0
		for i, t := range q.free {
			if t < q.free[first] {
				first = i
			}
		}
		end := max(q.free[first], q.arrives) + q.random.ExpFloat64()/q.serves*q.slower(q.arrives)
		q.free[first] = end
		q.leaves[int64(end/step)] = append(q.leaves[int64(end/step)], end-q.arrives)
	}
	b := new(stats.Batch)
	row := b.Row(stats.Key{Class: stats.Request, Method: "GET", Name: "/"})
	for _, took := range q.leaves[tick] {
		d := time.Duration(took * float64(time.Second))
		row.OK.Add(d)
		row.Corrected.Add(d)
		row.Due++
	}
	delete(q.leaves, tick)
	return b
}

// tail is the part of the acts that take longer than t, at that rate of arrivals:
// Erlang's C, and the sum of the time in the queue and the time of service.
func (q *queue) tail(rate, t float64) float64 {
	c, a := float64(q.places), rate/q.serves
	if a >= c {
		return 1
	}
	term, sum := 1.0, 1.0
	for k := 1; k < q.places; k++ {
		term *= a / float64(k)
		sum += term
	}
	last := term * a / c * c / (c - a)
	waits := last / (sum + last)
	leave := c*q.serves - rate
	if math.Abs(leave-q.serves) < 1e-9*q.serves {
		leave *= 1 + 1e-6
	}
	return (1-waits)*math.Exp(-q.serves*t) + waits*(leave*math.Exp(-q.serves*t)-q.serves*math.Exp(-leave*t))/(leave-q.serves)
}

// knee is the rate at which just that part takes longer than t.
func (q *queue) knee(part, t float64) float64 {
	low, high := 0.0, float64(q.places)*q.serves
	for range 100 {
		if mid := (low + high) / 2; q.tail(mid, t) < part {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// search runs one to its end against the queue, for at most two hours of its time.
func search(t *testing.T, q *queue, text string, from, most float64) *capacity.Result {
	t.Helper()
	goals, err := report.ParseGoals(text, true)
	if err != nil {
		t.Fatal(err)
	}
	s := capacity.New(goals, "arrivals/s", from, most)
	for tick := int64(0); tick < 2*3600*4; tick++ {
		at := time.Duration(tick) * time.Second / 4
		level, done := s.Next(capacity.Moment{At: at, Steady: true})
		if done {
			return s.Result()
		}
		s.Add(q.run(tick, level), at+time.Second/4, false)
	}
	t.Errorf("not done after two hours: %v", s.Result())
	return s.Result()
}

// TestTheKneeOfAQueue is found within 5 percent, twenty times out of twenty, and lies
// in the interval.
func TestTheKneeOfAQueue(t *testing.T) {
	for _, tt := range []struct {
		name         string
		places       int
		serves       float64
		goal         string
		part, within float64
	}{
		{"one place", 1, 2000, "p95<5ms", 0.05, 0.005},
		{"four places", 4, 250, "p99<25ms", 0.01, 0.025},
		{"fifty places", 50, 20, "p90<150ms", 0.1, 0.15},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inside, steps, took := 0, 0, 0.0
			for seed := range uint64(20) {
				q := newQueue(tt.places, tt.serves, seed)
				want := q.knee(tt.part, tt.within)
				r := search(t, q, tt.goal, 10, 1e6)
				if !r.Found || math.Abs(r.Level/want-1) > 0.05 {
					t.Errorf("seed %d: got %v, want %.0f", seed, r, want)
					for _, x := range r.Steps {
						t.Logf("%+v", x)
					}
				}
				if r.Low <= want && want <= r.High {
					inside++
				}
				steps += len(r.Steps)
				took += r.Steps[len(r.Steps)-1].To
			}
			if inside < 19 {
				t.Errorf("the knee is in %d of 20 intervals", inside)
			}
			t.Logf("%.1f steps and %.0f s each", float64(steps)/20, took/20)
		})
	}
}

// TestATargetThatIsUnsteady, slower than it was, is said to be.
func TestATargetThatIsUnsteady(t *testing.T) {
	for name, slow := range map[string]func(at float64) float64{
		"three times, for good": func(at float64) float64 { return 1 + 2*math.Min(math.Floor(at/150), 1) },
		"by half, for good":     func(at float64) float64 { return 1 + 0.5*math.Min(math.Floor(at/90), 1) },
		"by half, by turns":     func(at float64) float64 { return 1 + 0.5*math.Mod(math.Floor(at/240), 2) },
		"three times, by turns": func(at float64) float64 { return 1 + 2*math.Mod(math.Floor(at/150), 2) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(10) {
				q := newQueue(4, 250, seed)
				q.slower = slow
				r := search(t, q, "p95<25ms", 10, 1e6)
				if r.Found || !strings.Contains(r.Why, "unsteady") {
					t.Errorf("seed %d: got %v", seed, r)
					for _, x := range r.Steps {
						t.Logf("%+v", x)
					}
				}
			}
		})
	}
}
