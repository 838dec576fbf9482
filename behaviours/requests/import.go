package requests

import (
	"fmt"
	"slices"
	"strings"
)

// imported is a request from elsewhere on its way into a .http file.
type imported struct {
	at          place
	method, url string
	headers     [][2]string
	body        string
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
	r.url = strings.ReplaceAll(r.url, " ", "%20")
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s\n", r.method, shorten(r.url))
	for _, n := range r.notes {
		fmt.Fprintf(&b, "# %s\n", n)
	}
	fmt.Fprintf(&b, "%s %s\n", r.method, r.url)
	for _, h := range r.headers {
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(h[0]+": "+h[1], " "))
	}
	if r.body != "" {
		fmt.Fprintf(&b, "\n%s\n", r.body)
	}
	text := b.String()
	if strings.Contains(text, "{{") {
		return "", r.at.errorf("a request has {{ in it, which a .http file takes for a variable: put the body into a file and write < ./body as the body")
	}
	f, err := parse("", text, nil)
	switch {
	case err == nil && len(f.requests) == 1 && r.equals(f.requests[0]):
		return text, nil
	case r.body != "":
		return "", r.at.errorf("a body that a .http file cannot hold: put it into a file and write < ./body as the body")
	}
	return "", r.at.errorf("a request that a .http file cannot hold: its address, or a header, has a line break or the like in it")
}

// equals says whether the request was read back alike.
func (r *imported) equals(q *request) bool {
	return q.method == r.method && q.url.text == r.url && q.body.text == r.body && q.include == "" &&
		slices.EqualFunc(q.headers, r.headers, func(a header, b [2]string) bool { return a.name == b[0] && a.value.text == b[1] })
}
