package exchange

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"tload/stats"
)

// cart is a failing exchange with secrets in all of its parts.
func cart() *stats.Exchange {
	sent, body := `{"product":7,"password":"hunter2"}`, `{"error":"pool exhausted","token":"hunter2"}`
	return &stats.Exchange{
		Key: stats.Key{Method: "POST", Name: "/cart"}, Kind: stats.HTTP, Status: 503, Message: "503 Service Unavailable",
		URL: "https://shop.example.test/cart?api_key=hunter2",
		Request: stats.Part{
			Head: []byte("POST /cart?api_key=hunter2 HTTP/1.1\r\nHost: shop.example.test\r\nUser-Agent: tload\r\nAuthorization: Bearer hunter2\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"),
			Body: []byte(sent), Size: int64(len(sent)), Expected: int64(len(sent)),
		},
		Response: stats.Part{Head: []byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\r\n"), Body: []byte(body), Size: int64(len(body)), Expected: -1},
		Conn:     stats.ConnInfo{Proto: "HTTP/1.1"},
	}
}

// decodeAs decodes a body with that content coding.
func decodeAs(coding string, body []byte) ([]byte, string) {
	return Decode(stats.Part{Head: []byte("Content-Encoding: " + coding + "\r\n\r\n"), Body: body})
}

// nasty are arguments that a shell would trip over.
var nasty = []string{"", "plain", "two words", "it's", `"double"`, "$HOME `id` $(id)", "back\\slash", "new\nline", "*?[a]{b,c}~", "!bang #hash ;|&<>", "日本語", "'", "''", "-n", "\ttab"}

func TestJSONIsIndentedAsItCame(t *testing.T) {
	for _, in := range []string{
		`{}`, `[]`, `{"a":1}`, `[1,2,[3,{"b":{}}],[]]`, `{"z":1,"a":2,"z":3}`, `{"big":12345678901234567890.000000001}`,
		`{"s":"a \"quoted\" \\ \u00e9 {[:,"}`, ` { "spaced" : [ true , null ] } `, `"text"`, `-1e5`,
	} {
		var want bytes.Buffer
		if err := json.Indent(&want, []byte(strings.TrimSpace(in)), "", "  "); err != nil {
			t.Fatal(err)
		}
		p := printer{indent: true}
		if got := string(p.print([]byte(in))); got != want.String() {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want.String())
		}
		p = printer{}
		if got := string(p.print([]byte(in))); got != in {
			t.Errorf("raw %s: got %s", in, got)
		}
	}
	whole := `{"a":{"b":[1,{"c":"text"},true]},"d":null}`
	for n := range whole {
		p := printer{indent: true}
		got := string(p.print([]byte(whole[:n])))
		if s := strings.NewReplacer(" ", "", "\n", "").Replace(got); s != whole[:n] {
			t.Errorf("cut at %d: got %q, want %q but for blanks", n, s, whole[:n])
		}
	}
}

