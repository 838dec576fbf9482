package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"tload/behaviours"
	"tload/cli/control"
	"tload/stats/journal"
	"tload/stats/report"
	"tload/swarm"
	"tload/swarm/crew"
	"tload/swarm/link"
)

// session is one run with everything around it: client, log, directory.
type session struct {
	settings  *settings
	own       []behaviours.Behaviour // as their authors wrote them
	job       crew.Job               // with the behaviours
	transport *behaviours.Transport
	ctl       *swarm.Controller
	log       *slog.Logger
	closeLog  func()
	dir       string // "" for none
	dirErr    error  // why there is none, though there should be
	started   time.Time
	done      chan struct{} // closed when the files are written
	runErr    error
	endErr    error // of the program's Teardown
	hungUp    atomic.Bool
	fileErr   error
	failIf    []*report.Condition
	journal   *journal.Writer // nil for none
	master    *link.Master    // nil where the users run here
	invite    string          // the line that starts a worker
	noWorkers error           // why the run did not begin
	noted     string          // where a master has noted its run down
	goesOn    bool            // another master began it
	notes     []string        // what readers of its numbers must know
	outside   outside
	offered   *control.Server // to other processes of this user; nil where it is not
	room      string          // where they find it
}

// prepare checks everything that can be checked before any load is sent and
// makes a session of it, which goes on with the run that was cut off, if there is
// one. logs is where log records also go; it may be nil.
func prepare(ctx context.Context, s *settings, own []behaviours.Behaviour, logs slog.Handler, cut *cutOff) (*session, error) {
	list, err := s.target(own)
	if err == nil {
		list, err = s.choose(list)
	}
	if err != nil {
		return nil, err
	}
	x := &session{settings: s, started: time.Now(), done: make(chan struct{}), closeLog: func() {}}
	if x.failIf, err = s.conditions(); err != nil {
		return nil, err
	}
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	if x.transport, err = behaviours.NewTransport(options); err != nil {
		return nil, misuse{err}
	}
	ready := false
	defer func() {
		if !ready {
			x.close()
		}
	}()
	shared := &behaviours.Shared{Transport: x.transport, Filter: s.filter()}
	if x.job.Behaviours, err = behaviours.Bind(shared, list); err != nil {
		return nil, misuse{err}
	}
	if len(x.job.Behaviours) == 0 {
		return nil, misuse{errors.New("nothing to do: no task has these tags")}
	}
	if s.list {
		ready = true
		return x, nil
	}
	if !s.inside || shared.NeedsHost() {
		if err := s.needsHost(); err != nil {
			return nil, err
		}
	}
	plan := s.plan(x.job.Behaviours)
	if f := s.shapeOf(); f != nil {
		plan.Shape = f
	}
	x.job.MaxWait, x.job.Sources = time.Duration(s.maxWait), x.transport.Sources
	if err := plan.Check(); err != nil {
		return nil, misuse{err}
	}
	if err := errors.Join(s.checkFiles(), s.checkOutputs()); err != nil {
		return nil, err
	}
	var dead error
	if s.master {
		plan.Expect = int(s.expectWorkers)
	} else if dead = x.transport.Reach(ctx); dead != nil && !s.keepGoing {
		return nil, dead
	}
	plan.RunID = x.started.Format("20060102-150405")
	if cut != nil {
		x.dir, plan.RunID = cut.Dir, cut.RunID
	} else if err := s.checkOut(); err != nil {
		return nil, err
	} else if x.dir, x.dirErr = s.makeRunDir(x.started); x.dirErr != nil {
		x.dir = ""
	}
	if err := x.openLog(logs); err != nil {
		return nil, misuse{err}
	}
	shared.Log = x.log
	plan.Log = x.log
	if dead != nil {
		x.log.Warn("going on without a target", "error", dead)
	}
	if x.dirErr != nil {
		x.log.Error("no run directory", "error", x.dirErr)
	}
	if err := x.outside.open(s, &x.job); err != nil {
		return nil, misuse{err}
	}
	x.job.Requests = watched(x.job.Requests, s.whole.OnRequest)
	if cut != nil {
		if err := x.goOn(cut, &plan); err != nil {
			return nil, fmt.Errorf("the run in %s cannot be gone on with: %w (--resume=no begins another)", cut.Dir, err)
		}
	} else {
		x.openJournal(&plan)
	}
	if s.master {
		err = x.lead(plan, own, s.inside)
	} else if x.ctl, err = crew.Swarm(plan, x.job); err != nil {
		err = misuse{err}
	}
	if err != nil {
		return nil, err
	}
	x.own = list
	if cut == nil {
		if err := x.setup(ctx); err != nil {
			return nil, err
		}
	}
	ready = true
	return x, nil
}

func (s *settings) filter() behaviours.Filter {
	return behaviours.Filter{Only: s.tags, Without: s.withoutTags}
}

// needsHost says that there is nothing to load.
func (s *settings) needsHost() error {
	if s.host == "" {
		return misuse{errors.New("no host: say which server to load with --host=http://localhost:5000, or try `tload demo`")}
	}
	return nil
}

