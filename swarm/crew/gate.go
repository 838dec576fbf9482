package crew

import (
	"sync"
	"sync/atomic"
)

// gate holds users before their next task while the run is paused.
type gate struct {
	shut  atomic.Bool // written with mu held
	mu    sync.Mutex
	users []*User // those that are held, and some that have been stopped since
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

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut.Store(false)
	for _, u := range g.users {
		u.wake()
	}
	g.users = nil
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
