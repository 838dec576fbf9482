package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tload/stats"
	"tload/stats/exchange"
)

var begin = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

// shop is a run of ten seconds against a shop whose cart fails at times.
func shop() *Run {
	l := stats.NewLedger(0, 0)
	home, cart := stats.Key{Method: "GET", Name: "/"}, stats.Key{Method: "POST", Name: "/cart"}
	for sec := range 10 {
		var b stats.Batch
		h := b.Row(home)
		for range 100 {
			h.OK.Add(12 * time.Millisecond)
		}
		h.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 200, Count: 100}}
		h.In, h.Out, h.Dialled = 25600, 8000, 1
		c := b.Row(cart)
		c.OK.AddN(44*time.Millisecond, 9)
		c.Failed.Add(1204 * time.Millisecond)
		c.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 201, Count: 9}, {Kind: stats.HTTP, Status: 503, Count: 1}}
		b.Row(stats.Key{Class: stats.Task, Method: "Shopper", Name: "browse"}).OK.Add(60 * time.Millisecond)
		when := begin.Add(time.Duration(sec) * time.Second)
		b.Errors = append(b.Errors, stats.ErrorDelta{
			Key: stats.GroupKey{Key: cart, Kind: stats.HTTP, Status: 503, Print: "# Service Unavailable"}, Count: 1, First: when, Last: when,
			Variants: map[string]uint64{"503 Service Unavailable": 1},
			Kept:     []stats.Kept{{Exchange: failingCart(cart, when), First: true, Random: -1}},
		})
		if sec == 4 {
			l.Segment("steady 5")
		}
		l.Fold(&b, time.Duration(sec+1)*time.Second, stats.Users{Running: 5, Target: 5, Suspect: sec == 7})
	}
	return &Run{
		Meta: Meta{
			Version: "0.1.0", Host: "http://localhost:5000", Started: begin, Exit: "run-time", Peak: 5, Seed: 42, Dir: "./tload-runs/localhost-1",
			Generator: Generator{Verdict: "ok", CPUPercent: 88, Cores: 2, MaxInFlight: 5, OpenFiles: 20, OpenFilesLimit: 1024},
		},
		Snapshot: l.Snapshot(), Histograms: l.Histograms, Redact: exchange.NewMasker(),
	}
}

func failingCart(key stats.Key, when time.Time) *stats.Exchange {
	body := []byte(`{"item": 7, "password": "hunter2"}`)
	reply := []byte(`{"error":"pool exhausted"}`)
	return &stats.Exchange{
		When: when, Key: key, Kind: stats.HTTP, Status: 503, Message: "503 Service Unavailable", User: 3, Behaviour: "Shopper", Task: "buy", Iteration: 2,
		URL: "http://localhost:5000/cart?token=abc&n=1",
		Request: stats.Part{
			Head: []byte("POST /cart?token=abc&n=1 HTTP/1.1\r\nHost: localhost:5000\r\nAuthorization: Bearer sesame\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"),
			Body: body, Size: int64(len(body)), Expected: -1,
		},
		Response: stats.Part{
			Head: []byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nSet-Cookie: sid=s3cret; Path=/\r\n\r\n"),
			Body: reply, Size: int64(len(reply)), Expected: int64(len(reply)),
		},
		Took: 1204 * time.Millisecond,
	}
}

func text(t *testing.T, r *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// fits fails unless the summary fits a terminal of 80 by 24 and has no byte
// that a terminal would act on.
func fits(t *testing.T, s string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("got %d lines, want at most 24", len(lines))
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 80 {
			t.Errorf("got a line of %d columns, want at most 80: %s", n, l)
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
			t.Errorf("control character in %q", l)
		}
	}
}

