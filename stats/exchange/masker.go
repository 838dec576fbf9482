// Package exchange reads, masks, decodes and writes one exchange: what the
// screen shows of it, what lies in files, and the curl line that sends it again
// are made here, so that they are the same everywhere.
//
//	m := exchange.NewMasker("X-Shop-Key")
//	curl := exchange.Curl(x, m, "") // with $TOKEN where a secret was
//
// What is secret is told by names: of headers, cookies, query parameters, form
// and JSON fields, and of the path segment before (/token/8f3a…). A value that
// was masked once is known from then on and masked wherever else it stands, as
// it is or escaped: a target that echoes a password does not give it away. Two
// things cannot be had: values shorter than six characters (eight, of digits
// alone) stand in too much that is no secret, so that those are masked by their
// names only; and of the values known the oldest are forgotten beyond 2,048.
package exchange

import (
	"bytes"
	"encoding/base64"
	"mime"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"tload/stats"
)

// Masked stands where a secret was.
const Masked = "***"

// secretNames are the names whose values are masked unasked.
var secretNames = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "ApiKey", "X-Auth-Token", "X-Csrf-Token",
	"Password", "Passwd", "Secret", "Client-Secret", "Token", "Access-Token", "Refresh-Token", "Id-Token", "Private-Key",
	"Session-Id", "Session-Token", "Auth-Token", "Credentials", "Cvv", "Card-Number", "Pwd", "Passphrase", "Access-Key", "Secret-Key", "X-Xsrf-Token",
	"X-Access-Token", "Api-Token", "X-Api-Token", "Private-Token", "Security-Token", "X-Auth-Key", "Api-Secret", "X-Session-Id", "X-Session-Token",
	// Of widespread services, in headers and signed URLs.
	"X-Amz-Security-Token", "X-Amz-Signature", "X-Goog-Api-Key", "X-Goog-Signature", "X-Vault-Token", "X-Gitlab-Token", "X-Shopify-Access-Token",
	"Ocp-Apim-Subscription-Key", "Subscription-Key", "X-Functions-Key",
}

// Masker masks secrets in what is shown, written or sent on. Names count
// without regard to case, '-', '_', '.' and blanks. A nil Masker masks nothing.
// It is safe for all goroutines.
type Masker struct {
	names map[string]bool
	known *known
	given *given
	mark  string // what stands in a secret's place
	off   bool
	count *int // of what was masked; nil: nobody asks
}

// NewMasker masks the values of the usual names and of these.
func NewMasker(names ...string) *Masker {
	m := &Masker{names: map[string]bool{}, known: newKnown(), given: new(given), mark: Masked}
	for _, list := range [][]string{secretNames, names} {
		for _, n := range list {
			if n = plainName(n); n != "" {
				m.names[n] = true
			}
		}
	}
	return m
}

// Off is the same Masker that masks nothing, and On one that does: both know
// the same names and values.
func (m *Masker) Off() *Masker { return m.turned(true) }

// On is the Masker that masks; see Off.
func (m *Masker) On() *Masker { return m.turned(false) }

func (m *Masker) turned(off bool) *Masker {
	if m == nil {
		return nil
	}
	c := *m
	c.off = off
	return &c
}

// Masks says whether it masks anything.
func (m *Masker) Masks() bool { return m != nil && !m.off }

