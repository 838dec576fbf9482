package stats

import (
	"strings"
	"sync"
	"sync/atomic"
)

// names bounds how many rows there are of each class: many tasks leave none the
// fewer for requests. Up to foldAfter names of one shape are rows of their own;
// more of that shape (/items/17, /items/18 …) share the row /items/[id]. Whatever
// the limit does not let in goes to the row "other".
type names struct {
	limit  int
	folded atomic.Bool

	mu     sync.RWMutex // guards all below
	meters map[Key]*Meter
	shapes map[Key]int // names with ids in them, by shape
	rows   [classes]int
}

const foldAfter = 20

// Other is the name of the row for names past the limit.
const Other = "[other]"

// meter finds the row of a key or makes it. Once the rows are there it takes
// the read lock alone, and no memory, for names that share one too.
func (n *names) meter(key Key, make func(Key) *Meter) *Meter {
	n.mu.RLock()
	m := n.known(key)
	n.mu.RUnlock()
	if m != nil {
		return m
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.known(key); m != nil {
		return m
	}
	if n.meters == nil {
		n.meters, n.shapes = map[Key]*Meter{}, map[Key]int{}
	}
	row := key
	if shape := key.shape(); shape != key {
		if n.shapes[shape] >= foldAfter {
			row = shape
			n.folded.Store(true)
		} else {
			n.shapes[shape]++
		}
	}
	if n.rows[key.Class] >= n.limit {
		row = other(key.Class)
		n.folded.Store(true)
	}
	m = n.meters[row]
	if m == nil {
		m = make(row)
		n.meters[row] = m
		n.rows[row.Class]++
	}
	return m
}

// known is the row that a key has or shares with others, if it is there
// already. A key that shares one is not entered: that map would have no bound.
func (n *names) known(key Key) *Meter {
	if m := n.meters[key]; m != nil {
		return m
	}
	if key.Class == Request {
		var room [128]byte
		name := appendFolded(room[:0], key.Name)
		if string(name) != key.Name && n.shapes[Key{key.Class, key.Method, string(name)}] >= foldAfter {
			if m := n.meters[Key{key.Class, key.Method, string(name)}]; m != nil {
				return m
			}
		}
	}
	if n.rows[key.Class] >= n.limit {
		return n.meters[other(key.Class)]
	}
	return nil
}

// shape is the key with its ids folded; tasks and transactions have none.
func (k Key) shape() Key {
	if k.Class == Request {
		k.Name = string(appendFolded(nil, k.Name))
	}
	return k
}

func other(c Class) Key { return Key{c, "", Other} }

// appendFolded appends the name with [id] in the place of each path segment that
// looks like one, with a digit in it, and mostly digits or hex, and […] in the
// place of each value of its query.
func appendFolded(b []byte, name string) []byte {
	path, query, hasQuery := strings.Cut(name, "?")
	for more := true; more; {
		var part string
		if part, path, more = strings.Cut(path, "/"); looksLikeID(part) {
			part = "[id]"
		}
		if b = append(b, part...); more {
			b = append(b, '/')
		}
	}
	if !hasQuery {
		return b
	}
	b = append(b, '?')
	for more := true; more; {
		var pair string
		pair, query, more = strings.Cut(query, "&")
		if k, _, ok := strings.Cut(pair, "="); ok {
			b = append(append(b, k...), "=[…]"...)
		} else {
			b = append(b, pair...)
		}
		if more {
			b = append(b, '&')
		}
	}
	return b
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
