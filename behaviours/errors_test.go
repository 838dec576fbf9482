package behaviours_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tload/behaviours"
	"tload/stats"
	"tload/stats/report"
	"tload/swarm"
)

// TestWhatFailsARun: every kind of failure can be asked for, and errors are all of them.
func TestWhatFailsARun(t *testing.T) {
	s := newServer(t)
	one := func(b behaviours.Behaviour) func(users int, n int64) *stats.Snapshot {
		return func(users int, n int64) *stats.Snapshot {
			b.Name = "a"
			return drive(t, s.URL, swarm.Plan{Users: users, Iterations: n}, b).Snapshot
		}
	}
	task := func(run func(ctx context.Context, u *behaviours.User) error) behaviours.Behaviour {
		return behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error { return run(ctx, u) }}}}
		}}
	}
	refuse := errors.New("sold out")
	for _, tt := range []struct {
		name   string
		run    func(users int, n int64) *stats.Snapshot
		values map[string]float64
	}{
		{"all is well", one(task(func(ctx context.Context, u *behaviours.User) error { _, err := u.Get(ctx, "/"); return err })),
			map[string]float64{"errors>0": 0, "errors>0%": 0, "exceptions>0": 0, "exceptions>0%": 0, "checks>0": 0}},
		{"every task returns an error", one(task(func(context.Context, *behaviours.User) error { return refuse })),
			map[string]float64{"errors>0": 20, "errors>0%": 100, "exceptions>0": 20, "exceptions>0%": 100, "t exceptions>0": 20, "checks>0": 0}},
		{"after a request", one(task(func(ctx context.Context, u *behaviours.User) error { u.Get(ctx, "/"); return refuse })),
			map[string]float64{"errors>0": 20, "errors>0%": 50, "exceptions>0": 20, "exceptions>0%": 100}},
		{"panics", one(task(func(context.Context, *behaviours.User) error { panic("no") })),
			map[string]float64{"errors>0": 20, "exceptions>0": 20}},
		{"failed requests", one(task(func(ctx context.Context, u *behaviours.User) error { _, err := u.Get(ctx, "/fail"); return err })),
			map[string]float64{"errors>0": 20, "errors>0%": 100, "exceptions>0": 0, "checks>0": 0}},
		{"checks", one(task(func(ctx context.Context, u *behaviours.User) error {
			_, err := u.Get(ctx, "/", behaviours.BodyContains("never"))
			return err
		})), map[string]float64{"errors>0": 20, "checks>0": 20, "checks>0%": 100, "GET / checks>0%": 100, "exceptions>0": 0}},
		{"users that cannot start", one(behaviours.Behaviour{New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{OnStart: func(context.Context) error { return refuse }, Tasks: []behaviours.Task{{Name: "t", Run: get(u, "/")}}}
		}}), map[string]float64{"errors>0": 4, "exceptions>0": 4}},
	} {
		snap := tt.run(4, 20)
		for text, want := range tt.values {
			c, err := report.ParseCondition(text)
			if err != nil {
				t.Fatal(err)
			}
			got := c.FailIf(snap)
			// Of none there is no share.
			if got.Value == nil && want == 0 {
				continue
			}
			if got.Value == nil || *got.Value != want || got.Held != (want == 0) {
				t.Errorf("%s: %s is %v (held %v), want %v", tt.name, text, show(got.Value), got.Held, want)
			}
		}
	}
}

func show(v *float64) string {
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(*v)
}
