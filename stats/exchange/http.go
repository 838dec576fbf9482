package exchange

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tload/stats"
)

// HTTP is an exchange as a file: what is known of it as comments, the request,
// and below a ### line the response. Bodies are the bytes themselves.
func HTTP(x *stats.Exchange, m *Masker) []byte {
	if m.Masks() {
		m.Learn(x)
	}
	var b bytes.Buffer
	note := func(format string, args ...any) { fmt.Fprintf(&b, "# %s\n", oneLine(fmt.Sprintf(format, args...))) }
	kind := x.Kind.String()
	if x.Status != 0 {
		kind += fmt.Sprint(" ", x.Status)
	}
	note("%s: %s", kind, m.Text(x.Message))
	note("%s   user %d   %s %s   iteration %d", x.When.Format("2006-01-02T15:04:05.000Z07:00"), x.User, x.Behaviour, x.Task, x.Iteration)
	if x.Worker != "" {
		note("worker %s", x.Worker)
	}
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
		note("%s", m.URL(x.URL))
	}
	if x.Surplus > 0 {
		note("%d bytes came behind the reply that nobody asked for: the connection was not used again", x.Surplus)
	}
	for _, h := range x.Hops {
		note("redirected: %d %s to %s", h.Status, m.URL(h.URL), m.URL(h.Location))
	}
	if m.Masks() {
		note("secrets are masked; --no-redact keeps them")
	}
	b.WriteByte('\n')
	writePart(&b, m.Part(x.Request))
	b.WriteString("\n### response")
	if s := &x.Response; s.Cut() {
		fmt.Fprintf(&b, " (the first %d of %d bytes of the body)", len(s.Body), s.Size)
	} else if s.Expected > s.Size {
		fmt.Fprintf(&b, " (%d of the %d bytes that were announced)", s.Size, s.Expected)
	}
	b.WriteByte('\n')
	writePart(&b, m.response(x))
	return b.Bytes()
}

func writePart(b *bytes.Buffer, p stats.Part) {
	b.Write(p.Head)
	if len(p.Head) > 0 && !bytes.HasSuffix(p.Head, []byte("\n\r\n")) && !bytes.HasSuffix(p.Head, []byte("\n\n")) {
		if !bytes.HasSuffix(p.Head, []byte("\n")) {
			b.WriteString("\r\n")
		}
		b.WriteString("\r\n")
	}
	b.Write(p.Body)
	if len(p.Body) > 0 && p.Body[len(p.Body)-1] != '\n' {
		b.WriteByte('\n')
	}
}

// millis is a duration in milliseconds.
func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/1e6, 'f', 2, 64)
}

// oneLine is s as a comment can hold it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}
