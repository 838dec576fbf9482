package requests_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tload/behaviours"
	"tload/behaviours/requests"
	"tload/swarm"
	"tload/swarm/crew"
)

const shop = `@user = foo
@greeting = hello {{user}}

### log in
# @on-start
POST /login
Content-Type: application/x-www-form-urlencoded

username={{user}}
&password=bar

### @name list
# @weight 2
GET /items
Accept: application/json

# @name first
GET /items/{{list.response.body.$.items[0].id}}
X-Greeting: {{greeting}}
# @expect 200
# @contains "name"

### include
POST /upload
Content-Type: application/json

< ./body.json

###
// @on-stop
POST /logout?user={{user}}
    &n={{$randomInt 1 5}}
`

// server answers as the shop would and keeps what it was asked.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("X-Greeting"), body))
		s.mu.Unlock()
		switch r.URL.Path {
		case "/items":
			fmt.Fprint(w, `{"items":[{"id":42}]}`)
		case "/items/42":
			fmt.Fprint(w, `{"name":"shoe"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func run(t *testing.T, host string, b behaviours.Behaviour, tasks int64) *swarm.Snapshot {
	t.Helper()
	return runUsers(t, host, b, 3, tasks)
}

func runUsers(t *testing.T, host string, b behaviours.Behaviour, users int, tasks int64) *swarm.Snapshot {
	t.Helper()
	tr, err := behaviours.NewTransport(behaviours.Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	list, err := behaviours.Bind(&behaviours.Shared{Transport: tr}, []behaviours.Behaviour{b})
	if err != nil {
		t.Fatal(err)
	}
	// All users begin at once: on a busy machine two of them could do all there is to do
	// before the third one came.
	c, err := crew.Swarm(swarm.Plan{Users: users, SpawnRate: 1e6, Iterations: tasks, StopTimeout: 5 * time.Second, Seed: 1}, crew.Job{Behaviours: list})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(context.Background()); err != nil {
		t.Error(err)
	}
	return c.Snapshot()
}

func TestAFileOfRequests(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "body.json"), []byte(`{"a":1}`), 0o644)
	path := filepath.Join(dir, "requests.http")
	os.WriteFile(path, []byte(shop), 0o644)
	b, err := requests.File(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	snap := run(t, s.URL, b, 300)
	if len(snap.Groups) > 0 {
		t.Fatalf("failures: %s: %s", snap.Groups[0].Key.Kind, snap.Groups[0].Message)
	}
	count := map[string]int{}
	for _, line := range s.seen {
		count[strings.Join(strings.Fields(line), " ")]++
	}
	for line, want := range map[string]func(int) bool{
		"POST /login username=foo&password=bar": func(n int) bool { return n == 3 },
		"GET /items":                            func(n int) bool { return n > 100 && n < 200 },
		"GET /items/42 hello foo":               func(n int) bool { return n > 50 && n < 100 },
		`POST /upload {"a":1}`:                  func(n int) bool { return n > 50 && n < 100 },
	} {
		if !want(count[line]) {
			t.Errorf("%q: %d times; all: %v", line, count[line], count)
		}
	}
	logouts := 0
	for line, n := range count {
		if strings.HasPrefix(line, "POST /logout?user=foo&n=") {
			logouts += n
		}
	}
	if logouts != 3 {
		t.Errorf("logouts: got %d, want 3", logouts)
	}
	if got, want := int(snap.Total.Run.Requests), len(s.seen); got != want {
		t.Errorf("requests: got %d, the server saw %d", got, want)
	}
	rows := map[string]bool{}
	for _, r := range snap.Rows {
		rows[r.Key.Name] = true
	}
	if !rows["/items/[id]"] {
		t.Errorf("rows: got %v, want one /items/[id]", rows)
	}
}

func TestSequenceAndWait(t *testing.T) {
	b, err := requests.Text("x.http", "# @sequence\n# @wait 1ms-2ms\nGET /a\n\n###\nGET /b\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	run(t, s.URL, b, 60)
	a, n := 0, len(s.seen)
	for _, line := range s.seen {
		if strings.HasPrefix(line, "GET /a") {
			a++
		}
	}
	if n != 60 || a < 30 || a > 33 {
		t.Errorf("got %d of %d requests for /a, want half", a, n)
	}
}

func TestAListOfURLs(t *testing.T) {
	s := newServer(t)
	b, err := requests.Text("urls.txt", "# paths\n/a\n\n"+s.URL+"/b\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if snap := run(t, s.URL, b, 50); len(snap.Rows) != 2 || snap.Total.Run.Failures > 0 {
		t.Errorf("rows: got %v", snap.Rows)
	}
}

func TestComplaintsNameThePlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "x.http:1:1: no request"},
		{"hello there\n", `x.http:1:1: a request line such as GET /items is expected`},
		{"GET /a\nnot a header\n", "x.http:2:1: a header such as"},
		{"GET /a\n\n> {%\n client.test()\n%}\n", "x.http:3:1: a response script"},
		{"< {%\n%}\nGET /a\n", "x.http:1:1: a script before"},
		{"GET /a\n\n>> out.json\n", "x.http:3:1: saving the response"},
		{"GET /{{nobody}}\n", `x.http:1:6: unknown variable "nobody"`},
		{"GET /a\nX-A: b {{nobody}}\n", `x.http:2:8: unknown variable "nobody"`},
		{"GET /{{nobody\n", "x.http:1:6: {{ without }}"},
		{"GET /{{list.response.body.$.a}}\n", `no request is named "list"`},
		{"GET /{{$whatever}}\n", "x.http:1:6: $whatever is not understood"},
		{"GET /{{$randomInt 5 1}}\n", "two numbers are expected"},
		{"# @weight x\nGET /a\n", `x.http:1:3: @weight "x"`},
		{"# @expect 2000\nGET /a\n", "status codes such as 200"},
		{"# @wait 5s-1s\nGET /a\n", "the first is longer"},
		{"# @nmae x\nGET /a\n", "directive @nmae is not understood (did you mean @name?)"},
		{"# @name a\nGET /{{b.response.body}}\n###\n# @name b\nGET /{{a.response.body}}\n", "in a circle"},
		{"# @name a\nGET /a\n###\n# @name a\nGET /b\n", `two requests are named "a"`},
		{"# @on-start\nGET /a\n", "nothing to do between"},
		{"POST /a\n\n< nosuch.json\n", "x.http:3:1: "},
		{"GRAPHQL /a\n", "GRAPHQL requests are not understood"},
		{"GET /a b\n", "a URL has no space"},
		{"GET /a\x00\n", "x.http:1:7: this is no text"},
		{"@x\nGET /a\n", "x.http:1:1: a variable such as"},
	} {
		_, err := requests.Text("x.http", c.text, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.text, err, c.want)
		}
	}
}

func TestASlipInAListIsCalledThat(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"urls.txt", "http://localhost/a\n# a comment\n/ok\n  http//bad\n/z\n", `urls.txt:4:3: "http//bad" is neither a path nor a URL`},
		{"urls.txt", "/a b\n/ok\n", "urls.txt:1:1: a URL has no space"},
		{"urls.txt", "/a\nftp://x/y\n/ok\nnope", `urls.txt:2:1: "ftp://x/y" is neither`},
		{"urls.txt", "http://localhost/a\nlocalhost:5000/b\n", `urls.txt:2:1: "localhost:5000/b" is neither`},
		{"urls.txt", "/a\n/b{{x}}\n", "urls.txt:2:1: a list of URLs has no variables"},
		{"urls.txt", "/a\nAccept: text/html\nX\n", "urls.txt:3:1: a header such as"}, // no list
		{"urls.http", "/a\nnope\n", "urls.http:2:1: a header such as"},
	} {
		_, err := requests.Text(c.name, c.text, nil)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
	for _, text := range []string{"/a\nAccept: text/html\n", "http://localhost/{{$uuid}}\n", "@x = 1\n/a/{{x}}\n", "POST /a\n\n/b\nc"} {
		if _, err := requests.Text("stdin", text, nil); err != nil {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(shop)
	f.Add("GET /{{$uuid}}\n\n# @name x\nGET /{{x.response.body}}")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := requests.Text("x.http", text, nil)
		if err == nil && b.New == nil {
			t.Error("neither a behaviour nor an error")
		}
	})
}
