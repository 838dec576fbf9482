package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/swarm"
	"tload/tui/draw"
)

// tour is every screen and the keys that lead to it.
var tour = []struct{ name, keys string }{
	{"dash", ""}, {"dash-errors", "tab"}, {"stats", "2"}, {"stats-filtered", "2 /c enter"}, {"endpoint", "2 enter"},
	{"charts", "3"}, {"charts-cursor", "3 h h h"}, {"charts-log", "3 L"}, {"charts-one", "3 enter"},
	{"errors", "4"}, {"group", "4 enter"}, {"exchange", "4 enter enter"}, {"request", "4 enter enter tab"},
	{"timing-binary", "4 j enter enter tab tab"}, {"headers", "4 enter enter tab tab tab"}, {"raw", "4 enter enter tab tab tab tab"},
	{"compare", "4 enter enter tab tab tab tab tab"}, {"users", "5"}, {"workers", "6"}, {"logs", "7"},
	{"help", "?"}, {"set-users", "u"}, {"quit", "q"}, {"export", "2 e"}, {"filter-prompt", "4 /kind:http"},
}

func launchNothing(Form) (Load, error) { return nil, fmt.Errorf("tcp 127.0.0.1:9: connection refused") }

func formOptions() Options {
	return Options{Launch: launchNothing, FileLimit: 1024, Form: Form{
		Host: "https://shop.example.test", Users: 200, SpawnRate: 20, RunTime: 600e9, StopGrace: 10e9, Capture: true, CaptureSamples: 32, CaptureBody: 256 << 10,
		Choices: []Choice{{"BrowsingUser", 3, 4, true}, {"CheckoutUser", 1, 3, true}, {"AdminUser", 1, 2, false}},
	}}
}

func TestScreensLookAsTheyDid(t *testing.T) {
	sizes := [][2]int{{38, 9}, {60, 20}, {80, 24}, {100, 30}, {160, 45}}
	check := func(name string, visit func(w, h int) *person) {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, s := range sizes {
				p := visit(s[0], s[1])
				p.m.toast = toast{} // it goes with time
				fmt.Fprintf(&b, "%dx%d\n%s\n\n", s[0], s[1], p.sees())
				frameFits(t, p.m, s[0], s[1])
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.String(); got != string(want) {
				t.Errorf("%s differs (go test -update writes it anew):\n%s", path, firstDifference(got, string(want)))
			}
		})
	}
	for _, stop := range tour {
		check(stop.name, func(w, h int) *person {
			p := sit(t, w, h, Options{Dir: "run"})
			p.press(stop.keys)
			return p
		})
	}
	check("form", func(w, h int) *person { return sit(t, w, h, formOptions()) })
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "", ""
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, a, b)
		}
	}
	return ""
}

// frameFits checks what every frame must be: as many lines as the screen has,
// each exactly as wide.
func frameFits(t *testing.T, m *model, w, h int) {
	t.Helper()
	lines := m.lines()
	if len(lines) != h {
		t.Fatalf("%dx%d: got %d lines", w, h, len(lines))
	}
	for i, l := range lines {
		if draw.Width(l) != w {
			t.Fatalf("%dx%d: line %d is %d wide: %q", w, h, i+1, draw.Width(l), draw.Strip(l))
		}
		if strings.ContainsAny(l, "\n\r\t") {
			t.Fatalf("%dx%d: line %d holds a control character: %q", w, h, i+1, l)
		}
	}
}

func TestEveryScreenFitsEverySize(t *testing.T) {
	var people []*person
	for _, stop := range tour {
		p := sit(t, 160, 45, Options{})
		p.press(stop.keys)
		people = append(people, p)
	}
	people = append(people, sit(t, 160, 45, formOptions()))
	step := 1
	if testing.Short() {
		step = 7
	}
	n := 0
	for w := 1; w <= 200; w += step {
		for h := 1; h <= 60; h++ {
			p := people[n%len(people)]
			n++
			p.m.Update(tea.WindowSizeMsg{Width: w, Height: h})
			frameFits(t, p.m, w, h)
		}
	}
}

func TestBackAtItsSizeAScreenIsAsItWas(t *testing.T) {
	for _, stop := range tour {
		p := sit(t, 80, 24, Options{Dir: "run"})
		p.press(stop.keys)
		p.m.toast = toast{}
		before := p.sees()
		for _, s := range [][2]int{{160, 45}, {100, 30}, {60, 20}, {40, 12}, {38, 9}, {20, 5}, {1, 1}, {80, 24}} {
			p.m.Update(tea.WindowSizeMsg{Width: s[0], Height: s[1]})
			p.sees()
		}
		if after := p.sees(); after != before {
			t.Errorf("%s: %s", stop.name, firstDifference(after, before))
		}
	}
}

func TestAnEmptyRunIsDrawnToo(t *testing.T) {
	for _, stop := range tour {
		p := sit(t, 80, 24, Options{})
		p.load.set(func(s *swarm.Snapshot) { *s = swarm.Snapshot{Snapshot: &stats.Snapshot{}} })
		p.tick()
		p.press(stop.keys)
		frameFits(t, p.m, 80, 24)
	}
}

func TestASCIIOnly(t *testing.T) {
	for _, stop := range tour {
		p := sit(t, 100, 30, Options{ASCII: true})
		p.press(stop.keys)
		for i, l := range strings.Split(p.m.View().Content, "\n") {
			if draw.ASCII(l) != l || draw.Width(l) != 100 {
				t.Fatalf("%s: line %d: %q", stop.name, i+1, l)
			}
		}
	}
}
