package cli

import (
	"context"
	"log/slog"

	"tload/stats/exchange"
)

// maskedLog is a slog.Handler that passes records on without their secrets,
// whoever wrote them: the swarm, a behaviour or a library.
type maskedLog struct {
	to   slog.Handler
	mask *exchange.Masker
}

func (l maskedLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.to.Enabled(ctx, level)
}

func (l maskedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = l.attr(a)
	}
	return maskedLog{l.to.WithAttrs(masked), l.mask}
}

func (l maskedLog) WithGroup(name string) slog.Handler {
	return maskedLog{l.to.WithGroup(name), l.mask}
}

func (l maskedLog) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, l.mask.Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(l.attr(a))
		return true
	})
	return l.to.Handle(ctx, masked)
}

// attr is a without its secrets; one whose name is of a secret has no value.
func (l maskedLog) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		list := v.Group()
		masked := make([]slog.Attr, len(list))
		for i := range list {
			masked[i] = l.attr(list[i])
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(masked...)}
	}
	if l.mask.Masks() && l.mask.Secret(a.Key) {
		return slog.String(a.Key, exchange.Masked)
	}
	if v.Kind() == slog.KindString || v.Kind() == slog.KindAny {
		text := v.String()
		if masked := l.mask.Text(text); masked != text {
			return slog.String(a.Key, masked)
		}
	}
	return slog.Attr{Key: a.Key, Value: v}
}
