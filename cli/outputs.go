package cli

import (
	"errors"
	"fmt"
	"time"

	"tload/stats/report"
	"tload/swarm"
)

// conditions are what --fail-if says.
func (s *settings) conditions() (list []*report.Condition, err error) {
	for _, text := range s.failIf {
		c, err := report.ParseCondition(text)
		if err != nil {
			return nil, misuse{fmt.Errorf("--fail-if, %w", err)}
		}
		list = append(list, c)
	}
	if s.abort && len(list) == 0 {
		return nil, misuse{errors.New("--abort-on-fail needs a --fail-if that says when, such as --fail-if 'errors>5%'")}
	}
	return list, nil
}

// watchThresholds ends the run when a --fail-if has become true. A rate that is
// too low counts only when all users run: it is of any run that has just begun.
func (x *session) watchThresholds() {
	x.eachSecond(func(s *swarm.Snapshot) (over bool) {
		if s.WarmUp > 0 && s.Apart == 0 {
			return false
		}
		for _, c := range x.failIf {
			if yes, known := c.True(s.Snapshot); yes && known && !(c.Early() && s.State != swarm.Running) {
				x.log.Warn("threshold", "fail-if", c.Text)
				x.ctl.Stop("threshold")
				return true
			}
		}
		return false
	})
}

// eachSecond has look see the run once a second, until it says that it has seen enough,
// or the run is over.
func (x *session) eachSecond(look func(*swarm.Snapshot) (over bool)) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-x.ctl.Done():
			return
		case <-t.C:
		}
		if look(x.ctl.Snapshot()) {
			return
		}
	}
}

// writeOnDemand writes the reports of the run so far each time SIGUSR1 asks for them.
func (x *session) writeOnDemand() {
	for {
		select {
		case <-x.ctl.Done():
			return
		case <-reportsAsked():
		}
		if x.dir == "" {
			x.log.Warn("the reports so far are asked for, and there is no run directory: leave --no-out out")
			continue
		}
		r := x.resultOf(x.ctl.Snapshot())
		r.Exit = "so-far"
		if err := report.WriteDir(x.dir, r); err != nil {
			x.log.Error("the reports so far", "error", err)
			continue
		}
		x.log.Info("the reports so far are written", "dir", x.dir)
	}
}

// deadAfter is how long a target may be dead from the start before the run ends.
const deadAfter = 5 * time.Second

// watchTarget ends a run whose target was never there: nobody would look at its numbers.
func (x *session) watchTarget() {
	x.eachSecond(func(s *swarm.Snapshot) (over bool) {
		switch all := &s.Total.Run; {
		case s.State < swarm.Spawning || all.Requests == 0 && s.Elapsed < 2*deadAfter:
			return false
		case !x.neverReached(s):
			return true
		case s.Elapsed < deadAfter:
			return false
		default:
			x.log.Error("the target was never reached: the run ends (--keep-going goes on)", "requests", all.Requests)
			x.ctl.Stop("unreachable")
			return true
		}
	})
}

// writeFiles writes the run directory and what the flags ask for. What cannot
// be written does not keep the rest from it.
func (x *session) writeFiles() error {
	return x.settings.write(x.result(), x.dir)
}

// write writes a run to where the flags say, and to dir if it is not empty.
func (s *settings) write(r *report.Run, dir string) error {
	var errs []error
	if dir != "" {
		errs = append(errs, report.WriteDir(dir, r))
	}
	if s.json != "" {
		errs = append(errs, report.WriteFile(s.json, r, report.JSON))
	}
	if s.html != "" {
		errs = append(errs, report.WriteFile(s.html, r, report.HTML))
	}
	if s.csv != "" {
		for _, f := range report.CSVFiles {
			errs = append(errs, report.WriteFile(s.csv+"_"+f.Name, r, f.Write))
		}
	}
	if s.hgrm != "" {
		errs = append(errs, report.WriteHgrm(s.hgrm, r))
	}
	return errors.Join(errs...)
}
