package tui

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// query is what was typed after "/": words that must all be there, words with
// "!" that must not, a regular expression after "~", and for errors status:5xx
// and kind:reset. Words ignore case unless they have a capital. Alternatives
// are parted by "|".
type query struct {
	text string
	is   []clause
	bad  string // what is wrong with an expression; it matches everything
}

type clause struct {
	not    bool
	status string // "503", "5xx"
	kind   string
	any    []string // alternatives, one of which must be there
	re     *regexp.Regexp
}

// parseQuery takes anything that can be typed; an expression that does not
// compile, or not yet, hides nothing and says why.
func parseQuery(text string) query {
	q := query{text: text}
	for _, w := range strings.Fields(text) {
		var c clause
		if len(w) > 1 && w[0] == '!' {
			c.not, w = true, w[1:]
		}
		k, v, ok := strings.Cut(w, ":")
		switch {
		case ok && strings.EqualFold(k, "status") && v != "":
			c.status = strings.ToLower(v)
		case ok && strings.EqualFold(k, "kind") && v != "":
			c.kind = strings.ToUpper(v)
		case len(w) > 1 && w[0] == '~':
			re, err := regexp.Compile(smart(w[1:]))
			if err != nil {
				q.bad = badRegexp(w[1:])
				continue
			}
			c.re = re
		default:
			for _, a := range strings.Split(w, "|") {
				if a != "" {
					c.any = append(c.any, a)
				}
			}
			if c.any == nil {
				continue
			}
		}
		q.is = append(q.is, c)
	}
	return q
}

// smart makes an expression ignore case unless it has a capital.
func smart(re string) string {
	if strings.ContainsFunc(re, unicode.IsUpper) {
		return re
	}
	return "(?i)" + re
}

// badRegexp says what is wrong with an expression, empty if nothing is.
func badRegexp(expr string) string {
	_, err := regexp.Compile(expr)
	if err == nil {
		return ""
	}
	why := err.Error()
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		why = e.Code.String()
	}
	return "bad regexp: " + clean(why)
}

func (q query) empty() bool { return len(q.is) == 0 }

// caption is a query in a title, with how much of all it leaves.
func (q query) caption(rows, all int) string {
	if q.bad != "" {
		return q.bad
	}
	return fmt.Sprintf("/%s  %d of %d", clean(q.text), rows, all)
}

// subject is something that a query is put to. An expression with ^ or $ means
// one of the parts, or all of the text.
type subject struct {
	text   string
	parts  []string
	kind   string
	status int
}

func (q query) match(s subject) bool {
	lower := ""
	for _, c := range q.is {
		hit := false
		switch {
		case c.status != "":
			hit = matchStatus(c.status, s.status)
		case c.kind != "":
			hit = strings.HasPrefix(s.kind, c.kind)
		case c.re != nil:
			hit = c.re.MatchString(s.text) || slices.ContainsFunc(s.parts, c.re.MatchString)
		default:
			for _, a := range c.any {
				in := s.text
				if !strings.ContainsFunc(a, unicode.IsUpper) {
					if lower == "" {
						lower = strings.ToLower(s.text)
					}
					in = lower
				}
				if strings.Contains(in, a) {
					hit = true
					break
				}
			}
		}
		if hit == c.not {
			return false
		}
	}
	return true
}

// matchStatus knows 503, 5xx and 50x.
func matchStatus(pattern string, status int) bool {
	s := strconv.Itoa(status)
	if len(s) != len(pattern) {
		return false
	}
	for i := range len(s) {
		if pattern[i] != 'x' && pattern[i] != s[i] {
			return false
		}
	}
	return true
}
