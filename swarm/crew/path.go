package crew

import "slices"

// path leads from one number of users of each behaviour to another, a user a
// step: at first those who are too many go, then those who are missing come.
//
// Who comes next is decided by Sainte-Laguë's divisors (1, 3, 5 …) of what each
// behaviour is to get in all, so that every prefix of a ramp is as near the end's
// shares as whole users allow; fixed numbers come first. Those who go do so in
// the reverse order.
type path struct {
	fixed    []bool // of each behaviour: comes first
	from, to []int
	now      []int
}

func newPath(fixed []bool) path {
	n := len(fixed)
	return path{fixed: fixed, from: make([]int, n), to: make([]int, n), now: make([]int, n)}
}

// aim leads from here to another end.
func (p *path) aim(to []int) {
	copy(p.from, p.now)
	copy(p.to, to)
}

// left is how many steps there are to go.
func (p *path) left() (n int) {
	for i, to := range p.to {
		n += max(to-p.now[i], p.now[i]-to)
	}
	return n
}

// level is how many users there are to be here.
func (p *path) level() (n int) {
	for _, now := range p.now {
		n += now
	}
	return n
}

// walk goes up to n steps.
func (p *path) walk(n int) {
	for ; n > 0; n-- {
		if i := p.goes(); i >= 0 {
			p.now[i]--
		} else if i := p.comes(); i >= 0 {
			p.now[i]++
		} else {
			return
		}
	}
}

// fall goes all the way where it leads down.
func (p *path) fall() {
	for i, to := range p.to {
		p.now[i] = min(p.now[i], to)
	}
}

// goes is the behaviour that loses a user next, -1 if none has too many.
func (p *path) goes() int {
	best, bestAll, bestNth := -1, 0, 0
	for i := range p.now {
		all, nth := p.from[i]-p.to[i], 2*(p.now[i]-p.to[i])-1
		if nth < 0 {
			continue
		}
		switch {
		case best < 0, p.fixed[best] && !p.fixed[i], p.fixed[best] == p.fixed[i] && (p.fixed[i] || all*bestNth <= bestAll*nth):
			best, bestAll, bestNth = i, all, nth
		}
	}
	return best
}

// comes is the behaviour that gains a user next, -1 if none is missing any.
func (p *path) comes() int {
	best, bestAll, bestNth := -1, 0, 0
	for i := range p.now {
		all, nth := p.to[i]-p.from[i], 2*(p.now[i]-p.from[i])+1
		if p.now[i] >= p.to[i] {
			continue
		}
		if p.fixed[i] {
			return i
		}
		// all/nth, compared by cross-multiplying.
		if best < 0 || all*bestNth > bestAll*nth {
			best, bestAll, bestNth = i, all, nth
		}
	}
	return best
}

// at says whether the path ends at these numbers already.
func (p *path) at(to []int) bool { return slices.Equal(p.to, to) }
