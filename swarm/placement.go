package swarm

// place divides users among behaviours: fixed numbers first, in order, then
// shares by weight, with Sainte-Laguë's divisors (1, 3, 5 …). The method is
// house-monotone: with one user more no behaviour has fewer, so a ramp up never
// stops a user.
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

// assignments divides what is wanted of the swarm among n nodes, alike: the
// users of each behaviour, the spawn rate, the arrivals and the quota. It is a
// pure function; what is left over by a division goes to the first nodes, of
// each behaviour to the next ones in turn.
func assignments(n int, users []int, whole Assignment) []Assignment {
	out := make([]Assignment, n)
	next := 0 // that gets what is left over
	for i := range out {
		out[i] = whole
		out[i].Users = make([]int, len(users))
		out[i].Spawn = whole.Spawn / float64(n)
		out[i].Arrivals = whole.Arrivals / float64(n)
		out[i].IDBase, out[i].IDStep = int64(i)+1, int64(n)
		if whole.Quota >= 0 {
			out[i].Quota = whole.Quota / int64(n)
			if int64(i) < whole.Quota%int64(n) {
				out[i].Quota++
			}
		}
	}
	for b, want := range users {
		for i := range out {
			out[i].Users[b] = want / n
		}
		for range want % n {
			out[next%n].Users[b]++
			next++
		}
	}
	return out
}
