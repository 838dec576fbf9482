package client

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// cookieServer sets cookies at /set and remembers the Cookie headers of everything
// else.
func cookieServer(t *testing.T, set ...string) (url string, got func() []string) {
	var mu sync.Mutex
	var headers []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			w.Header()["Set-Cookie"] = set
			return
		}
		mu.Lock()
		defer mu.Unlock()
		headers = r.Header["Cookie"]
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return headers
	}
}

// TestCookiesComeBackAsTheyWereSet has what Chromium sends back byte by byte, over
// http to this machine.
func TestCookiesComeBackAsTheyWereSet(t *testing.T) {
	for _, tt := range []struct{ set, want string }{
		{`q="a b"`, `q="a b"`},
		{`sp=a b c`, `sp=a b c`},
		{`comma=a,b`, `comma=a,b`},
		{"utf=gr\xc3\xbc\xc3\x9fe", "utf=gr\xc3\xbc\xc3\x9fe"},
		{"latin=\xfc", "latin=\xfc"},
		{`bs=a\b`, `bs=a\b`},
		{`dq=a"b`, `dq=a"b`},
		{`half="x`, `half="x`},
		{`json={"a":[1,2]}`, `json={"a":[1,2]}`},
		{`eq=a=b==`, `eq=a=b==`},
		{`na me=v`, `na me=v`},
		{`br[0]=x`, `br[0]=x`},
		{`=only a value`, `only a value`},
		{`no equals sign`, `no equals sign`},
		{`e=`, `e=`},
		{`  lead = trail  `, `lead=trail`},
		{`at=x; foo; bar=1;;`, `at=x`},
		{`path=1; Path=nope`, `path=1`},
		{`p=1; Path=/other`, ``},
		{`s=1; Secure`, `s=1`},
		{`__Secure-y=1; secure`, `__Secure-y=1`},
		{`__Host-y=1; secure; path=/`, `__Host-y=1`},
		{`d=1; Domain=`, `d=1`},
		{`d=1; Domain=.127.0.0.1`, `d=1`},
		{`x=1; Expires=Thu, 01-Jan-2037 00:00:00 GMT`, `x=1`},
		{`x=1; Expires=Thu Jan  1 00:00:00 2037`, `x=1`},
		{`x=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT`, ``},
		{`x=1; Expires=Thu, 01-Jan-70 00:00:01 GMT`, ``},
		{`x=1; Expires=never`, `x=1`},
		{`x=1; Max-Age=0`, ``},
		{`x=1; Max-Age=-1`, ``},
		{`x=1; Max-Age=+5; Expires=Thu, 01 Jan 1970 00:00:01 GMT`, ``},
		{`x=1; max-age = 100; Expires=Thu, 01 Jan 1970 00:00:01 GMT`, `x=1`},
		{`x=1; Max-Age=99999999999999999999`, `x=1`},
	} {
		url, got := cookieServer(t, tt.set)
		var said bytes.Buffer
		c, _ := newClient(t, Options{Host: url})
		c.who.Log = slog.New(slog.NewTextHandler(&said, nil))
		c.Get(t.Context(), "/set")
		c.Get(t.Context(), "/x")
		want := []string{tt.want}
		if tt.want == "" {
			want = nil
		}
		if !slices.Equal(got(), want) || said.Len() > 0 {
			t.Errorf("%s: got %q, want %q; said %q", tt.set, got(), want, said.String())
		}
	}
}

// TestDroppedCookies holds that what browsers drop is said, once a run, and without
// its value.
func TestDroppedCookies(t *testing.T) {
	for set, want := range map[string]string{
		`=`:                                "neither name nor value",
		`  ; Path=/`:                       "neither name nor value",
		`big=` + strings.Repeat("v", 4094): "longer than 4096",
		`d=v1; Domain=example.com`:         "its Domain, example.com",
		`d=v1; Domain=test`:                "everybody's",
		`__Secure-a=v1`:                    "asks for Secure",
		`__secure-a=v1`:                    "asks for Secure",
		`__Host-a=v1; Path=/`:              "asks for Secure",
		`__Secure-value without a name`:    "prefix",
		`s=v1; Secure`:                     "Secure and came without TLS",
	} {
		url, got := cookieServer(t, set, "ok=1")
		var said bytes.Buffer
		c, _ := newClient(t, Options{Host: "http://shop.test", Resolve: map[string]string{"shop.test": strings.TrimPrefix(url, "http://")}})
		c.who.Log = slog.New(slog.NewTextHandler(&said, nil))
		for range 3 {
			c.Get(t.Context(), "/set")
		}
		c.Get(t.Context(), "/x")
		if !slices.Equal(got(), []string{"ok=1"}) {
			t.Errorf("%s: got %q", set, got())
		}
		if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), want) || strings.Contains(said.String(), "v1") {
			t.Errorf("%.40s: said %q, want %q once", set, said.String(), want)
		}
	}
}

