package behaviours

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// cookies is a user's jar. It is made when the first server sets a cookie, so
// users without any pay nothing, and remembers the header that it made last,
// so that a user who asks for the same thing again pays little.
type cookies struct {
	jar    *cookiejar.Jar
	origin *origin // what line is for
	prefix string
	path   string
	until  time.Time // when to ask the jar again: cookies run out
	line   string
}

// cookieLife is how long a rendered header is used.
const cookieLife = time.Second

// storeCookies puts the reply's cookies into the jar.
func (c *Client) storeCookies(k *call) {
	var set []*http.Cookie
	for n, v := range c.resp.reply.Headers {
		if !strings.EqualFold(string(n), "Set-Cookie") {
			continue
		}
		if cookie, err := http.ParseSetCookie(string(v)); err == nil {
			set = append(set, cookie)
		}
	}
	if len(set) == 0 {
		return
	}
	if c.cookie == nil {
		jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
		if err != nil {
			return // it never is, by its documentation
		}
		c.cookie = &cookies{jar: jar}
	}
	c.cookie.jar.SetCookies(k.origin.cookieURL(requestTarget(c.out.b)), set)
	c.cookie.origin = nil
}

// append appends the Cookie header, if there is one for that request.
func (j *cookies) append(b []byte, k *call) []byte {
	o := k.origin
	path, _, _ := strings.Cut(k.path, "?")
	if now := time.Now(); j.origin != o || j.path != path || j.prefix != k.prefix || now.After(j.until) {
		var line strings.Builder
		for _, c := range j.jar.Cookies(o.cookieURL(k.prefix + path)) {
			if line.Len() > 0 {
				line.WriteString("; ")
			}
			line.WriteString(c.Name + "=" + quoteCookie(c))
		}
		j.origin, j.prefix, j.path, j.until, j.line = o, k.prefix, strings.Clone(path), now.Add(cookieLife), line.String()
	}
	if j.line == "" {
		return b
	}
	return appendField(b, "Cookie", j.line)
}

func quoteCookie(c *http.Cookie) string {
	if c.Quoted {
		return `"` + c.Value + `"`
	}
	return c.Value
}

// cookieURL is the URL that cookies belong to.
func (o *origin) cookieURL(path string) *url.URL {
	scheme := "http"
	if o.secure {
		scheme = "https"
	}
	path, _, _ = strings.Cut(path, "?")
	if p, err := url.PathUnescape(path); err == nil {
		path = p
	}
	return &url.URL{Scheme: scheme, Host: o.header, Path: path}
}
