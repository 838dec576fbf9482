package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestTheManualNamesEveryFlagAndCommand(t *testing.T) {
	var out strings.Builder
	if err := ManPage(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	(&settings{}).define().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(page, `\-\-`+troff(f.Name)) {
			t.Errorf("--%s is not in it", f.Name)
		}
	})
	for _, c := range commands() {
		if !strings.Contains(page, ".B tload "+troff(c.name)) {
			t.Errorf("%s is not in it", c.name)
		}
	}
	for i, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.HasPrefix(line, ".TH ") && !strings.HasPrefix(line, ".SH ") && !strings.HasPrefix(line, ".B ") && line != ".TP" && line != ".br" {
			t.Errorf("line %d would be a command to troff: %s", i+1, line)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not here to read it")
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww")
	cmd.Stdin = strings.NewReader(page)
	said, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(said), "warning") {
		t.Errorf("groff: %v\n%s", err, said)
	}
}