func (s *settings) plan(list []*crew.Behaviour) swarm.Plan {
	if s.seed == 0 {
		s.seed = 1 + rand.Uint64N(1<<31)
	}
	p := swarm.Plan{
		Behaviours: crew.Kinds(list), Host: s.shownHost(),
		Users: int(s.users), SpawnRate: float64(s.spawnRate), RunTime: time.Duration(s.runTime), Iterations: int64(s.iterations),
		Rate: float64(s.rate), Poisson: s.arrivals.value == "poisson", FromSteady: s.runTimeFrom.value == "steady", WarmUp: time.Duration(s.warmUp), StopTimeout: time.Duration(s.stopTimeout), Seed: s.seed,
		Samples: int(s.capture), Memory: int(s.memory),
	}
	if s.shape != nil {
		p.Shape = s.shape
	}
	if s.goals != nil {
		p.Find, p.Users = s.search()
	}
	return p
}

// openLog opens the log in the run directory, or where --logfile says.
func (x *session) openLog(more slog.Handler) error {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[x.settings.logLevel.value]
	var handlers []slog.Handler
	path := x.settings.logFile
	if path == "" && x.dir != "" {
		path = filepath.Join(x.dir, "tload.log")
	}
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil && x.settings.logFile != "" {
			return fmt.Errorf("--logfile: %w", err)
		}
		if err == nil {
			bounded := newBoundedLog(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level}))
			handlers = append(handlers, bounded)
			x.closeLog = func() {
				bounded.flush()
				f.Close()
			}
		}
	}
	if more != nil {
		handlers = append(handlers, more)
	}
	x.log = slog.New(maskedLog{slog.NewMultiHandler(handlers...), x.settings.masker})
	return nil
}

// start runs the session in the background until done is closed.
func (x *session) start() {
	x.offer()
	go func() {
		defer close(x.done)
		x.outside.start(x)
		if x.settings.abort {
			go x.watchThresholds()
		}
		if !x.settings.keepGoing {
			go x.watchTarget()
		}
		go x.writeOnDemand()
		go x.awaitWorkers()
		x.runErr = errors.Join(x.ctl.Run(context.Background()), x.noWorkers, x.teardown())
		x.endErr = x.ended()
		x.closeMaster()
		x.transport.Close()
		journalErr := x.closeJournal(true)
		x.withdraw() // whoever follows the journal sees its end
		x.fileErr = errors.Join(x.dirGone(journalErr), x.outside.close(), x.writeFiles())
		x.forget()
		x.closeLog()
	}()
}

// setup calls each behaviour's Setup. If one fails, what was set up before is
// torn down.
func (x *session) setup(ctx context.Context) error {
	for i, b := range x.own {
		if b.Setup == nil {
			continue
		}
		if err := guard(func() error { return b.Setup(ctx, x.settings.host) }); err != nil {
			x.own = x.own[:i]
			return errors.Join(fmt.Errorf("setup of %s: %w", b.Name, err), x.teardown())
		}
	}
	return nil
}

// teardownTime is how long a behaviour's Teardown may take.
const teardownTime = time.Minute

// teardown calls each behaviour's Teardown, in reverse.
func (x *session) teardown() error {
	ctx, cancel := context.WithTimeout(context.Background(), teardownTime)
	defer cancel()
	var all []error
	for _, b := range slices.Backward(x.own) {
		if b.Teardown == nil {
			continue
		}
		if err := guard(func() error { return b.Teardown(ctx, x.settings.host) }); err != nil {
			all = append(all, fmt.Errorf("teardown of %s: %w", b.Name, err))
		}
	}
	return errors.Join(all...)
}

// guard makes an error of a panic in an author's code.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// closeMaster ends the links to workers.
func (x *session) closeMaster() {
	if x.master != nil {
		x.master.Close()
		x.master = nil
	}
}

// close gives up a session that was not started.
func (x *session) close() {
	x.closeMaster()
	x.transport.Close()
	x.closeJournal(!x.goesOn)
	if !x.goesOn {
		x.forget()
	}
	x.outside.close()
	x.closeLog()
}

// code is the exit code of a session that is done.
func (x *session) code() int {
	s := x.ctl.Snapshot()
	switch {
	case x.runErr != nil, x.fileErr != nil, x.dirErr != nil:
		return exitBroken
	case s.Reason == "users-ended" && s.Total.Run.Requests+s.Total.Run.Aborted == 0:
		return exitBroken // nobody came to do anything
	case x.neverReached(s):
		return exitBroken // there was nobody to do it with
	}
	if s.Find != nil && !s.Find.Found {
		return exitFailed
	}
	for _, c := range x.failIf {
		if !c.FailIf(s.Snapshot).Held {
			return exitFailed
		}
	}
	if x.endErr != nil {
		return endCode(x.endErr)
	}
	return exitOK
}

// neverReached says that users came, and that no connection ever stood on which they
// could have sent a request.
func (x *session) neverReached(s *swarm.Snapshot) bool {
	all := &s.Total.Run
	return all.Dialled == 0 && (all.Requests > 0 && all.Requests == unreachable(s) || all.Requests == all.Failures && x.transport.Unconnected())
}
