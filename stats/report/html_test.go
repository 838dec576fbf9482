package report

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
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
	for _, want := range []string{"<svg", "Service time of failures", "/cart", "pool exhausted", `class="suspect"`, "steady 5", "Content-Security-Policy", "curl -i "} {
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

// TestTheMatrixLosesNothing: however many ways there are to end, each row has all
// of its requests.
func TestTheMatrixLosesNothing(t *testing.T) {
	for _, ways := range []int{1, matrixColumns, matrixColumns + 1, matrixColumns + 70} {
		row := stats.Row{}
		for i := range ways {
			row.Run.Outcomes = append(row.Run.Outcomes, stats.Outcome{Kind: stats.HTTP, Status: 400 + i, Count: 1})
		}
		columns, matrix := statusMatrix([]stats.Row{row})
		sum := 0
		for _, c := range matrix[0].Counts {
			n, _ := strconv.Atoi(c)
			sum += n
		}
		if sum != ways || len(columns) > matrixColumns {
			t.Errorf("%d ways to end: %d requests in %d columns", ways, sum, len(columns))
		}
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
		if os.Getenv("REQUIRE_TOOLS") != "" {
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

// TestASpikeIsOnThePage has one second unlike the others in a run so long that no
// point stands for a second there any more.
func TestASpikeIsOnThePage(t *testing.T) {
	l := stats.NewLedger(0, 0)
	for second := range int64(6 * 3600) {
		var b stats.Batch
		n, took := uint64(100), 10*time.Millisecond
		if second == 700 {
			n, took = 2000, time.Second
		}
		b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(took, n)
		l.Fold(&b, time.Duration(second+1)*time.Second, stats.Users{Running: 5, Target: 5})
	}
	page := pageOf(t, &Run{Snapshot: l.Snapshot()})
	for _, want := range []string{">2000 /s<", ">1000 ms<"} { // the topmost labels of the axes
		if !strings.Contains(page, want) {
			t.Errorf("no axis reaches %s", want)
		}
	}
	for _, class := range []string{"c1", "c2", "c3"} {
		found := false
		for _, d := range regexp.MustCompile(`class="`+class+` reach" d="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			found = found || strings.Contains(d[1], fmt.Sprintf("V%.1f", float64(chartTop)))
		}
		if !found {
			t.Errorf("no stroke of %s reaches the top", class)
		}
	}
}
