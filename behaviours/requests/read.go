package requests

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// MaxSize is the most bytes that a file may have which is read whole: a list of
// some millions of URLs.
const MaxSize = 256 << 20

// Read is a file that a person named, whole. What has no end, or may never
// begin, such as a device or a pipe, is refused before it is opened, and what
// is too long before it is read.
func Read(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if kind := kindOf(info.Mode()); kind != "" {
		return "", fmt.Errorf("%s: a file is expected, and this is a %s", path, kind)
	}
	if info.Size() > MaxSize {
		return "", tooLong(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readFrom(path, f, int(info.Size())+1)
}

// ReadFrom is all that comes from r, which name is for the complaint that it
// does not end.
func ReadFrom(name string, r io.Reader) (string, error) { return readFrom(name, r, 0) }

func readFrom(name string, r io.Reader, size int) (string, error) {
	var text strings.Builder
	text.Grow(size)
	if _, err := io.Copy(&text, io.LimitReader(r, MaxSize+1)); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if text.Len() > MaxSize {
		return "", tooLong(name)
	}
	return text.String(), nil
}

func tooLong(name string) error {
	return fmt.Errorf("%s: longer than %d MiB, which is the most that is read", name, MaxSize>>20)
}

// kindOf names what is no regular file, "" for one that is.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe (- is standard input)"
	case mode&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}
