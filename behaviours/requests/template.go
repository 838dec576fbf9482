package requests

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tload/behaviours"
)

// template is a text with {{…}} in it, and where it stands.
type template struct {
	at   place
	text string
	raw  bool // the text is what is sent, whatever is in it
}

func (t template) plain() bool { return t.raw || !strings.Contains(t.text, "{{") }

// settled is the template without {{$raw …}}, if it has nothing else between braces.
func (t template) settled() template {
	if t.plain() {
		return t
	}
	var b strings.Builder
	err := t.parts(func(literal, expr string, _ place) error {
		b.WriteString(literal)
		if expr == "" {
			return nil
		}
		text, ok, err := rawText(expr)
		if !ok {
			return errors.New("something else")
		}
		b.WriteString(text)
		return err
	})
	if err != nil {
		return t
	}
	return template{t.at, b.String(), true}
}

// rawText is the text of $raw "text", in which escapes are as in Go and JSON; ok is false
// for another expression.
func rawText(expr string) (text string, ok bool, err error) {
	quoted, ok := strings.CutPrefix(expr, "$raw ")
	if !ok {
		return "", false, nil
	}
	if text, err = strconv.Unquote(strings.TrimSpace(quoted)); err != nil {
		return "", true, fmt.Errorf(`%s: a text between quotes is expected, such as {{$raw "\r\n"}}`, expr)
	}
	return text, true, nil
}

// parts calls yield with each piece of the text: a literal, or what stands
// between braces.
func (t template) parts(yield func(literal, expr string, at place) error) error {
	rest, at := t.text, t.at
	if t.raw {
		return yield(rest, "", at)
	}
	for {
		i := strings.Index(rest, "{{")
		if i < 0 {
			return yield(rest, "", at)
		}
		j := strings.Index(rest[i:], "}}")
		if j < 0 {
			at.col += i
			return at.errorf("{{ without }}")
		}
		if err := yield(rest[:i], "", at); err != nil {
			return err
		}
		at.col += i
		if err := yield("", strings.TrimSpace(rest[i+2:i+j]), at); err != nil {
			return err
		}
		at.col += j + 2
		rest = rest[i+j+2:]
	}
}

// check says what is wrong with the expressions; known says of a name what is
// wrong with it.
func (t template) check(known func(name string) error) error {
	return t.parts(func(_, expr string, at place) error {
		if expr == "" {
			return nil
		}
		if err := known(expr); err != nil {
			return at.errorf("%v", err)
		}
		return nil
	})
}

// known says what is wrong with an expression, as far as the file goes.
func (f *file) known(expr string) error {
	if strings.HasPrefix(expr, "$") {
		_, err := f.dynamic(expr, rand.New(rand.NewPCG(1, 1)))
		return err
	}
	if name, path, ok := strings.Cut(expr, ".response."); ok {
		if f.named(name) == nil {
			return fmt.Errorf("no request is named %q (# @name %s names one)", name, name)
		}
		if path == "body" || strings.HasPrefix(path, "body.") || strings.HasPrefix(path, "headers.") && len(path) > 8 {
			return nil
		}
		return fmt.Errorf("%q: response.body.$.path or response.headers.Name is expected", expr)
	}
	if _, ok := f.vars[expr]; !ok {
		switch {
		case f.prompts[expr]:
			return fmt.Errorf("variable %q is one that an editor asks for (@prompt): write @%s = … above its use", expr, expr)
		case len(f.envs) > 0:
			return fmt.Errorf("unknown variable %q (@%s = … above its use defines it, or --env NAME: %s)", expr, expr, strings.Join(f.envs, ", "))
		}
		return fmt.Errorf("unknown variable %q (@%s = … above its use defines it)", expr, expr)
	}
	return nil
}

func (f *file) named(name string) *request {
	for _, r := range f.requests {
		if r.name == name {
			return r
		}
	}
	return nil
}

// link checks every template against the whole file.
func (f *file) link() error {
	seen := map[string]bool{}
	for _, r := range f.requests {
		if r.name != "" && seen[r.name] {
			return r.at.errorf("two requests are named %q", r.name)
		}
		seen[r.name] = true
		list := []template{r.url, r.body}
		for _, h := range r.headers {
			list = append(list, h.value)
		}
		for _, t := range list {
			if err := t.check(f.known); err != nil {
				return err
			}
		}
	}
	for _, r := range f.requests {
		r.url, r.body = r.url.settled(), r.body.settled()
		for i := range r.headers {
			r.headers[i].value = r.headers[i].value.settled()
		}
		if loop := f.circle(r, nil); loop != "" {
			return r.at.errorf("requests need each other's responses in a circle: %s", loop)
		}
	}
	return nil
}

