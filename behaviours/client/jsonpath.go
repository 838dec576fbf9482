package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// JSONPath is the value at path in the JSON body: a string's text, any other
// value's JSON. A path names one value: $ is the whole, .name and ['name'] a
// member, [0] an element, [-1] the last one: $.items[0].id. The leading $ may
// be left off.
func (r *Response) JSONPath(path string) (string, error) {
	steps, err := parsePath(path)
	if err != nil {
		return "", err
	}
	b, err := r.Decode()
	if err != nil {
		return "", err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("body is not JSON: %w", err)
	}
	for i, s := range steps {
		next, ok := s.from(v)
		if !ok {
			return "", fmt.Errorf("nothing at %s: %s in %s", path, s, pathText(steps[:i]))
		}
		v = next
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// step is one member or element.
type step struct {
	name    string
	index   int
	element bool
}

func (s step) from(v any) (any, bool) {
	if !s.element {
		m, _ := v.(map[string]any)
		v, ok := m[s.name]
		return v, ok
	}
	list, _ := v.([]any)
	i := s.index
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil, false
	}
	return list[i], true
}

// String says what was not there.
func (s step) String() string {
	if s.element {
		return fmt.Sprintf("no element %d", s.index)
	}
	return fmt.Sprintf("no member %q", s.name)
}

func pathText(steps []step) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range steps {
		if s.element {
			fmt.Fprintf(&b, "[%d]", s.index)
		} else {
			b.WriteString("." + s.name)
		}
	}
	return b.String()
}

func parsePath(path string) ([]step, error) {
	bad := func(at string) ([]step, error) {
		return nil, fmt.Errorf("bad JSON path %q at %q (try $.items[0].id)", path, at)
	}
	var steps []step
	rest := strings.TrimPrefix(path, "$")
	if rest == path && rest != "" && rest[0] != '[' && rest[0] != '.' {
		rest = "." + rest
	}
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if end == 0 {
				return bad(rest)
			}
			steps = append(steps, step{name: rest[1 : 1+end]})
			rest = rest[1+end:]
		case '[':
			inner, quoted, after, ok := bracket(rest[1:])
			if !ok {
				return bad(rest)
			}
			if quoted {
				steps = append(steps, step{name: inner})
			} else {
				i, err := strconv.Atoi(inner)
				if err != nil {
					return bad(rest)
				}
				steps = append(steps, step{index: i, element: true})
			}
			rest = after
		default:
			return bad(rest)
		}
	}
	return steps, nil
}

// bracket takes what stands in brackets apart: 'name', "name" or a number.
func bracket(s string) (inner string, quoted bool, rest string, ok bool) {
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		q := s[:1]
		inner, rest, ok = strings.Cut(s[1:], q+"]")
		return inner, true, rest, ok
	}
	inner, rest, ok = strings.Cut(s, "]")
	return inner, false, rest, ok
}