// TestOneCookieHeader holds that a request has one, in which what it was given comes
// first and stands instead of the jar's cookie of that name.
func TestOneCookieHeader(t *testing.T) {
	own := func(v ...string) (opts []Option) {
		for _, v := range v {
			opts = append(opts, Header("cookie", v))
		}
		return opts
	}
	for _, tt := range []struct {
		run  []string // --header 'Cookie: …'
		opts []Option
		want string
	}{
		{nil, nil, "a=1; b=2"},
		{[]string{"c=3"}, nil, "c=3; a=1; b=2"},
		{[]string{"c=3", "d=4"}, nil, "c=3; d=4; a=1; b=2"},
		{[]string{"a=mine; c=3"}, nil, "a=mine; c=3; b=2"},
		{nil, own("c=3"), "c=3; a=1; b=2"},
		{nil, own("c=3", "b=mine"), "c=3; b=mine; a=1"},
		{[]string{"c=3"}, own("d=4"), "d=4; a=1; b=2"},
		{nil, own(""), ""},
		{[]string{"c=3"}, own(""), ""},
		{[]string{""}, nil, ""},
		{[]string{""}, own("d=4"), "d=4"},
	} {
		url, got := cookieServer(t, "a=1", "b=2")
		o := Options{Host: url}
		for _, v := range tt.run {
			o.Header = append(o.Header, Field{"Cookie", v})
		}
		c, _ := newClient(t, o)
		c.Get(t.Context(), "/set")
		for range 2 { // the second is from memory
			c.Get(t.Context(), "/x", tt.opts...)
			if line := strings.Join(got(), " and "); line != tt.want {
				t.Errorf("%q %v: got %q, want %q", tt.run, tt.opts, line, tt.want)
			}
		}
	}
}

// TestAJarIsBounded holds that a server which sets cookies without end cannot fill
// the memory with them, and that the latest are kept.
func TestAJarIsBounded(t *testing.T) {
	var j jar
	from, now := site{host: "shop.test", path: "/"}, time.Now()
	dropped := 0
	for i := range 10_000 {
		if _, why := j.set(from, fmt.Sprint("n", i, "=1"), now); why != "" {
			dropped++
		}
	}
	line := j.line(from, "", now)
	if len(j.cookies) != maxCookies || dropped != 10_000-maxCookies || !strings.HasSuffix(line, "n9999=1") {
		t.Errorf("%d cookies, %d dropped, the last are %q", len(j.cookies), dropped, line[len(line)-20:])
	}
	if changed, _ := j.set(from, "n9999=1", now); changed {
		t.Error("the same cookie again is a change")
	}
}

func TestCookieDate(t *testing.T) {
	at := func(y, m, d, h, min, s int) time.Time {
		return time.Date(y, time.Month(m), d, h, min, s, 0, time.UTC)
	}
	for text, want := range map[string]time.Time{
		"Sun, 06 Nov 1994 08:49:37 GMT":  at(1994, 11, 6, 8, 49, 37),
		"Sunday, 06-Nov-94 08:49:37 GMT": at(1994, 11, 6, 8, 49, 37),
		"Sun Nov  6 08:49:37 1994":       at(1994, 11, 6, 8, 49, 37),
		"1994 November 6th 8:49:37z":     at(1994, 11, 6, 8, 49, 37),
		"06 nov 30 08:49:37":             at(2030, 11, 6, 8, 49, 37),
		"31 Feb 2030 08:49:37":           {},
		"06 Nov 2030":                    {},
		"06 Nov 2030 24:00:00":           {},
		"Nov 2030 08:49:37":              {},
		"06 Nov 1600 08:49:37":           {},
		"":                               {},
	} {
		got, ok := cookieDate(text)
		if ok == want.IsZero() || ok && !got.Equal(want) {
			t.Errorf("%q: got %v and %v, want %v", text, got, ok, want)
		}
	}
}
