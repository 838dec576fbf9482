package crew

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tload/swarm"
)

// lone is a life that notices when it is acted twice at once, or after its end.
type lone struct {
	u      *User
	acting atomic.Bool
	fresh  bool // before its first task
	said   bool // goodbye
	c      *loneCount
}

type loneCount struct {
	begun, said, closed, tasks, twice atomic.Int64

	away chan *lone
}

func (l *lone) Act(_ context.Context, _ Permit, ok, brief bool) (Next, time.Duration) {
	if !l.acting.CompareAndSwap(false, true) || l.said {
		l.c.twice.Add(1)
	}
	next, think := l.act(ok, brief)
	l.acting.Store(false)
	if next == Away {
		l.c.away <- l
	}
	return next, think
}

func (l *lone) act(ok, brief bool) (Next, time.Duration) {
	switch dice := l.u.Rand.IntN(4); {
	case brief && dice == 0:
		return Stays, 0
	case !ok:
		l.said = true
		l.c.said.Add(1)
		return Ends, 0
	case dice == 1 && !l.fresh:
		return Away, 0
	}
	l.fresh = false
	l.c.tasks.Add(1)
	if l.u.Rand.IntN(50) == 0 {
		runtime.Gosched()
	}
	return Asks, time.Duration(l.u.Rand.IntN(2000)) * time.Microsecond
}

// resume brings back those who are away, until nobody can be.
func (n *loneCount) resume() {
	for l := range n.away {
		l.u.Resume(l.u.ID%2 == 0)
	}
}

func (l *lone) Close() { l.c.closed.Add(1) }

// TestNobodyActsTwice steers a swarm as wildly as keys can, in real time: users
// are parked and woken by timers, pauses, arrivals and stops that race.
func TestNobodyActsTwice(t *testing.T) {
	for name, rate := range map[string]float64{"users decide": 0, "an arrival rate decides": 20_000} {
		t.Run(name, func(t *testing.T) {
			n := loneCount{away: make(chan *lone, 1000)}
			go n.resume()
			defer close(n.away)
			b := &Behaviour{Behaviour: swarm.Behaviour{Name: "lone"}, New: func(_ context.Context, u *User) Life {
				n.begun.Add(1)
				return &lone{u: u, c: &n, fresh: true}
			}}
			c, err := Swarm(swarm.Plan{Users: 300, SpawnRate: 1e5, Rate: rate, StopTimeout: 5 * time.Second}, Job{Behaviours: []*Behaviour{b}})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- c.Run(context.Background()) }()
			for end := time.Now().Add(time.Second); time.Now().Before(end); runtime.Gosched() {
				switch rand.IntN(200) {
				case 0:
					c.Scale(rand.IntN(300), "test")
				case 1:
					c.Pause(true)
				case 2, 3:
					c.Pause(false)
				}
			}
			c.Pause(true)
			c.Scale(200, "test")
			c.Stop("test")
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("the run does not end: a user was not woken")
			}
			if n.twice.Load() != 0 || n.begun.Load() != n.closed.Load() || n.begun.Load() != n.said.Load() {
				t.Errorf("%d begun, %d said goodbye, %d closed, %d acted twice at once", n.begun.Load(), n.said.Load(), n.closed.Load(), n.twice.Load())
			}
			t.Logf("%d users, %d tasks", n.begun.Load(), n.tasks.Load())
			if s := c.Snapshot(); n.tasks.Load() < 100 || s.Running+s.Stopping != 0 {
				t.Errorf("%d tasks; %d users left", n.tasks.Load(), s.Running+s.Stopping)
			}
		})
	}
}
