package export

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"tload/stats"
)

// RequestLog writes a line of JSON for every request that ended; one that was
// sent on is one line, which says how often. Log costs its
// caller the making of the line and a short lock, and never waits for the disk:
// what finds no room is dropped and counted.
type RequestLog struct {
	out  io.WriteCloser
	wake chan struct{} // has room for one
	stop chan struct{}
	gone chan struct{}

	mu      sync.Mutex // guards all below
	full    []byte     // lines that wait
	spare   []byte
	dropped uint64
	err     error
}

// maxLines is how many bytes of lines may wait.
const maxLines = 8 << 20

// OpenRequestLog makes the file, in the place of any other of that name, and
// starts the goroutine that writes to it, which Close ends.
func OpenRequestLog(path string) (*RequestLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return newRequestLog(f), nil
}

func newRequestLog(out io.WriteCloser) *RequestLog {
	l := &RequestLog{out: out, wake: make(chan struct{}, 1), stop: make(chan struct{}), gone: make(chan struct{})}
	go l.run()
	return l
}

// Log is for stats.Limits.Log.
func (l *RequestLog) Log(key stats.Key, x stats.Sample, message string) {
	var room [512]byte
	line := appendLine(room[:0], time.Now(), key, x, message)
	l.mu.Lock()
	if l.err != nil || len(l.full)+len(line) > maxLines {
		l.dropped++
		l.mu.Unlock()
		return
	}
	l.full = append(l.full, line...)
	much := len(l.full) > maxLines/8
	l.mu.Unlock()
	if much {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// appendLine appends one request; at is when it ended.
func appendLine(b []byte, at time.Time, key stats.Key, x stats.Sample, message string) []byte {
	b = append(b, `{"end":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `","method":`...)
	b = appendQuoted(b, key.Method)
	b = append(b, `,"name":`...)
	b = appendQuoted(b, key.Name)
	b = append(b, `,"kind":"`...)
	b = append(b, x.Kind.String()...)
	b = append(b, '"')
	if x.Status != 0 {
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(x.Status), 10)
	}
	b = append(b, `,"ms":`...)
	b = strconv.AppendFloat(b, float64(x.Took)/1e6, 'f', 3, 64)
	if x.Due {
		b = append(b, `,"late_ms":`...)
		b = strconv.AppendFloat(b, float64(x.Late)/1e6, 'f', 3, 64)
	}
	if x.Redirects != 0 {
		b = append(b, `,"redirects":`...)
		b = strconv.AppendInt(b, int64(x.Redirects), 10)
	}
	b = append(b, `,"in":`...)
	b = strconv.AppendInt(b, x.In, 10)
	b = append(b, `,"out":`...)
	b = strconv.AppendInt(b, x.Out, 10)
	if message != "" {
		b = append(b, `,"error":`...)
		b = appendQuoted(b, message[:min(len(message), 1000)])
	}
	return append(b, '}', '\n')
}

// appendQuoted appends s as JSON; plain text costs no allocation.
func appendQuoted(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			q, _ := json.Marshal(s) // of a string never fails
			return append(b, stats.CleanJSON(q)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func (l *RequestLog) run() {
	defer close(l.gone)
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		last := false
		select {
		case <-l.wake:
		case <-t.C:
		case <-l.stop:
			last = true
		}
		l.write()
		if last {
			return
		}
	}
}

func (l *RequestLog) write() {
	l.mu.Lock()
	lines := l.full
	l.full, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	_, err := l.out.Write(lines)
	l.mu.Lock()
	l.spare = lines
	if err != nil && l.err == nil {
		l.err = err
	}
	l.mu.Unlock()
}

// Close writes what waits, at most for a few seconds, and closes the file. The
// error says how many lines are missing, and why.
func (l *RequestLog) Close() error {
	close(l.stop)
	select {
	case <-l.gone:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("request log: the disk does not answer")
	}
	err := l.out.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return fmt.Errorf("request log: %w; %d lines are missing after that", l.err, l.dropped)
	}
	if l.dropped > 0 {
		return fmt.Errorf("request log: the disk did not keep up; %d lines are missing", l.dropped)
	}
	if err != nil {
		return fmt.Errorf("request log: %w", err)
	}
	return nil
}
