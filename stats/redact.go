package stats

import (
	"bytes"
	"mime"
	"net/url"
	"strings"
)

// Masked stands where a secret was.
const Masked = "***"

// secretNames are the headers and fields that are masked unasked.
var secretNames = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "ApiKey", "X-Auth-Token", "X-Csrf-Token",
	"Password", "Passwd", "Secret", "Client-Secret", "Token", "Access-Token", "Refresh-Token", "Id-Token", "Private-Key",
	"Session-Id", "Session-Token", "Auth-Token", "Credentials", "Cvv", "Card-Number", "Pwd", "Passphrase", "Access-Key", "Secret-Key", "X-Xsrf-Token",
	"X-Access-Token",
}

// Redactor masks secrets in what is shown, written or sent on: the values of
// named headers, of query parameters, and of JSON and form fields. Names count
// without regard to case, '-', '_', '.' and blanks. A nil Redactor masks nothing.
type Redactor struct {
	names map[string]bool
}

// NewRedactor masks the usual names and these.
func NewRedactor(names ...string) *Redactor {
	r := &Redactor{names: map[string]bool{}}
	for _, list := range [][]string{secretNames, names} {
		for _, n := range list {
			if n = plainName(n); n != "" {
				r.names[n] = true
			}
		}
	}
	return r
}

func plainName(n string) string { return string(appendPlain(nil, n)) }

// appendPlain appends a name to b as it is compared: api_key, api-key and apiKey
// are one.
func appendPlain(b []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '_' || c == '-' || c == '.' || c == ' ' || c == '\t':
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, c)
		}
	}
	return b
}

// Secret says whether values of that name are masked. It is asked for every key
// of a body of megabytes, so it allocates nothing.
func (r *Redactor) Secret(name string) bool {
	var b [64]byte
	return r != nil && r.names[string(appendPlain(b[:0], name))]
}

// Head masks a start line with its headers, or headers alone, and leaves every
// byte that is not a secret as it was. A header's scheme stays: Bearer ***;
// of a cookie its name and its attributes do.
func (r *Redactor) Head(head []byte) []byte {
	if r == nil || len(head) == 0 {
		return head
	}
	out := make([]byte, 0, len(head))
	folded := false // a continuation of a masked header
	for n, line := range bytes.SplitAfter(head, []byte("\n")) {
		text := bytes.TrimRight(line, "\r\n")
		end := line[len(text):]
		name, value, header := bytes.Cut(text, []byte(":"))
		switch {
		case len(text) > 0 && (text[0] == ' ' || text[0] == '\t') && folded:
			out = append(out, " "+Masked...)
		case n == 0 && isStartLine(text):
			out = append(out, r.startLine(string(text))...)
		case header && r.Secret(string(name)):
			folded = true
			out = append(out, name...)
			out = append(out, ": "...)
			out = append(out, maskValue(plainName(string(name)), strings.TrimSpace(string(value)))...)
		default:
			folded = false
			if header && (bytes.EqualFold(name, []byte("Location")) || bytes.EqualFold(name, []byte("Referer"))) {
				out = append(out, name...)
				out = append(out, ':')
				out = append(out, r.URL(string(value))...)
			} else {
				out = append(out, text...)
			}
		}
		out = append(out, end...)
	}
	return out
}

// isStartLine tells a request or status line from a header: a space comes
// before any colon.
func isStartLine(line []byte) bool {
	space := bytes.IndexByte(line, ' ')
	colon := bytes.IndexByte(line, ':')
	return space > 0 && (colon < 0 || space < colon)
}

func (r *Redactor) startLine(line string) string {
	method, rest, _ := strings.Cut(line, " ")
	target, proto, ok := strings.Cut(rest, " ")
	if !ok || strings.HasPrefix(method, "HTTP/") {
		return line
	}
	return method + " " + r.URL(target) + " " + proto
}

func maskValue(name, value string) string {
	switch name {
	case "authorization", "proxyauthorization":
		if scheme, _, ok := strings.Cut(value, " "); ok {
			return scheme + " " + Masked
		}
	case "cookie":
		pairs := strings.Split(value, ";")
		for i, p := range pairs {
			pairs[i] = maskPair(p)
		}
		return strings.Join(pairs, ";")
	case "setcookie":
		pair, rest, more := strings.Cut(value, ";")
		if more {
			return maskPair(pair) + ";" + rest
		}
		return maskPair(pair)
	}
	return Masked
}

func maskPair(p string) string {
	if name, _, ok := strings.Cut(p, "="); ok {
		return name + "=" + Masked
	}
	return Masked
}

