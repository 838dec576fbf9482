// Package behaviours is what authors of simulated users import.
//
// A Behaviour is one kind of user: plain blocking Go. A user acts on one goroutine
// at a time; one that waits between two tasks, or for the reply to a task that is
// no more than a Request, has none, and may get another one for what is next.
//
//	func main() {
//		cli.Main(behaviours.Behaviour{
//			Name: "Visitor",
//			Wait: behaviours.Between(time.Second, 5*time.Second),
//			New: func(u *behaviours.User) *behaviours.Set {
//				return &behaviours.Set{Tasks: []behaviours.Task{{
//					Name: "front page",
//					Run: func(ctx context.Context) error {
//						_, err := u.Get(ctx, "/")
//						return err
//					},
//				}}}
//			},
//		})
//	}
//
// Control flow is by the sentinel errors Interrupt, StopUser and StopRun. The
// error of a failed request is in the table already, so `return err` never
// counts twice; any other error of a task is counted as an exception. A panic
// in a task is caught, counted with its stack, and the user goes on.
//
// A user's HTTP client is package client, which knows nothing of what is said
// here. An author meets it as methods of User and as options of a request, and
// reads Response and RequestError in one breath with Task; so they have their
// names here, as aliases, and nobody need import two packages for one call.
package behaviours

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/crew"
)

// Shared is what all users of a run have in common.
type Shared struct {
	Transport *Transport
	Filter    Filter
	Log       *slog.Logger

	// Numbers, if set, are those of the rows of test data, for this process is one of
	// several.
	Numbers Numbers

	relative bool                  // a task is no more than a request below the host
	once     bool                  // each task once, in order
	trace    func(*stats.Exchange) // sees every exchange; nil: nobody looks
	careful  bool                  // every reply that is read too late says so
}

// kind is a behaviour in a run.
type kind struct {
	run   *Shared
	name  string
	make  func(*User) *Set
	wait  Wait
	root  *outline // of every user whose tasks are like those that were looked at
	infos []swarm.TaskInfo

	weights atomic.Pointer[[]int] // by index of the task, once somebody has changed one

	rows   sync.Once      // fills meters when the first user starts
	meters []*stats.Meter // by index of the task
}

// outline is the one for one user's tasks. It is the one that was made at the
// look, unless this user's tasks differ.
func (k *kind) outline(s *Set) (*outline, error) {
	if k.root.fits(s) {
		return k.root, nil
	}
	p := outliner{filter: k.run.Filter, mask: k.run.Transport.Masker().Name}
	root, err := p.outline(s, "")
	if err != nil {
		return nil, fmt.Errorf("behaviour %q: %w", k.name, err)
	}
	if len(p.infos) != len(k.infos) {
		return nil, fmt.Errorf("behaviour %q: New returned %d tasks for one user and %d for another", k.name, len(k.infos), len(p.infos))
	}
	return root, nil
}

// Bind makes the swarm's behaviours of the authors' ones. It calls each New
// once, to look at the tasks, and says what is wrong with them. A behaviour of
// which the filter leaves no task is left out.
func Bind(s *Shared, list []Behaviour) ([]*crew.Behaviour, error) {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	var out []*crew.Behaviour
	for i := range list {
		b := &list[i]
		k := &kind{run: s, name: b.name(), make: b.New, wait: b.Wait}
		if b.New == nil {
			return nil, fmt.Errorf("behaviour %q has no New: it makes the tasks of one user", k.name)
		}
		if b.Weight < 0 {
			return nil, fmt.Errorf("behaviour %q has weight %d: it must not be below 0", k.name, b.Weight)
		}
		if b.Shape != nil && b.Arrivals != nil {
			return nil, fmt.Errorf("behaviour %q has both a Shape and Arrivals: how high its load is, only one of them can say", k.name)
		}
		root, err := k.look()
		if err != nil {
			return nil, err
		}
		if len(root.tasks) == 0 {
			continue
		}
		s.relative = s.relative || root.relative()
		out = append(out, &crew.Behaviour{
			Behaviour: swarm.Behaviour{
				Name: k.name, Weight: b.Weight, Fixed: b.Fixed, Start: b.Start, End: b.End, Own: b.own(), Arrivals: b.Arrivals != nil, Tasks: k.infos,
			},
			New:   k.life,
			Weigh: func(w []int) { k.weights.Store(&w) },
		})
	}
	countBy(s.Numbers, s.Log)
	return out, nil
}

// NeedsHost says that a task of those that were bound is no more than a request of a
// path, which is below the host.
func (s *Shared) NeedsHost() bool { return s.relative }

// relative is NeedsHost of one behaviour.
func (p *outline) relative() bool {
	for _, t := range p.tasks {
		if t.set != nil && t.set.relative() {
			return true
		}
		q := p.of[t.at].Request
		for i := range min(q.timesOrNone(), 1000) {
			if !strings.Contains(q.path(i), "://") {
				return true
			}
		}
	}
	return false
}

// look calls New with a user that is nobody, to see its tasks.
func (k *kind) look() (root *outline, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("behaviour %q: New panicked: %v (it is also called to look at the tasks, so it must not use the user yet)", k.name, r)
		}
	}()
	p := outliner{filter: k.run.Filter, mask: k.run.Transport.Masker().Name}
	if k.root, err = p.outline(k.make(&User{kind: k, Client: k.run.Transport.Client(Who{})}), ""); err != nil {
		return nil, fmt.Errorf("behaviour %q: %w", k.name, err)
	}
	k.infos = p.infos
	return k.root, nil
}

// life makes one user. What is wrong with it is a panic, which the crew counts.
func (k *kind) life(ctx context.Context, su *crew.User) crew.Life {
	k.rows.Do(func() {
		for _, info := range k.infos {
			k.meters = append(k.meters, su.Sink.Meter(stats.Key{Class: stats.Task, Method: k.name, Name: info.Name}))
		}
	})
	u := &User{user: su, kind: k, Client: k.run.Transport.Client(Who{
		Sink: &su.Sink, ID: int(su.ID), Behaviour: k.name, Base: ctx, Log: k.run.Log, Trace: k.run.trace, Careful: k.run.careful,
	})}
	u.set = k.make(u)
	var err error
	if u.root, err = k.outline(u.set); err != nil {
		panic(err)
	}
	return (*life)(u)
}

// Run drives one user of a behaviour for n tasks against host and returns what
// went wrong: every failing request and every error of a task, joined. It is
// for `go test`, against an httptest server or the like; waits are left out.
func Run(ctx context.Context, b Behaviour, host string, n int) error {
	t, err := NewTransport(Options{Host: host})
	if err != nil {
		return err
	}
	defer t.Close()
	b.Wait, b.Fixed, b.Start, b.End, b.Shape, b.Arrivals = Wait{}, 0, 0, 0, nil, nil
	list, err := Bind(&Shared{Transport: t, careful: true}, []Behaviour{b})
	if err != nil {
		return err
	}
	c, err := crew.Swarm(swarm.Plan{Users: 1, Iterations: int64(max(n, 1)), StopTimeout: 10 * time.Second, Seed: 1}, crew.Job{Behaviours: list})
	if err != nil {
		return err
	}
	if err := c.Run(ctx); err != nil {
		return err
	}
	var all []error
	for _, g := range c.Snapshot().Groups {
		all = append(all, fmt.Errorf("%s %s %s: %s (%d times)", g.Key.Kind, g.Key.Key.Method, g.Key.Key.Name, g.Message, g.Count))
	}
	return errors.Join(all...)
}
