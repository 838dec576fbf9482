package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tload/cli/control"
	"tload/stats"
	"tload/swarm"
)

// Runs that go on, as other processes of this user find them: each has a directory of its
// own below this one, with its socket and the name of its run directory.

// roomsDir is where the runs of this user are found.
func roomsDir() (string, error) {
	dir, err := stateDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "runs"), nil
}

// placeFile names the run directory, in a run's room.
const placeFile = "dir"

// offer lets other processes of this user see and steer the run. A run that cannot be
// offered goes on without.
func (x *session) offer() {
	if x.settings.noAttach || x.dir == "" || x.journal == nil {
		return
	}
	fail := func(err error) { x.log.Warn("the run cannot be attached to", "error", err) }
	rooms, err := roomsDir()
	if err != nil {
		fail(err)
		return
	}
	dir, err := filepath.Abs(x.dir)
	if err != nil {
		fail(err)
		return
	}
	room := filepath.Join(rooms, filepath.Base(dir)+"-"+strconv.Itoa(os.Getpid()))
	if x.offered, err = control.Serve(room, dir, x); err != nil {
		fail(err)
		return
	}
	if err := errors.Join(os.MkdirAll(room, 0o700), os.WriteFile(filepath.Join(room, placeFile), []byte(dir), 0o600)); err != nil {
		fail(err)
	}
	x.room = room
}

// withdraw ends the offer.
func (x *session) withdraw() {
	if x.offered != nil {
		x.offered.Close()
		os.RemoveAll(x.room)
		x.offered = nil
	}
}

// Steer implements control.Run.
func (x *session) Steer(c control.Command) error {
	s := x.ctl.Snapshot()
	if s.State >= swarm.Stopping && c.Do != control.Stop {
		return fmt.Errorf("the run is %s: nothing changes it any more", strings.ToLower(s.State.String()))
	}
	who := cmp.Or(c.Who, "another terminal")
	switch c.Do {
	case control.Users:
		n := c.Number
		if c.More {
			n += float64(s.Target)
		}
		if n != float64(int(n)) || n < 0 || n > swarm.MaxUsers {
			return fmt.Errorf("%g users: a whole number from 0 to %d is expected", n, swarm.MaxUsers)
		}
		if s.Driven() {
			return errors.New("every behaviour has a load of its own: there are no users to add or to take away")
		}
		x.ctl.Scale(int(n), who)
	case control.Rate:
		n := c.Number
		if c.More {
			n += s.Rate
		}
		if !s.Open || n < 0 || n > swarm.MaxRate {
			return fmt.Errorf("%g arrivals a second: of a run with --rate, a number from 0 to %g is expected", n, float64(swarm.MaxRate))
		}
		x.ctl.SetRate(n, who)
	case control.Spawn:
		if c.Number <= 0 {
			return errors.New("a spawn rate is a number of users a second, above 0")
		}
		x.ctl.SetSpawnRate(c.Number)
	case control.Weight:
		i := slices.IndexFunc(s.Behaviours, func(b swarm.BehaviourView) bool { return b.Name == c.Name })
		if i < 0 {
			return fmt.Errorf("there is no behaviour %s", c.Name)
		}
		if err := s.Behaviours[i].CheckWeight(s.Behaviours, c.Task, int(c.Number)); err != nil {
			return err
		}
		x.ctl.SetWeight(c.Name, c.Task, int(c.Number), who)
	case control.Follow:
		x.ctl.FollowShape()
	case control.Pause:
		x.ctl.Pause(c.On)
	case control.Stop:
		if s.State == swarm.Stopped {
			return errors.New("the run is over")
		}
		x.log.Info("told to stop", "who", who)
		x.ctl.Stop(cmp.Or(c.Name, "command"))
	case control.Reset:
		x.ctl.Reset(c.Name)
	case control.Mark:
		x.ctl.Mark(c.Name)
	default:
		return fmt.Errorf("%q is nothing that a run of tload %s can be told", c.Do, Version)
	}
	return nil
}

