package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tload/stats"
	"tload/stats/report"
	"tload/swarm"
)

// result is the run as the reports see it.
func (x *session) result() *report.Run {
	r := x.resultOf(x.ctl.Snapshot())
	r.Histograms = x.ctl.Histograms
	return r
}

// resultOf is the run as it was at a snapshot, without the histograms, which
// are there only at its end.
func (x *session) resultOf(s *swarm.Snapshot) *report.Run {
	r := &report.Run{
		Meta: report.Meta{
			Version: Version, Host: s.Host, RunID: s.RunID, Started: s.Started, Exit: s.Reason, Hangup: x.hungUp.Load(),
			Peak: s.Peak, Seed: s.Seed, Rate: s.Rate, Generator: generator(s), Dir: x.dir, Notes: x.notes, Find: s.Find,
		},
		Snapshot: s.Snapshot, Redact: x.settings.masker,
	}
	if x.settings.master {
		for _, n := range s.Nodes {
			r.Workers = append(r.Workers, report.Worker{ID: n.Name, Users: n.Most, Lost: n.State == swarm.Lost.String()})
		}
	}
	if w := x.settings.warmUp; w > 0 && s.Apart == 0 && s.State == swarm.Stopped {
		r.Notes = append(slices.Clip(r.Notes), fmt.Sprintf("the run ended within its warm-up of %s: these are its numbers", w.String()))
	}
	for _, c := range x.failIf {
		r.Thresholds = append(r.Thresholds, c.FailIf(s.Snapshot))
	}
	if s.Err != nil {
		r.Err = s.Err.Error()
	}
	return r
}

func generator(s *swarm.Snapshot) report.Generator {
	h := s.Health
	g := report.Generator{
		Verdict: "ok", Reasons: []string{}, CPUPercent: h.CPU, Cores: h.Cores, LatePercent: s.Total.Run.LatePercent(),
		GCPauseMS: float64(h.GCPause) / 1e6, MaxInFlight: h.MaxFlight, OpenFiles: h.Files, OpenFilesLimit: h.FileLimit,
		SuspectSeconds: h.SuspectSeconds,
	}
	if h.SuspectSeconds > 0 {
		g.Verdict = "suspect"
	}
	for _, r := range h.Past {
		g.Reasons = append(g.Reasons, r.What+": "+r.Remedy)
	}
	return g
}

// summary is the text that stays in the terminal, or in a log.
func (x *session) summary(text func(io.Writer, *report.Run) error) string {
	var b strings.Builder
	r := x.result()
	if x.fileErr != nil {
		r.Dir = "" // it is said what is not there
	}
	text(&b, r)
	return b.String()
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
