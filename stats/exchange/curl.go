package exchange

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"tload/stats"
)

// mostInline is the largest body that is written into a curl command as text; a
// larger or binary one goes to a file beside it, or through a pipe.
const mostInline = 8 << 10

// The place that $TOKEN takes in an argument until that is quoted. No argument
// has a NUL of its own.
const tokenMark = "\x00token\x00"

// Curl is a command line that sends an exchange's request again, for any POSIX
// shell, or "" for a protocol that curl does not speak. A masked secret becomes
// $TOKEN, for the shell to fill in. bodyFile is where the body lies if it does
// not fit into a command (NeedsFile), which the caller writes; without one such
// a body is piped in. Lines quote with '…' alone, never $'…', which a plain
// /bin/sh does not know.
func Curl(x *stats.Exchange, m *Masker, bodyFile string) string {
	start, _ := FirstLine(x.Request.Head)
	method, rest, _ := strings.Cut(start, " ")
	target, _, _ := strings.Cut(rest, " ")
	if method == "" || target == "" || !strings.HasPrefix(x.URL, "http://") && !strings.HasPrefix(x.URL, "https://") && !strings.HasPrefix(x.URL, "unix:") {
		return ""
	}
	if m.Masks() {
		m.Learn(x)
		m = m.marking(tokenMark, nil)
	}
	body := x.Request.Body
	var b strings.Builder
	b.WriteString("curl -i")
	add := func(args ...string) {
		for _, a := range args {
			b.WriteString(" " + shell(a))
		}
	}
	line := func(args ...string) {
		b.WriteString(" \\\n ")
		add(args...)
	}
	switch {
	case method == "HEAD" && len(body) == 0:
		add("--head")
	case method == "GET" && len(body) == 0, method == "POST" && len(body) > 0:
	default:
		add("-X", method)
	}
	add(protocol(x)...)
	u := x.URL
	if socket, ok := strings.CutSuffix(strings.TrimPrefix(u, "unix:"), target); ok && strings.HasPrefix(u, "unix:") {
		line("--unix-socket", socket)
		u = "http://" + HeaderOf(x.Request.Head, "Host") + target
	}
	if strings.ContainsAny(u, "[]{}") {
		add("--globoff")
	}
	if hasDots(u) {
		add("--path-as-is")
	}
	seen := map[string]bool{}
	for _, h := range Headers(m.Head(x.Request.Head)) {
		name, value, _ := strings.Cut(h, ":")
		value = strings.TrimSpace(value)
		low := strings.ToLower(name)
		seen[low] = true
		switch {
		case low == "content-length", low == "transfer-encoding", low == "connection", low == "proxy-authorization": // there is no proxy in the command
		case low == "host" && value == hostOf(u):
		case low == "accept-encoding":
			line("--compressed", "-H", name+": "+value)
		case value == "":
			line("-H", name+";") // curl's way to send an empty one
		default:
			line("-H", name+": "+value)
		}
	}
	// What curl would add by itself.
	for _, h := range []string{"User-Agent", "Accept"} {
		if !seen[strings.ToLower(h)] {
			line("-H", h+":")
		}
	}
	before := ""
	if len(body) > 0 {
		if !seen["content-type"] {
			line("-H", "Content-Type:")
		}
		switch {
		case !NeedsFile(body):
			// Not --data-binary, which reads a file for what begins with an '@'.
			line("--data-raw", string(m.Body(HeaderOf(x.Request.Head, "Content-Type"), body)))
		case bodyFile != "":
			line("--data-binary", "@"+bodyFile)
		default:
			line("--data-binary", "@-")
			masked := bytes.ReplaceAll(m.Body(HeaderOf(x.Request.Head, "Content-Type"), body), []byte(tokenMark), []byte(Masked))
			before = "printf " + octal(masked) + " | "
		}
		if x.Request.Cut() {
			before = fmt.Sprintf("# the body is the first %d of %d bytes\n", len(body), x.Request.Size) + before
		}
	}
	line(m.URL(u))
	return before + b.String()
}

// protocol are the flags for the version of HTTP that was spoken.
func protocol(x *stats.Exchange) []string {
	switch p := x.Conn.Proto; {
	case strings.HasPrefix(p, "HTTP/3"):
		return []string{"--http3"}
	case strings.HasPrefix(p, "HTTP/2") && strings.HasPrefix(x.URL, "https://"):
		return []string{"--http2"}
	case strings.HasPrefix(p, "HTTP/2"):
		return []string{"--http2-prior-knowledge"}
	case strings.HasPrefix(p, "HTTP/1.0"):
		return []string{"--http1.0"}
	case p != "":
		return []string{"--http1.1"}
	}
	return nil
}

// hasDots says whether a path has a segment that curl would take away.
func hasDots(u string) bool {
	_, rest, _ := strings.Cut(u, "://")
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	for i, segment := range strings.Split(rest, "/") {
		segment = strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if i > 0 && (segment == "." || segment == "..") {
			return true
		}
	}
	return false
}

func hostOf(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return ""
	}
	return parsed.Host
}

// NeedsFile says that a body does not belong into a command line as text.
func NeedsFile(body []byte) bool {
	return len(body) > mostInline ||
		bytes.ContainsFunc(body, func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x7f || r == 0xfffd })
}

// shell makes one word of s for /bin/sh. Single quotes take everything as it is
// but themselves.
func shell(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") == "" {
		return s
	}
	s = "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	return strings.ReplaceAll(s, tokenMark, `'"$TOKEN"'`)
}

// octal is bytes as printf's format takes them.
func octal(body []byte) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, c := range body {
		fmt.Fprintf(&b, "\\%03o", c)
	}
	b.WriteByte('\'')
	return b.String()
}
