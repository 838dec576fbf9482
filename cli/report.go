package cli

import (
	"fmt"
	"os"

	"tload/stats"
	"tload/stats/report"
	"tload/swarm"
)

// result is the run as the reports see it.
func (x *session) result() *report.Run {
	s := x.ctl.Snapshot()
	r := &report.Run{
		Version: Version, Host: s.Host, RunID: s.RunID, Started: s.Started, Elapsed: s.Elapsed, Exit: s.Reason,
		PeakUsers: s.Peak, Seed: s.Seed, Dir: x.dir,
		Stats: s.Snapshot, Histograms: x.ctl.Histograms,
		Generator: generator(s),
	}
	return r
}

func generator(s *swarm.Snapshot) report.Generator {
	h := s.Health
	g := report.Generator{
		Verdict: "ok", CPU: h.CPU, Cores: h.Cores, Late: s.Total.Run.LatePercent(),
		GCPause: h.GCPause, MaxInFlight: h.MaxFlight, Files: h.Files, FileLimit: h.FileLimit, SuspectSeconds: h.SuspectSeconds,
	}
	if h.SuspectSeconds > 0 {
		g.Verdict = "suspect"
	}
	return g
}

// writeFiles writes the run directory and what the flags ask for.
func (x *session) writeFiles() error {
	r := x.result()
	if x.dir != "" {
		if err := report.WriteDir(x.dir, r); err != nil {
			return err
		}
	}
	if path := x.settings.json; path != "" {
		out := os.Stdout
		if path != "-" {
			f, err := os.Create(path)
			if err != nil {
				return fmt.Errorf("--json: %w", err)
			}
			defer f.Close()
			out = f
		}
		return report.JSON(out, r)
	}
	return nil
}

// unreachable counts the requests that failed before there was a connection.
func unreachable(s *swarm.Snapshot) (n uint64) {
	for _, o := range s.Total.Run.Outcomes {
		if o.Kind == stats.DNS || o.Kind == stats.Connect || o.Kind == stats.TLS {
			n += o.Count
		}
	}
	return n
}
