package tui

import (
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
)

// TestCountersAreAListOfTheirOwn behind the tasks on Stats, and say what their keys cannot
// do.
func TestCountersAreAListOfTheirOwn(t *testing.T) {
	p := sit(t, 100, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) {
		row := func(name string, calls, n uint64) stats.Row {
			sum := stats.Summary{Span: 10 * time.Second, Requests: calls, In: n}
			return stats.Row{Key: stats.Key{Class: stats.Counter, Name: name}, Run: sum, Shown: sum, Window: sum}
		}
		s.Counters = []stats.Row{row("cache hit", 200, 150), row("sold out\x1b[31m", 12, 12)}
	})
	p.tick()
	p.press("2")
	p.want("tab: tasks, counters")
	p.press("tab tab tab")
	p.want("COUNTERS", "cache hit", "150", "75.0", "sold out", "1.2")
	p.press("enter")
	p.want("a counter is no more than its row")
	p.press("E")
	p.want("COUNTERS", "nothing is selected that has errors of its own")
	p.press("/ cache enter")
	p.wantNot("sold out")
	p.press("esc tab")
	p.want("STATS", "REQS")
}

// TestLoadsOfTheirOwnAreSeen on Users, and are not driven by keys.
func TestLoadsOfTheirOwnAreSeen(t *testing.T) {
	p := sit(t, 100, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) {
		s.Behaviours = []swarm.BehaviourView{
			{Name: "Ramped", Own: true, Fixed: 19, Running: 18}, {Name: "Clocked", Own: true, Fixed: 1000, Rate: 50, Running: 2},
			{Name: "Night", Own: true, Wait: 90 * time.Second}, {Name: "Morning", Own: true, Over: true},
		}
		s.Own, s.Target, s.Running = 21, 0, 20
	})
	p.tick()
	p.press("5")
	p.want("target 21  running 20", "own     19", "50/s", "@01:30", "over")
	p.press("+")
	p.want("every behaviour has a load of its own")
}
