package requests_test

import (
	"strings"
	"testing"

	"tload/behaviours/requests"
)

func TestFromCurl(t *testing.T) {
	s := newServer(t)
	text, err := requests.FromCurl(`curl '` + s.URL + `/cart?x=1' \
  -X POST -H 'Content-Type: application/json' -H "X-Greeting: it's \"me\"" \
  --data-raw $'{"a":"it\'s\n"}' --compressed -sS
curl -G ` + s.URL + `/search --data-urlencode 'q=a b&c'
curl -u foo:bar ` + s.URL + `/private`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := requests.Text("x.http", text)
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

func TestImportComplaints(t *testing.T) {
	for _, c := range []struct {
		from func(string) (string, error)
		text string
		want string
	}{
		{requests.FromCurl, "", "no curl command"},
		{requests.FromCurl, "wget http://x", "is no curl command"},
		{requests.FromCurl, "curl --form a=b http://x/", "--form is not understood"},
		{requests.FromCurl, "curl -d @body.json http://x/", "a file as the body"},
		{requests.FromCurl, "curl 'http://x/", "line 1: a ' without its end"},
		{requests.FromCurl, "curl -H", "has no value"},
		{requests.FromCurl, "curl -s", "without a URL"},
		{requests.FromHAR, "{", "no HTTP archive"},
		{requests.FromHAR, "{}", "no request in it"},
		{requests.FromHAR, `{"log":{"entries":[{"request":{"method":"GET","url":"ftp://x"}}]}}`, "log.entries[0]"},
	} {
		if _, err := c.from(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.text, err, c.want)
		}
	}
}

func TestFromHAR(t *testing.T) {
	s := newServer(t)
	text, err := requests.FromHAR(`{"log":{"entries":[
		{"request":{"method":"GET","url":"` + s.URL + `/a?b=c","headers":[{"name":"Host","value":"x"},{"name":"X-Greeting","value":"hi"},{"name":"Cookie","value":"s=1"}]}},
		{"request":{"method":"POST","url":"` + s.URL + `/b","headers":[],"postData":{"mimeType":"application/json","text":"{\"x\":1}"}}}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := requests.Text("x.http", text)
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
		if out, err := requests.FromCurl(text); err == nil && out == "" {
			t.Error("neither a file nor an error")
		}
	})
}
