package crew

import (
	"context"
	"strconv"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/nodetest"
)

func TestACrewIsANode(t *testing.T) {
	nodetest.Run(t, func(t *testing.T, w nodetest.Work) swarm.Node {
		j := Job{Grace: time.Second}
		for i := range w.Kinds {
			j.Behaviours = append(j.Behaviours, &Behaviour{
				Behaviour: swarm.Behaviour{Name: strconv.Itoa(i)},
				New: func(_ context.Context, u *User) Life {
					w.Tally.Users.Add(1)
					return &working{Work: w, u: u}
				},
			})
		}
		c, err := New(j)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

// working is a life of a nodetest's.
type working struct {
	nodetest.Work
	u     *User
	begun bool
}

func (l *working) Act(ctx context.Context, _ Permit, ok, _ bool) (Next, time.Duration) {
	if !l.begun || !ok {
		l.begun = true
		return more(ok), 0
	}
	if l.Tally.Asks.Load() {
		l.u.StopRun("enough")
	}
	m := l.u.Sink.Meter(stats.Key{Class: stats.Request, Method: "TEST", Name: l.u.Behaviour.Name})
	l.Tally.Begun.Add(1)
	l.u.Sink.Begin()
	var x stats.Sample
	select {
	case <-time.After(l.Task):
		l.Tally.Ended.Add(1)
	case <-ctx.Done():
		x.Kind = stats.Aborted
		l.Tally.Aborted.Add(1)
	}
	l.u.Sink.Record(m, x)
	return Asks, l.Think
}

func (l *working) Close() { l.Tally.Users.Add(-1) }
