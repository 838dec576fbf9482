package report

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"
	"time"

	"tload/stats"
	"tload/stats/exchange"
)

// Hgrm writes a histogram as HdrHistogram's outputPercentileDistribution does,
// so that its plotter and other tools read it: a line per percentile, five to
// each halving of the distance to 100 %, values in milliseconds.
func Hgrm(w io.Writer, h *stats.Histogram) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	const ticks = 5
	total := h.Count()
	seen, p := uint64(0), 0.0 // p is the next percentile that is due
	for v, n := range within(h) {
		// A value has a line for each percentile that it reaches, the largest
		// for the first alone: 100 % comes last, and without an inverse.
		for seen += n; 100*float64(seen)/float64(total) >= p; {
			fmt.Fprintf(b, "%12.3f %2.12f %10d %14.2f\n", ms(v), p/100, seen, 1/(1-p/100))
			half := math.Pow(2, math.Floor(math.Log2(100/(100-p)))+1)
			if p += 100 / (ticks * half); seen == total {
				break
			}
		}
	}
	if total > 0 {
		fmt.Fprintf(b, "%12.3f %2.12f %10d\n", ms(h.Max()), 1.0, total)
	}
	fmt.Fprintf(b, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", ms(h.Mean()), deviation(h))
	fmt.Fprintf(b, "#[Max     = %12.3f, Total count    = %12d]\n", ms(h.Max()), total)
	// Its layout as HdrHistogram counts, whose first bucket is two octaves: that
	// of two significant digits.
	fmt.Fprintf(b, "#[Buckets = %12d, SubBuckets     = %12d]\n", 41, 256)
	return b.Flush()
}

// within are a histogram's values, none beyond its exact bounds.
func within(h *stats.Histogram) iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		h.Buckets(func(v time.Duration, n uint64) bool { return yield(min(max(v, h.Min()), h.Max()), n) })
	}
}

// deviation is the standard deviation in milliseconds.
func deviation(h *stats.Histogram) float64 {
	if h.Count() == 0 {
		return 0
	}
	mean, sum := float64(h.Mean()), 0.0
	for v, n := range within(h) {
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
			base += "-" + exchange.Slug(key.Method+"-"+key.Name)
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
