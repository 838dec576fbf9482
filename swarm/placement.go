package swarm

// place divides users among behaviours: fixed numbers first, in order, then
// shares by weight, with Sainte-Laguë's divisors (1, 3, 5 …). The method is
// house-monotone: with one user more no behaviour has fewer, so a ramp up never
// stops a user, and each prefix of a ramp is as near the weights as whole users
// allow.
func place(behaviours []*Behaviour, users int) []int {
	out := make([]int, len(behaviours))
	total := 0
	for i, b := range behaviours {
		if b.Fixed > 0 {
			out[i] = min(b.Fixed, users)
			users -= out[i]
		} else {
			total += b.weight()
		}
	}
	if total == 0 || users == 0 {
		return out
	}
	// Whole multiples of the weights first: with the weights' own ratio every
	// quotient ties, so they are exact, and what is left is less than total.
	rest := users
	for i, b := range behaviours {
		if b.Fixed == 0 {
			out[i] = users / total * b.weight()
			rest -= out[i]
		}
	}
	for ; rest > 0; rest-- {
		best := -1
		for i, b := range behaviours {
			if b.Fixed > 0 {
				continue
			}
			// weight/(2·seats+1), compared by cross-multiplying.
			if best < 0 || b.weight()*(2*out[best]+1) > behaviours[best].weight()*(2*out[i]+1) {
				best = i
			}
		}
		out[best]++
	}
	return out
}
