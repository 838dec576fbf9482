package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tload/stats/exchange"
)

// WriteDir writes every file of a run directory, which it makes if need be. A
// file that cannot be written does not keep the others from it: all errors come
// back joined, each saying which file and why. A file is there whole or not at
// all.
func WriteDir(dir string, r *Run) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("run directory: %w; choose another with --out, or --no-out for none", exchange.Reason(err))
	}
	files := []struct {
		name  string
		write func(io.Writer, *Run) error
	}{
		{"summary.json", JSON},
		{"summary.txt", WholeText},
		{"report.html", HTML},
	}
	for _, f := range CSVFiles {
		files = append(files, struct {
			name  string
			write func(io.Writer, *Run) error
		}{f.Name, f.Write})
	}
	var errs []error
	for _, f := range files {
		errs = append(errs, WriteFile(filepath.Join(dir, f.name), r, f.write))
	}
	errs = append(errs, writeErrors(filepath.Join(dir, "errors"), r))
	return errors.Join(errs...)
}

// WriteFile writes one report to a file, or to standard output for "-". The
// file appears under its name when it is whole.
func WriteFile(name string, r *Run, write func(io.Writer, *Run) error) error {
	if name == "-" {
		return write(os.Stdout, r)
	}
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return exchange.WriteFile(name, b.Bytes(), 0o644)
}

// writeErrors writes the files of every kept exchange. Those of one group follow
// each other; a group of exceptions has its stacks.
func writeErrors(dir string, r *Run) error {
	clearErrors(dir)
	var errs []error
	made := false
	used := map[string]bool{}
	for _, g := range r.Snapshot.Groups {
		name := exchange.FileName(g.Key.Kind, g.Key.Status, g.Key.Key)
		if used[name] { // another message of the same kind and endpoint
			name += fmt.Sprintf("-g%d", g.ID)
		}
		used[name] = true
		for i, x := range g.Samples {
			if !made {
				if err := os.MkdirAll(dir, 0o700); err != nil {
					return fmt.Errorf("errors: %w", exchange.Reason(err))
				}
				made = true
			}
			if _, err := exchange.Files(filepath.Join(dir, fmt.Sprintf("%s-%03d", name, i+1)), x, r.Redact); err != nil {
				errs = append(errs, err)
			}
			if len(errs) > 3 {
				return errors.Join(append(errs, errors.New("errors/: the rest was left out"))...)
			}
		}
	}
	return errors.Join(errs...)
}

// clearErrors removes what an earlier run left in the same directory: files
// with the ends that ours have, and nothing else.
func clearErrors(dir string) {
	for _, end := range exchange.FileEnds {
		old, _ := filepath.Glob(filepath.Join(dir, "*-[0-9][0-9][0-9]"+end))
		for _, name := range old {
			os.Remove(name)
		}
	}
}
