package export

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tload/stats"
)

// Prometheus serves the newest state in Prometheus' text format. now is called
// for each request and must not wait.
func Prometheus(now func() State) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		b := bufio.NewWriter(w)
		writeText(b, now())
		b.Flush() // the reader may be gone
	})
}

func writeText(w *bufio.Writer, s State) {
	head := func(name, kind, help string) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	one := func(name, kind, help string, v float64) {
		head(name, kind, help)
		fmt.Fprintf(w, "%s %s\n", name, number(v))
	}
	t := &s.Total.Run
	one("tload_users", "gauge", "Users that run.", float64(s.Users))
	one("tload_users_target", "gauge", "Users asked for.", float64(s.Target))
	one("tload_in_flight", "gauge", "Requests that go on.", float64(s.InFlight))
	one("tload_elapsed_seconds", "gauge", "Time since the run began.", s.Elapsed.Seconds())
	one("tload_generator_ok", "gauge", "1 while the load generator itself is well.", boolean(s.Healthy))
	one("tload_generator_cpu_percent", "gauge", "CPU of the load generator, of one core.", s.CPU)
	one("tload_aborted_total", "counter", "Requests cut off by the end of the run.", float64(t.Aborted))
	one("tload_due_total", "counter", "Starts that had a schedule.", float64(t.Due))
	one("tload_late_total", "counter", "Starts more than 10 ms behind their schedule.", float64(t.Late))
	one("tload_not_started_total", "counter", "Arrivals that never started.", float64(t.NotStarted))
	one("tload_connections_total", "counter", "Connections opened.", float64(t.Dialled))
	one("tload_received_bytes_total", "counter", "Bytes received.", float64(t.In))
	one("tload_sent_bytes_total", "counter", "Bytes sent.", float64(t.Out))

	head("tload_requests_total", "counter", "Requests that ended, by how they did.")
	for i := range s.Rows {
		r := &s.Rows[i]
		for _, o := range r.Run.Outcomes {
			if o.Kind != stats.Aborted {
				fmt.Fprintf(w, "tload_requests_total{%s,kind=\"%s\",status=\"%s\"} %d\n", labels(r.Key), o.Kind, status(o.Status), o.Count)
			}
		}
	}
	if len(s.Counters) > 0 {
		head("tload_counted_total", "counter", "What behaviours count.")
		for i := range s.Counters {
			fmt.Fprintf(w, "tload_counted_total{name=\"%s\"} %d\n", escape(s.Counters[i].Key.Name), s.Counters[i].Run.Counted())
		}
	}
	head("tload_request_duration_seconds", "histogram", "Service time of requests, failed ones too.")
	for i := range s.Rows {
		r := &s.Rows[i]
		if r.Run.Requests == 0 {
			continue
		}
		var sum uint64
		counts := buckets(r.Run.Bars)
		for j, b := range bounds {
			sum += counts[j]
			fmt.Fprintf(w, "tload_request_duration_seconds_bucket{%s,le=\"%s\"} %d\n", labels(r.Key), number(b.Seconds()), sum)
		}
		l := &r.Run.Latency
		fmt.Fprintf(w, "tload_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels(r.Key), l.Count)
		fmt.Fprintf(w, "tload_request_duration_seconds_sum{%s} %s\n", labels(r.Key), number(l.Sum.Seconds()))
		fmt.Fprintf(w, "tload_request_duration_seconds_count{%s} %d\n", labels(r.Key), l.Count)
	}
	if t.Corrected.Count > 0 {
		head("tload_corrected_duration_seconds", "summary", "Time of all requests from when their start was due, over the whole run.")
		for i, q := range stats.Percentiles {
			fmt.Fprintf(w, "tload_corrected_duration_seconds{quantile=\"%s\"} %s\n", number(q), number(t.Corrected.At(i).Seconds()))
		}
		fmt.Fprintf(w, "tload_corrected_duration_seconds_sum %s\ntload_corrected_duration_seconds_count %d\n", number(t.Corrected.Sum.Seconds()), t.Corrected.Count)
	}
}

func labels(k stats.Key) string {
	return `method="` + escape(k.Method) + `",name="` + escape(k.Name) + `"`
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func escape(s string) string { return escaper.Replace(stats.Clean(s)) }

func status(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
