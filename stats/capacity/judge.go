package capacity

import "math"

// verdict is what the cells say of all goals.
func (s *Search) verdict(cells []cell) (v Verdict, why string) {
	v = Holds
	for i := range s.goals {
		g := &s.goals[i]
		switch s.test(g, i, cells) {
		case Fails:
			return Fails, g.Text
		case Unsure:
			if !g.Guard {
				v = Unsure
			}
		}
	}
	return v, ""
}

// test says what the cells tell of one goal.
func (s *Search) test(g *Goal, i int, cells []cell) Verdict {
	bad, of := sums(cells, i)
	if of == 0 {
		return Unsure
	}
	if g.Limit == 0 {
		switch {
		case bad > 0:
			return Fails
		case of >= fewest:
			return Holds
		}
		return Unsure
	}
	n := min(batches, len(cells))
	if n < leastOf {
		return Unsure
	}
	ratio := bad / of
	var rest []float64 // how much more is bad in each batch than its part
	for k := range n {
		b, o := sums(cells[k*len(cells)/n:(k+1)*len(cells)/n], i)
		rest = append(rest, b-ratio*o)
	}
	square, lag := 0.0, 0.0
	for k, r := range rest {
		square += r * r
		if k > 0 {
			lag += r * rest[k-1]
		}
	}
	spread := math.Sqrt(square*float64(n)/float64(n-1)) / of
	if g.Share {
		spread = max(spread, math.Sqrt(g.Limit*(1-g.Limit)/of))
	}
	far := (ratio - g.Limit) / spread
	// What is far beyond a limit does not get better by standing longer.
	if worst := g.Limit * blatant; far > 3*normal && (ratio > worst || g.Share && ratio > 0.5) {
		return Fails
	}
	if square > 0 && lag/square > related && math.Abs(far) < 3*normal {
		return Unsure
	}
	switch t := student(n - 1); {
	case far > t:
		return Fails
	case far < -t:
		return Holds
	}
	return Unsure
}

// student is the quantile of Student's t at 0.9995, by the expansion of Cornish and
// Fisher: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
func student(freedom int) float64 {
	x, v := normal, float64(freedom)
	return x + (x*x*x+x)/(4*v) + (5*math.Pow(x, 5)+16*x*x*x+3*x)/(96*v*v) + (3*math.Pow(x, 7)+19*math.Pow(x, 5)+17*x*x*x-15*x)/(384*v*v*v)
}
