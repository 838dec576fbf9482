package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tload/behaviours"
	"tload/cli/demo"
)

// written sums up a log: its lines, and how many records they say were left out.
func written(log string) (lines, leftOut int) {
	for _, m := range regexp.MustCompile(`left_out=(\d+)`).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[1])
		leftOut += n
	}
	return strings.Count(log, "\n"), leftOut
}

func TestAFloodOfRecordsIsBounded(t *testing.T) {
	var out bytes.Buffer
	h := newBoundedLog(slog.NewTextHandler(&out, nil))
	user := h.WithAttrs([]slog.Attr{slog.Int("user", 7)})
	begin := time.Unix(1000, 0)
	say := func(to slog.Handler, at time.Duration, message, text string) {
		r := slog.NewRecord(begin.Add(at), slog.LevelError, message, 0)
		r.Add("panic", text)
		to.Handle(context.Background(), r)
	}
	const floods, perSecond, seconds = 2, 1000, 5
	for s := range seconds {
		for i := range perSecond {
			at := time.Duration(s)*time.Second + time.Duration(i)*time.Millisecond
			say(user, at, "panic in a task", fmt.Sprintf("index out of range [%d]", i))
			say(h, at, "panic in a task", "nil map")
		}
	}
	say(h, 0, "something else", "once")
	h.flush()
	lines, leftOut := written(out.String())
	// Each flood: all of the first, some of each second, and a line at the end.
	if want := floods*(logFirst+(seconds-1)*logSecond+1) + 1; lines != want {
		t.Errorf("got %d lines, want %d", lines, want)
	}
	if want := floods * (perSecond*seconds - logFirst - (seconds-1)*logSecond); leftOut != want {
		t.Errorf("the lines say that %d were left out, want %d", leftOut, want)
	}
	for _, want := range []string{"user=7", "something else", `panic="nil map"`, "[0]"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in it", want)
		}
	}
	h.flush()
	if again, _ := written(out.String()); again != lines {
		t.Error("what was left out is said twice")
	}
}

// Records that all differ are no way around the bound.
func TestAFloodOfTopicsIsBounded(t *testing.T) {
	var out bytes.Buffer
	h := newBoundedLog(slog.NewTextHandler(&out, nil))
	word := func(i int) string {
		return strings.NewReplacer("0", "q", "1", "w", "2", "r", "3", "t", "4", "z", "5", "u", "6", "i", "7", "o", "8", "p", "9", "s").Replace(strconv.Itoa(i))
	}
	for i := range 20 * logTopics {
		h.Handle(context.Background(), slog.NewRecord(time.Unix(1000, 0), slog.LevelError, word(i), 0))
	}
	h.flush()
	lines, leftOut := written(out.String())
	if most := logTopics + logFirst + 1; lines > most || lines+leftOut < 20*logTopics {
		t.Errorf("got %d lines and %d left out, want at most %d lines, and all accounted for", lines, leftOut, most)
	}
}

func TestATaskThatPanicsDoesNotFillTheDisk(t *testing.T) {
	target, err := demo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	const tasks = 5000
	p := &program{
		args:   []string{"--headless", "--host=" + target.URL, "-n", strconv.Itoa(tasks), "--out", filepath.Join(dir, "run")},
		stdout: out, stderr: out,
		behaviours: []behaviours.Behaviour{{Name: "B", New: func(*behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "boom", Run: func(context.Context) error { panic("no such shelf") }}}}
		}}},
	}
	if code := p.main(context.Background()); code != exitOK {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("exit code %d\n%s", code, said)
	}
	log, err := os.ReadFile(filepath.Join(dir, "run", "tload.log"))
	if err != nil {
		t.Fatal(err)
	}
	lines, leftOut := written(string(log))
	panics := strings.Count(string(log), `panic="no such shelf"`)
	if panics < logFirst || lines > tasks/2 || panics+leftOut != tasks {
		t.Errorf("%d panics: the log has %d lines, %d of them panics, and says that %d were left out", tasks, lines, panics, leftOut)
	}
}
