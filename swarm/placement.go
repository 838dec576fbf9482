package swarm

import "slices"

// place divides users among behaviours: fixed numbers first, in order, then
// shares by weight, with Sainte-Laguë's divisors (1, 3, 5 …). The method is
// house-monotone: with one user more no behaviour has fewer, so a ramp up never
// stops a user. Those that have a load of their own, or are away, get none.
func place(behaviours []*Behaviour, users int) []int {
	out := make([]int, len(behaviours))
	total := 0
	for i, b := range behaviours {
		out[i] = min(b.fixed(), users)
		users -= out[i]
		total += b.share()
	}
	if total == 0 || users == 0 {
		return out
	}
	// Whole multiples of the weights first: with the weights' own ratio every
	// quotient ties, so they are exact, and what is left is less than total.
	rest := users
	for i, b := range behaviours {
		if n := b.share(); n > 0 {
			out[i] = users / total * n
			rest -= out[i]
		}
	}
	for ; rest > 0; rest-- {
		best := -1
		for i, b := range behaviours {
			if b.share() == 0 {
				continue
			}
			// weight/(2·seats+1), compared by cross-multiplying.
			if best < 0 || b.share()*(2*out[best]+1) > behaviours[best].share()*(2*out[i]+1) {
				best = i
			}
		}
		out[best]++
	}
	return out
}

// sizes divides users among nodes by their capacity, by the same method as place:
// of a node that is lost nobody else gives anything away, and one that joins takes
// no more than its share.
func sizes(capacity []int, users int) []int {
	parts := make([]*Behaviour, len(capacity))
	for i, c := range capacity {
		parts[i] = &Behaviour{Weight: c}
	}
	return place(parts, users)
}

// spread says how many users of each behaviour every node is to have, so that each
// behaviour has its total, each node its share by capacity, and as few users as
// may be are stopped to get there from what the nodes have now.
func spread(have [][]int, capacity []int, totals []int) [][]int {
	users := 0
	for _, n := range totals {
		users += n
	}
	size := sizes(capacity, users)
	out := make([][]int, len(have))
	missing := slices.Clone(totals) // of each behaviour
	for i, row := range have {
		out[i] = slices.Clone(row)
		for b, n := range row {
			missing[b] -= n
		}
	}
	// What is too much of a behaviour goes first from the nodes that have too
	// many users, and what a node has too many from the behaviours that have.
	over := func(i int) int { return sum(out[i]) - size[i] }
	for i := range out {
		for b := range totals {
			n := max(min(over(i), out[i][b], -missing[b]), 0)
			out[i][b] -= n
			missing[b] += n
		}
	}
	for i := range out {
		for n := over(i); n > 0; n-- {
			b := most(out[i])
			out[i][b]--
			missing[b]++
		}
		for b := range totals {
			n := max(min(out[i][b], -missing[b]), 0)
			out[i][b] -= n
			missing[b] += n
		}
	}
	// What is missing comes in the mix in which it is missing.
	for i := range out {
		room := -over(i)
		for b, n := range mix(missing, room) {
			out[i][b] += n
			missing[b] -= n
		}
	}
	return out
}

// mix takes n of what there is of each, in proportion.
func mix(of []int, n int) []int {
	total := sum(of)
	if n >= total {
		return slices.Clone(of)
	}
	out := make([]int, len(of))
	left := n
	for i, k := range of {
		out[i] = n * k / max(total, 1)
		left -= out[i]
	}
	for i := 0; left > 0; i = (i + 1) % len(of) {
		if out[i] < of[i] {
			out[i]++
			left--
		}
	}
	return out
}

// most is where the largest number is.
func most(of []int) int {
	best := 0
	for i, n := range of {
		if n > of[best] {
			best = i
		}
	}
	return best
}

func sum(of []int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// part is as much of a row as may be had now: of what it is more than have, some
// at most.
func part(row, have []int, some int) []int {
	out := slices.Clone(row)
	for more := sum(row) - sum(have) - some; more > 0; more-- {
		best, gap := -1, 0
		for b := range out {
			if g := out[b] - have[b]; g > gap {
				best, gap = b, g
			}
		}
		if best < 0 {
			break
		}
		out[best]--
	}
	return out
}
