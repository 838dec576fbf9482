package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tload/stats/journal"
)

// makeRunDir makes the run directory and returns its path; "" for none.
func (s *settings) makeRunDir(started time.Time) (string, error) {
	if s.noOut {
		return "", nil
	}
	if s.out != "" {
		return s.out, os.MkdirAll(s.out, 0o700) // one that is there keeps its mode
	}
	host := s.shownHost()
	if _, rest, whole := strings.Cut(host, "://"); whole {
		host = rest
	}
	host = cmpOr(host, "run")
	host = host[strings.LastIndexByte(host, '@')+1:] // the user is nobody's business
	host = strings.NewReplacer("/", "_", ":", "_", "[", "", "]", "", "*", "").Replace(host)
	base := filepath.Join("tload-runs", host+"-"+started.Format("20060102-150405"))
	if err := os.MkdirAll("tload-runs", 0o700); err != nil {
		return "", err
	}
	for i := 1; ; i++ {
		dir := base
		if i > 1 {
			dir = fmt.Sprintf("%s-%d", base, i)
		}
		err := os.Mkdir(dir, 0o700)
		if err == nil || !os.IsExist(err) {
			return dir, err
		}
	}
}

// checkOut refuses a directory that holds a run, for two runs in one would be
// neither, and one that nothing can be written to.
func (s *settings) checkOut() error {
	if s.out == "" || s.noOut {
		return nil
	}
	if err := os.MkdirAll(s.out, 0o700); err != nil {
		return misuse{fmt.Errorf("--out %s: %w: name a directory that can be written to, or --no-out for none", s.out, reason(err))}
	}
	if err := writable(filepath.Join(s.out, "tload.log")); err != nil {
		return misuse{fmt.Errorf("--out %s: %w: name a directory that can be written to, or --no-out for none", s.out, err)}
	}
	for _, name := range []string{"summary.json", journal.Name} {
		if _, err := os.Stat(filepath.Join(s.out, name)); err == nil {
			return misuse{fmt.Errorf("--out %s holds a run already (tload view %s shows it): name another directory, or remove that one", s.out, s.out)}
		}
	}
	return nil
}

// checkOutputs says before any load what could not be written after it, and
// which flags do not go together.
func (s *settings) checkOutputs() error {
	standard := 0
	for _, f := range []struct{ flag, path, end string }{
		{"json", s.json, ""}, {"html", s.html, ""}, {"csv", s.csv, "_stats.csv"}, {"hgrm", s.hgrm, ".hgrm"},
	} {
		if f.path == "-" {
			standard++
		}
		if f.path == "" || f.path == "-" {
			continue
		}
		if info, err := os.Stat(filepath.Dir(f.path)); err != nil || !info.IsDir() {
			return misuse{fmt.Errorf("--%s %s: there is no directory %s", f.flag, f.path, filepath.Dir(f.path))}
		}
		if err := writable(f.path + f.end); err != nil {
			return misuse{fmt.Errorf("--%s %s: %w: name a file that can be written to", f.flag, f.path, err)}
		}
	}
	if standard > 1 {
		return misuse{errors.New("only one of --json and --html can be -: both would go to standard output")}
	}
	if s.maxWait > 0 && s.rate == 0 {
		return misuse{errors.New("--max-wait goes with --rate: without a rate no arrival waits")}
	}
	return nil
}

// writable says why a file could not be written there. It leaves none.
func writable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("it is a directory")
	case err == nil && !info.Mode().IsRegular():
		return nil // a pipe may be waited for until somebody reads it
	case err == nil:
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return reason(err)
		}
		f.Close()
		// Reports come to their place from beside it.
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tload-*")
	if err != nil {
		return reason(err)
	}
	f.Close()
	return reason(os.Remove(f.Name()))
}

// reason is an error of a file without what was done to which one.
func reason(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// nextOut is a directory beside --out for one more run of this process.
func nextOut(out string, taken func(string) bool) string {
	for i := 2; ; i++ {
		if next := fmt.Sprintf("%s-%d", out, i); !taken(next) {
			return next
		}
	}
}

// fileSpare is how many files are open besides the users' connections.
const fileSpare = 64

// masterSpare is how many files a master has open besides its workers' connections:
// its own, and those of who is told that there is no room.
const masterSpare = 2 * fileSpare

// checkFiles says whether each user, or each worker that is expected, can have a
// connection.
func (s *settings) checkFiles() error {
	switch limit := raiseFileLimit(); {
	case limit == 0:
		return nil
	case !s.master:
		return enoughFiles(limit, int(s.users), fileSpare, "users")
	case s.nats == "":
		return enoughFiles(limit, int(s.expectWorkers), masterSpare, "workers")
	}
	return nil
}

func enoughFiles(limit, n, spare int, who string) error {
	if n+spare <= limit {
		return nil
	}
	err := fmt.Errorf("%d %s need %d open files, and this process may have %d: run `ulimit -n %d` first", n, who, n+spare, limit, n+spare)
	if limit > spare {
		err = fmt.Errorf("%w, or ask for at most %d %s", err, limit-spare, who)
	}
	return misuse{err}
}
