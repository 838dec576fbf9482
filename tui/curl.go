package tui

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"tload/stats"
)

// mostInline is the largest body that is written into a curl command; a larger
// or binary one goes to a file beside it.
const mostInline = 8 << 10

// The place that $TOKEN takes in an argument until that is quoted. No argument
// has a NUL of its own.
const tokenMark = "\x00token\x00"

// curl is the command that sends an exchange's request again, for any POSIX
// shell. bodyFile is where the body lies if it does not fit into a command
// (needsFile); the caller writes it. Without reveal, secrets are $TOKEN.
func curl(x *stats.Exchange, s *secrets, reveal bool, bodyFile string) string {
	token := func(string) string { return tokenMark }
	tokenButScheme := func(v string) string {
		if scheme, _, ok := strings.Cut(v, " "); ok && isToken(scheme) {
			return scheme + " " + tokenMark
		}
		return tokenMark
	}
	method := x.Key.Method
	start, _ := firstLine(x.Request.Head)
	if m, _, ok := strings.Cut(start, " "); ok && m != "" {
		method = m
	}
	body := x.Request.Body
	target := x.URL
	if !reveal {
		target = s.urlText(target, token)
	}

	args := []string{"curl"}
	add := func(a ...string) {
		for _, v := range a {
			args = append(args, shellQuote(v))
		}
	}
	switch {
	case method == "HEAD":
		add("--head")
	case method == "GET" && len(body) == 0, method == "POST" && len(body) > 0:
	case method != "":
		add("-X", method)
	}
	switch {
	case strings.HasPrefix(x.Conn.Proto, "HTTP/3"):
		add("--http3")
	case strings.HasPrefix(x.Conn.Proto, "HTTP/2"):
		if strings.HasPrefix(x.URL, "http://") {
			add("--http2-prior-knowledge")
		} else {
			add("--http2")
		}
	case strings.HasPrefix(x.Conn.Proto, "HTTP/1.0"):
		add("--http1.0")
	case x.Conn.Proto != "":
		add("--http1.1")
	}
	if strings.ContainsAny(target, "[]{}") {
		add("--globoff")
	}
	if strings.Contains(target, "/./") || strings.Contains(target, "/../") {
		add("--path-as-is")
	}
	host := ""
	if u, err := url.Parse(x.URL); err == nil {
		host = u.Host
	}
	seen := map[string]bool{}
	for _, h := range headers(x.Request.Head) {
		k, v, _ := strings.Cut(h, ":")
		v = strings.TrimSpace(v)
		low := strings.ToLower(k)
		seen[low] = true
		switch {
		case low == "content-length", low == "transfer-encoding", low == "proxy-authorization": // there is no proxy in the command
			continue
		case low == "host" && v == host:
			continue
		case low == "accept-encoding":
			add("--compressed")
		}
		if v == "" {
			add("-H", k+";") // curl's way to send an empty one
			continue
		}
		if !reveal && s.names.Secret(k) {
			v = tokenButScheme(v)
		}
		add("-H", k+": "+v)
	}
	// What curl would add by itself.
	for _, h := range []string{"User-Agent", "Accept"} {
		if !seen[strings.ToLower(h)] {
			add("-H", h+":")
		}
	}
	if len(body) > 0 {
		if !seen["content-type"] {
			add("-H", "Content-Type:")
		}
		if needsFile(body) {
			add("--data-binary", "@"+bodyFile)
		} else {
			if !reveal {
				body = s.body(body, headerOf(x.Request.Head, "Content-Type"), token)
			}
			add("--data-raw", string(body))
		}
	}
	add(target)
	return strings.Join(args, " ")
}

// needsFile says that a body does not belong into a command line.
func needsFile(body []byte) bool {
	if len(body) > mostInline {
		return true
	}
	return bytes.ContainsFunc(body, func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x7f || r == 0xfffd })
}

// shellQuote makes one word of s for /bin/sh. Single quotes take everything as
// it is but themselves.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") == "" {
		return s
	}
	s = "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	return strings.ReplaceAll(s, tokenMark, `'"$TOKEN"'`)
}

// describe is a whole exchange as text: what Y copies and .http files hold.
func describe(x *stats.Exchange, s *secrets, reveal bool) []byte {
	var b bytes.Buffer
	head := func(h []byte) []byte {
		if reveal {
			return h
		}
		return s.head(h, hideButScheme)
	}
	body := func(p stats.Part) []byte {
		if reveal {
			return p.Body
		}
		out, _ := maskedBody(p, s)
		return out
	}
	u := x.URL
	if !reveal {
		u = s.urlText(u, hide)
	}
	fmt.Fprintf(&b, "# %s %s  %s ms  user %d", x.When.Format("2006-01-02 15:04:05.000"), u, millis(x.Took), x.User)
	if x.Behaviour != "" {
		fmt.Fprintf(&b, "  %s/%s run %d", x.Behaviour, x.Task, x.Iteration)
	}
	if x.Message != "" {
		fmt.Fprintf(&b, "\n# %s: %s", x.Kind, strings.ReplaceAll(x.Message, "\n", " "))
	}
	b.WriteString("\n\n")
	for _, p := range []stats.Part{x.Request, x.Response} {
		b.Write(head(p.Head))
		if n := len(p.Head); n > 0 && !bytes.HasSuffix(p.Head, []byte("\n\r\n")) && !bytes.HasSuffix(p.Head, []byte("\n\n")) {
			b.WriteString("\r\n")
		}
		b.Write(body(p))
		b.WriteString("\n\n")
	}
	return b.Bytes()
}

// maskedBody is a body without its secrets, byte for byte as it came if it has
// none. One that was compressed and has some is given unpacked.
func maskedBody(p stats.Part, s *secrets) (body []byte, changed bool) {
	plain, _ := Decode(p)
	hidden := 0
	out := s.body(plain, headerOf(p.Head, "Content-Type"), func(string) string { hidden++; return masked })
	if hidden == 0 {
		return p.Body, false
	}
	return out, true
}
