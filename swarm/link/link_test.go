package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/crew"
	"tload/swarm/link"
	"tload/swarm/nodetest"
)

// working is a user of a crew's that does a nodetest's work.
type working struct {
	nodetest.Work
	u     *crew.User
	begun bool
}

func (l *working) Act(ctx context.Context, _ crew.Permit, ok, _ bool) (crew.Next, time.Duration) {
	if !ok {
		return crew.Ends, 0
	}
	if !l.begun {
		l.begun = true
		return crew.Asks, 0
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
		x.Took = l.Task
		l.Tally.Ended.Add(1)
	case <-ctx.Done():
		x.Kind = stats.Aborted
		l.Tally.Aborted.Add(1)
	}
	l.u.Sink.Record(m, x)
	return crew.Asks, l.Think
}

func (l *working) Close() { l.Tally.Users.Add(-1) }

func newCrew(w nodetest.Work) (*crew.Crew, error) {
	j := crew.Job{Grace: time.Second}
	for i := range w.Kinds {
		j.Behaviours = append(j.Behaviours, &crew.Behaviour{
			Behaviour: swarm.Behaviour{Name: strconv.Itoa(i)},
			New: func(_ context.Context, u *crew.User) crew.Life {
				w.Tally.Users.Add(1)
				return &working{Work: w, u: u}
			},
		})
	}
	return crew.New(j)
}

// master listens on loopback, and hands over who joins.
func master(t testing.TB, change func(*link.MasterOptions)) (*link.Master, *link.Identity, chan *link.Remote) {
	t.Helper()
	id, err := link.LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	joined := make(chan *link.Remote, 2000)
	o := link.MasterOptions{Host: "127.0.0.1", Identity: id, Job: json.RawMessage(`{}`), Joined: func(r *link.Remote) { joined <- r }}
	if change != nil {
		change(&o)
	}
	m, err := link.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, id, joined
}

func workerOptions(m *link.Master, id *link.Identity, w nodetest.Work) link.WorkerOptions {
	return link.WorkerOptions{
		Address: fmt.Sprintf("127.0.0.1:%d", m.Port()), Token: id.Token, Hello: link.Hello{Host: "here", PID: 1, Cores: 2},
		Make: func(link.Brief) (swarm.Node, error) { return newCrew(w) },
	}
}

const patience = 20 * time.Second

func one[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not within %v", what, patience)
	}
	return v
}

func TestAWorkerIsANode(t *testing.T) {
	nodetest.Run(t, func(t *testing.T, w nodetest.Work) swarm.Node {
		m, id, joined := master(t, nil)
		ended := make(chan error, 1)
		go func() { ended <- link.Work(t.Context(), workerOptions(m, id, w)) }()
		t.Cleanup(func() {
			if err := one(t, "the worker's end", ended); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		return one(t, "the worker", joined)
	})
}

func TestWhoMayNotJoin(t *testing.T) {
	m, id, _ := master(t, func(o *link.MasterOptions) {
		o.Admit = func(h link.Hello) string {
			if h.Build != "" {
				return "another build: scp tload here:"
			}
			return ""
		}
	})
	other, err := link.LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text := id.Token.String()
	rotated, err := link.ParseToken(text[:len(text)-4] + "AAAA")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*link.WorkerOptions)
		want   string
	}{
		{"another master's token", func(o *link.WorkerOptions) { o.Token = other.Token }, "not the master of this token"},
		{"a token that was rotated away", func(o *link.WorkerOptions) { o.Token = rotated }, "no longer"},
		{"another build", func(o *link.WorkerOptions) { o.Hello.Build = "x" }, "scp tload here:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := workerOptions(m, id, nodetest.Work{Kinds: 1, Tally: new(nodetest.Tally)})
			tt.change(&o)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := link.Work(ctx, o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
