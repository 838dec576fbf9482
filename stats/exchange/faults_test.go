package exchange

import (
	"bytes"
	"encoding/base64"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tload/stats"
)

func TestURLsAreMaskedWhereverTheyStand(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"http://me:p@ss@h/x", "http://me:***@h/x"},
		{"http://tok@h/x", "http://***@h/x"},
		{"http://tok:x-oauth-basic@h", "http://***@h"},
		{"http://me:p/s?s#@h/x", "http://me:***@h/x"},
		{"http://[::1]:80/x@y", "http://[::1]:80/x@y"},
		{"http://h:5000/x@y", "http://h:5000/x@y"},
		{"http://h/x#access_token=abc", "http://h/x#access_token=***"},
		{"http://h/x?a=1#/y?token=abc&b=2", "http://h/x?a=1#/y?token=***&b=2"},
		{"/x?a=1&api%5Fkey=abc&user[password]=x&b", "/x?a=1&api%5Fkey=***&user[password]=***&b"},
		{"/token/8f3a21/refresh", "/token/***/refresh"},
		{"/token/refresh/8f3a21", "/token/refresh/8f3a21"},
		{"/password/aVeryLongOneWithoutAnyDigits", "/password/***"},
		{"/go?to=http://h/?token=abc", "/go?to=http://h/?token=***"},
		{"/plain/17?page=2", "/plain/17?page=2"},
	} {
		m := NewMasker()
		if got := m.URL(c.in); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
		if got := m.URL(m.URL(c.in)); got != c.want {
			t.Errorf("%s: masked twice, got %s", c.in, got)
		}
		if !strings.HasPrefix(c.in, "http") {
			continue
		}
		in, want := "see <"+c.in+"> there", "see <"+c.want+"> there"
		if got := NewMasker().Text(in); got != want {
			t.Errorf("in a text: got %s, want %s", got, want)
		}
	}
	if got := NewMasker().Off().Name("http://me:pw@h/x?token=abc"); got != "http://h/x?token=abc" {
		t.Errorf("a name has a user: %s", got)
	}
	var none *Masker
	if got := none.URL("/x?token=abc"); got != "/x?token=abc" {
		t.Errorf("nil masks: %s", got)
	}
}

// TestAValueIsKnownFromThenOn holds that a value that was masked once is found in
// every way in which a target may repeat it, and in no other.
func TestAValueIsKnownFromThenOn(t *testing.T) {
	secret := `s3cr/et+va<l>ue&"'é`
	m := NewMasker("X-Shop-Key")
	before := "nothing of " + secret
	if got := m.Text(before); got != before {
		t.Errorf("known before it was seen: %s", got)
	}
	m.Head([]byte("GET / HTTP/1.1\r\nX-Shop-Key: Bearer " + secret + "\r\n\r\n"))
	json := `s3cr/et+va\u003cl\u003eue\u0026\"'é`
	for what, text := range map[string]string{
		"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "lower case": strings.ToLower(url.QueryEscape(secret)),
		"Go's JSON": json, "JavaScript's": `s3cr/et+va<l>ue&\"'é`, "PHP's": `s3cr\/et+va<l>ue&\"'\u00e9`, "Python's": `s3cr/et+va<l>ue&\"'\u00e9`,
		"JSON in JSON": `s3cr/et+va<l>ue&\\\"'é`, "JSON in a query": url.QueryEscape(json),
		"HTML": html.EscapeString(secret), "HTML with names": `s3cr/et+va&lt;l&gt;ue&amp;&quot;&apos;é`,
	} {
		if got := m.Text("<" + text + ">"); got != "<***>" {
			t.Errorf("%s, %s: got %s", what, text, got)
		}
		if got := string(m.Body("text/html", []byte("<p>"+text+"</p>"))); got != "<p>***</p>" {
			t.Errorf("%s in a body: got %s", what, got)
		}
	}
	if got := m.Text(`it was "` + secret[:9] + `"`); got != `it was "***"` {
		t.Errorf("the beginning of one, where a text was cut: got %s", got)
	}
	m.URL("/?token=short&password=1234567")
	m.Head([]byte("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter22")) + "\r\nCookie: a=cookie-one; b=\"cookie-two\"\r\n"))
	for in, want := range map[string]string{
		"short 1234567":             "short 1234567", // too short to be told from what is no secret
		"hunter22 for me":           "*** for me",
		"cookie-one and cookie-two": "*** and ***",
		base64.StdEncoding.EncodeToString([]byte("me:hunter22")): "***",
		"password": "password",
	} {
		if got := m.Text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := m.Off().Text("hunter22"); got != "hunter22" {
		t.Errorf("off, it masks: %s", got)
	}
	for i := range 2 * mostKnown {
		m.LearnValue("token", "another"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i))
	}
	if n := len(m.known.values); n > mostKnown {
		t.Errorf("%d values are known, want at most %d", n, mostKnown)
	}
}

