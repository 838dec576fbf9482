package behaviours

import (
	"testing"
	"time"

	"tload/swarm"
)

// TestAPauseIsNotLate holds that pacing does not catch up with a pause.
func TestAPauseIsNotLate(t *testing.T) {
	c := start(t, swarm.Plan{Users: 5}, Behaviour{Name: "b", Wait: Pacing(20 * time.Millisecond), New: func(*User) *Set {
		return &Set{Tasks: []Task{{Name: "x", Run: idle}}}
	}})
	runs := func() uint64 {
		if s := c.Snapshot(); len(s.Tasks) > 0 {
			return s.Tasks[0].Run.Requests
		}
		return 0
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("not in time: ", what)
			}
		}
	}
	until("tasks", func() bool { return runs() > 50 })
	c.Pause(true)
	until("the pause", func() bool { return c.Snapshot().Doing.Paused == 5 })
	paused, before := time.Now(), runs()
	until("a second", func() bool { return time.Since(paused) > time.Second })
	c.Pause(false)
	until("tasks again", func() bool { return runs() > before+50 })
	c.Stop("test")
	<-c.Done()
	if s := c.Snapshot().Tasks[0].Run; s.Due == 0 || s.Corrected.Max > 800*time.Millisecond {
		t.Errorf("%d due, corrected max %v: the pause is in it", s.Due, s.Corrected.Max)
	}
}
