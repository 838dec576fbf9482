package requests

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// imported is a request from elsewhere on its way into a .http file.
type imported struct {
	at          place
	method, url string
	headers     [][2]string
	body        string
	include     string // a file whose bytes are the body
	stays       bool   // a redirect is not followed
	notes       []string
}

func (r *imported) header(name string) string {
	for _, h := range r.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// write is the requests as a .http file that File reads back alike.
func write(list []imported) (string, error) {
	var all []string
	for i := range list {
		text, err := list[i].write()
		if err != nil {
			return "", err
		}
		all = append(all, text)
	}
	text := strings.Join(all, "\n")
	if len(list) > 1 {
		text = "# @sequence\n\n" + text
	}
	return text, nil
}

func (r *imported) write() (string, error) {
	if !strings.Contains(r.url, "://") && !strings.HasPrefix(r.url, "/") {
		r.url = "http://" + r.url
	}
	r.url = encoded(r.url)
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s\n", r.method, title(shorten(r.url)))
	for _, n := range r.notes {
		fmt.Fprintf(&b, "# %s\n", escaped(strings.ReplaceAll(n, "{{", "{ {")))
	}
	if r.stays {
		b.WriteString("# @no-redirect\n")
	}
	fmt.Fprintf(&b, "%s %s\n", r.method, escaped(r.url))
	kind := r.header("Content-Type")
	for _, h := range r.headers {
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(h[0]+": "+escaped(h[1]), " "))
	}
	switch {
	case r.include != "":
		fmt.Fprintf(&b, "\n< %s\n", r.include)
	case r.body != "":
		fmt.Fprintf(&b, "\n%s\n", escapedBody(r.body, kind))
	}
	text := b.String()
	f, err := parse("", text, Options{})
	if err == nil && len(f.requests) == 1 && r.equals(f.requests[0]) {
		return text, nil
	}
	return "", r.at.errorf("a request that a .http file cannot hold: %s %s", r.method, shorten(r.url))
}

// title is a text as it may stand behind ###.
func title(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' || r == 0x7f || r == '\ufeff' {
			return '?'
		}
		return r
	}, s)
}

// encoded is a URL with what no request line can hold in its escaped form.
func encoded(url string) string {
	var b strings.Builder
	for i := 0; i < len(url); {
		r, n := utf8.DecodeRuneInString(url[i:])
		if r <= ' ' || r == 0x7f || unicode.IsSpace(r) {
			for _, c := range []byte(url[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteString(url[i : i+n])
		}
		i += n
	}
	return b.String()
}

// sendable says that a header can go over the wire: its name is a word, and no line ends in
// its value.
func sendable(name, value string) bool {
	return name != "" && !strings.ContainsAny(value, "\r\n\x00") &&
		strings.IndexFunc(name, func(c rune) bool {
			return c <= ' ' || c >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", c)
		}) < 0
}

// equals says whether the request was read back alike.
func (r *imported) equals(q *request) bool {
	return q.method == r.method && q.url.text == r.url && q.body.text == r.body && q.noRedirect == r.stays && (q.include == "") == (r.include == "") &&
		slices.EqualFunc(q.headers, r.headers, func(a header, b [2]string) bool { return a.name == b[0] && a.sent(a.value.text) == b[1] })
}
