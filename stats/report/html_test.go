package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
)

func pageOf(t *testing.T, r *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTML(t *testing.T) {
	s := pageOf(t, shop())
	for _, want := range []string{"<svg", "Service time of failures", "/cart", "pool exhausted", `class="suspect"`, "steady 5", "Content-Security-Policy", "curl -i -X POST"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, no := range []string{"sesame", "hunter2", "s3cret", "Corrected:", "<script", "ZgotmplZ"} {
		if strings.Contains(s, no) {
			t.Errorf("%q is in the page", no)
		}
	}
}

// TestHTMLIsEscaped has markup in every text that a target or a behaviour can
// choose.
func TestHTMLIsEscaped(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	l := stats.NewLedger(0, 0)
	key := stats.Key{Method: "GET" + evil, Name: "/" + evil}
	var b stats.Batch
	b.Row(key).Failed.Add(time.Second)
	b.Row(stats.Key{Class: stats.Task, Method: evil, Name: evil}).OK.Add(1)
	x := failingCart(key, begin)
	x.Message, x.Behaviour, x.Task, x.URL = evil, evil, evil, "http://h/"+evil
	x.Response.Head, x.Response.Body = []byte("HTTP/1.1 503 "+evil+"\r\n\r\n"), []byte(evil)
	b.Errors = []stats.ErrorDelta{{Key: stats.GroupKey{Key: key, Kind: stats.HTTP, Print: evil}, Count: 1, First: begin, Last: begin,
		Variants: map[string]uint64{evil: 1, "b": 1}, Kept: []stats.Kept{{Exchange: x, First: true, Random: -1}}}}
	l.Segment(evil)
	l.Fold(&b, time.Second, stats.Users{})
	l.Reset(evil)
	l.Mark(evil)
	l.Fold(&stats.Batch{}, 3*time.Second, stats.Users{})
	r := &Run{Meta: Meta{Host: evil, Exit: evil, Version: evil, Err: evil, Notes: []string{evil}, Thresholds: []Threshold{{Expr: evil}},
		Generator: Generator{Verdict: "suspect", Reasons: []string{evil}}}, Snapshot: l.Snapshot()}
	s := pageOf(t, r)
	if strings.Contains(s, "<script") || strings.Contains(s, "<img") {
		t.Errorf("markup came through: …%.200s…", s[max(strings.Index(s, "<script"), strings.Index(s, "<img"))-100:])
	}
	if strings.Count(s, "&lt;script") < 12 {
		t.Errorf("got the text %d times, want it wherever it was put", strings.Count(s, "&lt;script"))
	}
}

// TestHTMLInABrowser opens the page in headless Chromium through a server that
// counts what the page asks for: itself, and nothing else.
func TestHTMLInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser")
	}
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		if os.Getenv("TLOAD_CI") != "" {
			t.Fatal("chromium is needed and not here")
		}
		t.Skip("chromium is needed: install it to run this test")
	}
	page := pageOf(t, shop())
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/favicon.ico" { // asked by the browser, not by the page
			http.NotFound(w, q)
			return
		}
		asked.Add(1)
		io.WriteString(w, page)
	}))
	defer server.Close()
	out, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--disable-background-networking", "--virtual-time-budget=2000", "--dump-dom", server.URL).Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	if asked.Load() != 1 {
		t.Errorf("requests: got %d, want that of the page alone", asked.Load())
	}
	if n := strings.Count(string(out), "<path"); n < 6 {
		t.Errorf("lines on charts: got %d, want at least 6", n)
	}
	if !strings.Contains(string(out), "pool exhausted") {
		t.Error("the failing exchange is not in the page")
	}
}

func TestHgrm(t *testing.T) {
	var h stats.Histogram
	for i := 1; i <= 10000; i++ {
		h.Add(time.Duration(i) * 100 * time.Microsecond)
	}
	var b bytes.Buffer
	if err := Hgrm(&b, &h); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if strings.Fields(lines[0])[0] != "Value" || lines[1] != "" {
		t.Errorf("head: got %q, %q", lines[0], lines[1])
	}
	rows, last := 0, -1.0
	for _, l := range lines[2:] {
		if l == "" || l[0] == '#' {
			continue
		}
		rows++
		f := strings.Fields(l)
		value, err1 := strconv.ParseFloat(f[0], 64)
		p, err2 := strconv.ParseFloat(f[1], 64)
		n, err3 := strconv.Atoi(f[2])
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("line %q", l)
		}
		if p <= last {
			t.Errorf("percentile %v after %v", p, last)
		}
		last = p
		if want := math.Max(p*1000, 0.1); math.Abs(value-want) > 0.005*want+0.1 {
			t.Errorf("at %v: got %v ms, want %v", p, value, want)
		}
		if float64(n) < p*10000 {
			t.Errorf("at %v: %d counted, want at least that share of 10000", p, n)
		}
	}
	if last != 1 || rows < 30 {
		t.Errorf("got %d lines to %v, want more, to 1", rows, last)
	}
	b.Reset()
	if err := Hgrm(&b, new(stats.Histogram)); err != nil || strings.Contains(b.String(), "NaN") {
		t.Errorf("empty: %v\n%s", err, b.String())
	}
}

func TestCSVIsLocusts(t *testing.T) {
	r := shop()
	var b bytes.Buffer
	if err := CSVStats(&b, r); err != nil {
		t.Fatal(err)
	}
	want := "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time," +
		"Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%\r\n" +
		"GET,/,1000,0,12,12.0,12.0,12.0,256.0,100.0,0.0,12,12,12,12,12,12,12,12,12,12,12\r\n" +
		"POST,/cart,100,10,44,160.0,44.0,1204.0,0.0,10.0,1.0,44,44,44,44,44,1204,1204,1204,1204,1204,1204\r\n" +
		",Aggregated,1100,10,12,25.454545,12.0,1204.0,232.72727272727272,110.0,1.0,12,12,12,12,12,44,44,44,1204,1204,1204\r\n"
	if got := b.String(); got != want {
		t.Errorf("stats.csv: got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	if err := CSVHistory(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")
	if len(lines) != 11 || !strings.HasPrefix(lines[0], "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,") ||
		!strings.HasSuffix(lines[0], "100%,Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,"+
			"Total Min Response Time,Total Max Response Time,Total Average Content Size") {
		t.Errorf("stats_history.csv: got %d lines, head %s", len(lines), lines[0])
	}
	first := fmt.Sprintf("%d,5,,Aggregated,110.000000,1.000000,12,", begin.Unix()+1)
	if !strings.HasPrefix(lines[1], first) || !strings.Contains(lines[3], ",330,3,12,") {
		t.Errorf("stats_history.csv: got\n%s\n%s, want the first to begin with %s and the third to have 330 requests so far", lines[1], lines[3], first)
	}
	b.Reset()
	if err := CSVFailures(&b, r); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "Method,Name,Error,Occurrences,First Seen,Last Seen\r\nPOST,/cart,503 Service Unavailable,10,2026-11-22T18:00:00Z,2026-11-22T18:00:09Z\r\n"; got != want {
		t.Errorf("failures.csv: got %q, want %q", got, want)
	}
	b.Reset()
	c := newCSV(&b)
	c.row(` lead`, `a,b`, `say "x"`, "two\nlines", "")
	c.flush()
	if got, want := b.String(), " lead,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\r\n"; got != want {
		t.Errorf("quoting: got %q, want what Python's csv writes, %q", got, want)
	}
}