// needs are the named requests whose responses r uses.
func (f *file) needs(r *request) (out []*request) {
	list := []template{r.url, r.body}
	for _, h := range r.headers {
		list = append(list, h.value)
	}
	for _, t := range list {
		t.parts(func(_, expr string, _ place) error {
			if name, _, ok := strings.Cut(expr, ".response."); ok {
				if n := f.named(name); n != nil && !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
			return nil
		})
	}
	return out
}

func (f *file) circle(r *request, path []*request) string {
	if slices.Contains(path, r) {
		return r.name
	}
	for _, n := range f.needs(r) {
		if loop := f.circle(n, append(path, r)); loop != "" {
			return r.name + " → " + loop
		}
	}
	return ""
}

// dynamic is the value of a $ expression.
func (f *file) dynamic(expr string, r *rand.Rand) (string, error) {
	if text, ok, err := rawText(expr); ok {
		return text, err
	}
	words := strings.Fields(expr)
	args := words[1:]
	switch words[0] {
	case "$uuid", "$guid", "$random.uuid":
		a, b := r.Uint64(), r.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff), nil
	case "$randomInt":
		low, high := int64(0), int64(1000)
		if len(args) == 2 {
			var e1, e2 error
			low, e1 = strconv.ParseInt(args[0], 10, 64)
			high, e2 = strconv.ParseInt(args[1], 10, 64)
			if e1 != nil || e2 != nil || high <= low {
				return "", fmt.Errorf("%s: two numbers are expected, the second one greater", expr)
			}
		} else if len(args) != 0 {
			return "", fmt.Errorf("%s: two numbers or none are expected", expr)
		}
		return strconv.FormatInt(low+r.Int64N(high-low), 10), nil
	case "$timestamp":
		return strconv.FormatInt(time.Now().Unix(), 10), nil
	case "$isoTimestamp":
		return time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), nil
	case "$dotenv":
		if len(args) != 1 {
			return "", fmt.Errorf("$dotenv needs one name")
		}
		return f.dotenv(args[0])
	case "$processEnv", "$env":
		if len(args) == 1 {
			if v, ok := os.LookupEnv(strings.TrimPrefix(args[0], "%")); ok {
				return v, nil
			}
			return "", fmt.Errorf("%s is not in the environment", args[0])
		}
	}
	return "", fmt.Errorf("%s is not understood (known: $uuid, $randomInt MIN MAX, $timestamp, $isoTimestamp, $dotenv NAME, $processEnv NAME, $raw \"TEXT\")", words[0])
}

// dotenv looks a name up in .env beside the file.
func (f *file) dotenv(name string) (string, error) {
	path := filepath.Join(filepath.Dir(f.path), ".env")
	text, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("$dotenv %s: %v", name, err)
	}
	defer text.Close()
	for s := bufio.NewScanner(text); s.Scan(); {
		key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s.Text()), "export "), "=")
		if ok && strings.TrimSpace(key) == name {
			value = strings.TrimSpace(value)
			if unquoted, err := strconv.Unquote(value); err == nil {
				value = unquoted
			}
			return strings.Trim(value, "'"), nil
		}
	}
	return "", fmt.Errorf("$dotenv %s: not in %s", name, path)
}

// fill is the template with everything in it replaced, for one user.
func (v *visitor) fill(t template) (string, error) {
	if t.plain() {
		return t.text, nil
	}
	var b strings.Builder
	err := t.parts(func(literal, expr string, at place) error {
		b.WriteString(literal)
		if expr == "" {
			return nil
		}
		value, err := v.value(expr)
		if err != nil {
			return at.errorf("%v", err)
		}
		b.WriteString(value)
		return nil
	})
	return b.String(), err
}

func (v *visitor) value(expr string) (string, error) {
	if strings.HasPrefix(expr, "$") {
		return v.file.dynamic(expr, v.Rand())
	}
	if name, path, ok := strings.Cut(expr, ".response."); ok {
		return pick(v.replies[name], name, path)
	}
	// A variable may hold more of them; link has checked that they are known.
	return v.fill(template{at: v.file.requests[0].at, text: v.file.vars[expr]})
}

// pick takes a header or a part of the body out of a named reply.
func pick(r *behaviours.Response, name, path string) (string, error) {
	if r == nil {
		return "", fmt.Errorf("%s has not been answered", name)
	}
	if header, ok := strings.CutPrefix(path, "headers."); ok {
		if v := r.Header(header); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the response of %s has no header %s", name, header)
	}
	path = strings.TrimPrefix(strings.TrimPrefix(path, "body"), ".")
	if path == "" || path == "*" {
		return r.Text(), nil
	}
	return r.JSONPath(path)
}

// label names a row: the URL as written, variables that differ by name only.
func (f *file) label(t template) string {
	var b strings.Builder
	t.parts(func(literal, expr string, _ place) error {
		b.WriteString(literal)
		if expr == "" {
			return nil
		}
		if value, ok := f.vars[expr]; ok && !strings.Contains(value, "{{") && !f.mask.Secret(expr) {
			b.WriteString(value)
			return nil
		}
		if i := strings.LastIndexAny(expr, ".$ "); i >= 0 && i < len(expr)-1 {
			expr = strings.Trim(expr[i+1:], "[]0123456789")
		}
		b.WriteString("[" + strings.TrimPrefix(expr, "$") + "]")
		return nil
	})
	return f.mask.Name(b.String())
}
