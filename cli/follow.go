package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tload/cli/control"
	"tload/stats"
	"tload/stats/journal"
	"tload/stats/report"
	"tload/swarm"
	"tload/tui"
)

// followed is a run of another process: its numbers from its journal, and its controls.
// Any number of seats may be before it.
type followed struct {
	dir    string
	client *control.Client
	logs   *tui.Logs
	log    *slog.Logger
	orders chan control.Command
	stop   chan struct{}
	gone   sync.WaitGroup

	mu       sync.Mutex // guards ledger and journal
	journal  *journal.Follower
	ledger   *stats.Ledger
	record   record
	snapshot atomic.Pointer[swarm.Snapshot]
	over     atomic.Bool
	done     chan struct{}
}

// followEvery is how often the journal is looked at.
const followEvery = 250 * time.Millisecond

// follow begins to follow a run, until end.
func follow(r *foundRun) (*followed, error) {
	f := &followed{
		dir: r.dir, client: r.client, logs: tui.NewLogs(10_000),
		orders: make(chan control.Command, 100), stop: make(chan struct{}), done: make(chan struct{}),
	}
	f.log = slog.New(f.logs)
	if err := f.open(); err != nil {
		return nil, err
	}
	f.gone.Add(2)
	go f.watch()
	go f.obey()
	return f, nil
}

// open begins with the journal from its first record. f.mu is held, or nobody else is there.
func (f *followed) open() error {
	if f.journal != nil {
		f.journal.Close()
	}
	f.ledger = stats.NewLedger(0, 0)
	w, err := journal.Follow(filepath.Join(f.dir, journal.Name), func(o journal.Options) stats.Tap {
		f.ledger = stats.NewLedger(o.Samples, o.Memory)
		return f.ledger
	})
	if err != nil {
		return fmt.Errorf("%s: %w", f.dir, err)
	}
	f.journal = w
	if _, err := w.Poll(); err != nil {
		return err
	}
	f.publish()
	return nil
}

// watch follows the journal and the log until the run is over or end is called.
func (f *followed) watch() {
	defer f.gone.Done()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	lines := &logTail{path: filepath.Join(f.dir, "tload.log"), to: f.logs}
	last := time.Now()
	for {
		lines.read()
		f.mu.Lock()
		news, err := f.journal.Poll()
		if errors.Is(err, journal.ErrReplaced) {
			err = f.open()
		}
		if news {
			last = time.Now()
			f.publish()
		}
		ended := f.journal.Info().Ended
		f.mu.Unlock()
		if err != nil {
			f.log.Error("the journal cannot be read", "error", err)
		}
		if !ended && time.Since(last) > 5*time.Second {
			last = time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			_, err := f.client.Status(ctx)
			cancel()
			if errors.Is(err, control.ErrGone) {
				f.lost()
				ended = true
			}
		}
		if ended {
			f.over.Store(true)
			lines.read()
			close(f.done)
			<-f.stop
			return
		}
		select {
		case <-tick.C:
		case <-f.stop:
			return
		}
	}
}

// lost shows that the run has ended otherwise than in order.
func (f *followed) lost() {
	s := *f.snapshot.Load()
	s.State = swarm.Stopped
	s.Err = fmt.Errorf("its process is gone: it was killed, or its machine was; tload view %s shows what there is of it", f.dir)
	f.snapshot.Store(&s)
	f.log.Error("the run is gone", "error", s.Err)
}

// publish makes a snapshot of what is known. f.mu is held.
func (f *followed) publish() {
	info := f.journal.Info()
	if info.Meta != nil {
		var r record
		if err := json.Unmarshal(info.Meta, &r); err == nil {
			f.record = r
		}
	}
	s := f.record.live()
	if info.Ended {
		s.State = swarm.Stopped
	}
	s.Snapshot = f.ledger.Snapshot()
	if f.record.Meta.Err != "" {
		s.Err = errors.New(f.record.Meta.Err)
	}
	f.snapshot.Store(s)
}

