//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAnotherBuildBecomesTheMasters has a worker of another build, which is refused, or
// takes the master's program if it may.
func TestAnotherBuildBecomesTheMasters(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(f.dir, "other")
	if err := os.WriteFile(other, append(b, "another build"...), 0o755); err != nil {
		t.Fatal(err)
	}
	m := f.master("-u", "2", "-t", "3s")
	args := []string{"--worker", "--master-host=127.0.0.1:" + f.port, "--token=" + f.token}
	f.until("the master's port", func() bool { return strings.Contains(m.text(), "workers join with") })
	if said := f.runAs(other, args...).fails(exitBroken); !strings.Contains(said, "another build") || !strings.Contains(said, "scp") || !strings.Contains(said, "--accept-binary") {
		t.Errorf("refused without the way out:\n%s", said)
	}
	w := f.runAs(other, append(args, "--accept-binary")...)
	m.wait(30 * time.Second)
	if said := w.wait(20 * time.Second); !strings.Contains(said, "fetching the master's program") || !strings.Contains(said, "the run is over") {
		t.Errorf("the worker says\n%s", said)
	}
	f.whole()
	kept, _ := filepath.Glob(filepath.Join(f.dir, "cache", "tload", "master-*", "*"))
	if len(kept) != 1 {
		t.Fatalf("kept: %v", kept)
	}
	if got, err := os.ReadFile(kept[0]); err != nil || string(got) != string(b) {
		t.Errorf("what was taken is not the master's program: %v", err)
	}
}
