package report

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"tload/stats"
)

// writeErrors writes every kept exchange: NAME.http is the request and the
// response as they were, NAME.body the response's body alone, NAME.curl.sh
// sends the request again. Files of one group follow each other; a group of
// exceptions has its stacks.
func writeErrors(dir string, r *Run) error {
	clearErrors(dir)
	var errs []error
	made := false
	used := map[string]bool{}
	for _, g := range r.Snapshot.Groups {
		name := groupName(g)
		if used[name] { // another message of the same kind and endpoint
			name += fmt.Sprintf("-g%d", g.ID)
		}
		used[name] = true
		for i, x := range g.Samples {
			if !made {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return fmt.Errorf("errors: %w", reason(err))
				}
				made = true
			}
			errs = append(errs, writeExchange(filepath.Join(dir, fmt.Sprintf("%s-%03d", name, i+1)), x, r.Redact)...)
			if len(errs) > 3 {
				return errors.Join(append(errs, errors.New("errors/: the rest was left out"))...)
			}
		}
	}
	return errors.Join(errs...)
}

// clearErrors removes what an earlier run left in the same directory: files
// with the ends that ours have, and nothing else.
func clearErrors(dir string) {
	for _, end := range []string{".http", ".body", ".curl.sh"} {
		old, _ := filepath.Glob(filepath.Join(dir, "*-[0-9][0-9][0-9]"+end))
		for _, name := range old {
			os.Remove(name)
		}
	}
}

func writeExchange(base string, x *stats.Exchange, redact *stats.Redactor) (errs []error) {
	put := func(end string, b []byte, mode os.FileMode) {
		if err := place(base+end, b, mode); err != nil {
			errs = append(errs, err)
		}
	}
	put(".http", HTTP(x, redact), 0o644)
	if len(x.Response.Body) > 0 {
		put(".body", redact.Part(x.Response).Body, 0o644)
	}
	if curl := Curl(x, redact); curl != "" {
		put(".curl.sh", []byte("#!/bin/sh\n"+curl+"\n"), 0o755)
	}
	return errs
}

// groupName is what the files of a group begin with: 503-POST-cart.
func groupName(g *stats.Group) string {
	name := g.Key.Kind.String()
	if g.Key.Status != 0 {
		name = fmt.Sprint(g.Key.Status)
	}
	for _, part := range []string{g.Key.Key.Method, g.Key.Key.Name} {
		if s := slug(part); s != "" {
			name += "-" + s
		}
	}
	return name
}

// slug is a part of a name of a file on any system.
func slug(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case b.Len() >= 60:
		case r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '_' || r == '.' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-.")
}

// HTTP is an exchange as a file: what is known of it as comments, the request,
// and below a ### line the response. Bodies are the bytes themselves.
func HTTP(x *stats.Exchange, redact *stats.Redactor) []byte {
	var b bytes.Buffer
	note := func(format string, args ...any) { fmt.Fprintf(&b, "# %s\n", plain(fmt.Sprintf(format, args...))) }
	kind := x.Kind.String()
	if x.Status != 0 {
		kind += fmt.Sprint(" ", x.Status)
	}
	note("%s: %s", kind, x.Message)
	note("%s   user %d   %s %s   iteration %d", x.When.Format("2006-01-02T15:04:05.000Z07:00"), x.User, x.Behaviour, x.Task, x.Iteration)
	note("took %s ms   late %s ms", millis(x.Took), millis(x.Late))
	p := x.Phases
	note("dns %s   connect %s   tls %s   write %s   first byte %s   body %s ms", millis(p.DNS), millis(p.Connect), millis(p.TLS), millis(p.Write), millis(p.FirstByte), millis(p.Body))
	if c := x.Conn; c.Remote != "" {
		how := "new"
		if c.Reused {
			how = "reused"
		}
		note("connection %s   %s to %s   %s %s", how, c.Local, c.Remote, c.Proto, c.TLS)
	}
	if x.URL != "" {
		note("%s", redact.URL(x.URL))
	}
	if x.Surplus > 0 {
		note("%d bytes came behind the reply that nobody asked for: the connection was not used again", x.Surplus)
	}
	for _, h := range x.Hops {
		note("redirected: %d %s to %s", h.Status, redact.URL(h.URL), redact.URL(h.Location))
	}
	if redact != nil {
		note("secrets are masked; --no-redact keeps them")
	}
	b.WriteByte('\n')
	part(&b, &x.Request, redact)
	b.WriteString("\n### response")
	if s := &x.Response; s.Cut() {
		fmt.Fprintf(&b, " (the first %d of %d bytes of the body)", len(s.Body), s.Size)
	} else if s.Expected > s.Size {
		fmt.Fprintf(&b, " (%d of the %d bytes that were announced)", s.Size, s.Expected)
	}
	b.WriteByte('\n')
	part(&b, &x.Response, redact)
	return b.Bytes()
}

