package requests_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tload/behaviours/requests"
)

// entry is one of a recording, in the shape that the tools have in common.
type entry map[string]any

func post(url, kind, text string, more ...entry) entry {
	e := entry{"request": entry{
		"method": "POST", "url": url, "headers": []entry{{"name": "Content-Type", "value": kind}, {"name": "Content-Length", "value": "9999"}},
		"postData": entry{"mimeType": kind, "text": text},
	}}
	for _, m := range more {
		for k, v := range m {
			e[k] = v
		}
	}
	return e
}

func recording(t *testing.T, entries ...entry) string {
	t.Helper()
	b, err := json.Marshal(entry{"log": entry{"version": "1.2", "entries": entries}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sent is what the server sees of a recording, one line a request.
func sent(t *testing.T, w *wire, har string) (seen []string, text string) {
	t.Helper()
	text, err := requests.FromHAR("x.har", har)
	if err != nil {
		t.Fatal(err)
	}
	b, err := requests.Text("x.http", text, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	runUsers(t, w.URL, b, 1, int64(strings.Count(text, "\n### ")+strings.Count(text[:4], "### ")))
	return w.take(), text
}

// TestARecordingIsSentByteForByte, whatever its bodies look like in a .http file.
func TestARecordingIsSentByteForByte(t *testing.T) {
	w := newWire(t)
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct{ kind, body string }{
		"a part's carriage returns":  {"multipart/form-data; boundary=zz", "--zz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--zz--\r\n"},
		"an include":                 {"text/plain", "< ./t.har"},
		"another one":                {"text/plain", "a\n<@ ./t.har\n"},
		"XML":                        {"text/xml", "<?xml version=\"1.0\"?>\n<a>\n### b\n</a>\n"},
		"a script":                   {"text/plain", "> {% client.test() %}\n>> out\n<> x"},
		"another request":            {"text/plain", "GET /other\n\nX: y"},
		"a variable":                 {"application/json", `{"a":"{{b}}","c":{"d":{{}}}`},
		"blank lines":                {"text/plain", "\n\n a \n\n\n"},
		"blanks":                     {"text/plain", "   "},
		"a line's end":               {"application/json", "{}\n"},
		"carriage returns":           {"text/plain", "a\r\nb\rc\r\n"},
		"a form of lines":            {form, "a=1\n&b=2\r\n"},
		"no text":                    {"application/octet-stream", "\x00\x01\x7f"},
		"comments":                   {"application/json", "# a\n// b\n{}"},
		"what is written for others": {"text/plain", `{{$raw "x"}}`},
	} {
		seen, text := sent(t, w, recording(t, post(w.URL+"/", c.kind, c.body)))
		want := c.body
		if _, boundary, ok := strings.Cut(c.kind, "boundary="); ok { // the server's record has another one
			want = strings.ReplaceAll(want, "--"+boundary, "--B")
		}
		if len(seen) != 1 || !strings.HasSuffix(seen[0], " "+fmt.Sprintf("%q", want)) {
			t.Errorf("%s: the server saw %s, want %q, of\n%s", name, seen, want, text)
		}
	}
	bytes := []byte{0, 255, 13, 10, 123, 123, 200}
	e := post(w.URL+"/bin", "application/octet-stream", base64.StdEncoding.EncodeToString(bytes))
	e["request"].(entry)["postData"].(entry)["encoding"] = "base64"
	if seen, _ := sent(t, w, recording(t, e)); len(seen) == 0 || !strings.HasSuffix(seen[0], fmt.Sprintf("%q", bytes)) {
		t.Errorf("bytes: %q", seen)
	}
}

// TestWhatWasNoRequestIsLeftOut and counted; a recorded redirect is not followed, for where
// it led to stands behind it; forms of which only the fields were kept are whole again.
func TestWhatWasNoRequestIsLeftOut(t *testing.T) {
	w := newWire(t)
	get := func(url string, more ...entry) entry {
		e := entry{"request": entry{"method": "GET", "url": url, "headers": []entry{}}}
		for _, m := range more {
			for k, v := range m {
				e[k] = v
			}
		}
		return e
	}
	status := func(n int) entry { return entry{"response": entry{"status": n}} }
	fields := func(kind string, params ...entry) entry {
		return entry{"request": entry{"method": "POST", "url": w.URL + "/form", "headers": []entry{{"name": "content-type", "value": kind}}, "postData": entry{"mimeType": kind, "params": params}}}
	}
	har := "\ufeff" + recording(t,
		get("data:image/png;base64,xx"), get("blob:http://x/1"), get("wss://x/ws"), get("chrome-extension://abc/x.js"),
		get(w.URL+"/cached", entry{"_fromCache": "memory"}), get(w.URL+"/blocked", status(0)),
		get(w.URL+"/{{x}}?q={{y}}#part"), get(w.URL+"/plain", status(200)),
		fields("application/x-www-form-urlencoded", entry{"name": "a b", "value": "c&d"}, entry{"name": "e", "value": "f%20g"}),
		fields("multipart/form-data; boundary=zz", entry{"name": "n", "value": "v"}, entry{"name": "f", "value": "text", "fileName": "a.txt", "contentType": "text/plain"}),
		entry{"request": entry{"method": "GET", "url": w.URL + "/head", "headers": []entry{{"name": ":authority", "value": "x"}, {"name": "X-Bad", "value": "a\r\nEvil: yes"}, {"name": "X Bad", "value": "b"}, {"name": "X-Good", "value": "{{z}}"}}}},
	)
	seen, text := sent(t, w, har)
	for _, want := range []string{"# left out: ", "1 to a data: address", "1 to a blob: address", "1 to a wss: address", "1 to a chrome-extension: address", "1 answered by the browser's cache", "1 blocked or without an answer", `# left out: a header that cannot be sent, "X-Bad"`} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	all := strings.Join(seen, "\n")
	for _, want := range []string{"/{{x}}?q={{y}} ", "/plain ", `"a+b=c%26d&e=f%20g"`, `form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ntext\r\n--B--\r\n`, `"X-Good":["{{z}}"]`} {
		if !strings.Contains(all, want) {
			t.Errorf("the server did not see %s:\n%s", want, all)
		}
	}
	for _, not := range []string{"cached", "blocked", "Evil", "#part", "authority"} {
		if strings.Contains(all, not) {
			t.Errorf("the server saw %s:\n%s", not, all)
		}
	}

	n := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n[r.URL.Path]++
		if r.URL.Path == "/from" {
			http.Redirect(rw, r, "/to", http.StatusFound)
		}
	}))
	defer s.Close()
	text, err := requests.FromHAR("x.har", recording(t, get(s.URL+"/from", status(302)), get(s.URL+"/to", status(200))))
	if err != nil {
		t.Fatal(err)
	}
	b, err := requests.Text("x.http", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	runUsers(t, s.URL, b, 1, 2)
	if n["/from"] != 1 || n["/to"] != 1 {
		t.Errorf("a recorded redirect: %v\n%s", n, text)
	}
}

// FuzzFromHAR: a recording is read or complained about, whatever it holds, and what is made of
// one is a .http file.
func FuzzFromHAR(f *testing.F) {
	f.Add(`{"log":{"entries":[{"request":{"method":"POST","url":"http://x/","headers":[{"name":"A","value":"b"}],"postData":{"text":"< ./x"}}}]}}`)
	f.Add(`{"log":{"entries":[{"request":{"method":"GET","url":"data:x"},"response":{"status":0}}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		out, err := requests.FromHAR("x.har", text)
		if err != nil {
			return
		}
		if _, err := requests.Text("x.http", out, nil); err != nil && !strings.Contains(err.Error(), "host") {
			t.Errorf("%v in\n%q\nof\n%q", err, out, text)
		}
	})
}