// marking is the Masker with another mark, which counts what it masks.
func (m *Masker) marking(mark string, count *int) *Masker {
	c := *m
	c.mark, c.count = mark, count
	return &c
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

// Secret says whether values of that name are secret; of user[password] the
// name is password. It is asked for every key of a body of megabytes, so it
// allocates nothing.
func (m *Masker) Secret(name string) bool {
	if m == nil {
		return false
	}
	if inner, ok := strings.CutSuffix(name, "]"); ok {
		name = inner[strings.LastIndexByte(inner, '[')+1:]
	}
	var b [64]byte
	return m.names[string(appendPlain(b[:0], name))]
}

// hide is what stands in the place of a value, which is known from now on: as it
// stands there and, where that is quoted, as it is meant.
func (m *Masker) hide(value string, meant ...string) string {
	switch value {
	case "", m.mark, Masked:
		return value
	}
	for _, v := range append(meant, value) {
		m.learn(v)
	}
	if m.count != nil {
		*m.count++
	}
	return m.mark
}

// learn takes note of a value: of credentials without their scheme, and of each
// cookie, for that is how they stand elsewhere. A value that is a name of secrets
// stands in too much that is none.
func (m *Masker) learn(value string) {
	if scheme, rest, ok := strings.Cut(value, " "); ok && isScheme(scheme) {
		if strings.EqualFold(scheme, "Basic") {
			m.basic(rest)
		}
		value = rest
	}
	if strings.Contains(value, "; ") && strings.Contains(value, "=") {
		for pair := range strings.SplitSeq(value, ";") {
			if _, v, ok := strings.Cut(pair, "="); ok {
				m.known.learn(strings.Trim(v, `"`))
			}
		}
		return
	}
	placeholder := strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]") // of a variable, in a name
	if m.names[plainName(value)] || placeholder {
		return
	}
	m.known.learn(value)
	if strings.ContainsAny(value, "%+") { // escaped for a path or a query, which differ
		m.known.learn(unescaped(value))
		if plain, err := url.PathUnescape(value); err == nil {
			m.known.learn(plain)
		}
	}
}

// Head masks a start line with its headers, or headers alone, and leaves every
// byte that is not a secret as it was. A header's scheme stays: Bearer ***;
// of a cookie its name and its attributes do.
func (m *Masker) Head(head []byte) []byte {
	if !m.Masks() || len(head) == 0 {
		return head
	}
	out := make([]byte, 0, len(head))
	folded := false // what comes next may be a continuation of a masked header
	for n, rest := 0, head; len(rest) > 0; n++ {
		line, end := cutLine(rest)
		rest = rest[len(line)+len(end):]
		name, value, header := bytes.Cut(line, []byte(":"))
		switch {
		case n == 0 && isStartLine(line):
			out = append(out, m.startLine(string(line))...)
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			if folded {
				line = []byte(" " + m.hide(strings.TrimSpace(string(line))))
			}
			out = append(out, m.text(line)...)
		case header && m.Secret(string(name)):
			folded = true
			out = append(append(out, name...), ": "...)
			out = append(out, m.header(plainName(string(name)), strings.TrimSpace(string(value)))...)
		case header && ofURL(string(name)):
			folded = false
			blank := len(value) - len(bytes.TrimLeft(value, " \t"))
			out = append(append(append(out, name...), ':'), value[:blank]...)
			out = append(out, m.URL(string(value[blank:]))...)
		default:
			folded = false
			out = append(out, m.text(line)...)
		}
		out = append(out, end...)
	}
	return out
}

// ofURL says whether a header's value is a URL, which may be a path alone.
func ofURL(name string) bool {
	return strings.EqualFold(name, "Location") || strings.EqualFold(name, "Content-Location") || strings.EqualFold(name, "Referer")
}

// isStartLine tells a request or status line from a header: a space comes
// before any colon.
func isStartLine(line []byte) bool {
	space := bytes.IndexByte(line, ' ')
	colon := bytes.IndexByte(line, ':')
	return space > 0 && (colon < 0 || space < colon)
}

func (m *Masker) startLine(line string) string {
	method, rest, _ := strings.Cut(line, " ")
	if strings.HasPrefix(method, "HTTP/") {
		return m.Text(line)
	}
	target, proto, ok := strings.Cut(rest, " ")
	if ok {
		proto = " " + proto
	}
	return method + " " + m.URL(target) + proto
}

// header masks the value of a secret header.
func (m *Masker) header(name, value string) string {
	switch name {
	case "cookie":
		pairs := strings.Split(value, ";")
		for i, p := range pairs {
			pairs[i] = m.pair(p)
		}
		return strings.Join(pairs, ";")
	case "setcookie":
		pair, rest, more := strings.Cut(value, ";")
		if more {
			rest = ";" + rest
		}
		return m.pair(pair) + rest
	}
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok || !isScheme(scheme) {
		return m.hide(value)
	}
	m.learn(value)
	return scheme + " " + m.hide(rest)
}

// isScheme says whether it is the word before the credentials rather than a
// part of them.
func isScheme(s string) bool {
	switch strings.ToLower(s) {
	case "bearer", "basic", "digest", "token", "negotiate", "ntlm", "apikey", "hoba", "mutual", "dpop", "aws4-hmac-sha256", "signature":
		return true
	}
	return false
}