func part(b *bytes.Buffer, p *stats.Part, redact *stats.Redactor) {
	head := redact.Head(p.Head)
	b.Write(head)
	if len(head) > 0 && !bytes.HasSuffix(head, []byte("\n\r\n")) && !bytes.HasSuffix(head, []byte("\n\n")) {
		if !bytes.HasSuffix(head, []byte("\n")) {
			b.WriteString("\r\n")
		}
		b.WriteString("\r\n")
	}
	b.Write(redact.Part(*p).Body)
	if len(p.Body) > 0 && p.Body[len(p.Body)-1] != '\n' {
		b.WriteByte('\n')
	}
}

// Curl is a command line that sends the request again, or "" for a protocol
// that curl does not speak. A masked secret becomes $TOKEN, for the shell to
// fill in.
func Curl(x *stats.Exchange, redact *stats.Redactor) string {
	if !strings.HasPrefix(x.URL, "http://") && !strings.HasPrefix(x.URL, "https://") || len(x.Request.Head) == 0 {
		return ""
	}
	head := string(redact.Head(x.Request.Head))
	first, rest, _ := strings.Cut(head, "\n")
	method, _, _ := strings.Cut(first, " ")
	before := ""
	var b strings.Builder
	b.WriteString("curl -i")
	if method != "GET" || len(x.Request.Body) > 0 {
		b.WriteString(" -X " + shell(method))
	}
	if method == "HEAD" {
		b.Reset()
		b.WriteString("curl -I")
	}
	host := hostOf(x.URL)
	for _, line := range strings.Split(rest, "\n") {
		line = strings.TrimRight(line, "\r")
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name := textproto.CanonicalMIMEHeaderKey(name); {
		case !ok, name == "Content-Length", name == "Connection", name == "Proxy-Authorization", name == "Transfer-Encoding", name == "Host" && value == host:
		case name == "Accept-Encoding":
			b.WriteString(" \\\n  --compressed -H " + shell(line))
		case value == "": // curl leaves a header without a value out unless it ends in ;
			b.WriteString(" \\\n  -H " + shell(strings.TrimSpace(line[:len(line)-len(value)-1])+";"))
		default:
			b.WriteString(" \\\n  -H " + shell(line))
		}
	}
	if len(x.Request.Body) > 0 {
		body := redact.Part(x.Request).Body
		if bytes.IndexByte(body, 0) >= 0 { // which no argument can hold
			before = "printf " + octal(body) + " | "
			b.WriteString(" \\\n  --data-binary @-")
		} else {
			b.WriteString(" \\\n  --data-binary " + shell(string(body)))
		}
		if x.Request.Cut() {
			before = fmt.Sprintf("# the body is the first %d of %d bytes\n%s", len(x.Request.Body), x.Request.Size, before)
		}
	}
	return before + b.String() + " \\\n  " + shell(redact.URL(x.URL))
}

func hostOf(u string) string {
	_, rest, _ := strings.Cut(u, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	return host
}

// shell quotes s for a POSIX shell; a mask becomes $TOKEN, which the shell
// fills in.
func shell(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	q := "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	return strings.ReplaceAll(q, stats.Masked, `'"$TOKEN"'`)
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

// headerOf is the value of a header in a head, without regard to case.
func headerOf(head []byte, name string) string {
	for _, line := range strings.Split(string(head), "\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
