package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tload/stats"
	"tload/stats/journal"
	"tload/stats/report"
)

// compare says what changed from one run to another, and is 1 if anything got
// worse that can be told from chance.
func (p *program) compare(_ context.Context, args []string) int {
	s, code, ok := p.settingsOf(args, "compare", []string{"json", "config", "help"})
	if !ok {
		return code
	}
	if len(s.args) != 2 {
		return p.complain(exitMisuse, errors.New("compare needs two runs: tload compare ./tload-runs/BASE ./tload-runs/RUN"))
	}
	c, err := compareRuns(s.args[0], s.args[1])
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	c.Base, c.Run = s.args[0], s.args[1]
	if s.json != "" {
		err = report.WriteFile(s.json, nil, func(w io.Writer, _ *report.Run) error {
			return stats.WriteJSON(w, c)
		})
	} else {
		err = c.Text(p.stdout)
	}
	switch {
	case err != nil:
		return p.complain(exitBroken, err)
	case c.Regressed:
		return exitFailed
	}
	return exitOK
}

func compareRuns(base, run string) (*report.Comparison, error) {
	a, notes, err := readSeconds(base)
	if err == nil {
		var b *report.Seconds
		var more []string
		if b, more, err = readSeconds(run); err == nil {
			c := report.Compare(a, b)
			c.Notes = append(append(c.Notes, notes...), more...)
			return c, nil
		}
	}
	if !errors.Is(err, errNoJournal) && !errors.Is(err, journal.ErrEmpty) {
		return nil, err
	}
	x, err := readSummary(base)
	if err != nil {
		return nil, err
	}
	y, err := readSummary(run)
	if err != nil {
		return nil, err
	}
	return report.CompareSummaries(x, y), nil
}

func readSeconds(path string) (*report.Seconds, []string, error) {
	in, err := openJournal(path)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	s := report.NewSeconds()
	info, err := journal.Read(in, func(journal.Options) stats.Tap { return s })
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var notes []string
	for _, n := range info.Notes {
		notes = append(notes, path+": "+n)
	}
	var r record
	if info.Meta != nil && json.Unmarshal(info.Meta, &r) == nil && r.Meta.Generator.Verdict == "suspect" {
		notes = append(notes, fmt.Sprintf("%s: the load generator was not well for %d s: what differs may be the load box's doing", path, r.Meta.Generator.SuspectSeconds))
	}
	return s, notes, nil
}

func readSummary(path string) (*stats.Snapshot, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "summary.json")
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("no run %s: it holds neither %s nor summary.json", filepath.Dir(path), journal.Name)
	}
	defer in.Close()
	return report.ReadSummary(in)
}
