package requests

import (
	"path/filepath"
	"strings"
)

// list is the lines of a text that is nothing but URLs, paths and comments; ok
// is false for a .http file. The error is of a line that fits in neither.
func list(path, text string) (urls []string, ok bool, err error) {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		col := len(line) - len(strings.TrimLeft(line, " \t")) + 1
		line = strings.TrimSpace(line)
		at := place{path, n, col}
		switch bad := check(line); {
		case line == "", strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "###"):
		case bad == nil && !strings.ContainsAny(line, " \t{"):
			if urls == nil {
				urls = make([]string, 0, strings.Count(text, "\n")+1)
			}
			urls = append(urls, line)
		case ofHTTPFile(line):
			return nil, false, nil
		case err != nil: // the first one is enough
		case strings.Contains(line, "{"):
			err = at.errorf("a list of URLs has no variables in it, and a .http file a request line such as GET /items")
		case bad == nil:
			err = at.errorf("a URL has no space in it: write %%20")
		default:
			err = at.errorf("%v", bad)
		}
	}
	ext := strings.ToLower(filepath.Ext(path))
	if len(urls) == 0 || err != nil && (ext == ".http" || ext == ".rest") {
		return nil, false, nil
	}
	return urls, true, err
}

// ofHTTPFile says that a line is one of a .http file rather than a slip in a
// list: a request line, a header, a separator, a variable, or part of a body.
func ofHTTPFile(line string) bool {
	if strings.HasPrefix(line, "###") || strings.IndexByte("@<>{}[]?&", line[0]) >= 0 {
		return true
	}
	method, _, ok := strings.Cut(line, " ")
	if ok && strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" {
		return true
	}
	name, value, ok := strings.Cut(line, ":")
	return ok && strings.HasPrefix(value, " ") && !strings.ContainsAny(name, " \t/")
}
