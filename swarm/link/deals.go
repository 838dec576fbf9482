package link

import (
	"maps"
	"slices"
)

// dealt asks for N numbers, and is the answer that says which is the first; or it gives
// numbers back, which it is answered in the same words. It is also what a store has of it.
type dealt struct {
	What  string
	N     int64 `json:",omitempty"`
	First int64 `json:",omitempty"`

	// A number that is lent comes back: it is the smallest there is, if that is below.
	Lent  bool    `json:",omitempty"`
	Below int64   `json:",omitempty"`
	Back  []int64 `json:",omitempty"`

	To   string  `json:",omitempty"` // whom it is lent to; the master fills it in
	Has  []int64 `json:",omitempty"` // in a store: all that he has
	Gone bool    `json:",omitempty"` // … he has none any more
}

// sound says whether it can be answered.
func (d *dealt) sound() bool {
	switch {
	case len(d.What) > 4096 || len(d.Back) > 100_000:
		return false
	case len(d.Back) > 0:
		return d.N == 0
	case d.Lent:
		return d.N == 1 && d.Below > 0
	}
	return d.N > 0 && d.N <= 100_000
}

// maxDealt is how many kinds of numbers are counted.
const maxDealt = 1000

// deals are the numbers of a run: which are given out, to whom, and which came back.
type deals map[string]*deck

type deck struct {
	next int64              // that nobody has had
	free []int64            // that came back, in order
	lent map[string][]int64 // by worker
}

// answer says which numbers are given out, or that none are: then N is 0. It changes
// nothing; apply does.
func (s deals) answer(d dealt) dealt {
	k := s[d.What]
	switch {
	case k == nil && len(s) >= maxDealt:
		return dealt{}
	case k == nil:
		k = new(deck)
	}
	if len(d.Back) > 0 {
		return d
	}
	d.First = k.next
	if d.Lent && len(k.free) > 0 {
		d.First = k.free[0]
	}
	if d.Lent && d.First >= d.Below {
		return dealt{What: d.What, First: d.First}
	}
	return d
}

// apply has it happen. In what order one worker's are applied does not matter to others'.
func (s deals) apply(d dealt) {
	if d.Gone {
		for _, k := range s {
			k.back(d.To, slices.Clone(k.lent[d.To]))
		}
		return
	}
	k := s[d.What]
	if k == nil {
		k = &deck{lent: map[string][]int64{}}
		s[d.What] = k
	}
	k.next = max(k.next, d.First+d.N)
	if d.Lent {
		d.Has = append(d.Has, d.First)
	}
	for _, i := range d.Has {
		k.free = slices.DeleteFunc(k.free, func(f int64) bool { return f == i })
		k.lent[d.To] = append(k.lent[d.To], i)
	}
	k.back(d.To, d.Back)
}

// back takes numbers that were lent to a worker; others it has no business with.
func (k *deck) back(from string, list []int64) {
	for _, i := range list {
		has := k.lent[from]
		at := slices.Index(has, i)
		if at < 0 {
			continue
		}
		if k.lent[from] = slices.Delete(has, at, at+1); len(has) == 1 {
			delete(k.lent, from)
		}
		at, _ = slices.BinarySearch(k.free, i)
		k.free = slices.Insert(k.free, at, i)
	}
}

// records are what apply makes the same deals of.
func (s deals) records() (list []dealt) {
	for what, k := range s {
		list = append(list, dealt{What: what, N: k.next})
		if len(k.free) > 0 {
			list = append(list, dealt{What: what, To: "\x00", Has: k.free}, dealt{What: what, To: "\x00", Back: k.free})
		}
		for to, has := range k.lent {
			list = append(list, dealt{What: what, To: to, Has: has})
		}
	}
	return list
}

func (s deals) clone() deals {
	c := deals{}
	for what, k := range s {
		c[what] = &deck{k.next, slices.Clone(k.free), maps.Clone(k.lent)}
		for to, has := range k.lent {
			c[what].lent[to] = slices.Clone(has)
		}
	}
	return c
}
