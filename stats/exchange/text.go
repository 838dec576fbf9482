package exchange

import (
	"bytes"
	"strings"
)

// Text masks secrets in any text: values that are known, the user of a URL, and
// what a secret name is said to be (token=…), as in a URL in the middle of a
// page or of a line in the log.
func (m *Masker) Text(s string) string {
	if !m.Masks() || !m.known.any() && !strings.ContainsAny(s, "=@") {
		return s
	}
	b := []byte(s)
	if out := m.text(b); len(out) != len(b) || string(out) != s {
		return string(out)
	}
	return s
}

// text is Text for bytes: b itself where there is nothing to mask.
func (m *Masker) text(b []byte) []byte {
	b = m.known.mask(b, m) // first: a value may hold what ends one below
	var out []byte
	done := 0
	for i := 0; i < len(b); i++ {
		from, to := 0, 0
		switch {
		case b[i] == '=':
			from, to = m.assigned(b, i)
			if to > from {
				value := string(b[from:to])
				out = append(append(out, b[done:from]...), m.hide(value)...)
			}
		case b[i] == ':' && i+3 < len(b) && b[i+1] == '/' && b[i+2] == '/':
			from, to = i+3, i+3
			url := b[from:min(len(b), from+longestURL)]
			if end := bytes.IndexAny(url, " \t\r\n\"'<>\\`|"); end >= 0 {
				url = url[:end]
			}
			if head := m.userAndPath(string(url)); head != string(url) {
				to += len(url)
				out = append(append(out, b[done:from]...), m.text([]byte(head))...)
			}
		}
		if to > from {
			done, i = to, to-1
		}
	}
	if out == nil {
		return b
	}
	return m.known.mask(append(out, b[done:]...), m)
}

// longestURL is how much of a URL is looked at.
const longestURL = 4 << 10

// userAndPath masks the user of a URL, without its scheme, and what is secret in
// its path.
func (m *Masker) userAndPath(u string) string {
	if from, to := userinfo(u, 0); to > from {
		u = m.user(u[:to]) + u[to:]
	}
	end := strings.IndexAny(u+"?", "?#")
	return m.path(u[:end]) + u[end:]
}

// longestName is up to what length a name before a '=' is looked at.
const longestName = 64

// assigned is where the value behind the '=' at i stands, if its name is secret.
func (m *Masker) assigned(b []byte, i int) (from, to int) {
	at := i
	for at > 0 && i-at < longestName && isNamed(b[at-1]) {
		at--
	}
	if at == i || !m.Secret(unescaped(string(b[at:i]))) {
		return 0, 0
	}
	end := "&#; \t\r\n\"'`<>\\|,)]}"
	from = i + 1
	if from < len(b) && (b[from] == '"' || b[from] == '\'') {
		end = string(b[from]) + "\r\n"
		from++
	}
	for to = from; to < len(b) && strings.IndexByte(end, b[to]) < 0; to++ {
	}
	return from, to
}

// isNamed says whether a byte can be of a parameter's name.
func isNamed(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_-.%[]", c) >= 0
}