// basic learns the password in the credentials of Basic.
func (m *Masker) basic(credentials string) {
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	if _, password, ok := strings.Cut(string(plain), ":"); err == nil && ok {
		m.known.learn(password)
	}
}

func (m *Masker) pair(p string) string {
	name, value, ok := strings.Cut(p, "=")
	if !ok {
		return m.hide(strings.TrimSpace(p))
	}
	return name + "=" + m.hide(value, strings.Trim(value, `"`))
}

// URL masks what is secret in a URL, or in a path: who asks, parameters of the
// query and the fragment, and what stands behind a secret name in the path.
func (m *Masker) URL(u string) string {
	if !m.Masks() {
		return u
	}
	if i := strings.Index(u, "://"); i >= 0 && !strings.ContainsAny(u[:i], "/?#") {
		if from, to := userinfo(u, i+3); to > from {
			u = u[:from] + m.user(u[from:to]) + u[to:]
		}
	}
	base, fragment, hasFragment := strings.Cut(u, "#")
	base, query, hasQuery := strings.Cut(base, "?")
	u = m.path(base)
	if hasQuery {
		u += "?" + m.form(query)
	}
	if hasFragment {
		u += "#" + m.form(fragment)
	}
	return m.Text(u)
}

// given are names that were given to URLs, so that one is made once and stays
// the same whatever is learned later.
type given struct {
	names sync.Map
	n     atomic.Int32
}

const mostGiven = 4096

// Name is a URL, or a path, as it may stand in a name: masked, and without the
// user in front of the host. It is for the measuring path: most names are found
// made.
func (m *Masker) Name(u string) string {
	if !m.Masks() {
		return m.name(u)
	}
	if name, ok := m.given.names.Load(u); ok {
		return name.(string)
	}
	name := m.name(u)
	if m.given.n.Load() < mostGiven {
		m.given.n.Add(1)
		m.given.names.Store(strings.Clone(u), name)
	}
	return name
}

func (m *Masker) name(u string) string {
	if i := strings.Index(u, "://"); i >= 0 && !strings.ContainsAny(u[:i], "/?#") {
		if from, to := userinfo(u, i+3); to > from {
			if m.Masks() {
				m.user(u[from:to])
			}
			u = u[:from] + u[to+1:]
		}
	}
	return m.URL(u)
}

// userinfo is where the user of a URL stands whose authority begins at from; to
// is the '@' behind it, 0 if there is none. A password may hold an '@', and by
// mistake also a '/', '?' or '#', which end the host otherwise.
func userinfo(u string, from int) (int, int) {
	end := from + strings.IndexAny(u[from:]+" ", " \t\r\n\"'<>\\`|")
	host := u[from:end]
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		return from, from + at
	}
	if _, port, ok := strings.Cut(host, ":"); ok && host[0] != '[' && strings.Trim(port, "0123456789") != "" {
		if at := strings.IndexByte(u[from:end], '@'); at >= 0 {
			return from, from + at
		}
	}
	return from, 0
}

// user masks the user and the password of a URL. The name is left where there
// is a password; alone it may be a token.
func (m *Masker) user(info string) string {
	name, password, _ := strings.Cut(info, ":")
	plain, err := url.PathUnescape(password)
	if err != nil {
		plain = password
	}
	if password == "" || strings.EqualFold(password, "x-oauth-basic") {
		meant, err := url.PathUnescape(name)
		if err != nil {
			meant = name
		}
		m.known.learn(base64.StdEncoding.EncodeToString([]byte(meant + ":" + password)))
		return m.hide(name)
	}
	m.known.learn(base64.StdEncoding.EncodeToString([]byte(name + ":" + plain)))
	return name + ":" + m.hide(password)
}

// path masks the segments behind a secret name that look like a value, as in
// /token/8f3a21; /token/refresh is none.
func (m *Masker) path(p string) string {
	from := 0
	for from < len(p) {
		slash := strings.IndexByte(p[from:], '/')
		if slash < 0 {
			return p
		}
		name := p[from : from+slash]
		from += slash + 1
		to := from + strings.IndexByte(p[from:]+"/", '/')
		if value := p[from:to]; m.Secret(name) && looksSecret(value) {
			mark := m.hide(value)
			p = p[:from] + mark + p[to:]
			from += len(mark)
		}
	}
	return p
}