// TestEveryFieldOfAnExchangeIsMaskedEverywhere looks for secrets in all that is
// made of one exchange.
func TestEveryFieldOfAnExchangeIsMaskedEverywhere(t *testing.T) {
	for what, change := range map[string]func(x *stats.Exchange){
		"URL":              func(x *stats.Exchange) { x.URL = "http://h/?token=HIDDEN77" },
		"user":             func(x *stats.Exchange) { x.URL = "http://HIDDEN77@h/" },
		"fragment":         func(x *stats.Exchange) { x.URL = "http://h/#access_token=HIDDEN77" },
		"target":           func(x *stats.Exchange) { x.Request.Head = []byte("GET /?token=HIDDEN77 HTTP/1.1\r\n\r\n") },
		"request's header": func(x *stats.Exchange) { x.Request.Head = []byte("GET / HTTP/1.1\r\nx-API-key: HIDDEN77\r\n\r\n") },
		"folded header": func(x *stats.Exchange) {
			x.Request.Head = []byte("GET / HTTP/1.1\r\nCookie: a=b;\r\n c=HIDDEN77\r\n\r\n")
		},
		"JSON sent": func(x *stats.Exchange) { x.Request.Body = []byte(`{"a\u0070i_key":"HIDDEN77"}`) },
		"form sent": func(x *stats.Exchange) { x.Request.Body = []byte(`a=b&pass%77ord=HIDDEN77`) },
		"message":   func(x *stats.Exchange) { x.Message = "bad redirect to http://h/?token=HIDDEN77" },
		"reason":    func(x *stats.Exchange) { x.Response.Head = []byte("HTTP/1.1 500 token=HIDDEN77\r\n\r\n") },
		"cookie":    func(x *stats.Exchange) { x.Response.Head = []byte("HTTP/1.1 500 X\r\nSet-Cookie: a=HIDDEN77\r\n\r\n") },
		"Location": func(x *stats.Exchange) {
			x.Response.Head = []byte("HTTP/1.1 500 X\r\nLocation: /token/HIDDEN77\r\n\r\n")
		},
		"Link": func(x *stats.Exchange) {
			x.Response.Head = []byte("HTTP/1.1 500 X\r\nLink: </?token=HIDDEN77>; rel=next\r\n\r\n")
		},
		"trailer": func(x *stats.Exchange) {
			x.Response.Head = []byte("HTTP/1.1 500 X\r\n\r\nX-Auth-Token: HIDDEN77\r\n\r\n")
		},
		"JSON that came": func(x *stats.Exchange) { x.Response.Body = []byte(`{"id_token":["HIDDEN77",{"x":"HIDDEN77"}]`) },
		"page that came": func(x *stats.Exchange) { x.Response.Body = []byte(`<a href="/reset?token=HIDDEN77">`) },
		"echo": func(x *stats.Exchange) {
			x.Request.Head = []byte("GET / HTTP/1.1\r\nCookie: a=HIDDEN77\r\n\r\n")
			x.Response.Body = []byte("no HIDDEN77")
		},
		"echo of a binary": func(x *stats.Exchange) {
			x.URL = "http://h/?token=HIDDEN77"
			x.Response.Body = []byte("\x00\x01\x02HIDDEN77\x00")
		},
		"hop's URL":      func(x *stats.Exchange) { x.Hops = []stats.Hop{{URL: "http://h/?token=HIDDEN77"}} },
		"hop's Location": func(x *stats.Exchange) { x.Hops = []stats.Hop{{Location: "http://me:HIDDEN77@h/"}} },
		"hop's head": func(x *stats.Exchange) {
			x.Hops = []stats.Hop{{Head: []byte("HTTP/1.1 302 X\r\nSet-Cookie: a=HIDDEN77\r\n\r\n")}}
		},
		"what is no head": func(x *stats.Exchange) {
			x.Kind, x.Response.Body = stats.Protocol, nil
			x.Response.Head = []byte("HTTP/1.1 200 OK\r\nno colon\r\n\r\n{\"token\":\"HIDDEN77\"}")
		},
	} {
		x := cart()
		change(x)
		dir := t.TempDir()
		m := NewMasker()
		if _, err := Files(filepath.Join(dir, "x"), x, m); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		made := map[string][]byte{
			"HTTP": HTTP(x, NewMasker()), "curl": []byte(Curl(x, NewMasker(), "")),
			"response": Reading{}.Read(x, NewMasker()).Text, "request": Reading{Request: true, Raw: true}.Read(x, NewMasker()).Text,
		}
		for _, l := range Compare(x, cart(), NewMasker()) {
			made["compare"] = append(made["compare"], l.Text+"\n"...)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, f := range files {
			made[filepath.Base(f)], _ = os.ReadFile(f)
		}
		y := NewMasker().Exchange(x)
		made["Exchange"] = []byte(strings.Join([]string{y.URL, y.Message, string(y.Request.Head), string(y.Request.Body), string(y.Response.Head), string(y.Response.Body)}, "\n"))
		for _, h := range y.Hops {
			made["Exchange"] = append(made["Exchange"], h.URL+h.Location+string(h.Head)...)
		}
		if len(made) < 10 {
			t.Errorf("%s: only %d things were made", what, len(made))
		}
		for name, b := range made {
			if bytes.Contains(b, []byte("HIDDEN77")) {
				t.Errorf("%s is in %s:\n%s", what, name, b)
			}
		}
	}
}

func TestCurlAsksForWhatWasSent(t *testing.T) {
	for _, c := range []struct {
		url, head, proto string
		want             []string
		not              string
	}{
		{"https://h/", "GET / HTTP/2.0\r\n\r\n", "HTTP/2.0", []string{"--http2 "}, "-prior"},
		{"http://h/", "GET / HTTP/2.0\r\n\r\n", "HTTP/2.0", []string{"--http2-prior-knowledge"}, "--http1"},
		{"https://h/", "GET / HTTP/3.0\r\n\r\n", "HTTP/3.0", []string{"--http3"}, "--http2"},
		{"http://h/", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1", []string{"--http1.1", "-H User-Agent:", "-H Accept:"}, "--path-as-is"},
		{"http://h/a/../b", "GET /a/../b HTTP/1.1\r\n\r\n", "HTTP/1.1", []string{"--path-as-is"}, ""},
		{"http://h/a/%2E%2e", "GET /a/%2E%2e HTTP/1.1\r\n\r\n", "HTTP/1.1", []string{"--path-as-is"}, ""},
		{"http://h/a/.?x", "GET /a/.?x HTTP/1.1\r\n\r\n", "HTTP/1.1", []string{"--path-as-is"}, ""},
		{"http://h/a?x=/../", "GET /a?x=/../ HTTP/1.1\r\n\r\n", "HTTP/1.1", nil, "--path-as-is"},
		{"http://h/[1]", "GET /[1] HTTP/1.1\r\n\r\n", "HTTP/1.1", []string{"--globoff"}, ""},
		{"unix:/run/web.sock/a", "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1", []string{"--unix-socket /run/web.sock", "http://localhost/a"}, "-H 'Host"},
		{"", "", "redis", nil, "curl"},
	} {
		x := &stats.Exchange{URL: c.url, Request: stats.Part{Head: []byte(c.head)}, Conn: stats.ConnInfo{Proto: c.proto}}
		got := strings.ReplaceAll(Curl(x, NewMasker(), ""), " \\\n ", "")
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s %s: no %s in %s", c.proto, c.url, want, got)
			}
		}
		if c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s %s: %s in %s", c.proto, c.url, c.not, got)
		}
	}
	x := cart()
	x.Request.Body = []byte("@/etc/passwd")
	if got := Curl(x, NewMasker(), ""); !strings.Contains(got, "--data-raw @/etc/passwd") {
		t.Errorf("a body that begins with an @ is the name of a file: %s", got)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("http://me:p@ss@h/x?token=abcdefgh#access_token=1", `{"token":"abcdefgh`)
	f.Fuzz(func(t *testing.T, u, body string) {
		m := NewMasker()
		m.Name(u)
		if once, twice := m.URL(u), m.URL(m.URL(u)); once != twice && strings.Contains(once, Masked) && !strings.Contains(u, "*") && m.URL(twice) != twice {
			t.Errorf("%q: %q, then %q", u, once, twice)
		}
		m.Text(body)
		m.Body("application/json", []byte(body))
		m.Body("application/x-www-form-urlencoded", []byte(body))
		m.Head([]byte(body))
		m.Received([]byte(body))
		Curl(&stats.Exchange{URL: u, Request: stats.Part{Head: []byte("GET " + u + " HTTP/1.1\r\n\r\n"), Body: []byte(body)}}, m, "")
	})
}
