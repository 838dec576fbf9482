package tui

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
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"tload/stats"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"", ""},
		{"a\x1b[31mred", "a␛[31mred"},
		{"\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"},
		{"one\r\ntwo", "one␍␊two"},
		{"\tx\ty", "    x   y"},
		{"nul\x00del\x7f", "nul␀del␡"},
		{"c1\u009bcsi", "c1‹U+009B›csi"},
		{"bad\xff\xfe", `bad\xff\xfe`},
		{"cut\xe2\x82", `cut\xe2\x82`},
		{"left\u202eright", "left‹U+202E›right"},
		{"z\u200bw\u200d", "z‹U+200B›w‹U+200D›"},
		{"nb\u00a0sp", "nb sp"},
		{"line\u2028sep", "line‹U+2028›sep"},
		{"\u0301lone", "‹U+0301›lone"},
		{"e\u0301 fine", "e\u0301 fine"},
		{"h\u0300\u0301\u0302\u0303", "h\u0300\u0301‹U+0302›‹U+0303›"},
		{"vs\ufe0f", "vs‹U+FE0F›"},
		{"hangul\u3164", "hangul‹U+3164›"},
		{"日本語 é ß", "日本語 é ß"},
	} {
		if got := clean(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff\t\u0301")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q became invalid: %q", s, got)
		}
		for _, r := range got {
			if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029 {
				t.Fatalf("%q kept %U", s, r)
			}
		}
		if clean(got) != got && !strings.ContainsFunc(got, func(r rune) bool { return unicode.Is(unicode.M, r) }) {
			t.Fatalf("%q is not stable: %q", s, got)
		}
		if w := width(fit(got, 20)); w != 20 {
			t.Fatalf("%q fits 20 as %d", s, w)
		}
	})
}

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
		p := printer{indent: true, secrets: newSecrets(nil), mask: hide}
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
	s := newSecrets([]string{"x-shop-key", "pin"})
	for _, c := range []struct{ kind, in, want string }{
		{"application/json", `{"user":"ann","password":"p\"w","n":1}`, `{"user":"ann","password":"•••","n":1}`},
		{"application/json", `{"apiKey":12345,"access_token":["a",{"b":"c"}],"ok":true}`, `{"apiKey":"•••","access_token":["•••",{"b":"•••"}],"ok":true}`},
		{"application/json", `{"token":null,"PIN":"1234"`, `{"token":null,"PIN":"•••"`},
		{"application/problem+json", `{"secret":"x"}`, `{"secret":"•••"}`},
		{"", `{"client-secret":"x"}`, `{"client-secret":"•••"}`},
		{"application/json", `{"pass\u0077ord":"x"}`, `{"pass\u0077ord":"•••"}`},
		{"application/json", `{"token":"cut of`, `{"token":"•••"`},
		{"application/x-www-form-urlencoded", "user=ann&pass%77ord=x&pin=1", "user=ann&pass%77ord=•••&pin=•••"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"pass-word\"\r\n\r\nhunter2\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ndata\r\n--b--\r\n",
			"--b\r\nContent-Disposition: form-data; name=\"pass-word\"\r\n\r\n•••\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ndata\r\n--b--\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=token\r\n\r\ncut of", "--b\r\nContent-Disposition: form-data; name=token\r\n\r\n•••"},
		{"text/plain", "password=x", "password=x"},
		{"application/json", `{"tokens":3,"passwordless":true}`, `{"tokens":3,"passwordless":true}`},
	} {
		if got := string(s.body([]byte(c.in), c.kind, hide)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
	head := "GET /a?token=x&b=1 HTTP/1.1\r\nAuthorization: Bearer abc\r\nX-Shop-Key: k\r\nCookie: a=b;\r\n folded\r\nAccept: */*\r\n\r\n"
	want := "GET /a?token=•••&b=1 HTTP/1.1\r\nAuthorization: Bearer •••\r\nX-Shop-Key: •••\r\nCookie: •••\r\nAccept: */*\r\n\r\n"
	if got := string(s.head([]byte(head), hideButScheme)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := s.urlText("https://ann:pw@host/p?api_key=1#f", hide), "https://ann:•••@host/p?api_key=•••#f"; got != want {
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
		got, note := decode(body, coding, mostDecoded)
		if !bytes.Equal(got, text) || !strings.Contains(note, "→ 6 000 B") {
			t.Errorf("%s: got %d bytes, %q", coding, len(got), note)
		}
		got, note = decode(body[:len(body)-4], coding, mostDecoded)
		if !strings.Contains(note, "breaks off") && !strings.Contains(note, "damaged") && !strings.Contains(note, "as it came") {
			t.Errorf("%s cut: got %d bytes and no word of it: %q", coding, len(got), note)
		}
	}
	if got, _ := decode(pack(bare, &b3), "deflate", mostDecoded); !bytes.Equal(got, text) {
		t.Error("deflate without its wrapping was not read")
	}
	if got, note := decode([]byte("plain"), "gzip", mostDecoded); string(got) != "plain" || note == "" {
		t.Errorf("not gzip: got %q, %q", got, note)
	}
	if got, note := decode([]byte("plain"), "rot13", mostDecoded); string(got) != "plain" || !strings.Contains(note, "unknown") {
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
	got, note := decode(b.Bytes(), "gzip", mostDecoded)
	if len(got) != mostDecoded || !strings.Contains(note, "not unpacked") {
		t.Errorf("got %d bytes, %q", len(got), note)
	}
}

func TestHowABodyBegins(t *testing.T) {
	m := &model{secrets: newSecrets(nil)}
	text := `{"error":  "pool\nexhausted", "password":"hunter2"}`
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	for _, c := range []struct {
		coding, body, want string
		ok                 bool
	}{
		{"", text, `{"error": "pool\nexhausted", "password":"•••"}`, true},
		{"gzip", b.String(), `{"error": "pool\nexhausted", "password":"•••"}`, true},
		{"gzip", b.String()[5:], "", false},
		{"", "\x89PNG\x00", "", false},
		{"", " \r\n", "", true},
	} {
		x := &stats.Exchange{Response: stats.Part{Head: []byte("HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Encoding: " + c.coding + "\r\n\r\n"), Body: []byte(c.body)}}
		if got, ok := m.bodyStart(x); got != c.want || ok != c.ok {
			t.Errorf("%q %.20q: got %q, %v", c.coding, c.body, got, ok)
		}
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
		if got := isBinary([]byte(c.in)); got != c.want {
			t.Errorf("%q: got %v, want %v", c.in, got, c.want)
		}
	}
}

// nasty are arguments that a shell would trip over.
var nasty = []string{"", "plain", "two words", "it's", `"double"`, "$HOME `id` $(id)", "back\\slash", "new\nline", "*?[a]{b,c}~", "!bang #hash ;|&<>", "日本語", "'", "''", "-n", "\ttab"}

func TestTheShellReadsBackWhatWeQuote(t *testing.T) {
	for _, s := range nasty {
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+shellQuote(s)).Output()
		if s == "-n" {
			out, err = exec.Command("/bin/sh", "-c", "printf %s "+shellQuote(s)).Output()
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
		x := cartExchange(0)
		x.URL = "https://shop.example.test/a'b?q=$x&y=[1]"
		x.Request.Head = []byte("PUT /a HTTP/1.1\r\nHost: shop.example.test\r\nX-Odd: it's $5 \"now\"\r\nX-Empty:\r\nAuthorization: Bearer abc\r\nCookie: a=b\r\nContent-Length: 3\r\n\r\n")
		x.Request.Body = []byte(body)
		got := args(curl(x, newSecrets(nil), false, "/tmp/body file"))
		for _, want := range [][]string{
			{"-X", "PUT"}, {"-H", "X-Odd: it's $5 \"now\""}, {"-H", "X-Empty;"}, {"-H", "Authorization: Bearer the token"}, {"-H", "Cookie: the token"}, {"--globoff"}, {x.URL},
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
		if shown := args(curl(x, newSecrets(nil), true, "f")); !has(shown, "-H", "Authorization: Bearer abc") {
			t.Errorf("revealed, it is not in %q", shown)
		}
	}
	x := cartExchange(0)
	x.Request.Body = []byte(`{"user":"o'hara","password":"x"}`)
	if got := args(curl(x, newSecrets(nil), false, "f")); !has(got, "--data-raw", `{"user":"o'hara","password":"the token"}`) {
		t.Errorf("got %q", got)
	}
	x.Request.Body = bytes.Repeat([]byte("a"), mostInline+1)
	if got := args(curl(x, newSecrets(nil), false, "f")); !has(got, "--data-binary", "@f") {
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
		out, err := exec.Command("/bin/sh", "-c", curl(x, newSecrets(nil), false, file)+" -sS --max-time 5 -w ' %{http_code}'").Output()
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
			got = append(got, string(l.sign)+l.text)
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

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{thousands(0), "0"}, {thousands(999), "999"}, {thousands(1000), "1 000"}, {thousands(uint64(1234567)), "1 234 567"}, {thousands(-4321), "-4 321"},
		{rate(0), "0"}, {rate(.04), "0.0"}, {rate(9.94), "9.9"}, {rate(9.96), "10"}, {rate(4812.4), "4 812"},
		{short(950), "950"}, {short(4812), "4.8k"}, {short(1e6), "1.0M"}, {short(99960), "100k"}, {short(0), "0"}, {short(.25), "0.25"},
		{millis(0), "-"}, {millis(420 * time.Microsecond), "0.42"}, {millis(3100 * time.Microsecond), "3.1"}, {millis(23 * time.Millisecond), "23"}, {millis(1204 * time.Millisecond), "1 204"},
		{phase(12940 * time.Microsecond), "12.9"}, {phase(1204 * time.Millisecond), "1 204.0"},
		{percent(0), "0.0"}, {percent(.01), "<0.1"}, {percent(8.44), "8.4"},
		{size(97), "97 B"}, {size(1230), "1.2 KiB"}, {size(4.1 * (1 << 20)), "4.1 MiB"}, {size(64 << 20), "64 MiB"},
		{clock(134 * time.Second), "02:14"}, {clock(3661 * time.Second), "1:01:01"}, {clock(-1), "00:00"},
		{plain(10 * time.Minute), "10m"}, {plain(time.Hour + 20*time.Minute), "1h20m"}, {plain(90 * time.Second), "1m30s"}, {plain(0), ""},
		{cutMiddle("/api/v2/orders/items/[id]", 15), "/api/v2…ms/[id]"}, {cutMiddle("short", 15), "short"},
		{bar(.5, 4), "██"}, {bar(.0001, 4), "▏"}, {bar(0, 4), ""}, {bar(2, 3), "███"},
		{spark([]float64{0, 1, 2, 4, 8}, 5), "▁▁▂▄█"}, {spark([]float64{0, 0}, 2), "  "}, {spark([]uint32{1}, 3), "  █"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestStatusPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		status  int
		want    bool
	}{{"503", 503, true}, {"5xx", 503, true}, {"50x", 503, true}, {"4xx", 503, false}, {"5", 503, false}} {
		if got := matchStatus(c.pattern, c.status); got != c.want {
			t.Errorf("%s %d: got %v", c.pattern, c.status, got)
		}
	}
}