// URL masks the secret parameters of a URL or path, and a password in it.
func (r *Redactor) URL(u string) string {
	if r == nil {
		return u
	}
	if scheme, rest, ok := strings.Cut(u, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		if user, at, ok := strings.Cut(host, "@"); ok {
			name, _, _ := strings.Cut(user, ":")
			u = scheme + "://" + name + ":" + Masked + "@" + at + rest[len(host):]
		}
	}
	base, query, ok := strings.Cut(u, "?")
	if !ok {
		return u
	}
	query, fragment, hasFragment := strings.Cut(query, "#")
	u = base + "?" + r.form(query)
	if hasFragment {
		u += "#" + fragment
	}
	return u
}

// form masks the values of secret fields in a form or query.
func (r *Redactor) form(s string) string {
	pairs := strings.Split(s, "&")
	for i, p := range pairs {
		name, _, ok := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err == nil && ok && r.Secret(plain) {
			pairs[i] = name + "=" + Masked
		}
	}
	return strings.Join(pairs, "&")
}

// body masks the secret fields of a JSON or form body. It works on the text,
// not on a parsed tree, so that the rest stays byte for byte, and a body that
// was cut short is masked as far as it goes. Other bodies stay as they are.
func (r *Redactor) body(contentType string, body []byte) []byte {
	if len(body) == 0 {
		return body
	}
	kind := strings.ToLower(contentType)
	start := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case strings.Contains(kind, "x-www-form-urlencoded"):
		return []byte(r.form(string(body)))
	case strings.HasPrefix(kind, "multipart/form-data"):
		if _, params, err := mime.ParseMediaType(contentType); err == nil && params["boundary"] != "" {
			return MaskMultipart(body, params["boundary"], r.Secret, func(string) string { return Masked })
		}
	case strings.Contains(kind, "json"), len(start) > 0 && (start[0] == '{' || start[0] == '['):
		return r.json(body)
	}
	return body
}

// json masks the values of secret keys, whatever they are: strings, numbers, or
// whole objects.
func (r *Redactor) json(body []byte) []byte {
	var out []byte // nil until something is masked
	done := 0
	for i := 0; i < len(body); {
		if body[i] != '"' {
			i++
			continue
		}
		end := stringEnd(body, i)
		colon := skipSpace(body, end)
		if colon >= len(body) || body[colon] != ':' || !r.Secret(unquoteKey(body[i:end])) {
			i = end
			continue
		}
		from := skipSpace(body, colon+1)
		to := valueEnd(body, from)
		if from < to {
			out = append(out, body[done:from]...)
			out = append(out, `"`+Masked+`"`...)
			done = to
		}
		i = max(to, end)
	}
	if out == nil {
		return body
	}
	return append(out, body[done:]...)
}

// stringEnd is the index past the string that opens at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// valueEnd is the index past the JSON value that begins at i.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				if depth < 0 {
					return i
				}
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(b)
}

// unquoteKey is enough of unquoting for the names of fields.
func unquoteKey(quoted []byte) string { return strings.Trim(string(quoted), `"`) }

// Exchange is a copy of x without its secrets; x itself where there is nothing
// to mask.
func (r *Redactor) Exchange(x *Exchange) *Exchange {
	if r == nil {
		return x
	}
	c := *x
	c.URL = r.URL(x.URL)
	c.Request, c.Response = r.Part(x.Request), r.Part(x.Response)
	c.Hops = append([]Hop(nil), x.Hops...)
	for i := range c.Hops {
		h := &c.Hops[i]
		h.URL, h.Location, h.Head = r.URL(h.URL), r.URL(h.Location), r.Head(h.Head)
	}
	return &c
}

// mostMasked is up to what size packed bodies are looked into.
const mostMasked = 32 << 20

// Part is p without its secrets. A packed body is unpacked, masked and packed
// again, if there is something to mask; how long it is may change by that.
func (r *Redactor) Part(p Part) Part {
	if r == nil {
		return p
	}
	kind, coding := headerValue(p.Head, "Content-Type"), headerValue(p.Head, "Content-Encoding")
	p.Head = r.Head(p.Head)
	plain, undone := Unpack(coding, p.Body, mostMasked)
	masked := r.body(kind, plain)
	if len(undone) > 0 && bytes.Equal(masked, plain) {
		return p
	}
	masked = pack(masked, undone)
	p.Size += int64(len(masked) - len(p.Body))
	p.Body = masked
	return p
}

func headerValue(head []byte, name string) string {
	for line := range bytes.Lines(head) {
		if n, v, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(bytes.TrimSpace(n)), name) {
			return string(bytes.TrimSpace(v))
		}
	}
	return ""
}
