package requests_test

import (
	"strings"
	"testing"

	"tload/behaviours/requests"
)

func TestFromCurl(t *testing.T) {
	s := newServer(t)
	text, err := requests.FromCurl("x.sh", `curl '`+s.URL+`/cart?x=1' \
  -X POST -H 'Content-Type: application/json' -H "X-Greeting: it's \"me\"" \
  --data-raw $'{"a":"it\'s\n"}' --compressed -sS
curl -G `+s.URL+`/search --data-urlencode 'q=a b&c'
curl -u foo:bar `+s.URL+`/private`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := requests.Text("x.http", text, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	run(t, s.URL, b, 9)
	all := strings.Join(s.seen, "\n")
	for _, want := range []string{`POST /cart?x=1 it's "me" {"a":"it's` + "\n" + `"}`, "GET /search?q=a+b%26c", "GET /private"} {
		if !strings.Contains(all, want) {
			t.Errorf("the server did not see %q, but\n%s\nof\n%s", want, all, text)
		}
	}
}

func TestImportComplaintsSayWhere(t *testing.T) {
	const whole = `{"request":{"method":"GET","url":"http://x/"}}`
	for _, c := range []struct {
		from func(path, text string) (string, error)
		text string
		want string
	}{
		{requests.FromCurl, "", "x:1:1: no curl command"},
		{requests.FromCurl, "curl http://x/\n  wget http://x", `x:2:3: "wget" is no curl command`},
		{requests.FromCurl, "curl --form a=b http://x/", "x:1:6: curl flag --form is not understood"},
		{requests.FromCurl, "curl http://x/a\ncurl 'http://x/b' \\\n  -H 'A: b\nc' --frob", "x:4:4: curl flag --frob is not understood"},
		{requests.FromCurl, "curl -sqS http://x/", "x:1:6: curl flag -sqS is not understood"},
		{requests.FromCurl, "curl -d @body.json http://x/", "x:1:6: curl flag -d @body.json: a file as the body"},
		{requests.FromCurl, "curl http://x/\n\ncurl 'http://x/\n\n", "x:3:6: a ' without its end"},
		{requests.FromCurl, "curl \"http://x/", "x:1:6: a \" without its end"},
		{requests.FromCurl, "curl http://x/ -H", "x:1:16: curl flag -H has no value"},
		{requests.FromCurl, "curl http://x/\n curl -s", "x:2:2: a curl command without a URL"},
		{requests.FromCurl, "curl http://x/\ncurl http://x/ -d '{{x}}'", "x:2:1: a request has {{ in it"},
		{requests.FromCurl, "curl http://x/ -d '<x'", "x:1:1: a body that a .http file cannot hold"},
		{requests.FromHAR, "{", "x:1:1: no HTTP archive: unexpected end"},
		{requests.FromHAR, "{}", "x:1:1: no request in it"},
		{requests.FromHAR, "[]", "x:1:1: no HTTP archive: an object is expected, not array"},
		{requests.FromHAR, "{\"log\":{\"entries\":[\n {\"request\" 7}]}}", "x:2:13: no HTTP archive: invalid character '7'"},
		{requests.FromHAR, "{\"log\":{\"entries\":7}}", "no HTTP archive: log.entries cannot be of type number"},
		{requests.FromHAR, "{\"log\":{\"entries\":[\n" + whole + ",\n {\"request\":{\"method\":7}}]}}", "x:3:23: log.entries[1]: request.method cannot be of type number"},
		{requests.FromHAR, "{\"log\":{\"entries\":[\n" + whole + ",\n " + whole + ",\n  {\"request\":{\"method\":\"GET\",\"url\":\"ftp://x\"}}]}}", "x:4:3: log.entries[2]"},
	} {
		if _, err := c.from("x", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.text, err, c.want)
		}
	}
}

func TestFromHAR(t *testing.T) {
	s := newServer(t)
	text, err := requests.FromHAR("x.har", `{"log":{"entries":[
		{"request":{"method":"GET","url":"`+s.URL+`/a?b=c","headers":[{"name":"Host","value":"x"},{"name":"X-Greeting","value":"hi"},{"name":"Cookie","value":"s=1"}]}},
		{"request":{"method":"POST","url":"`+s.URL+`/b","headers":[],"postData":{"mimeType":"application/json","text":"{\"x\":1}"}}}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := requests.Text("x.http", text, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	run(t, s.URL, b, 6)
	all := strings.Join(s.seen, "\n")
	if !strings.Contains(all, "GET /a?b=c hi") || !strings.Contains(all, `POST /b  {"x":1}`) || strings.Contains(text, "s=1") {
		t.Errorf("the server saw\n%s\nof\n%s", all, text)
	}
}

func FuzzFromCurl(f *testing.F) {
	f.Add(`curl 'http://x/' -H "A: b" -d $'a\n'`)
	f.Fuzz(func(t *testing.T, text string) {
		if out, err := requests.FromCurl("x.sh", text); err == nil && out == "" {
			t.Error("neither a file nor an error")
		}
	})
}
