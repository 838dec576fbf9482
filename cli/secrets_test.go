package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tload/behaviours"
)

// planted is a secret in one place of a request. It has characters that are
// escaped in one way or another wherever it stands, so that a value that is
// found only as it is, or only in part, leaves something of it.
func planted(place string) string { return "hidden-" + place + `<&'"/+= ` + place + "-hidden" }

// traces are what may be left of planted secrets in a text, whatever the escapes.
func traces(text []byte, places []string) (left []string) {
	for _, p := range places {
		if bytes.Contains(text, []byte("hidden-"+p)) || bytes.Contains(text, []byte(p+"-hidden")) {
			left = append(left, p)
		}
	}
	return left
}

var planting = []string{"header", "cookie", "query", "path1", "form", "json", "userinfo", "named"}

// parrot fails every request and repeats what it was sent: in plain text, as
// JSON, in HTML and escaped for a URL.
func parrot(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	user, password, _ := r.BasicAuth()
	heard := []string{"user " + user + " " + password, r.RequestURI, r.URL.Path, string(sent)}
	for name, values := range r.Header {
		heard = append(heard, name+": "+strings.Join(values, ", "))
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	r.ParseForm()
	for name, v := range r.Form {
		heard = append(heard, name+" was "+strings.Join(v, ", "))
	}
	var fields map[string]any
	json.Unmarshal(sent, &fields)
	heard = append(heard, fmt.Sprint(fields))
	slices.Sort(heard)
	text := strings.Join(heard, "\n")
	w.Header().Set("X-Heard", url.QueryEscape(text))
	w.Header().Set("Location", r.RequestURI)
	switch r.URL.Path[max(len(r.URL.Path)-1, 0):] {
	case "t":
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(500)
		fmt.Fprintln(w, text, url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	case "h":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(500)
		fmt.Fprintf(w, "<p>%s</p><a href='/back?%s'>", html.EscapeString(text), html.EscapeString(r.URL.RawQuery))
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(500)
		json.NewEncoder(w).Encode(map[string]any{"heard": heard, "error": heard[len(heard)-1] + heard[0]})
	}
}

// hoarder notes all that is sent to it.
type hoarder struct {
	mu  sync.Mutex
	got bytes.Buffer
}

func (h *hoarder) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got.ReadFrom(r.Body)
}

// TestSecretsStayWhereTheyWereSent plants a secret in every place that a request
// has, and looks for them in all that a run leaves behind and hands on. A secret
// in a path is one behind a secret name; "named" is a header that only --redact
// tells of.
func TestSecretsStayWhereTheyWereSent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(parrot))
	t.Cleanup(srv.Close)
	host := strings.Replace(srv.URL, "//", "//"+url.UserPassword("me", planted("userinfo")).String()+"@", 1)
	address := strings.TrimPrefix(srv.URL, "http://")
	path := "/token/" + url.PathEscape(planted("path1"))
	query := "?password=" + url.QueryEscape(planted("query"))
	form := "user=ada&password=" + url.QueryEscape(planted("form"))
	body := `{"user":"ada","a\u0070i_key":` + asJSON(planted("json")) + `}`

	requests := filepath.Join(t.TempDir(), "requests.http")
	text := "@secret = " + url.PathEscape(planted("path1")) + "\n" +
		"GET /search/t" + query + "#access_token=" + url.QueryEscape(planted("query")) + "\n\n###\nGET /by/{{secret}}/h\n\n" +
		"###\nPOST /form/j" + query + "&n={{$randomInt}}\nContent-Type: application/x-www-form-urlencoded\n\n" + form + "\n\n###\nPOST /json/t\nContent-Type: application/json\n\n" + body + "\n"
	urls := filepath.Join(t.TempDir(), "urls.txt")
	for file, text := range map[string]string{requests: text, urls: "/list/t" + query + "\n" + path + "/h\n" + host + "/whole/j" + query + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// An author's own code, which says more of its secrets than it should.
	author := behaviours.Behaviour{Name: "Author", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Name: "log in", Run: func(ctx context.Context) error {
				_, err := u.Post(ctx, "/form/j"+query, "application/x-www-form-urlencoded", []byte(form), behaviours.Name("log in"))
				u.Log().Warn("logged in with "+form, "url", host+path+query, "error", err, "password", "short")
				return fmt.Errorf("login as %s failed: %w", planted("form"), errors.New(srv.URL+"/form"+query))
			}},
			{Name: "json", Run: func(ctx context.Context) error {
				_, err := u.PostJSON(ctx, path+"/t"+query, map[string]string{"password": planted("json")})
				u.Measure(ctx, "queue", "push", func(context.Context) error { return errors.New("no such key " + planted("json")) })
				return err
			}},
			{Request: &behaviours.Request{Path: "/task/h" + query}},
		}}
	}}

	for name, c := range map[string]struct {
		args []string
		own  []behaviours.Behaviour
	}{
		"URLs":      {args: []string{"/" + query, path + "/t", host + "/whole/h" + query}},
		"list":      {args: []string{"-f", urls}},
		".http":     {args: []string{"-f", requests}},
		"behaviour": {own: []behaviours.Behaviour{author}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collected := &hoarder{}
			collector := httptest.NewServer(collected)
			defer collector.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			metrics := l.Addr().String()
			l.Close()

			dir := t.TempDir()
			out := filepath.Join(dir, "run")
			said, err := os.Create(filepath.Join(dir, "terminal"))
			if err != nil {
				t.Fatal(err)
			}
			defer said.Close()
			p := &program{stdin: os.Stdin, stdout: said, stderr: said, behaviours: c.own}
			p.args = append([]string{
				"--host=" + host, "--headless", "-u", "2", "-r", "10", "-t", "2s", "--print-every", "1s", "--loglevel", "debug", "--out", out,
				"--header", "X-Api-Key: " + planted("header"), "--header", "Cookie: sid=hidden-cookie/+=cookie-hidden", "--header", "X-Shop: " + planted("named"), "--redact", "x_shop",
				"--log-requests", filepath.Join(dir, "requests"), "--metrics", metrics, "--otlp", collector.URL,
				"--json", filepath.Join(dir, "json"), "--html", filepath.Join(dir, "html"), "--csv", filepath.Join(dir, "csv"), "--hgrm", filepath.Join(dir, "hgrm"),
			}, c.args...)
			code := make(chan int, 1)
			go func() { code <- p.main(context.Background()) }()
			scraped := []byte{}
			for done := false; !done; {
				select {
				case n := <-code:
					if n != exitOK {
						b, _ := os.ReadFile(said.Name())
						t.Fatalf("exit code %d\n%s", n, b)
					}
					done = true
				case <-time.After(50 * time.Millisecond):
					if res, err := http.Get("http://" + metrics + "/metrics"); err == nil {
						if b, err := io.ReadAll(res.Body); err == nil && len(b) > len(scraped) {
							scraped = b
						}
						res.Body.Close()
					}
				}
			}
			if !bytes.Contains(scraped, []byte("tload_requests_total{")) || collected.got.Len() == 0 {
				t.Errorf("nothing to look at: %d bytes of metrics, %d collected", len(scraped), collected.got.Len())
			}
			for what, text := range map[string][]byte{"--metrics": scraped, "--otlp": collected.got.Bytes()} {
				if left := traces(text, planting); left != nil {
					t.Errorf("%s has %v", what, left)
				}
			}
			files := 0
			err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				if left := traces([]byte(d.Name()), planting); left != nil {
					t.Errorf("the name of %s has %v", name, left)
				}
				if d.IsDir() {
					return nil
				}
				files++
				b, err := os.ReadFile(name)
				if t.Failed() {
					return err // one is enough to go on
				}
				if left := traces(b, planting); left != nil {
					at := bytes.Index(b, []byte("hidden"))
					t.Errorf("%s has %v: %q", name, left, b[max(at-200, 0):min(at+100, len(b))])
				}
				return err
			})
			if err != nil || files < 20 {
				t.Errorf("%d files, %v", files, err)
			}
			info, err := os.Stat(out)
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the run directory: got %v, %v, want 0700", info.Mode(), err)
			}
			if b, err := os.ReadFile(filepath.Join(out, "run.journal")); err != nil || !bytes.Contains(b, []byte("***")) {
				t.Errorf("the journal cannot be read as text: %v", err)
			}
			_, server, _ := net.SplitHostPort(address)
			if b, err := os.ReadFile(filepath.Join(out, "stats.csv")); err != nil || !bytes.Contains(b, []byte("=***")) && name != "behaviour" {
				t.Errorf("no masked name in stats.csv of %s, %v:\n%s", server, err, b)
			}
		})
	}
}

func asJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
