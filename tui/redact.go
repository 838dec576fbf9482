package tui

import (
	"bytes"
	"mime"
	"net/url"
	"strings"

	"tload/stats"
)

// secrets masks until it is asked not to. What is secret it knows from the
// redactor, so that the screen hides what the files do; here the mask is a
// choice, and bodies are masked while they are made ready to read.
type secrets struct{ names *stats.Redactor }

const masked = "•••"

func newSecrets(more []string) *secrets { return &secrets{stats.NewRedactor(more...)} }

// head masks the values of secret headers and the secret parameters of the
// request line. What stands in their place is up to mask, which gets the value
// and answers what is shown.
func (s *secrets) head(head []byte, mask func(value string) string) []byte {
	var out []byte
	first, hiding := true, false
	for len(head) > 0 {
		line, end := cutLine(head)
		head = head[len(line)+len(end):]
		switch {
		case first:
			line = []byte(s.startLine(string(line), mask))
		case hiding && len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			line, end = nil, nil // a folded header goes with its first line
		default:
			name, value, ok := bytes.Cut(line, []byte(":"))
			hiding = ok && s.names.Secret(string(name))
			switch {
			case hiding:
				v := strings.TrimLeft(string(value), " \t")
				line = []byte(string(name) + ": " + mask(v))
			case ok && (strings.EqualFold(string(name), "location") || strings.EqualFold(string(name), "referer")):
				line = []byte(string(name) + ":" + s.urlText(string(value), mask))
			}
		}
		first = false
		out = append(out, line...)
		out = append(out, end...)
	}
	return out
}

func cutLine(b []byte) (line, end []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	if i > 0 && b[i-1] == '\r' {
		return b[:i-1], b[i-1 : i+1]
	}
	return b[:i], b[i : i+1]
}

func (s *secrets) startLine(line string, mask func(string) string) string {
	parts := strings.SplitN(line, " ", 3)
	if len(parts) < 2 || strings.HasPrefix(line, "HTTP/") {
		return line
	}
	parts[1] = s.urlText(parts[1], mask)
	return strings.Join(parts, " ")
}

// urlText masks a password and secret parameters in a URL.
func (s *secrets) urlText(u string, mask func(string) string) string {
	if scheme := strings.Index(u, "://"); scheme >= 0 {
		rest := u[scheme+3:]
		host := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			host = rest[:i]
		}
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			user, pass, ok := strings.Cut(host[:at], ":")
			if ok {
				u = u[:scheme+3] + user + ":" + mask(pass) + rest[at:]
			}
		}
	}
	path, query, ok := strings.Cut(u, "?")
	if !ok {
		return u
	}
	query, frag, hasFrag := strings.Cut(query, "#")
	u = path + "?" + s.form(query, mask)
	if hasFrag {
		u += "#" + frag
	}
	return u
}

func (s *secrets) form(body string, mask func(string) string) string {
	pairs := strings.Split(body, "&")
	for i, p := range pairs {
		k, v, ok := strings.Cut(p, "=")
		if !ok {
			continue
		}
		name, err := url.QueryUnescape(k)
		if err != nil {
			name = k
		}
		if s.names.Secret(name) {
			pairs[i] = k + "=" + mask(v)
		}
	}
	return strings.Join(pairs, "&")
}

// body masks secret fields of a JSON or form body; others come back as they are.
func (s *secrets) body(body []byte, contentType string, mask func(string) string) []byte {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch {
	case media == "application/x-www-form-urlencoded":
		return []byte(s.form(string(body), mask))
	case media == "multipart/form-data" && params["boundary"] != "":
		return stats.MaskMultipart(body, params["boundary"], s.names.Secret, mask)
	case strings.HasSuffix(media, "json"), looksLikeJSON(body):
		p := printer{secrets: s, mask: mask}
		return p.print(body)
	}
	return body
}

func hide(string) string { return masked }

// hideButScheme leaves the word Bearer or Basic to be read.
func hideButScheme(v string) string {
	if scheme, _, ok := strings.Cut(v, " "); ok && isToken(scheme) {
		return scheme + " " + masked
	}
	return masked
}

func isToken(s string) bool {
	switch strings.ToLower(s) {
	case "bearer", "basic", "digest", "token", "negotiate", "apikey":
		return true
	}
	return false
}
