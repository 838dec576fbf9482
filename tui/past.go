package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
)

// past is the chart points of one row, or of all requests, asked for once a second.
type past struct {
	key     *stats.Key // nil: all
	seconds []stats.Second
	askedAt time.Time
}

func (p *past) of(k *stats.Key) { *p = past{key: k} }

func (p *past) notice(m *model, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tickMsg:
		if p.key != nil && !m.frozen && time.Since(p.askedAt) >= time.Second {
			p.askedAt = time.Now()
			return m.history(*p.key)
		}
	case historyMsg:
		if p.key != nil && msg.key == *p.key {
			p.seconds = msg.seconds
		}
	}
	return nil
}

// points are those there are.
func (p *past) points(m *model) []stats.Second {
	if p.key == nil {
		return m.seconds()
	}
	if r := m.row(*p.key); len(p.seconds) == 0 && r != nil {
		return m.beginning(r)
	}
	return p.seconds
}

// seconds are the points of all requests.
func (m *model) seconds() []stats.Second {
	if len(m.snap.Seconds) > 0 {
		return m.snap.Seconds
	}
	return m.beginning(&m.snap.Total)
}

// beginning is a run that has not seen its first full second yet, or ended
// before, as one point.
func (m *model) beginning(r *stats.Row) []stats.Second {
	s, l := &r.Run, &r.Run.OK
	if s.Requests == 0 || m.snap.Elapsed <= 0 || m.snap.Elapsed >= 2*time.Second {
		return nil
	}
	return []stats.Second{{
		Span: m.snap.Elapsed, OK: s.Requests - min(s.Failures, s.Requests), Failed: s.Failures, Late: s.Late, NotStarted: s.NotStarted, In: s.In, Out: s.Out,
		P50: l.P50, P95: l.P95, P99: l.P99, P999: l.P999, Max: l.Max, CorrectedP99: s.Corrected.P99, Users: max(m.snap.Running, m.snap.Peak), Target: m.snap.Asked(),
	}}
}
