package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// logTail reads a log that another process writes, as a TextHandler of slog does.
type logTail struct {
	path string
	at   int64
	rest string
	to   slog.Handler
}

// read hands on the lines that have come.
func (l *logTail) read() {
	f, err := os.Open(l.path)
	if err != nil {
		return
	}
	defer f.Close()
	const most = 4 << 20
	if info, err := f.Stat(); err == nil {
		if info.Size() < l.at {
			l.at, l.rest = 0, ""
		} else if info.Size()-l.at > most {
			l.at, l.rest = info.Size()-most, ""
		}
	}
	b, err := io.ReadAll(io.NewSectionReader(f, l.at, most))
	if err != nil || len(b) == 0 {
		return
	}
	l.at += int64(len(b))
	text := l.rest + string(b)
	end := strings.LastIndexByte(text, '\n') + 1
	l.rest = text[end:]
	for line := range strings.Lines(text[:end]) {
		l.to.Handle(context.Background(), logLine(strings.TrimRight(line, "\n")))
	}
}

// logLine is a line of a TextHandler as a record: time, level and message, and the rest as
// it stands.
func logLine(line string) slog.Record {
	r := slog.Record{Level: slog.LevelInfo, Message: line}
	rest := line
	for _, name := range []string{"time", "level", "msg"} {
		value, after, ok := logValue(rest, name)
		if !ok {
			return r
		}
		rest = after
		switch name {
		case "time":
			r.Time, _ = time.Parse(time.RFC3339Nano, value)
		case "level":
			r.Level.UnmarshalText([]byte(value))
		case "msg":
			r.Message = strings.TrimSpace(value + " " + rest)
		}
	}
	return r
}

// logValue takes name=value off the front of a line.
func logValue(line, name string) (value, rest string, ok bool) {
	line, ok = strings.CutPrefix(line, name+"=")
	if !ok {
		return "", line, false
	}
	if strings.HasPrefix(line, `"`) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", line, false
		}
		value, _ = strconv.Unquote(quoted)
		return value, strings.TrimPrefix(line[len(quoted):], " "), true
	}
	value, rest, _ = strings.Cut(line, " ")
	return value, rest, true
}
