package tui

import (
	"math"
	"slices"
	"sort"
	"time"

	"tload/stats"
	"tload/tui/draw"
)

// window is the part of a run that a chart shows. It fills from left to right
// and jumps on by a quarter when it is full: a picture that stands still but
// for its newest column is read more easily, and costs a slow line twenty
// times less than one that scrolls.
func window(elapsed, span time.Duration) (from time.Duration) {
	if elapsed <= span {
		return 0
	}
	step := span / 4
	return (elapsed - span + step - 1) / step * step
}

// shortest is the window that every run begins with.
const shortest = 30 * time.Second

// grown is the window of a run that has not filled the one that was chosen yet.
func grown(elapsed, chosen time.Duration) time.Duration {
	for _, span := range append([]time.Duration{shortest}, windows...) {
		if span == 0 || span >= chosen {
			break
		}
		if elapsed <= span {
			return span
		}
	}
	return chosen
}

// wholeSpan is a window that holds all of a run, doubling as it grows.
func wholeSpan(elapsed time.Duration) time.Duration {
	span := shortest
	for span < elapsed {
		span *= 2
	}
	return span
}

// fine is what a line goes through without leaving much out.
const fine = 3 * time.Second

// columnsOf is one value per column of a window, and one more for the edge: join
// makes it of what pick finds in the seconds that the column covers. Its high and its
// low are of single seconds, also where a point stands for many; the low is where the
// line is in a column of few, lest a picture of a minute be all stripes.
func columnsOf(seconds []stats.Second, from, span time.Duration, n int, p draw.Pen, pick func(*stats.Level) float64, join func([]float64) float64) draw.Series {
	n = max(n, 1)
	gaps := func() []float64 { return slices.Repeat([]float64{math.NaN()}, n+1) }
	out := draw.Series{Values: gaps(), Low: gaps(), High: gaps(), Pen: p}
	var in []float64
	var at, low, high stats.Level // here, for pick has them moved to the heap
	for i := range n + 1 {
		lo := from + time.Duration(float64(span)*float64(i)/float64(n))
		hi := max(from+time.Duration(float64(span)*float64(i+1)/float64(n)), lo+1)
		in = in[:0]
		least, most := math.NaN(), math.NaN()
		first := sort.Search(len(seconds), func(j int) bool { return seconds[j].At+max(seconds[j].Span, 1) > lo })
		j := first
		for ; j < len(seconds) && seconds[j].At < hi; j++ {
			at = seconds[j].Level()
			low, high = at, at
			if seconds[j].Span > time.Second {
				low, high = seconds[j].Levels()
			}
			if v := pick(&at); !math.IsNaN(v) {
				in = append(in, v)
			}
			if v := pick(&low); !math.IsNaN(v) && !(v >= least) { // a NaN is replaced
				least = v
			}
			if v := pick(&high); !math.IsNaN(v) && !(v <= most) {
				most = v
			}
		}
		if len(in) == 0 {
			continue
		}
		v := join(in)
		if last := seconds[j-1]; last.At+last.Span-seconds[first].At <= fine {
			least = v
		}
		out.Values[i], out.Low[i], out.High[i] = v, least, most
	}
	return out
}

func mean(vs []float64) float64 {
	sum := 0.0
	for _, v := range vs {
		sum += v
	}
	return sum / float64(len(vs))
}

func largest(vs []float64) float64 {
	top := vs[0]
	for _, v := range vs[1:] {
		top = math.Max(top, v)
	}
	return top
}
