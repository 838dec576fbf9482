package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"

	"tload/stats"
)

// FileName is what the files of exchanges of one kind begin with:
// 503-POST-cart.
func FileName(kind stats.Kind, status int, key stats.Key) string {
	name := kind.String()
	if status != 0 {
		name = fmt.Sprint(status)
	}
	for _, part := range []string{key.Method, key.Name} {
		if s := Slug(part); s != "" {
			name += "-" + s
		}
	}
	return name
}

// Slug is a part of a name of a file on any system.
func Slug(s string) string {
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

// FileEnds are the ends of the names of an exchange's files.
var FileEnds = []string{".http", ".json", ".body", ".request-body", ".curl.sh"}

// Files writes an exchange: BASE.http is the request and the response as they
// were, BASE.json what is known of it, BASE.body and BASE.request-body are the
// bodies alone, where there are any, and BASE.curl.sh sends the request again.
// It says how many bytes they are.
func Files(base string, x *stats.Exchange, m *Masker) (size int, err error) {
	var errs []error
	put := func(end string, b []byte, mode os.FileMode) {
		errs = append(errs, WriteFile(base+end, b, mode))
		size += len(b)
	}
	masked := m.Exchange(x)
	put(".http", HTTP(x, m), 0o644)
	var known bytes.Buffer
	errs = append(errs, stats.WriteJSON(&known, about(masked)))
	put(".json", known.Bytes(), 0o644)
	if b := masked.Response.Body; len(b) > 0 {
		put(".body", b, 0o644)
	}
	if b := masked.Request.Body; len(b) > 0 {
		put(".request-body", b, 0o644)
	}
	if curl := Curl(x, m, ""); curl != "" {
		put(".curl.sh", []byte("#!/bin/sh\n"+curl+"\n"), 0o755)
	}
	return size, errors.Join(errs...)
}

// about is what is known of an exchange but for what was sent and came.
func about(x *stats.Exchange) map[string]any {
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	about := map[string]any{
		"when": x.When.Format(time.RFC3339Nano), "method": x.Key.Method, "name": x.Key.Name, "url": x.URL,
		"kind": x.Kind.String(), "status": x.Status, "message": x.Message,
		"user": x.User, "behaviour": x.Behaviour, "task": x.Task, "iteration": x.Iteration,
		"took_ms": ms(x.Took), "late_ms": ms(x.Late), "dns_ms": ms(x.Phases.DNS), "connect_ms": ms(x.Phases.Connect),
		"tls_ms": ms(x.Phases.TLS), "write_ms": ms(x.Phases.Write), "first_byte_ms": ms(x.Phases.FirstByte), "body_ms": ms(x.Phases.Body),
		"reused": x.Conn.Reused, "local": x.Conn.Local, "remote": x.Conn.Remote, "tls": x.Conn.TLS, "protocol": x.Conn.Proto,
		"body_bytes": x.Response.Size, "body_kept": len(x.Response.Body), "body_sha256": fmt.Sprintf("%x", x.Response.SHA256),
	}
	if x.Worker != "" {
		about["worker"] = x.Worker
	}
	return about
}

// WriteFile puts a file there through another name, so that a reader never sees
// half of it; where the name is no regular file (a pipe, /dev/stdout) it writes
// to it directly.
func WriteFile(name string, b []byte, mode fs.FileMode) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(name, b, mode); err != nil {
			return fmt.Errorf("write %s: %w", name, Reason(err))
		}
		return nil
	}
	part := name + ".part"
	err := os.WriteFile(part, b, mode)
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		os.Remove(part)
		return fmt.Errorf("write %s: %w", name, Reason(err))
	}
	return nil
}

// Reason is an error without the path that its text repeats.
func Reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
