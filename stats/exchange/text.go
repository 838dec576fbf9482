package exchange

import (
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
				out = append(append(out, b[done:from]...), m.hide(value, unescaped(value))...)
			}
		case b[i] == ':' && i+3 < len(b) && b[i+1] == '/' && b[i+2] == '/':
			// No host name is longer than 253 characters; a token may well be.
			part := string(b[i+3 : min(len(b), i+3+1024)])
			if from, to = userinfo(part, 0); to > from {
				out = append(append(out, b[done:i+3]...), m.user(part[:to])...)
				from, to = i+3, i+3+to
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
