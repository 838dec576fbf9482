package tui

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tload/stats"
)

// fileName is what an exchange's files are called, without an ending:
// 503-POST-cart-032.
func fileName(x *stats.Exchange, n int) string {
	what := x.Kind.String()
	if x.Status != 0 {
		what = fmt.Sprint(x.Status)
	}
	parts := []string{what, x.Key.Method, x.Key.Name}
	var b strings.Builder
	for _, r := range strings.Join(parts, "-") {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.':
			b.WriteRune(r)
		default:
			if s := b.String(); s != "" && s[len(s)-1] != '-' {
				b.WriteByte('-')
			}
		}
		if b.Len() > 80 {
			break
		}
	}
	return fmt.Sprintf("%s-%03d", strings.Trim(b.String(), "-."), n)
}

// saveExchange writes an exchange as .http, .json, .curl.sh and its bodies as
// they came into dir, and says where. Secrets are masked unless reveal.
func saveExchange(dir string, x *stats.Exchange, n int, s *secrets, reveal bool) savedMsg {
	base := filepath.Join(dir, fileName(x, n))
	m := savedMsg{what: "saved exchange", path: base + ".*"}
	write := func(ending string, data []byte, mode os.FileMode) {
		if m.err == nil {
			m.err = writeFile(base+ending, data, mode)
			m.size += len(data)
		}
	}
	write(".http", describe(x, s, reveal), 0o644)
	response, request := x.Response.Body, x.Request.Body
	if !reveal {
		response, _ = maskedBody(x.Response, s)
		request, _ = maskedBody(x.Request, s)
	}
	write(".body", response, 0o644)
	sent := base + ".request-body"
	if len(request) > 0 {
		write(".request-body", request, 0o644)
	}
	write(".curl.sh", []byte("#!/bin/sh\n"+curlNote(x)+curl(x, s, reveal, sent)+"\n"), 0o755)
	u := x.URL
	if !reveal {
		u = s.urlText(u, hide)
	}
	data, err := json.MarshalIndent(map[string]any{
		"when": x.When.Format(time.RFC3339Nano), "method": x.Key.Method, "name": x.Key.Name, "url": u,
		"kind": x.Kind.String(), "status": x.Status, "message": x.Message,
		"user": x.User, "behaviour": x.Behaviour, "task": x.Task, "iteration": x.Iteration,
		"took_ms": float64(x.Took) / 1e6, "late_ms": float64(x.Late) / 1e6,
		"dns_ms": float64(x.Phases.DNS) / 1e6, "connect_ms": float64(x.Phases.Connect) / 1e6,
		"tls_ms": float64(x.Phases.TLS) / 1e6, "write_ms": float64(x.Phases.Write) / 1e6,
		"first_byte_ms": float64(x.Phases.FirstByte) / 1e6, "body_ms": float64(x.Phases.Body) / 1e6,
		"reused": x.Conn.Reused, "local": x.Conn.Local, "remote": x.Conn.Remote, "tls": x.Conn.TLS, "protocol": x.Conn.Proto,
		"body_bytes": x.Response.Size, "body_kept": len(x.Response.Body), "body_sha256": fmt.Sprintf("%x", x.Response.SHA256),
	}, "", "  ")
	if m.err == nil {
		m.err = err
	}
	write(".json", append(data, '\n'), 0o644)
	return m
}

func curlNote(x *stats.Exchange) string {
	if x.Request.Cut() {
		return fmt.Sprintf("# the request's body is cut: %d of %d bytes were kept\n", len(x.Request.Body), x.Request.Size)
	}
	return ""
}

// writeFile writes a file anew and makes its directory.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// mostClip is what terminals take for the clipboard, and what a slow line can
// be asked to carry.
const mostClip = 74_000

// copied is text for the clipboard and, because not every terminal lets it
// through, for a file as well.
func copied(dir, what, name, text string) savedMsg {
	path := filepath.Join(dir, name)
	m := savedMsg{what: "copied " + what, path: path, size: len(text), clip: text, err: writeFile(path, []byte(text), 0o600)}
	if len(text) > mostClip {
		m.what, m.clip = what+" is too long for the clipboard: it is in a file", ""
	}
	return m
}

func fileSize(path string) int {
	if st, err := os.Stat(path); err == nil {
		return int(st.Size())
	}
	return 0
}
