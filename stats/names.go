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

func (n *names) meter(key Key, make func(Key) *Meter) *Meter {
	n.mu.RLock()
	m := n.meters[key]
	n.mu.RUnlock()
	if m != nil {
		return m
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.meters[key]; m != nil {
		return m
	}
	if n.meters == nil {
		n.meters, n.shapes = map[Key]*Meter{}, map[Key]int{}
	}
	row := key
	if key.Class == Request {
		shape := Key{key.Class, key.Method, foldIDs(key.Name)}
		if shape != key {
			if n.shapes[shape] >= foldAfter {
				row = shape
				n.folded.Store(true)
			} else {
				n.shapes[shape]++
			}
		}
	}
	if m := n.meters[row]; m != nil {
		return m // not entered under key: that map would have no bound
	}
	if len(n.meters) >= n.limit {
		row = Key{key.Class, "", Other}
		n.folded.Store(true)
		if m := n.meters[row]; m != nil {
			return m
		}
	}
	m = make(row)
	n.meters[row] = m
	return m
}

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
