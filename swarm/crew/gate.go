package crew

import (
	"sync"
	"sync/atomic"
	"time"
)

// gate holds users before their next task while the run is paused.
type gate struct {
	shut  atomic.Bool // written with mu held
	mu    sync.Mutex
	users []*User // those that are held, and some that have been stopped since

	// Those that were held when it opened are let go one after the other.
	opened time.Time
	over   time.Duration
	total  int
}

// hold parks the user until the gate opens, if it is shut.
func (g *gate) hold(u *User) (parked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut.Load() {
		return false
	}
	u.held = true
	g.users = append(g.users, u)
	return u.park(nil)
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut.Store(true)
}

// open lets users go on, those that are held at equal distances within that time: all
// at once would be a load that nobody asked for. The time comes from step.
func (g *gate) open(now time.Time, over time.Duration) {
	g.mu.Lock()
	g.shut.Store(false)
	g.opened, g.over, g.total = now, over, len(g.users)
	g.mu.Unlock()
	g.step(now)
}

// step lets go those whose time has come, and says when the next one's comes; zero for
// none.
func (g *gate) step(now time.Time) (next time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.Load() || len(g.users) == 0 {
		return next
	}
	due := g.total
	if g.over > 0 {
		due = min(int(float64(g.total)*float64(now.Sub(g.opened))/float64(g.over))+1, g.total)
	}
	n := min(max(due-(g.total-len(g.users)), 0), len(g.users))
	for _, u := range g.users[:n] {
		u.wake()
	}
	if g.users = g.users[n:]; len(g.users) == 0 {
		g.users = nil
		return next
	}
	next = g.opened.Add(time.Duration(float64(g.over) * float64(due) / float64(g.total)))
	if least := now.Add(time.Millisecond); next.Before(least) { // rounded down it may be now
		return least
	}
	return next
}

// holding is how many users are held.
func (g *gate) holding() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range g.users {
		if u.parked.Load() {
			n++
		}
	}
	return n
}
