package client

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// cookies is a user's jar. It is made when the first server sets a cookie, so
// users without any pay nothing, and remembers the header that it made last,
// so that a user who asks for the same thing again pays little.
type cookies struct {
	mu     sync.Mutex // guards all below: requests of a batch share it
	jar    jar
	origin *origin // what line is for
	prefix string
	path   string
	own    string
	until  time.Time // when to ask the jar again: cookies run out
	line   string
}

// cookieLife is how long a rendered header is used.
const cookieLife = time.Second

// storeCookies puts the reply's cookies into the jar.
func (c *Client) storeCookies(k *call) {
	from, now := k.origin.site(requestTarget(c.out.b)), time.Now()
	for n, v := range c.resp.reply.Headers {
		if !strings.EqualFold(string(n), "Set-Cookie") {
			continue
		}
		line := string(v)
		if why := c.jar().set(from, line, now); why != "" {
			c.dropped(from, line, why)
		}
	}
}

// jar is the user's, which is made now if there is none.
func (c *Client) jar() *cookies {
	if j := c.cookie.Load(); j != nil {
		return j
	}
	c.cookie.CompareAndSwap(nil, new(cookies))
	return c.cookie.Load()
}

// set takes a Set-Cookie header's value. why says what it was dropped for.
func (j *cookies) set(from site, line string, now time.Time) (why string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	changed, why := j.jar.set(from, line, now)
	if changed {
		j.origin = nil
	}
	return why
}

// Cookie is the value of the user's cookie of that name, as a request of the base URL
// would send it; ok is false if there is none.
func (c *Client) Cookie(name string) (value string, ok bool) {
	j := c.cookie.Load()
	if j == nil || c.t.base == nil {
		return "", false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for pair := range strings.SplitSeq(j.jar.line(c.home(), "", time.Now()), "; ") {
		if n, v, is := strings.Cut(pair, "="); is && n == name {
			return v, true
		}
	}
	return "", false
}

// SetCookie gives the user a cookie for the server of the base URL, as if that had set
// it, for all its paths. The error says what a browser would have against it.
func (c *Client) SetCookie(name, value string) error {
	switch {
	case c.t.base == nil:
		return fmt.Errorf("cookie %s: there is no host that it could be for (try --host=http://localhost:5000)", name)
	case name == "" || strings.ContainsAny(name, "=; \t"):
		return fmt.Errorf("cookie %q: a name has no blank, ; or = in it", name)
	case strings.Contains(value, ";"):
		return fmt.Errorf("cookie %s: there is a ; in its value, where it would end", name)
	}
	if why := c.jar().set(c.home(), name+"="+value+"; Path=/", time.Now()); why != "" {
		return fmt.Errorf("cookie %s: %s", name, why)
	}
	return nil
}

// ClearCookies has the user forget all cookies, as one who comes for the first time.
func (c *Client) ClearCookies() { c.cookie.Store(nil) }

// home is where the base URL leads to.
func (c *Client) home() site { return c.t.base.site(c.t.prefix + "/") }

// dropped says in the log, once a run, that a server's cookie was not taken, as no
// browser would have. Its value is nobody's business.
func (c *Client) dropped(from site, line, why string) {
	name, _, ok := strings.Cut(line, "=")
	if !ok {
		name = ""
	}
	if c.who.Log != nil && c.t.first(from.host+" "+name+" "+why) {
		c.who.Log.Warn("cookie dropped", "host", from.host, "name", strings.Trim(name[:min(len(name), 80)], " \t"), "why", why)
	}
}

// first says whether that is said for the first time. What is said is limited: a
// server can make up names without end.
func (t *Transport) first(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.said[text]; ok || len(t.said) == maxSaid {
		return false
	}
	t.said[text] = struct{}{}
	return true
}

const maxSaid = 100

// appendCookies appends the one Cookie header of a request: the cookies that it
// was given, by its options or else by those of the run, and behind them the
// jar's. A name that is given stands instead of the jar's, and an empty header
// takes the jar's away.
func (c *Client) appendCookies(b []byte, k *call, opts []Option) []byte {
	k.cookied = true
	own := ""
	for i := range opts {
		if o := &opts[i]; o.what == optHeader && strings.EqualFold(o.a, "Cookie") {
			own = alsoCookies(own, o.b)
		}
	}
	if own == "" && !k.foreign {
		own = k.origin.cookies
	}
	line := own
	if j := c.cookie.Load(); j != nil && !k.origin.cookieless {
		line = j.with(own, b, k)
	}
	if line == "" {
		return b
	}
	return appendField(b, "Cookie", line)
}

// with is the header for the request that b begins, with cookies of its own.
func (j *cookies) with(own string, b []byte, k *call) string {
	path, _, _ := strings.Cut(k.path, "?")
	j.mu.Lock()
	defer j.mu.Unlock()
	if now := time.Now(); j.origin != k.origin || j.path != path || j.prefix != k.prefix || j.own != own || now.After(j.until) {
		j.line = j.jar.line(k.origin.site(requestTarget(b)), own, now)
		j.origin, j.prefix, j.path, j.own, j.until = k.origin, k.prefix, strings.Clone(path), own, now.Add(cookieLife)
	}
	return j.line
}

// alsoCookies joins the values of two Cookie headers.
func alsoCookies(line, more string) string {
	if line == "" {
		return more
	}
	return line + "; " + more
}
