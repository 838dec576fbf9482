package crew

import "sync"

// pool lends goroutines to users that act. A user that waits has none: very
// many users wait at once, and a goroutine of its own would cost each of them
// a stack, which has left the processor's caches by the time it is needed.
type pool struct {
	act func(*User) // until the user waits or ends

	mu     sync.Mutex
	idle   []chan *User // the one that was used last is lent first: its stack is at hand
	busy   int
	closed bool
}

// maxIdle is how many goroutines are kept for later: users who think for the
// same time come in bursts.
const maxIdle = 1024

// lend has a user act, on a goroutine that is kept if there is one.
func (p *pool) lend(u *User) {
	if next := p.take(); next != nil {
		next <- u // has room
	} else {
		go p.work(u)
	}
}

// take is the way to a kept goroutine, nil if there is none. Either way one
// more is busy.
func (p *pool) take() (next chan *User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy++
	if n := len(p.idle); n > 0 {
		next = p.idle[n-1]
		p.idle = p.idle[:n-1]
	}
	return next
}

func (p *pool) work(u *User) {
	kept := false
	defer func() {
		if !kept { // a task has ended its goroutine, as t.FailNow does
			p.keep(nil)
		}
	}()
	next := make(chan *User, 1)
	for u != nil {
		kept = false
		p.act(u)
		kept = true
		if !p.keep(next) {
			return
		}
		u = <-next
	}
}

// keep notes that a goroutine is no longer busy, and says whether it is to
// wait for another user.
func (p *pool) keep(next chan *User) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if next == nil || p.closed || len(p.idle) == maxIdle {
		return false
	}
	p.idle = append(p.idle, next)
	return true
}

// close ends the goroutines that are kept; those that are busy end when their
// users wait or end.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, next := range p.idle {
		next <- nil
	}
	p.idle = nil
}

// acting is how many users act.
func (p *pool) acting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy
}
