package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"tload/stats"
	"tload/stats/journal"
	"tload/stats/report"
	"tload/swarm"
	"tload/tui"
)

// view opens a finished run: on a terminal in the same screens, else as the
// same summary; with --json and the like it writes those instead.
func (p *program) view(ctx context.Context, args []string) int {
	s, code, ok := p.settingsOf(args, "view", reports, drawing, masking)
	if !ok {
		return code
	}
	if len(s.args) != 1 {
		return p.complain(exitMisuse, errors.New("view needs one run: tload view ./tload-runs/localhost_5000-20261122-180000"))
	}
	f, err := openRun(s.args[0])
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	r, err := f.report(s)
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	for _, note := range f.info.Notes {
		p.complain(0, errors.New(note))
	}
	if s.json != "" || s.html != "" || s.csv != "" || s.hgrm != "" {
		if err := s.write(r, ""); err != nil {
			return p.complain(exitBroken, err)
		}
		return exitOK
	}
	if p.fullScreen(s) {
		return p.viewScreen(ctx, s, f)
	}
	r.Dir = "" // nothing is saved: it was before
	textFor(p.stdout)(p.stdout, r)
	return exitOK
}

func (p *program) viewScreen(ctx context.Context, s *settings, f *finished) int {
	g := &stage{p: p, settings: s}
	o := g.options()
	// What is saved here must not touch the run: its files are evidence.
	o.Run, o.Dir, o.Launch, o.Probe = f, "tload-copies", nil, nil
	o.Export = func(format, path string, shot *swarm.Snapshot) error {
		r, err := f.report(s)
		if err != nil {
			return err
		}
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
	e := listen(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer e.close()
	outcome, err, _ := e.show(ctx, o, g.current)
	return g.finish(e, outcome, err)
}

// finished is a run read back from its journal. It is a tui.Load that no key
// changes.
type finished struct {
	dir      string
	info     *journal.Info
	ledger   *stats.Ledger
	record   record
	snapshot *swarm.Snapshot
	done     chan struct{}
}

// errNoJournal says that a directory is there, and no journal in it.
var errNoJournal = errors.New("it holds no " + journal.Name)

// openJournal opens the journal in a run directory, or one itself.
func openJournal(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("no run %s: %w", path, errors.Unwrap(err))
	}
	if info.IsDir() {
		path = filepath.Join(path, journal.Name)
	}
	in, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no run %s: %w", filepath.Dir(path), errNoJournal)
	}
	return in, err
}

// openRun reads the run in a run directory, or a journal itself.
func openRun(path string) (*finished, error) {
	in, err := openJournal(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := readRun(in, filepath.Dir(in.Name()))
	switch {
	case errors.Is(err, journal.ErrEmpty):
		return nil, fmt.Errorf("%s: %w; what there is of the run lies in %s: look at tload.log, then run it again", in.Name(), err, filepath.Dir(in.Name()))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	return f, nil
}

func readRun(in io.Reader, dir string) (*finished, error) {
	f := &finished{dir: dir, ledger: stats.NewLedger(0, 0), done: make(chan struct{})}
	close(f.done)
	var err error
	f.info, err = journal.Read(in, func(o journal.Options) stats.Tap {
		f.ledger = stats.NewLedger(o.Samples, o.Memory)
		return f.ledger
	})
	if err != nil {
		return nil, err
	}
	if f.info.Meta != nil {
		if err := json.Unmarshal(f.info.Meta, &f.record); err != nil {
			f.info.Notes = append(f.info.Notes, "what the run was asked to do is damaged: "+err.Error())
		}
	}
	s := f.record.run()
	s.Snapshot = f.ledger.Snapshot()
	if f.record.Meta.Err != "" {
		s.Err = errors.New(f.record.Meta.Err)
	}
	f.snapshot = s
	return f, nil
}

// report is the run for the reports, with the thresholds of the settings, or
// else those that it was run with.
func (f *finished) report(s *settings) (*report.Run, error) {
	r := &report.Run{Meta: f.record.Meta, Snapshot: f.snapshot.Snapshot, Histograms: f.ledger.Histograms, Redact: s.masker}
	list, err := s.conditions()
	if err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, f.info.Notes...)
	r.Partial = len(f.info.Notes) > 0
	if len(list) > 0 {
		r.Thresholds = nil
	}
	for _, c := range list {
		r.Thresholds = append(r.Thresholds, c.FailIf(r.Snapshot))
	}
	return r, nil
}

// Snapshot is the run at its end.
func (f *finished) Snapshot() *swarm.Snapshot { return f.snapshot }

// History is the points of one row's charts.
func (f *finished) History(_ context.Context, key stats.Key) []stats.Second {
	return f.ledger.History(key)
}

// Done is closed.
func (f *finished) Done() <-chan struct{} { return f.done }

// What a run can be told, a finished one ignores.

// Scale does nothing.
func (f *finished) Scale(int, string) {}

// SetRate does nothing.
func (f *finished) SetRate(float64, string) {}

// SetWeight does nothing.
func (f *finished) SetWeight(string, int, int, string) {}

// FollowShape does nothing.
func (f *finished) FollowShape() {}

// SetSpawnRate does nothing.
func (f *finished) SetSpawnRate(float64) {}

// Pause does nothing.
func (f *finished) Pause(bool) {}

// Stop does nothing.
func (f *finished) Stop(string) {}

// Reset does nothing.
func (f *finished) Reset(string) {}

// Mark does nothing.
func (f *finished) Mark(string) {}

var _ tui.Load = (*finished)(nil)
