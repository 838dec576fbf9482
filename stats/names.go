package stats

import (
	"strings"
	"sync"
	"sync/atomic"
)

// names bounds how many rows there are. Up to foldAfter names of one shape are
// rows of their own; more of that shape (/items/17, /items/18 …) share the row
// /items/[id]. Whatever the limit does not let in goes to the row "other".
type names struct {
	limit  int
	folded atomic.Bool

	mu     sync.RWMutex // guards the maps
	meters map[Key]*Meter
	shapes map[Key]int // names with ids in them, by shape
}

const foldAfter = 20

// Other is the name of the row for names past the limit.
const Other = "[other]"

// meter finds the row of a key or makes it. Once the rows are there it takes
// the read lock alone, for names that share one too.
func (n *names) meter(key Key, make func(Key) *Meter) *Meter {
	n.mu.RLock()
	m := n.meters[key]
	if m != nil {
		n.mu.RUnlock()
		return m
	}
	shape := key.shape()
	if m = n.shared(key, shape); m != nil {
		n.mu.RUnlock()
		return m
	}
	n.mu.RUnlock()

	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.meters[key]; m != nil {
		return m
	}
	if m := n.shared(key, shape); m != nil {
		return m
	}
	if n.meters == nil {
		n.meters, n.shapes = map[Key]*Meter{}, map[Key]int{}
	}
	row := key
	if shape != key {
		if n.shapes[shape] >= foldAfter {
			row = shape
			n.folded.Store(true)
		} else {
			n.shapes[shape]++
		}
	}
	if len(n.meters) >= n.limit {
		row = other(key.Class)
		n.folded.Store(true)
	}
	m = n.meters[row]
	if m == nil {
		m = make(row)
		n.meters[row] = m
	}
	return m
}

// shared is the row that a key shares with others, if it is there already. The
// key itself is not entered: that map would have no bound.
func (n *names) shared(key, shape Key) *Meter {
	if shape != key && n.shapes[shape] >= foldAfter {
		if m := n.meters[shape]; m != nil {
			return m
		}
	}
	if len(n.meters) >= n.limit {
		return n.meters[other(key.Class)]
	}
	return nil
}

// shape is the key with its ids folded; tasks and transactions have none.
func (k Key) shape() Key {
	if k.Class == Request {
		k.Name = foldIDs(k.Name)
	}
	return k
}

func other(c Class) Key { return Key{c, "", Other} }

// foldIDs puts [id] in the place of each path segment and query value that
// looks like one: with a digit in it, and mostly digits or hex.
func foldIDs(name string) string {
	path, query, hasQuery := strings.Cut(name, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if looksLikeID(p) {
			parts[i] = "[id]"
		}
	}
	path = strings.Join(parts, "/")
	if !hasQuery {
		return path
	}
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		if k, _, ok := strings.Cut(p, "="); ok {
			pairs[i] = k + "=[…]"
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

func looksLikeID(s string) bool {
	digits, hex := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == '-':
			hex++
		default:
			if len(s) < 20 {
				return false
			}
		}
	}
	if digits == 0 {
		return false
	}
	return digits == len(s) || digits+hex == len(s) && len(s) >= 6 || len(s) >= 20 && digits*4 >= len(s)
}
