// Package shape says how high a load is to be at each moment of a run.
//
//	s, err := shape.Parse("ramp 0 100 30s, hold 5m, spike 500 10s, hold 1m, ramp 0 1m")
//	level, done := s.At(45 * time.Second) // 100, false
//
// A level is of users or of arrivals per second: that is the run's to know. Between its
// corners a shape is straight, and a wave is drawn by straight lines short enough.
package shape

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Point is a corner of a shape. Two of one time are a jump.
type Point struct {
	At    time.Duration
	Level float64
}

// Shape is a load over time. It is immutable; the zero value is over at once.
type Shape struct {
	points []Point // by time
}

// Points are the corners.
func (s *Shape) Points() []Point { return s.points }

// Func is a shape of which nobody knows the corners.
type Func func(t time.Duration) (level float64, done bool)

// At is the level at a moment.
func (f Func) At(t time.Duration) (level float64, done bool) { return f(t) }

// Mean is the level between two moments, between which it is taken to be straight. A jump
// at the second one is none yet.
func (f Func) Mean(from, to time.Duration) float64 {
	a, _ := f(from)
	b, done := f(max(to-1, from))
	if done {
		return a
	}
	return (a + b) / 2
}

// Points are none.
func (f Func) Points() []Point { return nil }

// Thin is at most n of the points, the first and the last among them.
func Thin(points []Point, n int) []Point {
	if len(points) <= n || n < 2 {
		return points
	}
	out := make([]Point, n)
	for i := range out {
		out[i] = points[i*(len(points)-1)/(n-1)]
	}
	return out
}

// Length is when the shape is over.
func (s *Shape) Length() time.Duration {
	if len(s.points) == 0 {
		return 0
	}
	return s.points[len(s.points)-1].At
}

// Most is the highest level there is.
func (s *Shape) Most() (most float64) {
	for _, p := range s.points {
		most = max(most, p.Level)
	}
	return most
}

// At is the level at a moment. At a jump it is the later one; from the end on, the last
// one, and done.
func (s *Shape) At(t time.Duration) (level float64, done bool) {
	n := len(s.points)
	if n == 0 {
		return 0, true
	}
	i := sort.Search(n, func(i int) bool { return s.points[i].At > t }) // the corner after t
	switch {
	case i == 0:
		return s.points[0].Level, false
	case i == n:
		return s.points[n-1].Level, true
	}
	a, b := s.points[i-1], s.points[i]
	return a.Level + (b.Level-a.Level)*float64(t-a.At)/float64(b.At-a.At), false
}

// Mean is the level between two moments, so that what is driven in steps does as much in
// all as the shape says. What is past the end does not count.
func (s *Shape) Mean(from, to time.Duration) float64 {
	to = min(to, s.Length())
	if to <= from {
		level, _ := s.At(from)
		return level
	}
	area, at := 0.0, from
	level, _ := s.At(from)
	for _, p := range s.points {
		if p.At <= from && p.At < to {
			continue
		}
		end, next := p.At, p.Level
		if end > to {
			end = to
			next, _ = s.At(to)
		}
		area += (level + next) / 2 * (end - at).Seconds()
		if at, level = end, next; at >= to {
			break
		}
	}
	return area / (to - from).Seconds()
}

// words are the parts a shape is made of, for messages.
const words = "ramp FROM TO TIME, ramp TO TIME, hold LEVEL TIME, hold TIME, spike LEVEL TIME, step BY TIME xN, wave LOW HIGH PERIOD xN"

// waveLines is how many straight lines a period of a wave is.
const waveLines = 24

// maxPoints bounds what a shape is made of.
const maxPoints = 100_000

// Parse reads a shape: parts with commas, or the word then, between them.
//
//	ramp 0 100 30s     from 0 to 100 in 30 s; ramp 100 30s begins where the part before ended
//	hold 100 5m        5 minutes of 100; hold 5m stays where the part before ended
//	spike 500 10s      10 s of 500, and back to where the part before ended
//	step 50 1m x5      five times 50 more, a minute each
//	wave 10 100 2m x3  up and down three times, two minutes each
func Parse(text string) (*Shape, error) {
	b := builder{}
	text = strings.NewReplacer(";", ",", "\n", ",").Replace(text)
	for _, part := range strings.Split(text, ",") {
		var words [][]string
		words = append(words, nil)
		for _, w := range strings.Fields(part) {
			if strings.EqualFold(w, "then") {
				words = append(words, nil)
				continue
			}
			words[len(words)-1] = append(words[len(words)-1], strings.ToLower(w))
		}
		for _, w := range words {
			if len(w) == 0 {
				continue
			}
			if err := b.part(w); err != nil {
				return nil, err
			}
			if len(b.points) > maxPoints {
				return nil, fmt.Errorf("a shape of more than %d corners: write fewer repetitions", maxPoints)
			}
		}
	}
	s := &Shape{b.points}
	if s.Length() <= 0 {
		return nil, fmt.Errorf("a shape that takes no time: it is made of %s", words)
	}
	return s, nil
}

type builder struct {
	points []Point
	now    Point // where the part before ended
}

func (b *builder) to(p Point) {
	b.points, b.now = append(b.points, p), p
}

