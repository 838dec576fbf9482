package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tload/stats"
)

// ReadSummary reads a summary.json back, so far as Compare needs it.
func ReadSummary(r io.Reader) (*stats.Snapshot, error) {
	var in summary
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return nil, fmt.Errorf("summary.json: %w", err)
	}
	s := &stats.Snapshot{Elapsed: time.Duration(in.Elapsed * 1e9)}
	s.Total.Run = in.Total.summary()
	for _, e := range in.Endpoints {
		s.Rows = append(s.Rows, stats.Row{Key: stats.Key{Method: e.Method, Name: e.Name}, Run: e.summary()})
	}
	return s, nil
}

func (n *numbers) summary() stats.Summary {
	return stats.Summary{Requests: n.Requests, Failures: n.Failures, RPS: n.RPS, FailRate: n.FailRate, OK: n.OK.latency(n.Requests - n.Failures)}
}

func (l *latency) latency(count uint64) stats.Latency {
	if l == nil {
		return stats.Latency{}
	}
	d := func(ms float64) time.Duration { return time.Duration(ms * 1e6) }
	return stats.Latency{Count: count, Min: d(l.Min), Mean: d(l.Mean), Max: d(l.Max), P50: d(l.P50), P75: d(l.P75), P90: d(l.P90), P95: d(l.P95), P99: d(l.P99), P999: d(l.P999), P9999: d(l.P9999)}
}
