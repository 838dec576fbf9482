package crew

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestClockWakesWhenDue holds that every user is woken once, when it is due, and
// those who were stopped meanwhile are not, nor kept.
func TestClockWakesWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // for the race detector, which knows nothing of the bubble's time
		due := map[*User]time.Time{}
		woken := 0
		var c clock
		c.born = time.Now()
		c.act = func(u *User) {
			mu.Lock()
			defer mu.Unlock()
			if want, ok := due[u]; !ok || !want.Equal(time.Now()) {
				t.Errorf("woken at %v, want %v", time.Now(), want)
			}
			delete(due, u)
			woken++
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		var users []*User
		add := func() {
			u := &User{clock: &c}
			users = append(users, u)
			d := time.Duration(1+rnd.IntN(3e5)) * time.Microsecond
			due[u] = time.Now().Add(d)
			u.parked.Store(true)
			c.wake(u, d)
		}
		stopped := 0
		for range 500 {
			mu.Lock()
			for range 4 {
				add()
			}
			for range 20 {
				u := users[rnd.IntN(len(users))]
				if _, waits := due[u]; waits {
					stopped++
					delete(due, u)
					u.stopped.Store(true)
					u.parked.Store(false)
					c.forget(u)
				}
			}
			mu.Unlock()
			time.Sleep(time.Millisecond + time.Nanosecond) // never when somebody is due
			synctest.Wait()
		}
		mu.Lock()
		defer mu.Unlock()
		for u := range due {
			u.stopped.Store(true)
			u.parked.Store(false)
			c.forget(u)
			delete(due, u)
			stopped++
		}
		c.mu.Lock()
		if n := len(c.heap); n > 1 {
			t.Errorf("%d users are kept who have left", n)
		}
		c.mu.Unlock()
		if woken+stopped != 2000 || woken < 200 || stopped < 200 {
			t.Errorf("%d were woken and %d stopped, of 2000", woken, stopped)
		}
		c.close()
		c.wake(&User{clock: &c}, time.Millisecond)
	})
}
