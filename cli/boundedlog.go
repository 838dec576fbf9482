package cli

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tload/stats"
)

// A task that panics ten thousand times a second writes as many lines, and
// would fill the disk overnight. So the log's file gets the first records that
// are alike in full, then a few each second; the next one that is written says
// how many were left out before it, as the last line does for those at the end.
const (
	logFirst  = 100  // records that are alike, all of which are written
	logSecond = 10   // of them in a second after that
	logTopics = 1000 // how many are told apart; the rest are taken for alike
)

// boundedLog is a slog.Handler that passes records on as sparingly as that.
type boundedLog struct {
	to slog.Handler
	*tallies
}

// tallies are what a handler has in common with those made of it.
type tallies struct {
	root slog.Handler
	mu   sync.Mutex // guards the rest
	of   map[topic]*tally
}

// topic is what records that are alike have in common: numbers and quoted text
// in them may differ.
type topic struct {
	level slog.Level
	text  string
}

type tally struct {
	message string
	total   int
	second  int64 // the one in hand
	written int   // in it
	leftOut int   // since the last that was written
}

func newBoundedLog(to slog.Handler) *boundedLog {
	return &boundedLog{to, &tallies{root: to, of: map[topic]*tally{}}}
}

func (l *boundedLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.to.Enabled(ctx, level)
}

func (l *boundedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &boundedLog{l.to.WithAttrs(attrs), l.tallies}
}

func (l *boundedLog) WithGroup(name string) slog.Handler {
	return &boundedLog{l.to.WithGroup(name), l.tallies}
}

func (l *boundedLog) Handle(ctx context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	})
	leftOut, ok := l.lets(topic{r.Level, stats.Fingerprint(b.String())}, r)
	if !ok {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.Add("left_out", leftOut)
	}
	return l.to.Handle(ctx, r)
}

// lets says whether the record is written, and how many were left out before it.
func (t *tallies) lets(k topic, r slog.Record) (leftOut int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.of[k]
	if n == nil {
		if len(t.of) >= logTopics {
			k = topic{level: r.Level}
			n = t.of[k]
		}
		if n == nil {
			n = &tally{message: r.Message}
			t.of[k] = n
		}
	}
	if second := r.Time.Unix(); second != n.second {
		n.second, n.written = second, 0
	}
	if n.total++; n.total > logFirst && n.written >= logSecond {
		n.leftOut++
		return 0, false
	}
	leftOut, n.leftOut = n.leftOut, 0
	n.written++
	return leftOut, true
}

// flush writes how many records were left out at the end.
func (t *tallies) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, n := range t.of {
		if n.leftOut > 0 {
			r := slog.NewRecord(time.Now(), k.level, n.message, 0)
			r.Add("left_out", n.leftOut)
			t.root.Handle(context.Background(), r)
			n.leftOut = 0
		}
	}
}
