package link

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// maxLog is how many lines of a worker's log one delta holds; what is more is
// counted.
const maxLog = 100

// tail keeps a worker's newest log lines for the master.
type tail struct {
	mu    sync.Mutex // guards all below
	lines []logLine
	lost  int
}

// tailHandler is a slog.Handler that puts records into a tail.
type tailHandler struct {
	*tail
	attrs string // of every record, as text
}

func (t *tail) take() []logLine {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.lines
	if t.lost > 0 {
		out = append(out[:len(out)-1], logLine{out[len(out)-1].When, int(slog.LevelWarn), fmt.Sprintf("%d more lines of this second are in the worker's own log only", t.lost+1)})
	}
	t.lines, t.lost = nil, 0
	return out
}

// Enabled implements slog.Handler.
func (t tailHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle implements slog.Handler.
func (t tailHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(t.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return b.Len() < 2000
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < maxLog {
		t.lines = append(t.lines, logLine{r.Time, int(r.Level), b.String()})
	} else {
		t.lost++
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (t tailHandler) WithAttrs(list []slog.Attr) slog.Handler {
	for _, a := range list {
		t.attrs += " " + a.String()
	}
	return t
}

// WithGroup implements slog.Handler. Groups are left out: these are lines of text.
func (t tailHandler) WithGroup(string) slog.Handler { return t }
