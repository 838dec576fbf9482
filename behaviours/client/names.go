package client

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// names looks host names up and remembers the addresses for a while, so that
// ten thousand users do not ask ten thousand times.
type names struct {
	mu      sync.Mutex
	lookups map[string]*lookup
}

// lookup is one question. All that want to know while it is under way wait
// for the one answer; failures are not remembered.
type lookup struct {
	done  chan struct{}
	until time.Time

	addrs []netip.Addr
	err   error

	mu   sync.Mutex
	good int // index of the address that answered last
}

const nameLife = 30 * time.Second

// find returns the addresses of host, in the resolver's order.
func (t *Transport) find(ctx context.Context, host string) (*lookup, error) {
	n := &t.names
	n.mu.Lock()
	l := n.lookups[host]
	if l == nil || l.over() {
		l = &lookup{done: make(chan struct{})}
		if n.lookups == nil {
			n.lookups = make(map[string]*lookup)
		}
		n.lookups[host] = l
		t.background(func(ctx context.Context) { l.ask(ctx, host, t.options.ConnectTimeout) })
	}
	n.mu.Unlock()
	select {
	case <-l.done:
		return l, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// over says whether the answer is a failure or too old.
func (l *lookup) over() bool {
	select {
	case <-l.done:
		return l.err != nil || time.Now().After(l.until)
	default:
		return false
	}
}

// ask takes the transport's context and not that of whoever was first, for
// others wait, too.
func (l *lookup) ask(ctx context.Context, host string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l.addrs, l.err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i, a := range l.addrs {
		l.addrs[i] = a.Unmap()
	}
	l.until = time.Now().Add(nameLife)
	close(l.done)
}

// from is the index to begin trying with; works tells which one answered.
func (l *lookup) from() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.good
}

func (l *lookup) works(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.good = i
}
