package exchange

import (
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
)

// known are values that have been masked, to be found again where no name tells
// of them. They are found by how they begin: a filter of two bytes, then a map
// of four, so that a text of megabytes is looked through in milliseconds.
type known struct {
	mu     sync.RWMutex // guards all below
	values map[string]bool
	ring   []string // the same, oldest at next once it is full
	next   int
	begins [1 << 16 / 64]uint64
	forms  map[[4]byte][]string // longest first
}

const (
	shortest       = 6 // characters of a value that is known
	shortestNumber = 8 // … of one that is digits alone
	longest        = 8 << 10
	mostKnown      = 2048
)

func newKnown() *known {
	return &known{values: map[string]bool{}, forms: map[[4]byte][]string{}}
}

// any says whether anything is known yet.
func (k *known) any() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.values) > 0
}

// learn takes note of a value.
func (k *known) learn(value string) {
	value = strings.TrimSpace(value)
	if len(value) < shortest || len(value) > longest || strings.Trim(value, "*•") == "" ||
		len(value) < shortestNumber && strings.Trim(value, "0123456789") == "" {
		return
	}
	k.mu.RLock()
	have := k.values[value]
	k.mu.RUnlock()
	if have {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values[value] {
		return
	}
	value = strings.Clone(value) // it may be part of a body
	if len(k.ring) < mostKnown {
		k.ring = append(k.ring, value)
	} else {
		k.forget(k.ring[k.next])
		k.ring[k.next] = value
		k.next = (k.next + 1) % mostKnown
	}
	k.values[value] = true
	for _, f := range forms(value) {
		at := [4]byte([]byte(f[:4]))
		place, _ := slices.BinarySearchFunc(k.forms[at], f, func(a, b string) int { return len(b) - len(a) })
		k.forms[at] = slices.Insert(k.forms[at], place, f)
		two := uint(f[0])<<8 | uint(f[1])
		k.begins[two/64] |= 1 << (two % 64)
	}
}

func (k *known) forget(value string) {
	delete(k.values, value)
	for _, f := range forms(value) {
		at := [4]byte([]byte(f[:4]))
		if i := slices.Index(k.forms[at], f); i >= 0 {
			k.forms[at] = slices.Delete(k.forms[at], i, i+1)
		}
		if len(k.forms[at]) == 0 {
			delete(k.forms, at)
		}
	}
}

// mask masks every known value in b; it is b itself if there is none. Of a value
// at the end of a text that was cut, the beginning is enough.
func (k *known) mask(b []byte, m *Masker) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if len(k.values) == 0 {
		return b
	}
	var out []byte
	done := 0
	for i := 0; i+4 <= len(b); i++ {
		two := uint(b[i])<<8 | uint(b[i+1])
		if k.begins[two/64]&(1<<(two%64)) == 0 {
			continue
		}
		n := found(b[i:], k.forms[[4]byte(b[i:])])
		if n == 0 {
			continue
		}
		out = append(append(out, b[done:i]...), m.mark...)
		if m.count != nil {
			*m.count++
		}
		done = i + n
		i = done - 1
	}
	if out == nil {
		return b
	}
	return append(out, b[done:]...)
}

// found is how much of b is one of the forms.
func found(b []byte, forms []string) int {
	if len(forms) == 0 {
		return 0
	}
	for _, f := range forms {
		if len(b) >= len(f) && string(b[:len(f)]) == f {
			return len(f)
		}
	}
	if len(b) > len(forms[0])+3 {
		return 0
	}
	rest := strings.TrimRight(string(b), `".…`)
	if len(rest) < shortest || len(b) > len(rest)+3 {
		return 0
	}
	for _, f := range forms {
		if strings.HasPrefix(f, rest) {
			return len(rest)
		}
	}
	return 0
}

// forms are the ways in which a value stands in texts: as it is, escaped for a
// URL, as JSON writes it, as HTML does, and one of these within another, such as
// the JSON that was sent within a string of the JSON that comes back.
func forms(value string) []string {
	list := []string{value}
	if strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~") == "" {
		return list // which needs no escapes
	}
	for level := 0; level < 2; level++ {
		for _, f := range slices.Clone(list) {
			for _, e := range escaped(f) {
				if !slices.Contains(list, e) {
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// escaped are the ways to escape a text; most texts need none.
func escaped(s string) []string {
	quoted, _ := json.Marshal(s) // of a string never fails
	inner := string(quoted[1 : len(quoted)-1])
	bare := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(inner)
	query, path, h := url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s)
	slashed, bareSlashed := strings.ReplaceAll(inner, "/", `\/`), strings.ReplaceAll(bare, "/", `\/`)
	return []string{
		query, path, lowerEscapes(query), lowerEscapes(path),
		inner, bare, slashed, bareSlashed, inASCII(inner), inASCII(bare), inASCII(slashed), inASCII(bareSlashed),
		h, // quotes are written in several ways, or not at all
		strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#x27;").Replace(h),
		strings.NewReplacer("&#34;", "&quot;", "&#39;", "&apos;").Replace(h),
		strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(h),
	}
}

// lowerEscapes writes the hex digits of %XX in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// inASCII is the text within a JSON string with \u escapes for what is beyond
// ASCII, as many servers write it.
func inASCII(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			const hex = "0123456789abcdef"
			b.WriteString(`\u` + string([]byte{hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15]}))
		}
	}
	return b.String()
}