func looksSecret(segment string) bool {
	return len(segment) >= 20 || len(segment) >= shortest && strings.ContainsAny(segment, "0123456789")
}

// form masks the values of secret fields in a form or query.
func (m *Masker) form(s string) string {
	pairs := strings.Split(s, "&")
	for i, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !m.Secret(unescaped(name)) {
			continue
		}
		pairs[i] = name + "=" + m.hide(value)
	}
	return strings.Join(pairs, "&")
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// Body masks a body without content codings: the secret fields of JSON and of
// forms, and in any text what Text masks. It works on the text, not on a parsed
// tree, so that the rest stays byte for byte, and a body that was cut short is
// masked as far as it goes.
func (m *Masker) Body(contentType string, body []byte) []byte {
	if !m.Masks() || len(body) == 0 {
		return body
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch {
	case media == "application/x-www-form-urlencoded":
		body = []byte(m.form(string(body)))
	case media == "multipart/form-data" && params["boundary"] != "":
		body = m.multipart(body, params["boundary"])
	case strings.HasSuffix(media, "json"), looksLikeJSON(body):
		p := printer{secrets: m}
		body = p.print(body)
	case IsBinary(body):
		return m.known.mask(body, m)
	}
	return m.text(body)
}

// Exchange is a copy of x without its secrets; x itself where there is nothing
// to mask.
func (m *Masker) Exchange(x *stats.Exchange) *stats.Exchange {
	if !m.Masks() {
		return x
	}
	c := *x
	c.URL, c.Request = m.URL(x.URL), m.Part(x.Request)
	c.Hops = append([]stats.Hop(nil), x.Hops...)
	for i := range c.Hops {
		h := &c.Hops[i]
		h.URL, h.Location, h.Head = m.URL(h.URL), m.URL(h.Location), m.Head(h.Head)
	}
	c.Response = m.response(x)
	c.Message = m.Text(x.Message)
	return &c
}

// LearnValue takes note of the value of something that is called name, if that
// is a name of secrets.
func (m *Masker) LearnValue(name, value string) {
	if m.Masks() && m.Secret(name) {
		m.learn(value)
	}
}

// Learn takes note of the secrets that were sent, so that they are known where
// the reply holds them.
func (m *Masker) Learn(x *stats.Exchange) {
	if !m.Masks() {
		return
	}
	m.URL(x.URL)
	m.Part(x.Request)
	for _, h := range x.Hops {
		m.URL(h.Location)
		m.Head(h.Head)
	}
}

// response is the response without its secrets, also where its head is none.
func (m *Masker) response(x *stats.Exchange) stats.Part {
	p := m.Part(x.Response)
	if Headless(x) {
		p.Head = m.Received(x.Response.Head)
	}
	return p
}

// mostMasked is up to what size packed bodies are looked into.
const mostMasked = 32 << 20

// Part is p without its secrets. A packed body is unpacked, masked and packed
// again, if there is something to mask; how long it is may change by that.
func (m *Masker) Part(p stats.Part) stats.Part {
	if !m.Masks() {
		return p
	}
	kind, coding := HeaderOf(p.Head, "Content-Type"), HeaderOf(p.Head, "Content-Encoding")
	p.Head = m.Head(p.Head)
	plain, undone := Unpack(coding, p.Body, mostMasked)
	masked := m.Body(kind, plain)
	if len(undone) > 0 && bytes.Equal(masked, plain) {
		return p
	}
	masked = pack(masked, undone)
	p.Size += int64(len(masked) - len(p.Body))
	p.Body = masked
	return p
}

// Received masks what may be a head and, after an empty line, a body: the bytes
// of a reply that could not be parted.
func (m *Masker) Received(b []byte) []byte {
	if !m.Masks() {
		return b
	}
	n := len(b)
	for _, gap := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(b, []byte(gap)); i >= 0 {
			n = min(n, i+len(gap))
		}
	}
	return append(m.Head(b[:n:n]), m.Body(HeaderOf(b[:n], "Content-Type"), b[n:])...)
}