// Status implements control.Run.
func (x *session) Status() control.Status {
	s := x.ctl.Snapshot()
	w := &s.Total.Window
	out := control.Status{
		Run: filepath.Base(x.dir), Dir: x.dir, PID: os.Getpid(), Host: s.Host, State: s.State.String(), Elapsed: s.Elapsed.Seconds(), RunTime: s.RunTime.Seconds(),
		Users: s.Running, Target: s.Asked(), Arrivals: s.Rate, Backlog: s.Backlog,
		Requests: s.Total.Run.Requests, Failures: s.Total.Run.Failures, RPS: w.RPS, FailRate: w.FailRate, Generator: "ok",
		Attach: "tload attach " + filepath.Base(x.dir),
	}
	if dir, err := filepath.Abs(x.dir); err == nil {
		out.Dir = dir
	}
	if w.OK.Count > 0 {
		ms := func(d time.Duration) *float64 {
			v := float64(d) / 1e6
			return &v
		}
		out.P50, out.P95, out.P99 = ms(w.OK.P50), ms(w.OK.P95), ms(w.OK.P99)
	}
	if !s.Health.OK && s.State > swarm.Ready {
		out.Generator = "suspect"
		for _, r := range s.Health.Reasons {
			out.Reasons = append(out.Reasons, r.What+": "+r.Remedy)
		}
	}
	return out
}

// foundRun is a run of this user that goes on.
type foundRun struct {
	dir    string
	client *control.Client
	status control.Status
}

// ongoing are the runs of this user that go on, the newest last. What is left of others
// is cleared away.
func ongoing(ctx context.Context) (list []foundRun, err error) {
	rooms, err := roomsDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(rooms)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	for _, e := range entries {
		room := filepath.Join(rooms, e.Name())
		dir, err := os.ReadFile(filepath.Join(room, placeFile))
		if err != nil {
			continue // it is just being made
		}
		c, err := control.Dial(string(dir))
		if err == nil {
			var s control.Status
			if s, err = c.Status(ctx); err == nil {
				list = append(list, foundRun{string(dir), c, s})
				continue
			}
		}
		if errors.Is(err, control.ErrGone) {
			os.RemoveAll(room)
		}
	}
	return list, nil
}

// pick finds the run that a name on the command line means: its directory, its name or how
// that begins, or, without one, the only one that there is.
func pick(ctx context.Context, args []string) (*foundRun, error) {
	list, err := ongoing(ctx)
	if err != nil {
		return nil, err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	var hits []foundRun
	for _, r := range list {
		base := filepath.Base(r.dir)
		abs, _ := filepath.Abs(name)
		switch {
		case name == "", strings.HasPrefix(base, name), strings.HasPrefix(strings.TrimPrefix(r.status.Host, "http://"), name):
			hits = append(hits, r)
		case abs == r.dir || strconv.Itoa(r.status.PID) == name:
			return &r, nil
		}
	}
	switch {
	case len(hits) == 1:
		return &hits[0], nil
	case len(hits) > 1:
		return nil, misuse{fmt.Errorf("%d runs go on: say which one\n%s", len(hits), runLines(hits))}
	case name == "":
		return nil, errors.New("no run of yours goes on here (started with --no-attach or --no-out, a run cannot be found)")
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(name, "run.journal")); err == nil {
			return nil, fmt.Errorf("the run in %s does not go on: its process ended, or the machine did; tload view %s shows what there is of it", name, name)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no run %s goes on here, nor any other of yours", name)
	}
	return nil, fmt.Errorf("no run %s goes on here; these do\n%s", name, runLines(list))
}

// runLines are runs, a line each.
func runLines(list []foundRun) string {
	var b strings.Builder
	for _, r := range list {
		s := r.status
		fmt.Fprintf(&b, "  %s  %s  %s  %d users  %s requests/s\n", stats.Clean(s.Run), stats.Clock(time.Duration(s.Elapsed*float64(time.Second))), s.State, s.Users, stats.Rate(s.RPS))
	}
	return strings.TrimRight(b.String(), "\n")
}
