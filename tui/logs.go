package tui

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Logs keeps the newest records of a slog.Logger for the screen. It is a
// slog.Handler, safe for any number of goroutines, and never blocks on the
// screen. A record that repeats the one before is counted, not kept again.
type Logs struct {
	ring  *ring
	attrs string
	group string
}

type ring struct {
	mu      sync.Mutex // guards the rest
	records []logRecord
	most    int
	lost    int // pushed out at the front
	total   int
}

type logRecord struct {
	id    int // from 1, for the cursor
	when  time.Time
	level slog.Level
	text  string
	count int
}

// NewLogs keeps up to n records.
func NewLogs(n int) *Logs { return &Logs{ring: &ring{most: max(n, 1)}} }

// Enabled is true: the screen chooses what it shows.
func (l *Logs) Enabled(context.Context, slog.Level) bool { return true }

const longestRecord = 8 << 10

// Handle keeps the record.
func (l *Logs) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(l.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, l.group, a)
		return b.Len() < longestRecord
	})
	text := b.String()
	if len(text) > longestRecord {
		text = text[:longestRecord] + " …"
	}
	l.ring.add(logRecord{when: r.Time, level: r.Level, text: text, count: 1})
	return nil
}

// WithAttrs is a handler whose records also carry attrs.
func (l *Logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(l.attrs)
	for _, a := range attrs {
		writeAttr(&b, l.group, a)
	}
	return &Logs{l.ring, b.String(), l.group}
}

// WithGroup is a handler whose further attributes are named under name.
func (l *Logs) WithGroup(name string) slog.Handler {
	if name == "" {
		return l
	}
	return &Logs{l.ring, l.attrs, l.group + name + "."}
}

func writeAttr(b *strings.Builder, group string, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, in := range v.Group() {
			writeAttr(b, group, in)
		}
		return
	}
	s := v.String()
	if strings.ContainsAny(s, " \t\"") && !strings.Contains(s, "\n") {
		s = fmt.Sprintf("%q", s)
	}
	b.WriteByte(' ')
	b.WriteString(group)
	b.WriteString(a.Key)
	b.WriteByte('=')
	b.WriteString(s)
}

func (r *ring) add(x logRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.records); n > 0 {
		if last := &r.records[n-1]; last.text == x.text && last.level == x.level {
			last.count++
			last.when = x.when
			return
		}
	}
	r.total++
	x.id = r.total
	if len(r.records) >= r.most {
		// A tenth at a time: not a copy per record.
		drop := max(r.most/10, 1)
		r.records = slices.Delete(r.records, 0, drop)
		r.lost += drop
	}
	r.records = append(r.records, x)
}

// all is a copy of what is kept, oldest first.
func (l *Logs) all() []logRecord {
	if l == nil {
		return nil
	}
	l.ring.mu.Lock()
	defer l.ring.mu.Unlock()
	return slices.Clone(l.ring.records)
}
