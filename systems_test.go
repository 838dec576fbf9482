package main

import (
	"os"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestOtherSystems type-checks the program, and what it imports, as it is
// built on other systems. It takes seconds, to compile all that takes minutes.
func TestOtherSystems(t *testing.T) {
	if os.Getenv("REQUIRE_TOOLS") == "" {
		t.Skip("fetches modules that only other systems need; .ci/run does it (REQUIRE_TOOLS=1)")
	}
	for _, system := range []string{"darwin", "windows"} {
		list, err := packages.Load(&packages.Config{
			Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedFiles | packages.NeedCompiledGoFiles |
				packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesSizes,
			Env: append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
		}, "./...")
		if err != nil {
			t.Fatalf("%s: %v", system, err)
		}
		checked := 0
		packages.Visit(list, nil, func(p *packages.Package) {
			checked++
			for _, err := range p.Errors {
				t.Errorf("%s: %v", system, err)
			}
		})
		if checked < 100 {
			t.Errorf("%s: %d packages checked, the program has more", system, checked)
		}
	}
}
