package client

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// jar is one user's cookies. It takes what browsers take, by the parser of RFC
// 6265, section 5, as its revision (RFC 6265bis) has it, and sends it back byte by
// byte: the grammar of section 4.1 is for servers, and few keep to it. net/http's
// ParseSetCookie, which does, drops values in silence that every browser returns.
type jar struct {
	cookies []cookie // oldest first
}

type cookie struct {
	name, value  string
	domain, path string
	hostOnly     bool // domain is the only host it goes to
	secure       bool
	expires      time.Time // zero: never
}

// What a jar takes. Browsers have much the same limits.
const (
	maxCookies   = 180
	maxCookie    = 4096 // its name and value
	maxAttribute = 1024
)

// site is whom a cookie comes from, or goes to.
type site struct {
	host   string
	path   string
	secure bool // nobody can listen in: by TLS, or because it is this machine
}

func (o *origin) site(target string) site {
	path, _, _ := strings.Cut(target, "?")
	return site{host: strings.ToLower(o.host), path: path, secure: o.secure || loopback(o.host)}
}

// loopback says whether browsers, and curl, treat the host as if it had TLS.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || strings.EqualFold(host, "localhost")
}

// set takes a Set-Cookie header's value. It says whether anything is now other
// than it was, and why a cookie was not taken, or one had to go.
func (j *jar) set(from site, line string, now time.Time) (changed bool, why string) {
	c, why := parseCookie(from, line, now)
	if why != "" {
		return false, why
	}
	same := func(x cookie) bool {
		return x.name == c.name && x.domain == c.domain && x.hostOnly == c.hostOnly && x.path == c.path
	}
	i := slices.IndexFunc(j.cookies, same)
	switch {
	case c.over(now):
		j.cookies = slices.DeleteFunc(j.cookies, same)
		return i >= 0, ""
	case i >= 0:
		changed = j.cookies[i] != c
		j.cookies[i] = c
		return changed, ""
	}
	if len(j.cookies) == maxCookies {
		j.cookies = slices.DeleteFunc(j.cookies, func(x cookie) bool { return x.over(now) })
	}
	if len(j.cookies) == maxCookies {
		j.cookies = slices.Delete(j.cookies, 0, 1)
		why = "the oldest had to go: a user keeps no more than 180"
	}
	j.cookies = append(j.cookies, c)
	return true, why
}

func (c *cookie) over(now time.Time) bool { return !c.expires.IsZero() && !c.expires.After(now) }

// line is the Cookie header's value for a request, behind cookies of the request's
// own: of those a jar's cookie of the same name takes the place of none.
func (j *jar) line(to site, own string, now time.Time) string {
	var fit []*cookie
	for i := range j.cookies {
		if c := &j.cookies[i]; c.goes(to) && !c.over(now) && !named(own, c.name) {
			fit = append(fit, c)
		}
	}
	slices.SortStableFunc(fit, func(a, b *cookie) int { return len(b.path) - len(a.path) })
	parts := make([]string, 0, len(fit)+1)
	if own != "" {
		parts = append(parts, own)
	}
	for _, c := range fit {
		if c.name == "" {
			parts = append(parts, c.value)
		} else {
			parts = append(parts, c.name+"="+c.value)
		}
	}
	return strings.Join(parts, "; ")
}

// named says whether a Cookie header's value has a cookie of that name.
func named(line, name string) bool {
	for pair := range strings.SplitSeq(line, ";") {
		n, _, ok := strings.Cut(pair, "=")
		if ok && strings.Trim(n, " \t") == name {
			return true
		}
	}
	return false
}

func (c *cookie) goes(to site) bool {
	switch {
	case c.secure && !to.secure:
		return false
	case to.host != c.domain && (c.hostOnly || !below(to.host, c.domain)):
		return false
	}
	rest, ok := strings.CutPrefix(to.path, c.path)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(c.path, "/"))
}

// below says whether the host is in the domain, and not the domain itself.
func below(host, domain string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	return strings.HasSuffix(host, "."+domain)
}

