// Package export hands the numbers of a run to other systems while it goes on:
// Prometheus reads them, an OpenTelemetry collector is sent them, and a file
// gets a line for every request. None of them can slow the run: what does not
// get through is dropped, counted, and said.
//
//	http.Serve(l, export.Prometheus(now))
//	p := export.Push(url, now, log)
//	r := stats.NewRecorder(stats.Limits{Log: requests.Log})
//
// The formats are plain text and JSON, written here: the official clients would
// bring a registry of their own, and numbers in it that could disagree with the
// snapshot's.
package export

import (
	"slices"
	"time"

	"tload/stats"
)

// State is what is exported at one moment.
type State struct {
	*stats.Snapshot
	Started time.Time

	Users, Target int
	Healthy       bool    // the load generator is
	CPU           float64 // percent of one core
}

// bounds are the upper ends of the buckets of every exported histogram: those
// of Bar between a tenth of a millisecond and a hundred seconds.
var bounds = func() (out []time.Duration) {
	for d := 100 * time.Microsecond; d <= 100*time.Second; d *= 10 {
		out = append(out, d)
		if d < 100*time.Second {
			out = append(out, 2*d, 5*d)
		}
	}
	return out
}()

// buckets are the counts up to each of bounds, not cumulative, and one for all
// above.
func buckets(bars []stats.Bar) []uint64 {
	out := make([]uint64, len(bounds)+1)
	for _, b := range bars {
		i, _ := slices.BinarySearch(bounds, b.To)
		out[i] += b.Count
	}
	return out
}
