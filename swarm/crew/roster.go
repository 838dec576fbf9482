package crew

import (
	"fmt"
	"slices"
	"sync"
)

// roster is who is there.
type roster struct {
	mu       sync.Mutex // guards all below
	want     []int      // of each behaviour, as last set
	level    []int      // how many were started of them
	active   [][]*User  // of each behaviour, in the order of their start
	stopping map[*User]struct{}
	most     int // that were active since the last look
}

func newRoster(behaviours int) roster {
	return roster{
		want: make([]int, behaviours), level: make([]int, behaviours),
		active: make([][]*User, behaviours), stopping: map[*User]struct{}{},
	}
}

// set makes the users of each behaviour as many as counts says: it has start
// make what is missing and tells the newest of what is too many to stop after
// the task in hand. A user that ended by itself is not started again, unless
// its end said so.
func (r *roster) set(counts []int, start func(kind int) *User) {
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(r.want, counts)
	for i, want := range counts {
		for ; r.level[i] < want; r.level[i]++ {
			r.active[i] = append(r.active[i], start(i))
		}
		for n := len(r.active[i]); n > want; n-- {
			u := r.active[i][n-1]
			r.active[i] = r.active[i][:n-1]
			r.stopping[u] = struct{}{}
			u.stop()
		}
		r.level[i] = want
	}
	r.most = max(r.most, r.acting())
}

// peak is the most users there were, those told to stop not among them, since
// the last call.
func (r *roster) peak() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	most := r.most
	r.most = r.acting()
	return most
}

func (r *roster) acting() (n int) {
	for _, a := range r.active {
		n += len(a)
	}
	return n
}

// end takes out a user that has come to its end, and says whether it was the
// last one. With replace another may take its place.
func (r *roster) end(u *User, replace bool) (last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, told := r.stopping[u]; told {
		delete(r.stopping, u)
		return r.count() == 0
	}
	if replace {
		r.level[u.kind]--
	}
	a := &r.active[u.kind]
	if i := slices.Index(*a, u); i >= 0 {
		*a = slices.Delete(*a, i, i+1)
	}
	return r.count() == 0
}

func (r *roster) count() int { return len(r.stopping) + r.acting() }

// running is how many users there are of each behaviour that were not told to
// stop, how many were, and whether one that ended is to be replaced.
func (r *roster) running() (of []int, stopping int, short bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of = make([]int, len(r.active))
	for i, a := range r.active {
		of[i] = len(a)
		short = short || r.level[i] < r.want[i]
	}
	return of, len(r.stopping), short
}

// left says of up to n users that were told to stop what they are doing.
func (r *roster) left(n int) (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for u := range r.stopping {
		if len(out) == n {
			break
		}
		task := "no task"
		if t := u.task.Load(); t != nil {
			task = *t
		}
		out = append(out, fmt.Sprintf("%s %d in %s", u.Behaviour.Name, u.ID, task))
	}
	slices.Sort(out)
	return out
}
