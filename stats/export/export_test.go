package export

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tload/stats"
)

func state() State {
	l := stats.NewLedger(0, 0)
	var b stats.Batch
	d := b.Row(stats.Key{Method: "GET", Name: "/a\"b\\c\nd\xff"})
	for range 90 {
		d.OK.Add(3 * time.Millisecond)
	}
	d.Failed.AddN(200*time.Second, 10)
	d.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 200, Count: 90}, {Kind: stats.Timeout, Count: 10}}
	d.Due, d.Late, d.In = 100, 5, 4096
	d.Corrected.Add(time.Second)
	l.Fold(&b, time.Second, stats.Users{})
	return State{Snapshot: l.Snapshot(), Started: time.Unix(1000, 0), Users: 7, Target: 9, Healthy: true, CPU: 50}
}

// exposition is a Prometheus text as sample → value. It fails on a line that is
// none.
func exposition(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "# ") {
			continue
		}
		i := strings.LastIndexByte(s.Text(), ' ')
		v, err := strconv.ParseFloat(s.Text()[max(i+1, 0):], 64)
		if i < 0 || err != nil {
			t.Fatalf("line %q is no sample", s.Text())
		}
		if _, twice := out[s.Text()[:i]]; twice {
			t.Errorf("%s is there twice", s.Text()[:i])
		}
		out[s.Text()[:i]] = v
	}
	return out
}

func TestPrometheus(t *testing.T) {
	server := httptest.NewServer(Prometheus(state))
	defer server.Close()
	reply, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := exposition(t, string(text))
	const of = `method="GET",name="/a\"b\\c␊d\\xff"`
	for name, want := range map[string]float64{
		"tload_users": 7, "tload_users_target": 9, "tload_generator_ok": 1, "tload_late_total": 5, "tload_received_bytes_total": 4096,
		`tload_requests_total{` + of + `,kind="OK",status="200"}`:      90,
		`tload_requests_total{` + of + `,kind="TIMEOUT",status=""}`:    10,
		`tload_request_duration_seconds_bucket{` + of + `,le="0.002"}`: 0,
		`tload_request_duration_seconds_bucket{` + of + `,le="0.005"}`: 90,
		`tload_request_duration_seconds_bucket{` + of + `,le="100"}`:   90,
		`tload_request_duration_seconds_bucket{` + of + `,le="+Inf"}`:  100,
		`tload_request_duration_seconds_count{` + of + `}`:             100,
		`tload_request_duration_seconds_sum{` + of + `}`:               2000.27,
		`tload_corrected_duration_seconds{quantile="0.99"}`:            1,
	} {
		if v, there := got[name]; !there || v < want*0.9999 || v > want*1.0001 {
			t.Errorf("%s: got %v (%v), want %v", name, v, there, want)
		}
	}
}

