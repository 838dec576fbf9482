package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestFaultARunThatIsKilled at any moment: what its journal shows is all that the server
// had counted but for the last second.
func TestFaultARunThatIsKilled(t *testing.T) {
	if os.Getenv("FAULTS") == "" {
		t.Skip("set FAULTS=1 to run it")
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		after := 1200*time.Millisecond + time.Duration(i)*370*time.Millisecond
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			var served atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(5 * time.Millisecond) // the time of a task
				served.Add(1)
			}))
			defer server.Close()
			dir := filepath.Join(t.TempDir(), "run")
			cmd := exec.Command(bin, "--headless", "--host="+server.URL, "/", "-u", "5", "-r", "1000", "--out", dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); served.Load() == 0; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("nothing was asked for")
				}
			}
			// What the server has counted is noted all the time.
			type count struct {
				at time.Time
				n  int64
			}
			var counts []count
			for began := time.Now(); time.Since(began) < after; time.Sleep(10 * time.Millisecond) {
				counts = append(counts, count{time.Now(), served.Load()})
			}
			killed := time.Now()
			cmd.Process.Kill()
			cmd.Wait()
			server.CloseClientConnections()
			least := int64(0)
			// A second that had just closed may be on its way to the disk.
			for _, c := range counts {
				if killed.Sub(c.at) >= 1400*time.Millisecond {
					least = c.n
				}
			}
			out, err := exec.Command(bin, "view", dir, "--headless", "--json", filepath.Join(dir, "again.json")).CombinedOutput()
			if least > 0 && err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var s struct{ Total struct{ Requests int64 } }
			b, err := os.ReadFile(filepath.Join(dir, "again.json"))
			if err == nil {
				err = json.Unmarshal(b, &s)
			}
			if least > 0 && err != nil {
				t.Fatal(err)
			}
			if got := s.Total.Requests; got < least || got > served.Load() {
				t.Errorf("killed after %v: the journal has %d requests; the server counted %d until 1.4 s before, and %d in all", after, got, least, served.Load())
			}
		})
	}
}
