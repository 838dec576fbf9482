package requests_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"tload/behaviours/requests"
	"tload/behaviours/servertest"
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
		{requests.FromCurl, "curl http://x/a\ncurl 'http://x/b' \\\n  -d 'A: b\nc' --frob", "x:4:4: curl flag --frob is not understood"},
		{requests.FromCurl, "curl http://x/\n\ncurl 'http://x/\n\n", "x:3:6: reached EOF without closing quote"},
		{requests.FromCurl, "curl \"http://x/", "x:1:6: reached EOF without closing quote"},
		{requests.FromCurl, "curl http://x/ -H", "x:1:16: curl flag -H has no value"},
		{requests.FromCurl, "curl http://x/\n curl -s", "x:2:2: a curl command without a URL"},
		{requests.FromCurl, "curl http://x/?a=1&b=2", "x:1:20: b=… is no curl command (an address with & in it"},
		{requests.FromCurl, "curl -d @nowhere.json http://x/", "x:1:6: curl flag -d @nowhere.json: stat nowhere.json"},
		{requests.FromCurl, "curl -T nowhere http://x/", "nowhere"},
		{requests.FromCurl, "curl -F a=@nowhere http://x/", "nowhere"},
		{requests.FromCurl, "curl -H @nowhere http://x/", "nowhere"},
		{requests.FromCurl, "curl --json @nowhere http://x/", "nowhere"},
		{requests.FromCurl, "curl --data-urlencode a@nowhere http://x/", "nowhere"},
		{requests.FromCurl, "curl -d @- http://x/", "standard input is not in the file"},
		{requests.FromCurl, "curl http://y/ | curl -d @- http://x/", "what the first command answers is not known"},
		{requests.FromCurl, "jq . x | curl -d @- http://x/", "what jq prints is not known"},
		{requests.FromCurl, "curl -d @- http://x/ < nowhere", "nowhere"},
		{requests.FromCurl, "curl -F a=b -d c=d http://x/", "not both"},
		{requests.FromCurl, "curl -F 'a=b;encoder=base64' http://x/", ";encoder= is not understood"},
		{requests.FromCurl, "curl -F nothing http://x/", "name=content is expected"},
		{requests.FromCurl, "curl --digest -u a:b http://x/", "curl flag --digest is not understood"},
		{requests.FromCurl, "curl --dat a=b http://x/", "curl flag --dat may be --data, --data-ascii"},
		{requests.FromCurl, "curl 'http://x/[1-'", "a [ without ]"},
		{requests.FromCurl, "curl 'http://x/[5-1]'", "a range such as"},
		{requests.FromCurl, "curl 'http://x/[1-99999999]'", "a range such as"},
		{requests.FromCurl, "curl 'http://x/[1-999][1-999]'", "more than"},
		{requests.FromCurl, "curl 'http://x/{a'", "a { without }"},
		{requests.FromCurl, "curl -H $'X: a\\nB: c' http://x/", "no such header can be sent"},
		{requests.FromCurl, "curl http://x/ && echo done", `x:1:19: "echo" is no curl command`},
		{requests.FromCurl, "for i in 1 2; do curl http://x/; done", "x:1:1: only curl commands"},
		{requests.FromCurl, `curl "http://$HOST/"`, "x:1:14: $HOST is a variable of the shell"},
		{requests.FromCurl, "curl http://x/$(date)", "x:1:15: only a shell knows"},
		{requests.FromCurl, `curl ^"http://x/^" -H ^"A: b^"`, "cURL (bash)"},
		{requests.FromCurl, "curl ftp://x/", "neither http nor https"},
		{requests.FromCurl, "curl -u foo http://x/", "curl flag -u foo: curl would ask for the password"},
		{requests.FromCurl, "curl -I -d a http://x/", "a HEAD has no body"},
		{requests.FromCurl, "curl -H 'X-Empty;' http://x/", "without a value"},
		{requests.FromCurl, "curl -X post http://x/", "x:1:1: method post: capital letters"},
		{requests.FromHAR, "{", "x:1:1: no HTTP archive: unexpected end"},
		{requests.FromHAR, "{}", "x:1:1: no request in it"},
		{requests.FromHAR, "[]", "x:1:1: no HTTP archive: an object is expected, not array"},
		{requests.FromHAR, "{\"log\":{\"entries\":[\n {\"request\" 7}]}}", "x:2:13: no HTTP archive: invalid character '7'"},
		{requests.FromHAR, "{\"log\":{\"entries\":7}}", "no HTTP archive: log.entries cannot be of type number"},
		{requests.FromHAR, "{\"log\":{\"entries\":[\n" + whole + ",\n {\"request\":{\"method\":7}}]}}", "x:3:23: log.entries[1]: request.method cannot be of type number"},
		{requests.FromHAR, "{\"log\":{\"entries\":[\n" + whole + ",\n " + whole + ",\n  {\"request\":{\"method\":\"get\",\"url\":\"http://x\"}}]}}", "x:4:3: log.entries[2]"},
		{requests.FromHAR, `{"log":{"entries":[{"request":{"method":"GET","url":"data:,x"}}]}}`, "no request to a server in it: 1 to a data: address"},
		{requests.FromHAR, `{"log":{"entries":[{"request":{"method":"GET"}}]}}`, "is no address"},
		{requests.FromHAR, `{"log":{"entries":[{"request":{"method":"POST","url":"http://x/","postData":{"mimeType":"multipart/form-data; boundary=b","params":[{"name":"a","fileName":"x.png"}]}}}]}}`, "the file \"x.png\" in it, whose content was not recorded"},
	} {
		if _, err := c.from("x", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.text, err, c.want)
		}
	}
}

