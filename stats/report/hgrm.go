package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"tload/stats"
)

// Hgrm writes a histogram as HdrHistogram's tools print and plot one: a line
// per percentile, five to each halving of the distance to 100 %, values in
// milliseconds.
func Hgrm(w io.Writer, h *stats.Histogram) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	const ticks = 5
	total := h.Count()
	if total > 0 {
		var values []time.Duration
		var counts []uint64
		for v, n := range h.Buckets {
			values = append(values, min(max(v, h.Min()), h.Max()))
			counts = append(counts, n)
		}
		seen, i := counts[0], 0
		for p := 0.0; ; {
			for i < len(values)-1 && 100*float64(seen)/float64(total) < p {
				i++
				seen += counts[i]
			}
			if seen >= total {
				break
			}
			fmt.Fprintf(b, "%12.3f %2.12f %10d %14.2f\n", ms(values[i]), p/100, seen, 1/(1-p/100))
			half := math.Pow(2, math.Floor(math.Log2(100/(100-p)))+1)
			p += 100 / (ticks * half)
		}
		fmt.Fprintf(b, "%12.3f %2.12f %10d\n", ms(h.Max()), 1.0, total)
	}
	fmt.Fprintf(b, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", ms(h.Mean()), deviation(h))
	fmt.Fprintf(b, "#[Max     = %12.3f, Total count    = %12d]\n", ms(h.Max()), total)
	fmt.Fprintf(b, "#[Buckets = %12d, SubBuckets     = %12d]\n", 42, 128)
	return b.Flush()
}

// deviation is the standard deviation in milliseconds.
func deviation(h *stats.Histogram) float64 {
	if h.Count() == 0 {
		return 0
	}
	mean, sum := float64(h.Mean()), 0.0
	for v, n := range h.Buckets {
		d := float64(v) - mean
		sum += d * d * float64(n)
	}
	return math.Sqrt(sum/float64(h.Count())) / 1e6
}

// WriteHgrm writes PREFIX.hgrm, of the successes of all requests, PREFIX-failed
// and PREFIX-corrected where there are any, and the same for every endpoint
// with its name in the file's.
func WriteHgrm(prefix string, r *Run) (err error) {
	if r.Histograms == nil {
		return nil
	}
	used := map[string]bool{}
	for key, d := range r.Histograms {
		if key.Class != stats.Request {
			continue
		}
		base := prefix
		if key != (stats.Key{}) {
			base += "-" + slug(key.Method+"-"+key.Name)
		}
		for i := 2; used[base]; i++ {
			base = fmt.Sprintf("%s-%d", base, i)
		}
		used[base] = true
		for _, k := range []struct {
			end string
			h   *stats.Histogram
		}{{"", &d.OK}, {"-failed", &d.Failed}, {"-corrected", &d.Corrected}} {
			if k.h.Count() == 0 {
				continue
			}
			if err = WriteFile(base+k.end+".hgrm", r, func(w io.Writer, _ *Run) error { return Hgrm(w, k.h) }); err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(prefix), err)
			}
		}
	}
	return nil
}
