package requests

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// back is a request as it reads back from what write makes of it.
func back(t *testing.T, r imported) *request {
	t.Helper()
	text, err := write([]imported{r})
	if err != nil {
		t.Fatalf("%q %q %q: %v", r.url, r.headers, r.body, err)
	}
	if _, err := Text("x.http", text, nil); err != nil {
		t.Fatalf("%+v: %v in\n%q", r, err, text)
	}
	f, err := parse("x.http", text, Options{})
	if err != nil || len(f.requests) != 1 {
		t.Fatalf("%+v: %v in\n%q", r, err, text)
	}
	return f.requests[0]
}

// nasty is what a .http file may take for something of its own.
var nasty = []string{
	"{", "}", "{{", "}}", "{{x}}", "{{{", "}}}", "\r", "\n", "\r\n", "\n\n", " ", "\t", "###", "\n### GET /\n", "<", "< ./x.har", "<@ ./x", ">", "> {% x %}", ">> f", "<> r", "#", "# @name x", "//",
	"@x = y", "GET /", "POST http://x/ HTTP/1.1", "\x00", "\xff", "\xc3", "é", "日本", "\ufeff", "\ufffd", "\"", "\\", "\\n", "$raw", "{{$raw \"x\"}}", "a=b&c=d", "\x7f", "\u2028", "--b\r\n", "%7B", "?", "&x", "/",
}

func random(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n) {
		if r.IntN(3) == 0 {
			b.WriteString("some text"[:r.IntN(9)])
		} else {
			b.WriteString(nasty[r.IntN(len(nasty))])
		}
	}
	return b.String()
}

// TestWhatIsWrittenReadsBackAsTheSameBytes: bodies of any bytes, forms among them, values of
// headers, queries.
func TestWhatIsWrittenReadsBackAsTheSameBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		in := imported{method: "POST", url: "http://x/a", body: random(r, 12), stays: r.IntN(2) == 0}
		value := strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(random(r, 6)))
		in.headers = [][2]string{{"X-Value", value}}
		if kind := []string{"", "text/plain", formType, "multipart/form-data; boundary=b"}[r.IntN(4)]; kind != "" {
			in.headers = append(in.headers, [2]string{"Content-Type", kind})
		}
		in.url += "?" + strings.ReplaceAll(random(r, 4), "#", "")
		want := encoded(in.url)
		if value == "" { // which takes one away
			in.headers = in.headers[1:]
		}
		got := back(t, in)
		if got.body.text != in.body || got.url.text != want || got.include != "" || got.noRedirect != in.stays {
			t.Fatalf("got %q %q, want %q %q", got.url.text, got.body.text, want, in.body)
		}
		if !slices.EqualFunc(got.headers, in.headers, func(a header, b [2]string) bool { return a.name == b[0] && a.value.text == b[1] }) {
			t.Fatalf("got %v, want %v", got.headers, in.headers)
		}
		if !got.body.plain() || !got.url.plain() {
			t.Fatal("what is always the same is filled in each time")
		}
	}
}

// FuzzWriteAndRead: whatever a request holds, it reads back as it was.
func FuzzWriteAndRead(f *testing.F) {
	f.Add("/?q=1", "X", "text", "body", false)
	f.Add("/{{x}}", "{{y}}", "application/x-www-form-urlencoded", "\r\n< ./f", true)
	f.Fuzz(func(t *testing.T, path, value, kind, body string, stays bool) {
		r := imported{method: "PUT", url: "http://x/" + strings.ReplaceAll(path, "#", ""), body: body, stays: stays}
		for _, h := range [][2]string{{"X-A", strings.TrimSpace(value)}, {"Content-Type", strings.TrimSpace(kind)}} {
			if h[1] != "" && sendable(h[0], h[1]) {
				r.headers = append(r.headers, h)
			}
		}
		want := r
		want.url = encoded(want.url)
		if got := back(t, r); !want.equals(got) {
			t.Errorf("%+v came back as %q %v %q", want, got.url.text, got.headers, got.body.text)
		}
	})
}
