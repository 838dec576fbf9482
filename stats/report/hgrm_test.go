package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tload/stats"
)

// HdrHistogram's own tool prints the same values as we do: the same percentiles
// and counts line by line, and values within a step of the histograms.
func TestHgrmIsWhatHdrHistogramPrints(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		name  string
		n     int
		value func(i int) float64 // milliseconds
	}{
		{"one value", 1, func(int) float64 { return 5 }},
		{"one value many times", 1000, func(int) float64 { return 7.3 }},
		{"two values", 2, func(i int) float64 { return 1 + 99*float64(i) }},
		{"1 to 100", 100, func(i int) float64 { return float64(i + 1) }},
		{"a long tail", 50_000, func(int) float64 { return math.Exp(r.NormFloat64()) }},
		{"a target that stands still at times", 20_000, func(i int) float64 {
			if i%10 == 0 {
				return 2000 * r.Float64()
			}
			return 1 + r.Float64()/10
		}},
		{"from microseconds to hours", 10_000, func(int) float64 { return math.Exp(15*r.Float64() - 6) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var ours stats.Histogram
			theirs := hdrhistogram.New(1, 1<<48-1, 2) // the same steps as ours
			for i := range test.n {
				d := time.Duration(test.value(i) * 1e6)
				ours.Add(d)
				if err := theirs.RecordValue(int64(d)); err != nil {
					t.Fatal(err)
				}
			}
			var got, want bytes.Buffer
			if err := Hgrm(&got, &ours); err != nil {
				t.Fatal(err)
			}
			if _, err := theirs.PercentilesPrint(&want, 5, 1e6); err != nil {
				t.Fatal(err)
			}
			same(t, strings.Split(got.String(), "\n"), strings.Split(want.String(), "\n"))
			if t.Failed() {
				t.Logf("got\n%s\nwant\n%s", &got, &want)
			}
		})
	}
}

// same compares two files field by field: words and counts must be equal,
// what has decimals nearly.
// The reference in Go differs from those in Java and JavaScript, which are what
// is plotted, in two ways: it parts its headings by tabs, and where they leave
// out the inverse of 100 % it prints "inf".
func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d lines, want %d", len(got), len(want))
	}
	for i := range want {
		w := strings.Fields(strings.TrimSuffix(want[i], "inf"))
		g := strings.Fields(got[i])
		if len(g) != len(w) {
			t.Errorf("line %d: got %q, want %q", i, got[i], want[i])
			continue
		}
		for j := range w {
			equal := g[j] == w[j]
			if strings.Contains(w[j], ".") {
				// A step is 1/128 of its value; both print three decimals.
				a, _ := strconv.ParseFloat(strings.Trim(g[j], ",]"), 64)
				b, _ := strconv.ParseFloat(strings.Trim(w[j], ",]"), 64)
				equal = math.Abs(a-b) <= b/128+0.001
			}
			if !equal {
				t.Errorf("line %d, field %d: got %q, want %q", i, j, g[j], w[j])
			}
		}
	}
}

func TestHgrm(t *testing.T) {
	var h stats.Histogram
	for i := 1; i <= 10000; i++ {
		h.Add(time.Duration(i) * 100 * time.Microsecond)
	}
	var b bytes.Buffer
	if err := Hgrm(&b, &h); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if strings.Fields(lines[0])[0] != "Value" || lines[1] != "" {
		t.Errorf("head: got %q, %q", lines[0], lines[1])
	}
	rows, last := 0, -1.0
	for _, l := range lines[2:] {
		if l == "" || l[0] == '#' {
			continue
		}
		rows++
		f := strings.Fields(l)
		value, err1 := strconv.ParseFloat(f[0], 64)
		p, err2 := strconv.ParseFloat(f[1], 64)
		n, err3 := strconv.Atoi(f[2])
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("line %q", l)
		}
		if p <= last {
			t.Errorf("percentile %v after %v", p, last)
		}
		last = p
		if want := math.Max(p*1000, 0.1); math.Abs(value-want) > 0.005*want+0.1 {
			t.Errorf("at %v: got %v ms, want %v", p, value, want)
		}
		if float64(n) < p*10000 {
			t.Errorf("at %v: %d counted, want at least that share of 10000", p, n)
		}
	}
	if last != 1 || rows < 30 {
		t.Errorf("got %d lines to %v, want more, to 1", rows, last)
	}
	b.Reset()
	if err := Hgrm(&b, new(stats.Histogram)); err != nil || strings.Contains(b.String(), "NaN") {
		t.Errorf("empty: %v\n%s", err, b.String())
	}
}
