//go:build unix

package cli

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAMasterThatIsKilledGoesOn kills a master again and again under load; nothing of
// what its workers did is lost or counted twice.
func TestAMasterThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	args := []string{"-u", "12", "-r", "100", "-n", "15000", "--expect-workers", "2"}
	workers := []*process{f.worker(), f.worker()}
	m := f.master(args...)
	for i := range 3 {
		f.reached(time.Duration(i+2) * time.Second)
		m.kill()
		m = f.master(args...)
	}
	said := m.wait(60 * time.Second)
	for _, w := range workers {
		w.wait(20 * time.Second)
	}
	f.whole()
	if got := f.served.Load(); got != 15000 {
		t.Errorf("the target served %d requests, want 15000", got)
	}
	if got := f.most.Load(); got > 12 {
		t.Errorf("there were %d requests at a time, of 12 users", got)
	}
	if n := strings.Count(said, "its master was killed"); n != 3 {
		t.Errorf("the master was killed 3 times, and the summary speaks of %d:\n%s", n, said)
	}
	if list, _ := filepath.Glob(filepath.Join(f.dir, "tload-runs", "*")); len(list) != 1 {
		t.Errorf("got %v, want one run directory", list)
	}
	f.usersStayed()
	if left, _ := filepath.Glob(filepath.Join(f.dir, "state", "tload", "run-*")); left != nil {
		t.Errorf("after the end %v is left", left)
	}
}

// usersStayed holds that no second with requests is told of without the users that made
// them, not even while there was no master.
func (f *fleet) usersStayed() {
	f.t.Helper()
	list, _ := filepath.Glob(filepath.Join(f.dir, "tload-runs", "*", "stats_history.csv"))
	if len(list) != 1 {
		f.t.Fatalf("got %v, want one history", list)
	}
	in, err := os.Open(list[0])
	if err != nil {
		f.t.Fatal(err)
	}
	defer in.Close()
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range rows[1:] {
		if rps, _ := strconv.ParseFloat(r[4], 64); r[3] == "Aggregated" && rps > 0 && r[1] == "0" {
			f.t.Errorf("at %s there are %s requests a second of no users", r[0], r[4])
		}
	}
}

// TestAnotherRunIsNotGoneOnWith holds that only the command that was cut off goes on
// with its run, and that its workers join the run that is made instead.
func TestAnotherRunIsNotGoneOnWith(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	w := f.worker()
	m := f.master("-u", "2")
	f.reached(2 * time.Second)
	m.kill()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-u", "2", "--header=X-A: b", "--resume=yes"}, "another command's"},
		{[]string{"-u", "2", "--out=elsewhere", "--resume=yes"}, "not in elsewhere"},
	} {
		if got := f.master(tt.args...).fails(exitMisuse); !strings.Contains(got, tt.want) {
			t.Errorf("%v: want %q:\n%s", tt.args, tt.want, got)
		}
	}
	m = f.master("-u", "3", "--header=X-A: b", "-t", "2s")
	if said := m.wait(30 * time.Second); !strings.Contains(said, "this is a new run") {
		t.Errorf("it does not say so:\n%s", said)
	}
	if said := w.wait(20 * time.Second); !strings.Contains(said, "joining the new one") {
		t.Errorf("the worker does not say what became of the run:\n%s", said)
	}
}

// TestALivingMasterKeepsItsRun holds that a second master takes nothing away from one
// that lives.
func TestALivingMasterKeepsItsRun(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	w := f.worker()
	args := []string{"-u", "2", "-t", "6s"}
	m := f.master(args...)
	f.reached(2 * time.Second)
	other := f.master(append(args, "--resume=yes")...)
	<-other.done
	if got := other.text(); other.cmd.ProcessState.Success() || !strings.Contains(got, "--master-port") {
		t.Errorf("%v: %s", other.cmd.ProcessState, got)
	}
	m.wait(30 * time.Second)
	w.wait(20 * time.Second)
	f.whole()
}

// TestALateWorkerTakesItsShareOfArrivals and not those that were others' before it came.
func TestALateWorkerTakesItsShareOfArrivals(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	first := f.worker()
	m := f.master("--rate", "100", "-u", "50", "-t", "6s")
	f.reached(3 * time.Second)
	late := f.worker()
	m.wait(30 * time.Second)
	first.wait(20 * time.Second)
	late.wait(20 * time.Second)
	f.whole()
	if got := f.served.Load(); got < 595 || got > 603 {
		t.Errorf("%d requests in 6 s at 100 a second", got)
	}
	if log := f.log(); strings.Count(log, "worker joined") != 2 {
		t.Errorf("the other one did not come in time:\n%s", log)
	}
}

func TestWhatIsAnAgreement(t *testing.T) {
	for text, want := range map[string]bool{"\n": true, "y\n": true, "Yes\n": true, "n\n": false, "no": false, "what?\n": false} {
		if got, err := agreed(strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	if _, err := agreed(io.LimitReader(strings.NewReader(""), 0)); err == nil {
		t.Error("no answer is one")
	}
}
