package requests

import (
	"fmt"
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
	var b strings.Builder
	if len(list) > 1 {
		b.WriteString("# @sequence\n\n")
	}
	for i, r := range list {
		if i > 0 {
			b.WriteString("\n")
		}
		begin := b.Len()
		if !strings.Contains(r.url, "://") && !strings.HasPrefix(r.url, "/") {
			r.url = "http://" + r.url
		}
		r.url = strings.ReplaceAll(r.url, " ", "%20")
		fmt.Fprintf(&b, "### %s %s\n", r.method, shorten(r.url))
		for _, n := range r.notes {
			fmt.Fprintf(&b, "# %s\n", n)
		}
		fmt.Fprintf(&b, "%s %s\n", r.method, r.url)
		for _, h := range r.headers {
			fmt.Fprintf(&b, "%s: %s\n", h[0], h[1])
		}
		if r.body != "" {
			for _, line := range strings.Split(r.body, "\n") {
				if strings.HasPrefix(line, "###") || strings.HasPrefix(strings.TrimSpace(line), "> ") || strings.HasPrefix(strings.TrimSpace(line), "<") && i == 0 {
					return "", r.at.errorf("a body that a .http file cannot hold: put it into a file and write < ./body as the body")
				}
			}
			fmt.Fprintf(&b, "\n%s\n", r.body)
		}
		if strings.Contains(b.String()[begin:], "{{") {
			return "", r.at.errorf("a request has {{ in it, which a .http file takes for a variable: put the body into a file and write < ./body as the body")
		}
	}
	text := b.String()
	if _, err := Text("imported", text, nil); err != nil {
		return "", err
	}
	return text, nil
}
