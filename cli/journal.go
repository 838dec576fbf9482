package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tload/stats"
	"tload/stats/journal"
	"tload/swarm"
)

// openJournal lets the ledger of the plan write the run journal. A journal that
// cannot be made does not keep the run from starting: it is said at the end.
func (x *session) openJournal(p *swarm.Plan) {
	if x.dir == "" {
		return
	}
	w, err := journal.Create(filepath.Join(x.dir, journal.Name), x.journalOptions(p))
	if err != nil {
		x.dirErr = err
		return
	}
	x.journal = w
	p.Tap = w
}

func (x *session) journalOptions(p *swarm.Plan) journal.Options {
	return journal.Options{
		Samples: p.Samples, Memory: p.Memory, Redact: x.settings.masker, Meta: x.record, Held: x.held,
		Report: func(err error) {
			if err != nil {
				x.log.Error("journal", "error", err)
			} else {
				x.log.Info("journal: the disk takes it again")
			}
		},
	}
}

// held is the newest statistics.
func (x *session) held() *stats.Snapshot {
	if x.ctl == nil {
		return nil // given up before it began
	}
	return x.ctl.Snapshot().Snapshot
}

// record is the newest record, as JSON.
func (x *session) record() []byte {
	if x.ctl == nil {
		return nil // given up before it began
	}
	s := x.ctl.Snapshot()
	b, err := json.Marshal(recordOf(x.resultOf(s).Meta, s))
	if err != nil {
		x.log.Error("journal", "error", err)
	}
	return b
}

// dirGone is err, or what is to be said instead if the run directory is not there
// any more.
func (x *session) dirGone(err error) error {
	if _, gone := os.Stat(x.dir); x.dir == "" || !errors.Is(gone, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("somebody has deleted the run directory %s while the run went on: its journal and its log are gone, and only the reports were written again", x.dir)
}

// closeJournal waits for the disk, but not for ever. A run that is not over can be
// gone on with.
func (x *session) closeJournal(over bool) error {
	if x.journal == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !over {
		return x.journal.Leave(ctx)
	}
	return x.journal.Close(ctx)
}
