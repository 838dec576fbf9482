package cli

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"tload/behaviours"
	"tload/stats"
	"tload/stats/journal"
	"tload/swarm"
	"tload/swarm/link"
)

// cutOff is a run with workers, as its master notes it down for the case that it is
// killed: the next one on this port goes on with it. There are no secrets in it.
type cutOff struct {
	Dir   string `json:"dir"`
	RunID string `json:"run_id"`
	Seed  uint64 `json:"seed"`
	Same  string `json:"same"` // of two commands that would make the same run

	// What a start form may have changed of the settings.
	Host        string   `json:"host"`
	Only        []string `json:"behaviours,omitempty"`
	RunTime     string   `json:"run_time"`
	StopTimeout string   `json:"stop_timeout"`
	Capture     string   `json:"capture_body"`
}

// freshness is how long ago a run may have been cut off so that it is gone on with
// without anybody being asked.
const freshness = 5 * time.Minute

// noted is where the run of a master on this port is noted down; "" for nowhere.
func (s *settings) noted() (string, error) {
	if s.masterPort == 0 || s.nats != "" { // its workers, or it, would not find the next one
		return "", nil
	}
	dir, err := stateDir()
	if err != nil {
		return "", err
	}
	name := "run-" + strconv.Itoa(int(s.masterPort))
	if s.masterBind != "" {
		name += "-" + strings.NewReplacer(":", "_", "/", "_").Replace(s.masterBind)
	}
	return filepath.Join(dir, name+".json"), nil
}

// note writes the session's run down.
func (x *session) note(own []behaviours.Behaviour) error {
	s := x.settings
	path, err := s.noted()
	if err != nil || path == "" || x.journal == nil {
		return err
	}
	c := cutOff{
		RunID: x.ctl.Snapshot().RunID, Seed: s.seed, Host: s.shownHost(), Only: s.only,
		RunTime: s.runTime.String(), StopTimeout: s.stopTimeout.String(), Capture: s.body.String(),
	}
	if c.Dir, err = filepath.Abs(x.dir); err != nil {
		return err
	}
	if c.Same, err = s.same(own); err != nil {
		return err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	x.noted = path
	return os.Rename(path+".new", path)
}

// same is equal for two commands that would make the same run, but for how many
// users there are.
func (s *settings) same(own []behaviours.Behaviour) (string, error) {
	t := *s
	t.args = slices.Clone(s.args)
	if !s.given("seed") {
		t.seed = 0
	}
	if _, err := t.target(own); err != nil {
		return "", err
	}
	j, files, err := t.forWorkers(own, s.inside)
	if err != nil {
		return "", err
	}
	us, err := hello()
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]any{
		"job": j, "files": files, "rate": float64(t.rate), "shape": t.shapeText, "find": t.findText, "warm": t.warmUp.String(), "arrivals": t.arrivals.value, "from": t.runTimeFrom.value, "tasks": int64(t.iterations), "time": t.runTime.String(), "build": us.Build,
	})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// resume is the run that a master before this one was killed in, if this one is to
// go on with it, else nil. The settings are then those of that run. On a terminal it
// waits for an answer.
func (p *program) resume(s *settings, own []behaviours.Behaviour) (*cutOff, error) {
	if !s.master || s.noOut || s.resume.value == "no" {
		return nil, nil
	}
	if s.nats != "" && s.resume.value == "yes" {
		return nil, misuse{errors.New("--resume=yes does not go with --nats: only a master with a port of its own goes on with a run")}
	}
	path, err := s.noted()
	if err != nil || path == "" {
		return nil, err
	}
	c, r, err := findCutOff(path)
	switch {
	case err != nil:
		p.complain(0, fmt.Errorf("a run was cut off, and cannot be gone on with: %w", err))
		return nil, nil
	case c == nil:
		return nil, nil
	}
	// A master that lives has the port, and must not lose its journal.
	l, err := net.Listen("tcp", net.JoinHostPort(s.masterBind, strconv.Itoa(int(s.masterPort))))
	if err != nil {
		return nil, fmt.Errorf("the port for workers: %w: end who has it, or take another one with --master-port", err)
	}
	l.Close()
	t, err := s.as(c, own)
	if err != nil {
		if s.resume.value == "yes" {
			return nil, misuse{fmt.Errorf("--resume=yes: the run that was cut off in %s cannot be gone on with: %w (--resume=no begins another)", c.Dir, err)}
		}
		p.complain(0, fmt.Errorf("this is a new run, for the one that was cut off in %s cannot be gone on with: %w", c.Dir, err))
		return nil, nil
	}
	ago := time.Since(r.Taken)
	what := fmt.Sprintf("the run at %s was cut off %s ago, after %s, with %d users", c.Host, stats.Clock(max(ago, 0)), stats.Clock(r.Taken.Sub(r.Meta.Started)), r.Target)
	yes := s.resume.value == "yes" || ago < freshness
	if s.resume.value == "ask" && term.IsTerminal(int(p.stdin.Fd())) && term.IsTerminal(int(p.stderr.Fd())) {
		fmt.Fprintf(p.stderr, "tload: %s; its files are in %s.\nGo on with it? [Y/n] ", stats.Clean(what), stats.Clean(c.Dir))
		if yes, err = agreed(p.stdin); err != nil {
			return nil, err
		}
	}
	if !yes {
		fmt.Fprintf(p.stderr, "tload: %s, and is not gone on with (--resume=yes does that); tload view %s shows it\n", stats.Clean(what), stats.Clean(c.Dir))
		return nil, nil
	}
	fmt.Fprintf(p.stderr, "tload: %s; it goes on, in %s\n", stats.Clean(what), stats.Clean(c.Dir))
	*s = *t
	return c, nil
}

