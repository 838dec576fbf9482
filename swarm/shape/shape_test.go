package shape

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestShapes holds each part to its corners.
func TestShapes(t *testing.T) {
	for _, tt := range []struct {
		text   string
		length time.Duration
		at     map[time.Duration]float64
	}{
		{"ramp 0 100 30s, hold 100 5m, spike 500 10s, step 50 1m x5", 30*time.Second + 5*time.Minute + 10*time.Second + 5*time.Minute, map[time.Duration]float64{
			0: 0, 15 * time.Second: 50, 30 * time.Second: 100, 3 * time.Minute: 100, 330 * time.Second: 500, 339 * time.Second: 500,
			340 * time.Second: 150, 401 * time.Second: 200, 640 * time.Second: 350,
		}},
		{"RAMP 50 10 then hold 10s then ramp 0 10s", 30 * time.Second, map[time.Duration]float64{5 * time.Second: 25, 12 * time.Second: 50, 25 * time.Second: 25, 30 * time.Second: 0}},
		{"hold 5 1m\nhold 7 1m", 2 * time.Minute, map[time.Duration]float64{59 * time.Second: 5, time.Minute: 7}},
		{"wave 10 110 24s x2", 48 * time.Second, map[time.Duration]float64{0: 10, 12 * time.Second: 110, 24 * time.Second: 10, 36 * time.Second: 110, 6 * time.Second: 60}},
		{"step -5 10s x2", 0, nil},
		{"hold 20 10s, step -5 10s x2", 30 * time.Second, map[time.Duration]float64{5 * time.Second: 20, 10 * time.Second: 15, 20 * time.Second: 10}},
	} {
		s, err := Parse(tt.text)
		if tt.at == nil {
			if err == nil {
				t.Errorf("%q is taken", tt.text)
			}
			continue
		}
		if err != nil || s.Length() != tt.length {
			t.Errorf("%q: got %v long, %v, want %v", tt.text, s.Length(), err, tt.length)
			continue
		}
		for at, want := range tt.at {
			if got, _ := s.At(at); math.Abs(got-want) > 1e-9 {
				t.Errorf("%q at %v: got %v, want %v", tt.text, at, got, want)
			}
		}
		if _, done := s.At(tt.length); !done {
			t.Errorf("%q does not end", tt.text)
		}
		if _, done := s.At(tt.length - 1); done {
			t.Errorf("%q ends too early", tt.text)
		}
	}
}

// TestMeansAddUp to the area under the shape, whatever the steps.
func TestMeansAddUp(t *testing.T) {
	s, err := Parse("ramp 0 100 10s, spike 500 3s, hold 20 7s, wave 0 50 5s, ramp 0 1s")
	if err != nil {
		t.Fatal(err)
	}
	want := 500.0 + 1500 + 140 + 125 + 0 // the last one goes from 0 to 0
	for _, step := range []time.Duration{250 * time.Millisecond, 333 * time.Millisecond, 7 * time.Second, time.Minute} {
		got := 0.0
		for at := time.Duration(0); at < s.Length(); at += step {
			got += s.Mean(at, at+step) * min(step, s.Length()-at).Seconds()
		}
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("in steps of %v: got %v, want %v", step, got, want)
		}
	}
}

func TestWhatIsNoShape(t *testing.T) {
	for text, want := range map[string]string{
		"": "takes no time", ",,": "takes no time", "ramp": "how long is missing", "ramp 1 2 3 4s": "3 levels", "hold x 5s": "x is not a level",
		"hold 5 5": "", "hold -1 5s": "-1 is not a level", "jump 5 5s": "jump is no part", "step 5 1s x0": "x0 is not how often", "step 5 1s xx": "how often",
		"hold nan 5s": "not a level", "hold 1 0s": "not how long", "hold 5 99999999h": "", "wave 1 2 1s x99999": "more than 100000 corners", "spike 5s": "0 levels",
	} {
		_, err := Parse(text)
		if want == "" && text == "hold 5 5" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestAShapeFromAFile(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"time,level\n0,10\n30s,20\n60,0\n", ""},
		{"2026-01-02T15:04:05Z,10\n2026-01-02T15:05:05Z,20\n", ""},
		{"# of yesterday\n10,5\n20,5\n", ""},
		{"0,1\n", "two lines"}, {"0,1\n5", "a time and a level"}, {"0,1\n5,x", "not a level"}, {"9,1\n5,2", "before the line above"}, {"0,1\nsoon,2", "not a time"},
		{"", "two lines"}, {"0,-1\n1,1", "not a level"}, {"0,1e300\n1,1", "not a level"},
	} {
		s, err := Read(strings.NewReader(tt.text))
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
		} else if l, _ := s.At(15 * time.Second); l <= 0 {
			t.Errorf("%q: level %v after 15 s", tt.text, l)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ramp 0 100 30s, hold 5m then wave 1 2 3s x4")
	f.Add("0,1\n5,2")
	f.Fuzz(func(t *testing.T, text string) {
		a, _ := Parse(text)
		b, _ := Read(strings.NewReader(text))
		for _, s := range []*Shape{a, b} {
			if s == nil {
				continue
			}
			for i := range 11 {
				at := s.Length() / 10 * time.Duration(i)
				if l, _ := s.At(at); !(l >= 0 && l <= 1e12) {
					t.Fatalf("%q at %v: %v", text, at, l)
				}
				s.Mean(at, at+time.Second)
			}
		}
	})
}
