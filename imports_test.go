package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// mayImport is the table of arrows between packages: what a package may import
// of ours. A trailing /* stands for every package below. README shows the same.
var mayImport = map[string][]string{
	".":                   {"cli"},
	"stats":               {},
	"stats/*":             {"stats"},
	"stats/journal":       {"stats", "stats/exchange"},
	"stats/report":        {"stats", "stats/capacity", "stats/exchange"},
	"swarm":               {"swarm/health", "swarm/shape", "stats", "stats/capacity"},
	"swarm/shape":         {},
	"swarm/health":        {"stats"},
	"swarm/crew":          {"swarm", "swarm/health", "stats"},
	"swarm/link":          {"swarm", "swarm/health", "stats", "stats/journal"}, // whose records survive a kill
	"swarm/nodetest":      {"swarm", "stats"},
	"behaviours":          {"swarm", "swarm/crew", "swarm/shape", "stats", "behaviours/client"},
	"behaviours/client":   {"behaviours/http1", "stats", "stats/exchange"},
	"behaviours/http1":    {"stats"},
	"behaviours/requests": {"behaviours", "stats", "stats/exchange"},
	"behaviours/*":        {"stats", "behaviours"},
	"tui":                 {"tui/draw", "swarm", "swarm/shape", "stats", "stats/capacity", "stats/exchange"},
	"tui/draw":            {},
	"cli":                 {"cli/*", "tui", "behaviours", "behaviours/*", "swarm", "swarm/*", "stats", "stats/*"},
	"cli/build":           {},
	"cli/control":         {"stats"},
	"cli/sshd":            {},
	"cli/demo":            {"behaviours"},
	"examples/*":          {"cli", "behaviours", "behaviours/*"},
	"docs/*":              {"cli"},
	"behaviours/http1/*":  {"behaviours/client", "stats"},
}

func TestImportsFollowTheTable(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		pkg := path.Dir(filepath.ToSlash(name))
		allowed, known := table(pkg)
		if !known {
			t.Errorf("%s: package %s is not in the table: add it and say why", name, pkg)
			return nil
		}
		for _, i := range f.Imports {
			to := strings.Trim(i.Path.Value, `"`)
			if to == "tload" {
				to = "."
			} else if rest, ours := strings.CutPrefix(to, "tload/"); ours {
				to = rest
			} else {
				continue
			}
			if !matches(to, allowed) {
				t.Errorf("%s imports %s; %s may import %v of ours", name, to, pkg, allowed)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("looked at %d files only", seen)
	}
}

// table is the row of a package: its own, or the one of the nearest /* above.
func table(pkg string) ([]string, bool) {
	if a, ok := mayImport[pkg]; ok {
		return a, true
	}
	for dir := path.Dir(pkg); dir != "."; dir = path.Dir(dir) {
		if a, ok := mayImport[dir+"/*"]; ok {
			return a, true
		}
	}
	return nil, false
}

func matches(pkg string, allowed []string) bool {
	for _, a := range allowed {
		if below, ok := strings.CutSuffix(a, "/*"); pkg == a || ok && strings.HasPrefix(pkg, below+"/") {
			return true
		}
	}
	return false
}