// agreed reads an answer of which yes is the usual one.
func agreed(in io.Reader) (bool, error) {
	line, err := bufio.NewReaderSize(in, 16).ReadString('\n')
	if err != nil && !(errors.Is(err, io.EOF) && line != "") {
		return false, misuse{errors.New("no answer: say --resume=yes or --resume=no")}
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "" || strings.HasPrefix(line, "y"), nil
}

// findCutOff reads what a master that was killed has left; nil if there is nothing.
func findCutOff(path string) (*cutOff, *record, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	c := new(cutOff)
	if err == nil {
		err = json.Unmarshal(b, c)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	f, err := openRun(c.Dir)
	switch {
	case err != nil:
		return nil, nil, err
	case f.info.Ended, f.record.Meta.Started.IsZero(): // over, or never begun
		return nil, nil, nil
	}
	return c, &f.record, nil
}

// as is these settings with what the run that was cut off had of its own. The error
// says what is asked for now that was not then.
func (s *settings) as(c *cutOff, own []behaviours.Behaviour) (*settings, error) {
	t := *s
	t.args = slices.Clone(s.args)
	if s.out != "" {
		if dir, err := filepath.Abs(s.out); err != nil || dir != c.Dir {
			return nil, fmt.Errorf("its files are not in %s", s.out)
		}
	}
	if !s.given("behaviours") {
		t.only = c.Only
	}
	if t.host == "" && len(t.args) == 0 && !strings.Contains(c.Host, "***") {
		t.host = c.Host
	}
	for name, from := range map[string]struct {
		v    interface{ Set(string) error }
		text string
	}{"run-time": {&t.runTime, c.RunTime}, "stop-timeout": {&t.stopTimeout, c.StopTimeout}, "capture-body": {&t.body, c.Capture}} {
		if !s.given(name) && from.text != "" {
			if err := from.v.Set(from.text); err != nil {
				return nil, fmt.Errorf("--%s %s: %w", name, from.text, err)
			}
		}
	}
	same, err := t.same(own)
	if err != nil {
		return nil, err
	}
	if same != c.Same {
		return nil, errors.New("it was another command's, or of another tload")
	}
	t.seed = c.Seed
	return &t, nil
}

// goOn makes the session that of a run that was cut off, with all that its journal
// has.
func (x *session) goOn(c *cutOff, plan *swarm.Plan) error {
	o := x.journalOptions(plan)
	var ledger *stats.Ledger
	w, past, err := journal.Resume(filepath.Join(c.Dir, journal.Name), o, func(o journal.Options) stats.Tap {
		ledger = stats.NewLedger(o.Samples, o.Memory)
		return ledger
	})
	if err != nil {
		return err
	}
	x.journal, x.goesOn, plan.Tap = w, true, w
	var r record
	if err := json.Unmarshal(past.Meta, &r); err != nil {
		return fmt.Errorf("what the run was asked to do is damaged: %w", err)
	}
	before := r.run()
	target := plan.Users // the record's own is what there were of an open model
	arrivals := plan.Rate
	for _, c := range before.Changes {
		if c.Arrivals {
			arrivals = c.To
		} else {
			target = int(c.To)
		}
	}
	x.notes = append(r.Meta.Notes, fmt.Sprintf("its master was killed after %s and was back at %s: a worker goes on alone for %v, then its users stop",
		stats.Clock(past.Elapsed), stats.Clock(x.started.Sub(r.Meta.Started)), link.Lease))
	plan.Past = &swarm.Past{
		Ledger: ledger, Started: r.Meta.Started, Target: target, Arrivals: arrivals, SpawnRate: r.SpawnRate, Paused: r.State == swarm.Paused.String(),
		Peak: r.Meta.Peak, Changes: before.Changes, Weights: before.Behaviours, First: past.First, But: past.But,
	}
	if plan.FromSteady && r.RunTime > 0 { // when it ends was known
		plan.RunTime, plan.FromSteady = r.RunTime.duration(), false
	}
	if r.State == swarm.Stopping.String() || r.State == swarm.Stopped.String() {
		plan.Past.Stop = cmpOr(r.Meta.Exit, "stop")
	}
	return nil
}

// forget says that the run needs nobody to go on with it.
func (x *session) forget() {
	if x.noted != "" {
		os.Remove(x.noted)
		x.noted = ""
	}
}