func FuzzPrint(f *testing.F) {
	f.Add([]byte(`{"token":{"a":[1,"x"]},"b":"\`))
	f.Fuzz(func(t *testing.T, b []byte) {
		raw := printer{}
		if got := raw.print(b); !bytes.Equal(got, b) {
			t.Fatalf("got %q, want %q", got, b)
		}
		p := printer{indent: true, secrets: NewMasker()}
		got := p.print(b)
		var want bytes.Buffer
		p = printer{indent: true}
		if json.Indent(&want, b, "", "  ") == nil && json.Valid(b) && bytes.Count(b, []byte("[")) < 50 && bytes.Count(b, []byte("{")) < 50 {
			if plain := p.print(b); string(plain) != strings.TrimSpace(want.String()) && string(plain) != want.String() {
				t.Fatalf("%q: got %q, want %q", b, plain, want.String())
			}
		}
		_ = got
	})
}

func TestSecretsInBodies(t *testing.T) {
	s := NewMasker("x-shop-key", "pin")
	for _, c := range []struct{ kind, in, want string }{
		{"application/json", `{"user":"ann","password":"p\"w","n":1}`, `{"user":"ann","password":"***","n":1}`},
		{"application/json", `{"apiKey":12345,"access_token":["a",{"b":"c"}],"ok":true}`, `{"apiKey":"***","access_token":["***",{"b":"***"}],"ok":true}`},
		{"application/json", `{"token":null,"PIN":"1234"`, `{"token":null,"PIN":"***"`},
		{"application/problem+json", `{"secret":"x"}`, `{"secret":"***"}`},
		{"", `{"client-secret":"x"}`, `{"client-secret":"***"}`},
		{"application/json", `{"pass\u0077ord":"x"}`, `{"pass\u0077ord":"***"}`},
		{"application/json", `{"token":"cut of`, `{"token":"***"`},
		{"application/x-www-form-urlencoded", "user=ann&pass%77ord=x&pin=1", "user=ann&pass%77ord=***&pin=***"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"pass-word\"\r\n\r\nhunter2\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ndata\r\n--b--\r\n",
			"--b\r\nContent-Disposition: form-data; name=\"pass-word\"\r\n\r\n***\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ndata\r\n--b--\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=token\r\n\r\ncut of", "--b\r\nContent-Disposition: form-data; name=token\r\n\r\n***"},
		{"text/plain", "the password=x was wrong", "the password=*** was wrong"},
		{"application/json", `{"tokens":3,"passwordless":true}`, `{"tokens":3,"passwordless":true}`},
	} {
		if got := string(s.Body(c.kind, []byte(c.in))); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
	head := "GET /a?token=x&b=1 HTTP/1.1\r\nAuthorization: Bearer abc\r\nX-Shop-Key: k\r\nCookie: a=b;\r\n folded\r\nAccept: */*\r\n\r\n"
	want := "GET /a?token=***&b=1 HTTP/1.1\r\nAuthorization: Bearer ***\r\nX-Shop-Key: ***\r\nCookie: a=***;\r\n ***\r\nAccept: */*\r\n\r\n"
	if got := string(s.Head([]byte(head))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := s.URL("https://ann:pw@host/p?api_key=1#f"), "https://ann:***@host/p?api_key=***#f"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestContentCodings(t *testing.T) {
	text := []byte(strings.Repeat("so it goes. ", 500))
	pack := func(w interface {
		Write([]byte) (int, error)
		Close() error
	}, b *bytes.Buffer) []byte {
		w.Write(text)
		w.Close()
		return b.Bytes()
	}
	packed := map[string][]byte{}
	var b1, b2, b3, b4, b5 bytes.Buffer
	packed["gzip"] = pack(gzip.NewWriter(&b1), &b1)
	packed["deflate"] = pack(zlib.NewWriter(&b2), &b2)
	bare, _ := flate.NewWriter(&b3, 6)
	packed["br"] = pack(brotli.NewWriter(&b4), &b4)
	z, _ := zstd.NewWriter(&b5)
	packed["zstd"] = pack(z, &b5)
	for coding, body := range packed {
		got, note := decodeAs(coding, body)
		if !bytes.Equal(got, text) || !strings.Contains(note, "→ 6 000 B") {
			t.Errorf("%s: got %d bytes, %q", coding, len(got), note)
		}
		got, note = decodeAs(coding, body[:len(body)-4])
		if !strings.Contains(note, "breaks off") && !strings.Contains(note, "damaged") && !strings.Contains(note, "as it came") {
			t.Errorf("%s cut: got %d bytes and no word of it: %q", coding, len(got), note)
		}
	}
	if got, _ := decodeAs("deflate", pack(bare, &b3)); !bytes.Equal(got, text) {
		t.Error("deflate without its wrapping was not read")
	}
	if got, note := decodeAs("gzip", []byte("plain")); string(got) != "plain" || note == "" {
		t.Errorf("not gzip: got %q, %q", got, note)
	}
	if got, note := decodeAs("rot13", []byte("plain")); string(got) != "plain" || !strings.Contains(note, "unknown") {
		t.Errorf("unknown: got %q, %q", got, note)
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 100 {
		w.Write(zeros)
	}
	w.Close()
	got, note := decodeAs("gzip", b.Bytes())
	if len(got) != mostDecoded || !strings.Contains(note, "not unpacked") {
		t.Errorf("got %d bytes, %q", len(got), note)
	}
}

func TestBinaryOrText(t *testing.T) {
	for _, c := range []struct {
		in   string
		want bool
	}{
		{"", false}, {"text\r\n\twith blanks", false}, {"\x89PNG\r\n\x1a\n\x00\x00", true}, {"日本語のテキスト", false},
		{strings.Repeat("a", 100) + "\x01", false}, {strings.Repeat("\x01", 20) + strings.Repeat("a", 80), true},
		{strings.Repeat("\xff", 50) + "abc", true},
	} {
		if got := IsBinary([]byte(c.in)); got != c.want {
			t.Errorf("%q: got %v, want %v", c.in, got, c.want)
		}
	}
}

func TestTheShellReadsBackWhatWeQuote(t *testing.T) {
	for _, s := range nasty {
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+shell(s)).Output()
		if s == "-n" {
			out, err = exec.Command("/bin/sh", "-c", "printf %s "+shell(s)).Output()
		}
		if err != nil || string(out) != s {
			t.Errorf("%q came back as %q, %v", s, out, err)
		}
	}
}

// TestCurlSendsTheSameRequest runs the command with a curl that only says what
// it was given.
func TestCurlSendsTheSameRequest(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "curl")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\nfor a; do printf '%s\\0' \"$a\"; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := func(command string) []string {
		cmd := exec.Command("/bin/sh", "-c", command)
		cmd.Env = []string{"PATH=" + dir, "TOKEN=the token"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, command)
		}
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	has := func(args []string, want ...string) bool {
		for i := 0; i+len(want) <= len(args); i++ {
			if strings.Join(args[i:i+len(want)], "\x00") == strings.Join(want, "\x00") {
				return true
			}
		}
		return false
	}
	for _, body := range nasty {
		x := cart()
		x.URL = "https://shop.example.test/a'b?q=$x&y=[1]"
		x.Request.Head = []byte("PUT /a HTTP/1.1\r\nHost: shop.example.test\r\nX-Odd: it's $5 \"now\"\r\nX-Empty:\r\nAuthorization: Bearer abc\r\nCookie: a=b\r\nContent-Length: 3\r\n\r\n")
		x.Request.Body = []byte(body)
		got := args(Curl(x, NewMasker(), "/tmp/body file"))
		for _, want := range [][]string{
			{"-X", "PUT"}, {"-H", "X-Odd: it's $5 \"now\""}, {"-H", "X-Empty;"}, {"-H", "Authorization: Bearer the token"}, {"-H", "Cookie: a=the token"}, {"--globoff"}, {x.URL},
		} {
			if !has(got, want...) {
				t.Errorf("%q: no %q in %q", body, want, got)
			}
		}
		switch {
		case body == "":
		case strings.Contains(body, "\t"):
			if !has(got, "--data-binary", "@/tmp/body file") {
				t.Errorf("%q is not in a file: %q", body, got)
			}
		case !has(got, "--data-raw", body):
			t.Errorf("no %q in %q", body, got)
		}
		if strings.Contains(strings.Join(got, " "), "abc") {
			t.Errorf("a secret is in %q", got)
		}
		if shown := args(Curl(x, nil, "f")); !has(shown, "-H", "Authorization: Bearer abc") {
			t.Errorf("revealed, it is not in %q", shown)
		}
	}
	x := cart()
	x.Request.Body = []byte(`{"user":"o'hara","password":"x"}`)
	if got := args(Curl(x, NewMasker(), "f")); !has(got, "--data-raw", `{"user":"o'hara","password":"the token"}`) {
		t.Errorf("got %q", got)
	}
	x.Request.Body = bytes.Repeat([]byte("a"), mostInline+1)
	if got := args(Curl(x, NewMasker(), "f")); !has(got, "--data-binary", "@f") {
		t.Errorf("a long body is inline: %q", got[:8])
	}
}

// TestRealCurl sends it with curl itself, where there is one.
func TestRealCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		var b bytes.Buffer
		b.ReadFrom(r.Body)
		body = b.Bytes()
		w.WriteHeader(503)
		w.Write([]byte("answer"))
	}))
	defer srv.Close()
	for _, sent := range []string{"it's \"quoted\"\nand\n$more @x", "@not-a-file", "\x00\x01binary"} {
		x := &stats.Exchange{
			Key: stats.Key{Method: "POST", Name: "/x"}, URL: srv.URL + "/x?a=%20b", Conn: stats.ConnInfo{Proto: "HTTP/1.1"},
			Request: stats.Part{Head: []byte("POST /x?a=%20b HTTP/1.1\r\nHost: " + strings.TrimPrefix(srv.URL, "http://") + "\r\nX-Empty:\r\nX-It: it's\r\n\r\n"), Body: []byte(sent), Size: int64(len(sent))},
		}
		file := filepath.Join(t.TempDir(), "a body")
		if err := os.WriteFile(file, []byte(sent), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("/bin/sh", "-c", Curl(x, NewMasker(), file)+" -sS --no-include --max-time 5 -w ' %{http_code}'").Output()
		if err != nil || string(out) != "answer 503" {
			t.Fatalf("got %q, %v", out, err)
		}
		if string(body) != sent || got.Header.Get("X-It") != "it's" || got.Header.Values("X-Empty") == nil || got.Header.Get("Content-Type") != "" || got.Header.Get("User-Agent") != "" || got.URL.RawQuery != "a=%20b" {
			t.Errorf("arrived as %q %v %s", body, got.Header, got.URL)
		}
	}
}

func TestDiff(t *testing.T) {
	lines := func(s string) []string { return strings.Fields(s) }
	for _, c := range []struct{ a, b, want string }{
		{"a b c", "a b c", " a  b  c"}, {"a b c", "a x c", " a -b +x  c"}, {"", "a", "+a"}, {"a", "", "-a"}, {"a b", "b c", "-a  b +c"},
	} {
		var got []string
		for _, l := range diff(lines(c.a), lines(c.b)) {
			got = append(got, string(l.Sign)+l.Text)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q %q: got %q, want %q", c.a, c.b, s, c.want)
		}
	}
	long := make([]string, 10000)
	for i := range long {
		long[i] = string(rune('a' + i%26))
	}
	if got := len(diff(long, nil)); got != len(long) {
		t.Errorf("got %d lines", got)
	}
}

func TestTheTextOfBrokenJSONIsAllThere(t *testing.T) {
	whole := `{"a":{"b":[1,{"c":"te xt"},true]},"d":null,"e":"\\"}`
	bare := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
	for n := 1; n < len(whole); n++ {
		for _, tail := range []string{"", "?", "\x00", "]", "}", `"`} {
			in := whole[:n] + tail
			out, wrong, _ := indented([]byte(in))
			if bare(string(out)) != bare(in) {
				t.Fatalf("%q: got %q", in, out)
			}
			if !json.Valid([]byte(in)) && wrong == "" {
				t.Fatalf("%q: not marked", in)
			}
		}
	}
}

func TestCurlIsShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	x := cart()
	x.Request.Head = bytes.Replace(x.Request.Head, []byte("\r\n\r\n"), []byte("\r\nProxy-Authorization: Basic eDp5\r\n\r\n"), 1)
	for name, body := range map[string]string{"plain": `{"a":"it's $HOME"}`, "zero": "a\x00b'%s", "cut": "half", "lines": "a\nb\n"} {
		x.Request.Body, x.Request.Size = []byte(body), int64(len(body))
		if name == "cut" {
			x.Request.Size++
		}
		// curl is a function here that shows what it was given.
		script := "curl() { for a; do printf '<%s>' \"$a\"; if [ \"$a\" = @- ]; then cat; fi; done; }\nTOKEN=tk\n" + Curl(x, NewMasker(), "")
		out, err := exec.Command(sh, "-c", script).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, script, out)
		}
		for _, want := range []string{body, "<Authorization: Bearer tk>", "<https://shop.example.test/cart?api_key=tk>"} {
			if !bytes.Contains(out, []byte(want)) {
				t.Errorf("%s: no %q in %q", name, want, out)
			}
		}
		if bytes.Contains(out, []byte("Proxy-")) { // it would go to the server
			t.Errorf("%s: the proxy's password in %q", name, out)
		}
	}
}