// wire keeps requests as they came.
type wire struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newWire(t *testing.T) *wire {
	w := new(wire)
	w.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for _, own := range []string{"Accept-Encoding", "Content-Length", "Connection"} { // how, and not what
			r.Header.Del(own)
		}
		if agent := r.Header.Get("User-Agent"); strings.HasPrefix(agent, "curl/") || agent == "tload" {
			r.Header.Del("User-Agent")
		}
		if _, p, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && p["boundary"] != "" { // another one each time
			r.Header.Set("Content-Type", strings.ReplaceAll(r.Header.Get("Content-Type"), p["boundary"], "B"))
			body = bytes.ReplaceAll(body, []byte(p["boundary"]), []byte("B"))
		}
		r.Header.Del("Expect") // that it waits is how, too
		if r.Header.Get("Accept") == "*/*" {
			r.Header.Del("Accept")
		}
		w.mu.Lock()
		w.seen = append(w.seen, fmt.Sprintf("%s %s%s %q %q", r.Method, r.Host, r.RequestURI, r.Header, body))
		w.mu.Unlock()
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) take() (seen []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, w.seen = w.seen, nil
	return seen
}

// TestFromCurlIsWhatCurlSends runs each line by curl itself, and holds what is made
// of it against that.
func TestFromCurlIsWhatCurlSends(t *testing.T) {
	servertest.Need(t, "curl")
	w := newWire(t)
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"a.json": "{\n  \"a\": 1\r\n}\n", "b.bin": "\x00\xff\r\n{{x}}\n", "up.txt": "one\r\ntwo\n\n", "page.html": "<p>\n### GET /\n</p>", "heads": "X-One: 1\r\nX-Two: 2\n",
		"jar": "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1\n#HttpOnly_127.0.0.1\tFALSE\t/deep\tFALSE\t0\tb\t2\nother.test\tTRUE\t/\tFALSE\t0\tc\t3\n127.0.0.1\tFALSE\t/\tFALSE\t5\told\t4\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{
		`curl U/`,
		`curl U/?x`,
		`curl U?x=1#fragment`,
		`curl 'U/a/../b/./c%20d?e=/../f'`,
		`curl --path-as-is U/a/../b`,
		`curl -g 'U/?a[]=1&b={}'`,
		`curl U/1 U/2 -d q`,
		`curl -sS -XPOST U/`,
		`curl -sXPUT -d a=b U/`,
		`curl -X FROB U/`,
		`curl -d a=b --data-raw '@c' -d '' U/`,
		`curl -d '' U/`,
		`curl -H 'Content-Type: text/plain' --data-binary $'a\nb\tc \\ \'' U/`,
		`curl -d 'a b&c=d+e' U/`,
		`curl --data-urlencode 'a b&c' --data-urlencode '=x y' --data-urlencode 'n=a b~é*' -d z=1 U/`,
		`curl -G -d a=b -d c=d 'U/?x=1'`,
		`curl -G --data-urlencode 'q=a b' U/`,
		`curl -G U/`,
		`curl -I -G -d x U/`,
		`curl -I U/`,
		`curl -X PUT -G -d y U/`,
		`curl --json '{"a":1}' --json '{"b":1}' U/`,
		`curl --json '{}' -H 'content-type: text/x' U/`,
		`curl -d a --json b U/`,
		`curl -d a -H 'Content-Type:' U/`,
		`curl -H 'X-A:  b  ' -H 'x-a: c' -H 'X-None:' -H nocolon U/`,
		`curl -A me U/`,
		`curl -A '' U/`,
		`curl -H 'user-agent:' U/`,
		`curl -A me -H 'User-Agent: you' U/`,
		`curl -e 'http://x/;auto' U/`,
		`curl -u a:b:c U/`,
		`curl -u a: U/`,
		`curl -u a:b -u c:d U/`,
		`curl -u a:b -H 'Authorization: z' U/`,
		`curl --oauth2-bearer T U/`,
		`curl -b a=1 -b 'c=3; d=4' U/`,
		`curl -b a=1 -H 'Cookie: b=2' U/`,
		`curl -H 'Host: other.test' U/`,
		`curl -H 'Accept: text/html' -H "X-Quote: it's \"me\" \\ \$5" U/`,
		"curl \\\n  -H 'A: b' \\\n  U/ # a comment",
		`$ curl U/ | cat >/dev/null 2>&1`,
		`curl U/1 && curl U/2; curl U/3 --next -d x U/4`,
		`curl -F a=b -F 'c=d e;f' -F "n=\"q\"" U/`,
		`curl -F f=@a.json -F 'g=@up.txt;type=text/x' -F 'h=<up.txt' -F 'i=@page.html;filename=other.png' U/`,
		`curl -F 'j=@b.bin' -F 'k=@"a.json";filename="x y.json"' U/`,
		`curl -F 'l=text;type=text/plain' -F 'm={"a":1};type=application/json' U/`,
		`curl --form-string 'a=@b;type=c' --form-string 'd=<e' U/`,
		`curl -F 'a=1;headers="X-Part: yes"' U/`,
		`curl -T up.txt U/`,
		`curl -T up.txt U/named`,
		`curl -X POST -T b.bin U/x`,
		`curl -d @a.json U/`,
		`curl --data-binary @a.json U/`,
		`curl --data-binary @b.bin -H 'Content-Type: application/octet-stream' U/`,
		`curl -d x=1 --data-binary @up.txt U/`,
		`curl --data-urlencode @up.txt --data-urlencode n@a.json U/`,
		`curl --json @a.json U/`,
		`curl --json '{}' --json @a.json U/`,
		`curl --data-binary "" U/`,
		`curl --data-raw $'a\r\nb' U/`,
		`curl -d $'a\nb\n' U/`,
		`curl --data-raw '{{x}}' 'U/?q={{y}}' -g`,
		`curl -H 'X: {{z}}' U/`,
		`curl -H 'Content-Type: text/xml' -d '<a>< ./b</a>' U/`,
		`curl -H 'Content-Type: text/plain' -d '< ./up.txt' U/`,
		`curl -H 'Content-Type: text/plain' -d $'### GET /\n> {% x %}\n<> y\n# z\n// w' U/`,
		`curl -H 'Content-Type: text/plain' -d $'\n\n  a\n\n' U/`,
		`curl -H 'Content-Type: text/plain' -d $'GET /other\nPOST /x' U/`,
		"curl -d @- U/ <<EOF\na=b\nc\nEOF",
		"curl --data-binary @- U/ <<'EOF'\na=$b\n\nEOF",
		`curl -d @- U/ <<< hello`,
		`echo '{"a":1}' | curl --json @- U/`,
		`echo -n x=1 | curl -d @- U/ | cat`,
		`printf '%s' y | curl -T - U/y`,
		`cat a.json up.txt | curl --data-binary @- U/`,
		`curl --data-binary @- U/ < b.bin`,
		`curl -b jar U/deep/er`,
		`curl -b jar -b 'x=y' U/`,
		`curl -b nowhere U/`,
		`curl -c out.jar U/`,
		`curl -H @heads U/`,
		"curl -d \"a \\\nb\" U/",
		`curl --oauth2-bearer T -r 0-99 --url-query 'a=b c' --url-query '+d=e' 'U/?x=1'`,
		`curl --sil --compressed --location --user-a me --dump-h /dev/null U/`,
		`curl --no-progress-meter --max-redirs 3 --trace-ascii /dev/null -s U/`,
		`curl 'U/{a,b}/[1-3]' 'U/[01-05:2]' 'U/[a-c]'`,
		`curl -g 'U/{a,b}[1-3]'`,
		`curl U/one U/two; curl U/three`,
		`curl U/ -o /dev/null -w '' --compressed -L -m 5 --connect-timeout 5 --retry 1`,
	} {
		line = strings.ReplaceAll(line, "U/", w.URL+"/")
		line = strings.ReplaceAll(line, "U?", w.URL+"?")
		itself := exec.Command("bash", "-c", strings.TrimPrefix(line, "$ "))
		if out, err := itself.CombinedOutput(); err != nil {
			t.Errorf("%s: curl itself: %v\n%s", line, err, out)
			continue
		}
		want := w.take()
		text, err := requests.FromCurl("x.sh", line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		b, err := requests.Text("x.http", text, nil)
		if err != nil {
			t.Errorf("%s: %v in\n%s", line, err, text)
			continue
		}
		runUsers(t, w.URL, b, 1, int64(len(want)))
		got := w.take()
		if len(got) > len(want) {
			got = got[:len(want)] // another round
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q\nwant %q\nof\n%s", line, got, want, text)
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