// parseCookie reads a Set-Cookie header's value; why says what it is dropped for.
func parseCookie(from site, line string, now time.Time) (c cookie, why string) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, ok := strings.Cut(pair, "=")
	if !ok {
		name, value = "", pair
	}
	c = cookie{name: strings.Trim(name, " \t"), value: strings.Trim(value, " \t")}
	path, domain, aged := "", "", false
	for attributes != "" {
		var a string
		a, attributes, _ = strings.Cut(attributes, ";")
		key, v, _ := strings.Cut(a, "=")
		v = strings.Trim(v, " \t")
		if len(v) > maxAttribute {
			continue
		}
		switch strings.ToLower(strings.Trim(key, " \t")) {
		case "expires":
			if when, ok := cookieDate(v); ok && !aged {
				c.expires = when
			}
		case "max-age":
			if seconds, ok := cookieAge(v); ok {
				c.expires, aged = now.Add(seconds), true
			}
		case "domain":
			domain = strings.ToLower(strings.TrimPrefix(v, "."))
		case "path":
			path = v
		case "secure":
			c.secure = true
		}
	}
	if domain != "" && domain != from.host {
		if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
			return c, "its Domain, " + domain + ", is everybody's"
		}
		if !below(from.host, domain) {
			return c, "its Domain, " + domain + ", is not one of " + from.host
		}
	}
	if c.domain = domain; domain == "" {
		c.domain, c.hostOnly = from.host, true
	}
	if c.path = path; path == "" || path[0] != '/' {
		c.path = from.path[:max(strings.LastIndexByte(from.path, '/'), 0)]
		if c.path == "" {
			c.path = "/"
		}
	}
	return c, c.refused(from, path)
}

// refused says why such a cookie is not taken, "" if it is.
func (c *cookie) refused(from site, path string) string {
	prefix := strings.ToLower(c.name)
	if c.name == "" {
		prefix = strings.ToLower(c.value)
	}
	secure, host := strings.HasPrefix(prefix, "__secure-"), strings.HasPrefix(prefix, "__host-")
	switch {
	case c.name == "" && c.value == "":
		return "it has neither name nor value"
	case len(c.name)+len(c.value) > maxCookie:
		return "name and value are longer than 4096 bytes"
	case strings.ContainsFunc(c.name+c.value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "it has a control character"
	case c.secure && !from.secure:
		return "it is Secure and came without TLS"
	case c.name == "" && (secure || host):
		return "its prefix is not part of a name"
	case secure && !c.secure:
		return "its name asks for Secure"
	case host && !(c.secure && c.hostOnly && path == "/"):
		return "its name asks for Secure, Path=/ and no Domain"
	}
	return ""
}

// cookieAge reads Max-Age.
func cookieAge(v string) (time.Duration, bool) {
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	const most = 400 * 24 * 3600 // as browsers have it
	n := time.Duration(0)
	for _, d := range digits {
		n = min(n*10+time.Duration(d-'0'), most)
	}
	if len(digits) < len(v) {
		n = 0
	}
	return n * time.Second, true
}

// cookieDate reads Expires by section 5.1.1: whatever looks like a time, a day, a
// month and a year, in any order.
func cookieDate(v string) (time.Time, bool) {
	const months = "janfebmaraprmayjunjulaugsepoctnovdec"
	clock, day, month, year := []int(nil), -1, -1, -1
	for _, token := range strings.FieldsFunc(v, func(r rune) bool {
		return r == '\t' || r >= 0x20 && r <= 0x2f || r >= 0x3b && r <= 0x40 || r >= 0x5b && r <= 0x60 || r >= 0x7b && r <= 0x7e
	}) {
		n, digits := leading(token)
		switch {
		case clock == nil && strings.Count(token, ":") == 2 && hms(token) != nil:
			clock = hms(token)
		case day < 0 && (digits == 1 || digits == 2):
			day = n
		case month < 0 && len(token) >= 3 && strings.Index(months, strings.ToLower(token[:3]))%3 == 0:
			month = strings.Index(months, strings.ToLower(token[:3]))/3 + 1
		case year < 0 && (digits == 2 || digits == 4):
			if year = n; digits == 2 {
				year += 1900
				if n < 70 {
					year += 100
				}
			}
		}
	}
	if clock == nil || day < 1 || month < 0 || year < 1601 || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], 0, time.UTC)
	return t, t.Day() == day
}

// hms reads 8:00:01, nil if it is none.
func hms(token string) []int {
	var clock []int
	for part := range strings.SplitSeq(token, ":") {
		n, digits := leading(part)
		if digits < 1 || digits > 2 || digits < len(part) && len(clock) < 2 {
			return nil
		}
		clock = append(clock, n)
	}
	return clock
}

// leading is the number that s begins with, and of how many digits; more than four
// are as good as none.
func leading(s string) (n, digits int) {
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' && digits < 5 {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	return n, digits
}