// obey hands on what keys ask for, one after the other.
func (f *followed) obey() {
	defer f.gone.Done()
	for {
		select {
		case c := <-f.orders:
			if err := f.client.Steer(context.Background(), c); err != nil {
				f.log.Error("the run does not do it", "what", c.Do, "why", err)
			}
		case <-f.stop:
			return
		}
	}
}

// end stops following. The run does not know.
func (f *followed) end() {
	close(f.stop)
	f.gone.Wait()
	f.journal.Close()
	f.client.Close()
}

// seat is one screen before a run that is followed: who sits there, and whether keys do
// anything. It is a tui.Load.
type seat struct {
	*followed
	who      string
	readOnly bool

	mu   sync.Mutex // guards what follows
	of   *swarm.Snapshot
	mine *swarm.Snapshot // that, with who did what as it is told here
}

// order asks the run for something, and does not wait.
func (f *seat) order(c control.Command) {
	if f.readOnly || f.over.Load() {
		return
	}
	c.Who = f.who
	select {
	case f.orders <- c:
	default:
		f.log.Error("the run does not answer: what was asked for is not done", "what", c.Do)
	}
}

// Snapshot is the newest that is known.
func (f *seat) Snapshot() *swarm.Snapshot {
	s := f.snapshot.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if s != f.of {
		own := *s
		own.Changes = slices.Clone(s.Changes)
		for i := range own.Changes {
			switch c := &own.Changes[i]; c.Who {
			case "you":
				c.Who = "its own screen"
			case f.who:
				c.Who = "you"
			}
		}
		f.of, f.mine = s, &own
	}
	return f.mine
}

// History is the points of one row's charts.
func (f *followed) History(_ context.Context, key stats.Key) []stats.Second {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ledger.History(key)
}

// Done is closed when the run is over.
func (f *followed) Done() <-chan struct{} { return f.done }

// Scale asks for users.
func (f *seat) Scale(users int, _ string) {
	f.order(control.Command{Do: control.Users, Number: float64(users)})
}

// SetRate asks for arrivals a second.
func (f *seat) SetRate(perSecond float64, _ string) {
	f.order(control.Command{Do: control.Rate, Number: perSecond})
}

// SetWeight gives a behaviour or a task another weight.
func (f *seat) SetWeight(behaviour string, task, weight int, _ string) {
	f.order(control.Command{Do: control.Weight, Name: behaviour, Task: task, Number: float64(weight)})
}

// FollowShape gives the load back to its shape.
func (f *seat) FollowShape() { f.order(control.Command{Do: control.Follow}) }

// SetSpawnRate makes the number of users follow at that many a second.
func (f *seat) SetSpawnRate(perSecond float64) {
	f.order(control.Command{Do: control.Spawn, Number: perSecond})
}

// Pause holds the users, or lets them go on.
func (f *seat) Pause(on bool) { f.order(control.Command{Do: control.Pause, On: on}) }

// Stop ends the run.
func (f *seat) Stop(reason string) {
	f.order(control.Command{Do: control.Stop, Name: reason})
}

// Reset begins a segment, and the shown numbers, again.
func (f *seat) Reset(name string) { f.order(control.Command{Do: control.Reset, Name: name}) }

// Mark names this moment.
func (f *seat) Mark(name string) { f.order(control.Command{Do: control.Mark, Name: name}) }

var _ tui.Load = (*seat)(nil)

// export writes what is known of the run to a file.
func (f *followed) export(s *settings) func(format, path string, shot *swarm.Snapshot) error {
	return func(format, path string, shot *swarm.Snapshot) error {
		f.mu.Lock()
		r := &report.Run{Meta: f.record.Meta, Snapshot: shot.Snapshot, Redact: s.masker}
		f.mu.Unlock()
		switch format {
		case "json":
			return report.WriteFile(path, r, report.JSON)
		case "html":
			return report.WriteFile(path, r, report.HTML)
		case "csv":
			return report.WriteFile(path, r, report.CSVStats)
		}
		return report.WriteFile(path, r, report.WholeText)
	}
}
