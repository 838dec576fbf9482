package behaviours

import (
	"fmt"
	"time"

	"tload/swarm"
	"tload/swarm/shape"
)

// Stages is a load for Behaviour.Shape, Behaviour.Arrivals and cli.Program.Shape, in the
// words that --shape takes:
//
//	ramp 0 100 30s     from 0 to 100 in 30 s; ramp 100 30s begins where the part before ended
//	hold 100 5m        5 minutes of 100; hold 5m stays where the part before ended
//	spike 500 10s      10 s of 500, and back to where the part before ended
//	step 50 1m x5      five times 50 more, a minute each
//	wave 10 100 2m x3  up and down three times, two minutes each
//
// with commas between them. It panics on anything else, so that it can stand where a
// behaviour is declared.
func Stages(words string) func(t time.Duration) (level float64, done bool) {
	s, err := shape.Parse(words)
	if err != nil {
		panic(fmt.Sprintf("behaviours.Stages: %v", err))
	}
	return s.At
}

// Steady is a load that stays as it is until its behaviour's End, or the run's.
func Steady(level float64) func(t time.Duration) (float64, bool) {
	return func(time.Duration) (float64, bool) { return level, false }
}

// own is the behaviour's own load; nil for none.
func (b *Behaviour) own() swarm.Shape {
	switch {
	case b.Shape != nil:
		return shape.Func(b.Shape)
	case b.Arrivals != nil:
		return shape.Func(b.Arrivals)
	}
	return nil
}