func TestPush(t *testing.T) {
	var mu sync.Mutex
	var bodies [][]byte
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		mu.Lock()
		defer mu.Unlock()
		if q.URL.Path != "/v1/metrics" || q.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s", q.URL.Path, q.Header.Get("Content-Type"))
		}
		bodies = append(bodies, b)
		w.WriteHeader(status)
	}))
	defer server.Close()
	url, err := CollectorURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := Push(url, state, func(err error) { t.Errorf("report: %v", err) })
	p.Close()
	if len(bodies) != 1 {
		t.Fatalf("requests: got %d, want the last state", len(bodies))
	}
	var got otlpRequest
	if err := json.Unmarshal(bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, m := range got.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		switch m.Name {
		case "tload.request.duration":
			h := m.Histogram.Points[0]
			seen++
			if h.Count != "100" || len(h.Counts) != len(h.Bounds)+1 || h.Counts[len(h.Counts)-1] != "10" {
				t.Errorf("duration: got %+v", h)
			}
		case "tload.requests":
			seen++
			if len(m.Sum.Points) != 2 || m.Sum.Points[0].Value != 90 {
				t.Errorf("requests: got %+v", m.Sum)
			}
		}
	}
	if seen != 2 {
		t.Errorf("got %d of the two metrics", seen)
	}

	status = http.StatusServiceUnavailable
	var reports []error
	p = Push(url, state, func(err error) { reports = append(reports, err) })
	p.send() // not at once with its own goroutine's: that waits for its tick
	p.Close()
	if len(reports) != 1 || !strings.Contains(reports[0].Error(), "503") {
		t.Errorf("a collector that fails twice: got reports %v, want one", reports)
	}
	for _, bad := range []string{"localhost:4318", "ftp://x", "", "http://"} {
		if _, err := CollectorURL(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// disk is a file that can hold its writer up, or be full.
type disk struct {
	strings.Builder
	hold chan struct{}
	full bool
}

func (d *disk) Write(b []byte) (int, error) {
	if d.hold != nil {
		<-d.hold
	}
	if d.full {
		return 0, errors.New("no space left on device")
	}
	return d.Builder.Write(b)
}

func (d *disk) Close() error { return nil }

func TestRequestLog(t *testing.T) {
	d := &disk{}
	l := newRequestLog(d)
	r := stats.NewRecorder(stats.Limits{Log: l.Log})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s := r.Sink()
			m := s.Meter(stats.Key{Method: "GET", Name: "/ä\"\n"})
			for i := range 500 {
				s.Begin()
				if i%10 == 0 {
					s.Fail(m, stats.Sample{Kind: stats.HTTP, Status: 503, Took: time.Millisecond, Due: true, Late: time.Second}, "503 \xff")
				} else {
					s.Record(m, stats.Sample{Status: 200, Took: 1500 * time.Microsecond, In: 7, Redirects: 2})
				}
			}
			s.Record(s.Meter(stats.Key{Class: stats.Task, Name: "t"}), stats.Sample{})
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(d.String(), "\n"), "\n")
	if len(lines) != 2000 {
		t.Fatalf("lines: got %d, want one for each of 2000 requests", len(lines))
	}
	failed := 0
	for _, text := range lines {
		var x struct {
			End        time.Time
			Name, Kind string
			Status     int
			MS, Late   float64
			Error      string
			In         int64
			Redirects  int
		}
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if x.Kind == "HTTP" {
			failed++
			if x.Status != 503 || x.MS != 1 || strings.Contains(text, "redirects") || !strings.HasPrefix(x.Error, "503") {
				t.Errorf("got %s", text)
			}
		} else if x.MS != 1.5 || x.In != 7 || x.Redirects != 2 || x.Name != "/ä\"\n" || x.End.IsZero() {
			t.Errorf("got %s", text)
		}
	}
	if failed != 200 {
		t.Errorf("failures: got %d, want 200", failed)
	}
}

// TestRequestLogDoesNotWait: a disk that hangs costs lines, and they are
// counted.
func TestRequestLogDoesNotWait(t *testing.T) {
	d := &disk{hold: make(chan struct{})}
	l := newRequestLog(d)
	message := strings.Repeat("m", 1000)
	const n = 40_000
	for range n {
		l.Log(stats.Key{}, stats.Sample{}, message)
	}
	close(d.hold)
	err := l.Close()
	if err == nil {
		t.Fatal("no error though lines are missing")
	}
	written := strings.Count(d.String(), "\n")
	if !strings.Contains(err.Error(), strconv.Itoa(n-written)+" lines are missing") {
		t.Errorf("got %v with %d of %d lines written", err, written, n)
	}
	full := newRequestLog(&disk{full: true})
	full.Log(stats.Key{}, stats.Sample{}, "")
	if err := full.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("a full disk: got %v", err)
	}
}

func BenchmarkRequestLog(b *testing.B) {
	l := newRequestLog(&disk{full: false})
	defer l.Close()
	x := stats.Sample{Status: 200, Took: 1234567, In: 100, Out: 50}
	b.ReportAllocs()
	for b.Loop() {
		l.Log(stats.Key{Method: "GET", Name: "/cart"}, x, "")
	}
}
