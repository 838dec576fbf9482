package export

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tload/stats"
)

// Pusher sends the state to an OpenTelemetry collector every few seconds.
type Pusher struct {
	url    string
	now    func() State
	report func(error)
	client *http.Client
	stop   chan struct{}
	gone   chan struct{}
	failed bool
}

// pushEvery is how often, and pushWithin how long one may take.
const (
	pushEvery  = 5 * time.Second
	pushWithin = 4 * time.Second
)

// CollectorURL checks the address of a collector and adds the path of metrics
// where it has none.
func CollectorURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is no address of a collector: write it as http://localhost:4318", text)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/metrics"
	}
	return u.String(), nil
}

// Push starts a goroutine that sends the state, as OTLP over HTTP in JSON, to a
// URL as CollectorURL gives it, until Close. report is told when sending fails,
// once, and with nil when it works again.
func Push(url string, now func() State, report func(error)) *Pusher {
	p := &Pusher{url: url, now: now, report: report, client: &http.Client{Timeout: pushWithin}, stop: make(chan struct{}), gone: make(chan struct{})}
	go p.run()
	return p
}

// Close sends the last state and waits for that, at most as long as one sending
// may take.
func (p *Pusher) Close() {
	close(p.stop)
	<-p.gone
	p.client.CloseIdleConnections()
}

func (p *Pusher) run() {
	defer close(p.gone)
	t := time.NewTicker(pushEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.send()
		case <-p.stop:
			p.send()
			return
		}
	}
}

func (p *Pusher) send() {
	err := p.try()
	if (err != nil) != p.failed {
		p.failed = err != nil
		p.report(err)
	}
}

func (p *Pusher) try() error {
	body, err := json.Marshal(metrics(p.now()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pushWithin)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	reply, err := p.client.Do(q)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(reply.Body, 1000))
	if reply.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s %s", p.url, reply.Status, strings.TrimSpace(string(said)))
	}
	return nil
}

// The JSON of OTLP: numbers of 64 bits are strings in it.
type (
	otlpRequest struct {
		ResourceMetrics []otlpResource `json:"resourceMetrics"`
	}
	otlpResource struct {
		Resource     otlpAttributes `json:"resource"`
		ScopeMetrics []otlpScope    `json:"scopeMetrics"`
	}
	otlpAttributes struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		String string `json:"stringValue"`
	}
	otlpScope struct {
		Scope   otlpName     `json:"scope"`
		Metrics []otlpMetric `json:"metrics"`
	}
	otlpName struct {
		Name string `json:"name"`
	}
	otlpMetric struct {
		Name      string         `json:"name"`
		Unit      string         `json:"unit,omitempty"`
		Gauge     *otlpGauge     `json:"gauge,omitempty"`
		Sum       *otlpSum       `json:"sum,omitempty"`
		Histogram *otlpHistogram `json:"histogram,omitempty"`
	}
	otlpGauge struct {
		Points []otlpPoint `json:"dataPoints"`
	}
	otlpSum struct {
		Points      []otlpPoint `json:"dataPoints"`
		Temporality int         `json:"aggregationTemporality"`
		Monotonic   bool        `json:"isMonotonic"`
	}
	otlpHistogram struct {
		Points      []otlpBuckets `json:"dataPoints"`
		Temporality int           `json:"aggregationTemporality"`
	}
	otlpPoint struct {
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Start      string          `json:"startTimeUnixNano"`
		Time       string          `json:"timeUnixNano"`
		Value      float64         `json:"asDouble"`
	}
	otlpBuckets struct {
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Start      string          `json:"startTimeUnixNano"`
		Time       string          `json:"timeUnixNano"`
		Count      string          `json:"count"`
		Sum        float64         `json:"sum"`
		Min        float64         `json:"min"`
		Max        float64         `json:"max"`
		Counts     []string        `json:"bucketCounts"`
		Bounds     []float64       `json:"explicitBounds"`
	}
)

const cumulative = 2 // since the run began

func metrics(s State) otlpRequest {
	start, now := strconv.FormatInt(s.Started.UnixNano(), 10), strconv.FormatInt(s.Started.Add(s.Elapsed).UnixNano(), 10)
	point := func(v float64, a ...otlpAttribute) otlpPoint { return otlpPoint{a, start, now, v} }
	var list []otlpMetric
	gauge := func(name string, v float64) {
		list = append(list, otlpMetric{Name: name, Gauge: &otlpGauge{[]otlpPoint{point(v)}}})
	}
	counter := func(name, unit string, points ...otlpPoint) {
		list = append(list, otlpMetric{Name: name, Unit: unit, Sum: &otlpSum{points, cumulative, true}})
	}
	t := &s.Total.Run
	gauge("tload.users", float64(s.Users))
	gauge("tload.users.target", float64(s.Target))
	gauge("tload.in_flight", float64(s.InFlight))
	gauge("tload.generator.ok", boolean(s.Healthy))
	gauge("tload.generator.cpu_percent", s.CPU)
	counter("tload.aborted", "", point(float64(t.Aborted)))
	counter("tload.late", "", point(float64(t.Late)))
	counter("tload.not_started", "", point(float64(t.NotStarted)))
	counter("tload.received", "By", point(float64(t.In)))
	counter("tload.sent", "By", point(float64(t.Out)))

	var requests []otlpPoint
	var durations []otlpBuckets
	bound := make([]float64, len(bounds))
	for i, b := range bounds {
		bound[i] = b.Seconds()
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		of := []otlpAttribute{attribute("method", r.Key.Method), attribute("name", r.Key.Name)}
		for _, o := range r.Run.Outcomes {
			if o.Kind != stats.Aborted {
				requests = append(requests, point(float64(o.Count), append(of[:2:2], attribute("kind", o.Kind.String()), attribute("status", status(o.Status)))...))
			}
		}
		l := &r.Run.Latency
		if l.Count == 0 {
			continue
		}
		var counts []string
		for _, n := range buckets(r.Run.Bars) {
			counts = append(counts, strconv.FormatUint(n, 10))
		}
		durations = append(durations, otlpBuckets{of, start, now, strconv.FormatUint(l.Count, 10), l.Sum.Seconds(), l.Min.Seconds(), l.Max.Seconds(), counts, bound})
	}
	var counted []otlpPoint
	for i := range s.Counters {
		counted = append(counted, point(float64(s.Counters[i].Run.Counted()), attribute("name", s.Counters[i].Key.Name)))
	}
	if len(counted) > 0 {
		counter("tload.counted", "", counted...)
	}
	if len(requests) > 0 {
		counter("tload.requests", "", requests...)
	}
	if len(durations) > 0 {
		list = append(list, otlpMetric{Name: "tload.request.duration", Unit: "s", Histogram: &otlpHistogram{durations, cumulative}})
	}
	return otlpRequest{[]otlpResource{{
		otlpAttributes{[]otlpAttribute{attribute("service.name", "tload")}},
		[]otlpScope{{otlpName{"tload"}, list}},
	}}}
}

func attribute(key, value string) otlpAttribute {
	return otlpAttribute{key, otlpValue{stats.Clean(value)}}
}
