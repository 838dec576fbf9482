package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteDir writes every file of a run directory, which it makes if need be. A
// file that cannot be written does not keep the others from it: all errors come
// back joined, each saying which file and why. A file is there whole or not at
// all.
func WriteDir(dir string, r *Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("run directory: %w; choose another with --out, or --no-out for none", reason(err))
	}
	files := []struct {
		name  string
		write func(io.Writer, *Run) error
	}{
		{"summary.json", JSON},
		{"summary.txt", Text},
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
	return place(name, b.Bytes(), 0o644)
}

// place puts a file there through another name, so that a reader never sees
// half of it; where the name is no regular file (a pipe, /dev/stdout) it writes
// to it directly.
func place(name string, b []byte, mode fs.FileMode) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(name, b, mode); err != nil {
			return fmt.Errorf("write %s: %w", name, reason(err))
		}
		return nil
	}
	part := name + ".part"
	err := os.WriteFile(part, b, mode)
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		os.Remove(part)
		return fmt.Errorf("write %s: %w", name, reason(err))
	}
	return nil
}

// reason is an error without the path that its text repeats.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