// part reads one part, in lower case.
func (b *builder) part(w []string) error {
	said := strings.Join(w, " ")
	bad := func(what string) error { return fmt.Errorf("%q: %s; parts are %s", said, what, words) }
	times, args := 1, w[1:]
	if n := len(args); n > 0 && (w[0] == "step" || w[0] == "wave") {
		if x, ok := strings.CutPrefix(args[n-1], "x"); ok {
			count, err := strconv.Atoi(x)
			if err != nil || count < 1 || count > maxPoints {
				return bad(args[n-1] + " is not how often, such as x5")
			}
			times, args = count, args[:n-1]
		}
	}
	if len(args) == 0 {
		return bad("how long is missing")
	}
	length, err := duration(args[len(args)-1])
	if err != nil || length <= 0 {
		return bad(args[len(args)-1] + " is not how long, such as 30s or 5m")
	}
	var levels []float64
	for _, a := range args[:len(args)-1] {
		v, err := strconv.ParseFloat(a, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 && w[0] != "step" || math.Abs(v) > 1e9 {
			return bad(a + " is not a level, such as 100")
		}
		levels = append(levels, v)
	}
	if total := b.now.At.Hours() + length.Hours()*float64(times); total > 24*366 {
		return bad("a shape is at most a year")
	}
	end := b.now.At + length
	switch is := func(n ...int) bool {
		for _, k := range n {
			if len(levels) == k {
				return true
			}
		}
		return false
	}; {
	case w[0] == "ramp" && is(1, 2):
		if len(levels) == 2 {
			b.jump(levels[0])
		} else {
			b.jump(b.now.Level)
		}
		b.to(Point{end, levels[len(levels)-1]})
	case w[0] == "hold" && is(0, 1):
		level := b.now.Level
		if len(levels) == 1 {
			level = levels[0]
		}
		b.jump(level)
		b.to(Point{end, level})
	case w[0] == "spike" && is(1):
		back := b.now.Level
		b.jump(levels[0])
		b.to(Point{end, levels[0]})
		b.to(Point{end, back})
	case w[0] == "step" && is(1):
		for range times {
			level := b.now.Level + levels[0]
			if level < 0 {
				return bad("it goes below 0")
			}
			b.jump(level)
			b.to(Point{b.now.At + length, level})
		}
	case w[0] == "wave" && is(2):
		low, high := levels[0], levels[1]
		b.jump(low)
		for range times {
			from := b.now.At
			for i := 1; i <= waveLines; i++ {
				x := float64(i) / waveLines
				b.to(Point{from + time.Duration(x*float64(length)), low + (high-low)*(1-math.Cos(2*math.Pi*x))/2})
			}
		}
	case w[0] == "ramp" || w[0] == "hold" || w[0] == "spike" || w[0] == "step" || w[0] == "wave":
		return bad(fmt.Sprintf("%d levels are not what it takes", len(levels)))
	default:
		return bad(w[0] + " is no part of a shape")
	}
	return nil
}

// jump begins a part at a level.
func (b *builder) jump(level float64) {
	p := Point{b.now.At, level}
	if n := len(b.points); n == 0 || b.points[n-1] != p {
		b.to(p)
	}
}

// duration is a time as flags take it: 20 is seconds.
func duration(s string) (time.Duration, error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		if !(v >= 0 && v < 1e8) {
			return 0, strconv.ErrRange
		}
		return time.Duration(v * float64(time.Second)), nil
	}
	return time.ParseDuration(s)
}

// Read reads a shape from lines of a time and a level, such as yesterday's traffic:
// times in seconds, as 90s, or as moments of RFC 3339, of which the first is the
// beginning. A first line of words is passed over.
func Read(r io.Reader) (*Shape, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.Comment, in.TrimLeadingSpace = -1, '#', true
	var first time.Time
	var points []Point
	for {
		rec, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := in.FieldPos(0)
		if len(rec) < 2 {
			return nil, fmt.Errorf("line %d: a time and a level are expected, such as 30s,100", line)
		}
		at, err := duration(strings.TrimSpace(rec[0]))
		if err != nil {
			moment, werr := time.Parse(time.RFC3339, strings.TrimSpace(rec[0]))
			switch {
			case werr == nil && first.IsZero() && len(points) == 0:
				first, at = moment, 0
			case werr == nil && !first.IsZero():
				at = moment.Sub(first)
			case len(points) == 0 && line == 1:
				continue // names of columns
			default:
				return nil, fmt.Errorf("line %d: %q is not a time, such as 30, 30s or 2026-01-02T15:04:05Z", line, rec[0])
			}
		}
		level, err := strconv.ParseFloat(strings.TrimSpace(rec[1]), 64)
		if err != nil || !(level >= 0 && level <= 1e9) {
			return nil, fmt.Errorf("line %d: %q is not a level from 0, such as 100", line, rec[1])
		}
		if n := len(points); n > 0 && at < points[n-1].At {
			return nil, fmt.Errorf("line %d: it is before the line above", line)
		}
		if at < 0 {
			return nil, fmt.Errorf("line %d: %q is before the beginning", line, rec[0])
		}
		if len(points) == 0 && at > 0 { // from the first level on
			points = append(points, Point{0, level})
		}
		if points = append(points, Point{at, level}); len(points) > maxPoints {
			return nil, fmt.Errorf("more than %d lines: join some", maxPoints)
		}
	}
	s := &Shape{points}
	if s.Length() <= 0 {
		return nil, errors.New("two lines at least are expected, each a time and a level")
	}
	return s, nil
}
