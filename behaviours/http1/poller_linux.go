package http1

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// poller waits for the replies to many requests that were started, on one
// goroutine. A goroutine for each would have to be found, woken and parked again
// for every reply, with a stack that has left the processor's caches meanwhile:
// that is some tenths of what a request costs.
//
// It has an epoll instance of its own and waits for that one through Go's
// poller, so that a poller that waits holds no thread. Its connections are in
// Go's poller, too, from when one of them was waited for by a goroutine: see
// socket.
type poller struct {
	sweeper *Sweeper
	out     []*Conn // to be sent when all that came has been looked at; run's

	ready  [burstMost]*Conn
	events [burstMost]syscall.EpollEvent

	mu    sync.Mutex // guards all below
	fd    int        // of the epoll instance
	file  *os.File   // that; nil before the first connection
	conns []*Conn    // what its events tell of, by number
	free  []int32    // numbers
	on    bool       // it may run: from the start of Sweeper.Run to its end
}

// turnGap is after which time a poller that always finds something lets Go's
// poller have its turn.
const turnGap = 50 * time.Microsecond

// watched says whether the connection's poller looks after it, and has it do so.
func (c *Conn) watched() bool {
	return c.number > 0 || c.poller.watch(c)
}

// watch begins to look after a connection.
func (p *poller) watch(c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on || p.file == nil && !p.open() {
		return false
	}
	var number int32
	if n := len(p.free); n > 0 {
		number, p.free = p.free[n-1], p.free[:n-1]
	} else {
		number = int32(len(p.conns))
		p.conns = append(p.conns, nil)
	}
	const edge = 1 << 31 // EPOLLET, which syscall has as a negative number
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | edge, Fd: number}
	c.w.detach()
	var err error
	if e := c.w.raw.Control(func(fd uintptr) {
		c.w.fd = fd
		err = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(fd), &event)
	}); e != nil || err != nil {
		p.free = append(p.free, number)
		return false
	}
	p.conns[number], c.number = c, number
	return true
}

// forget is told of a connection that is about to be closed.
func (p *poller) forget(c *Conn) {
	if c.number == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c.number] = nil
	p.free = append(p.free, c.number)
	c.number = 0
}

// open makes the epoll instance and starts run. p.mu is held.
func (p *poller) open() bool {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err == nil {
		err = syscall.SetNonblock(fd, true) // so that os takes it for what can be polled
	}
	if err != nil {
		p.on = false // out of files: then everybody waits for themselves
		return false
	}
	p.fd, p.file = fd, os.NewFile(uintptr(fd), "epoll")
	p.conns = append(p.conns, nil) // number 0 is of those that are not watched
	go p.run(newYielder())         // whose file is open before anything is watched
	return true
}

// start lets connections be watched.
func (p *poller) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = true
}

// close ends run.
func (p *poller) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = false
	if p.file != nil {
		p.file.Close()
	}
}

// run looks at what comes until close.
func (p *poller) run(yield *yielder) {
	defer yield.close()
	raw, err := p.file.SyscallConn()
	if err != nil {
		return
	}
	var n, looks int
	wait := func(fd uintptr) bool {
		n = p.look(fd)
		looks++
		return n > 0
	}
	var turn time.Duration // when Go's poller last had its turn
	for {
		looks = 0
		if raw.Read(wait) != nil {
			return
		}
		p.take(n)
		for i := range n {
			c := p.ready[i]
			p.ready[i] = nil
			if c == nil {
				continue
			}
			if p.events[i].Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
				c.moved.Store(true) // its end is here, perhaps behind a reply
			}
			p.land(c)
		}
		p.flush()
		if looks > 1 { // it has waited
			turn = 0
			continue
		}
		runtime.Gosched()
		switch now := p.sweeper.Now(); {
		case turn == 0:
			turn = now
		case now-turn > turnGap:
			turn = 0
			yield.turn()
		}
	}
}

// look asks what has come, without waiting.
func (p *poller) look(fd uintptr) int {
	n, _, _ := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	return max(int(n), 0)
}

// take finds the connections of the first n events.
func (p *poller) take(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range n {
		p.ready[i] = p.conns[p.events[i].Fd]
	}
}

// land reads what has come for a request in flight.
func (p *poller) land(c *Conn) {
	for !c.at.CompareAndSwap(flying, landing) {
		if c.at.CompareAndSwap(departing, stirred) {
			return
		}
		if c.state.Load() == idle {
			c.moved.Store(true) // nobody has asked for it
		}
		c.missed.Store(true)
		if at := c.at.Load(); at != departing && at != flying {
			return // who departs from now on sees that
		}
	}
	b := lend(c.class)
	n, errno := sysRead(c.w.fd, b.b)
	for errno == syscall.EINTR {
		n, errno = sysRead(c.w.fd, b.b)
	}
	if errno == syscall.EAGAIN {
		b.giveBack()
		c.at.Store(flying)
		if c.struck() {
			c.then.Replied(false)
		}
		return
	}
	c.buf = b
	whole := false
	if n > 0 {
		c.end, c.reads, c.r.In = n, 1, int64(n)
		if n == len(b.b) {
			c.moved.Store(true) // there may be more behind it, which will not be told of again
		}
		whole = c.whole()
	} else if errno != 0 {
		c.lost = errno
	}
	c.at.Store(grounded)
	c.then.Replied(whole)
}

// flush sends what was started meanwhile.
func (p *poller) flush() {
	for i := 0; i < len(p.out); i++ {
		c := p.out[i]
		p.out[i] = nil
		then := c.then
		if c.state.Load() <= 0 { // interrupted, when it did not fly
			c.at.Store(grounded)
			then.Replied(false)
			continue
		}
		c.w.sent = p.sweeper.Now()
		if !c.takeOff() {
			then.Replied(false)
		}
	}
	p.out = p.out[:0]
}

// yielder lets Go's poller have its turn: a goroutine that is always ready to
// run keeps it from that, where there is but one processor.
type yielder struct {
	file *os.File
	raw  syscall.RawConn
	rung bool
	ring func(fd uintptr) bool
}

func newYielder() *yielder {
	y := &yielder{}
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return y
	}
	y.file = os.NewFile(fd, "eventfd")
	y.raw, _ = y.file.SyscallConn()
	y.ring = func(fd uintptr) bool {
		var count [8]byte
		if y.rung {
			syscall.Read(int(fd), count[:])
			return true
		}
		y.rung = true
		count[0] = 1
		syscall.Write(int(fd), count[:])
		return false
	}
	return y
}

// turn waits until Go's poller has told of what it was asked to tell of.
func (y *yielder) turn() {
	if y.raw != nil {
		y.rung = false
		y.raw.Read(y.ring)
	}
}

func (y *yielder) close() {
	if y.file != nil {
		y.file.Close()
	}
}