func TestText(t *testing.T) {
	s := text(t, shop())
	fits(t, s)
	for _, want := range []string{
		"ended by its run time after 00:10", "peak 5 users", "http://localhost:5000",
		"requests 1 100", "RPS 110", "failed 10 (0.9%)",
		"latency ms", "failed ms", "POST   /cart", "503 Service Unavailable", "[10 kept]", "max 44",
		"generator ok", "saved ./tload-runs/localhost-1",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	for _, no := range []string{"corrected", "aborted", "not started"} {
		if strings.Contains(s, no) {
			t.Errorf("%q though nothing was due or cut off:\n%s", no, s)
		}
	}
}

func TestTextOfManyRowsFits(t *testing.T) {
	l := stats.NewLedger(0, 0)
	var b stats.Batch
	for i := range 300 {
		key := stats.Key{Method: "GET\x1b[2J", Name: strings.Repeat("/世界\x1b]0;x\a", i%9) + "/n" + string(rune('a'+i%26)) + strings.Repeat("x", i)}
		d := b.Row(key)
		d.OK.AddN(time.Duration(i)*time.Second, uint64(1+i*1e6))
		d.Failed.AddN(time.Hour, uint64(i))
		d.Corrected.AddN(time.Hour, uint64(i))
		d.Due, d.Late, d.NotStarted = uint64(i), uint64(i), 5
		d.Aborted.Add(time.Minute)
		b.Errors = append(b.Errors, stats.ErrorDelta{
			Key: stats.GroupKey{Key: key, Kind: stats.Protocol, Print: key.Name}, Count: uint64(i + 1), First: begin, Last: begin,
			Variants: map[string]uint64{"bad \u202e\x1b[31m\xff" + strings.Repeat("y", 200): 1},
		})
	}
	l.Fold(&b, 1000*time.Second, stats.Users{})
	r := &Run{Meta: Meta{
		Version: "1", Host: "http://" + strings.Repeat("h", 100), Exit: "you", Hangup: true, Peak: 5e6, Err: "7 users did not stop", Dir: strings.Repeat("d", 90),
		Generator:  Generator{Verdict: "suspect", Reasons: []string{strings.Repeat("r", 100)}, SuspectSeconds: 41},
		Thresholds: []Threshold{{Expr: "a"}, {Expr: "b"}, {Expr: "c"}, {Expr: "d"}, {Expr: "e", Held: true}},
		Notes:      []string{"a", "b", "c", "d"},
	}, Snapshot: l.Snapshot()}
	s := text(t, r)
	fits(t, s)
	for _, want := range []string{"generator was not well for 00:41", "saved", "errors", "more endpoints", "more groups", "corrected ms", "aborted", "not started"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
}

func TestTextOfNothing(t *testing.T) {
	s := text(t, &Run{Snapshot: stats.NewLedger(0, 0).Snapshot()})
	fits(t, s)
	for _, want := range []string{"no request was answered", "is not known"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, shop()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tload, Exit string
		Elapsed     float64 `json:"elapsed_s"`
		Total       map[string]any
		Endpoints   []map[string]any
		Tasks       []map[string]any
		Errors      []map[string]any
		Segments    []map[string]any
		Generator   map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tload != "0.1.0" || got.Exit != "run-time" || got.Elapsed != 10 {
		t.Errorf("head: got %q, %q, %v", got.Tload, got.Exit, got.Elapsed)
	}
	for key, want := range map[string]any{"requests": 1100., "failures": 10., "rps": 110., "failures_per_s": 1., "received_bytes": 256000., "aborted": 0.} {
		if got.Total[key] != want {
			t.Errorf("total.%s: got %v, want %v", key, got.Total[key], want)
		}
	}
	for _, absent := range []string{"corrected_ms", "late_percent", "not_started"} {
		if v, there := got.Total[absent]; there {
			t.Errorf("total.%s is %v, though nothing was due", absent, v)
		}
	}
	if _, there := got.Endpoints[0]["failed_latency_ms"]; there {
		t.Errorf("an endpoint that never failed has failed_latency_ms")
	}
	if l := got.Total["latency_ms"].(map[string]any); l["p99.9"] == nil || l["max"] != 1204. {
		t.Errorf("latency_ms: got %v", l)
	}
	if s := got.Total["status"].(map[string]any); s["200"] != 1000. || s["503"] != 10. {
		t.Errorf("status: got %v", s)
	}
	if k := got.Total["kinds"].(map[string]any); len(k) != 1 || k["HTTP"] != 10. {
		t.Errorf("kinds: got %v, want the failures alone", k)
	}
	if len(got.Tasks) != 1 || got.Tasks[0]["behaviour"] != "Shopper" || got.Tasks[0]["runs"] != 10. {
		t.Errorf("tasks: got %v", got.Tasks)
	}
	if len(got.Errors) != 1 || got.Errors[0]["kind"] != "HTTP" || got.Errors[0]["count"] != 10. || got.Errors[0]["kept"] == 0. {
		t.Errorf("errors: got %v", got.Errors)
	}
	var sum float64
	for i, s := range got.Segments {
		sum += s["total"].(map[string]any)["requests"].(float64)
		if i > 0 && s["from_s"] != got.Segments[i-1]["to_s"] {
			t.Errorf("segments: a gap before %v", s["name"])
		}
	}
	if sum != 1100 || got.Segments[len(got.Segments)-1]["to_s"] != 10. {
		t.Errorf("segments have %v requests and end at %v, want 1100 and 10", sum, got.Segments[len(got.Segments)-1]["to_s"])
	}
	if got.Generator["verdict"] != "ok" || got.Generator["late_percent"] != nil {
		t.Errorf("generator: got %v", got.Generator)
	}
}

func TestWriteDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "run")
	if err := WriteDir(dir, shop()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"summary.json", "summary.txt", "stats.csv", "stats_history.csv", "failures.csv", "exceptions.csv", "report.html",
		"errors/503-POST-cart-001.http", "errors/503-POST-cart-008.body", "errors/503-POST-cart-001.curl.sh"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range []string{"sesame", "hunter2", "s3cret", "token=abc"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s has the secret %s", path, secret)
			}
		}
		if strings.HasSuffix(path, ".part") {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWriteDirAgain(t *testing.T) {
	dir := t.TempDir()
	if err := WriteDir(dir, shop()); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "errors", "notes.http")
	if err := os.WriteFile(own, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteDir(dir, &Run{Snapshot: stats.NewLedger(0, 0).Snapshot()}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "errors", "*"))
	if err != nil || len(left) != 1 || left[0] != own {
		t.Errorf("after a run without failures: got %v, want only what is not ours", left)
	}
}

// TestWriteDirGoesOn has one name taken by a directory: that file fails, the
// others are there.
func TestWriteDirGoesOn(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "summary.json", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := WriteDir(dir, shop())
	if err == nil || !strings.Contains(err.Error(), "summary.json") || strings.Contains(err.Error(), "stats.csv") {
		t.Errorf("got error %v, want one of summary.json alone", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "stats.csv")); err != nil {
		t.Errorf("after a file that failed the next is missing: %v", err)
	}
}

// TestTextOfFailuresAlone: the times of what never succeeded are under the name
// of failures and nowhere else, and the list of failures is sorted by count.
func TestTextOfFailuresAlone(t *testing.T) {
	l := stats.NewLedger(0, 0)
	down, up := stats.Key{Method: "GET", Name: "/down"}, stats.Key{Method: "GET", Name: "/up"}
	own := stats.Key{Class: stats.Task, Method: "Shopper", Name: "buy"}
	var b stats.Batch
	b.Row(down).Failed.AddN(2*time.Second, 1200)
	b.Row(up).OK.AddN(7*time.Millisecond, 50)
	for _, e := range []struct {
		key   stats.GroupKey
		count uint64
	}{{stats.GroupKey{Key: down, Kind: stats.HTTP, Status: 500}, 1200}, {stats.GroupKey{Key: own, Kind: stats.Error}, 3400}, {stats.GroupKey{Key: own, Kind: stats.Panic, Print: "x"}, 1}} {
		b.Errors = append(b.Errors, stats.ErrorDelta{Key: e.key, Count: e.count, First: begin, Last: begin, Variants: map[string]uint64{"cause": e.count}})
	}
	l.Fold(&b, 4200*time.Millisecond, stats.Users{})
	r := &Run{Meta: Meta{Exit: "iterations", Peak: 12, Host: "http://h"}, Snapshot: l.Snapshot()}
	s := text(t, r)
	fits(t, s)
	at := 0
	for _, want := range []string{
		"after 00:04  peak 12 users  http://h\n", "failed 1 200 (96.0%)", "fail99",
		"GET    /down                   1 200      286    100     -     -     -   2 000\n",
		"GET    /up                        50       12    0.0   7.0   7.0   7.0       -\n",
		"errors: 1 200 failed requests in 1, 3 401 task errors in 2 groups\n",
		"3 400  TASK ", "1 200  HTTP 500", "1  PANIC",
	} {
		i := strings.Index(s[at:], want)
		if i < 0 {
			t.Fatalf("no %q from there on in\n%s", want, s)
		}
		at += i
	}
	page := pageOf(t, r)
	for _, want := range []string{"<h2>Failures: 1 200 failed requests in 1 group</h2>", "<h2>Exceptions of the behaviours: 3 401 task errors in 2 groups</h2>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	// A segment's times are of successes: of one with none there are none.
	l.Segment("later")
	b.Reset()
	b.Row(down).Failed.AddN(2*time.Second, 10)
	l.Fold(&b, 9*time.Second, stats.Users{})
	if page := pageOf(t, &Run{Snapshot: l.Snapshot()}); !strings.Contains(page, "<td>100</td><td>-</td><td>-</td><td>-</td><td>-</td></tr>") {
		t.Error("a segment that only failed has times on the page that are not said to be of failures")
	}
}
