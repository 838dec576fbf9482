package health

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func sample(h *Monitor, now time.Time, t Traffic) Health {
	out, _ := h.Sample(now, t)
	return out
}

// sampled asks a health until it has measured and ok says enough, for at most
// that long.
func sampled(h *Monitor, most time.Duration, ok func(Health) bool) (Health, bool) {
	deadline := time.Now().Add(most)
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		now := <-t.C
		if s := sample(h, now, Traffic{}); len(s.Checks) > 0 && ok(s) {
			return s, true
		} else if now.After(deadline) {
			return s, false
		}
	}
}

func TestHealthOfAQuietProcess(t *testing.T) {
	h := Watch(time.Now())
	defer h.End()
	s, ok := sampled(h, 20*time.Second, func(s Health) bool { return s.OK })
	if !ok {
		t.Skipf("this machine is never quiet: %+v", s.Reasons)
	}
	if len(s.Reasons) != 0 {
		t.Errorf("reasons of a healthy process: %+v", s.Reasons)
	}
	for _, c := range s.Checks {
		if !c.OK || c.What == "" || c.Remedy != "" {
			t.Errorf("check %+v of a healthy process", c)
		}
	}
}

// TestHealthOfAStarvedProcess has every CPU taken by somebody who does not let
// go of it.
func TestHealthOfAStarvedProcess(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range 4 * runtime.GOMAXPROCS(0) {
		go func() {
			for n := 0; ; n++ {
				if n%100_000 == 0 {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		}()
	}
	h := Watch(time.Now())
	defer h.End()
	s, bad := sampled(h, 10*time.Second, func(s Health) bool { return !s.OK })
	if !bad {
		t.Fatalf("nothing left of the CPU, and all is well: %+v", s.Checks)
	}
	if s.Reasons[0].Remedy == "" || s.SuspectSeconds == 0 || len(s.Past) == 0 {
		t.Errorf("got %+v, %d seconds, past %+v; want a remedy, seconds and the past", s.Reasons, s.SuspectSeconds, s.Past)
	}
	words := ""
	for _, r := range s.Reasons {
		words += r.What + " "
	}
	if !strings.Contains(words, "CPU") && !strings.Contains(words, "delay") && !strings.Contains(words, "timers late") {
		t.Errorf("reasons %q do not speak of the CPU", words)
	}
}

func TestHealthWithoutFiles(t *testing.T) {
	h := Watch(time.Now())
	defer h.End()
	used, limit := openFiles(0), fileLimit()
	if used < 0 || limit == 0 {
		t.Skip("open files are not known here")
	}
	defer lowerFileLimit(t, used+100)()
	before, ok := sampled(h, 20*time.Second, func(s Health) bool { return hasReason(s, "open files") == "" })
	if !ok {
		t.Fatalf("before any was opened: %+v", before.Reasons)
	}
	for range 95 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		defer f.Close()
	}
	s, bad := sampled(h, 5*time.Second, func(s Health) bool { return hasReason(s, "open files") != "" })
	if !bad {
		t.Fatalf("files are nearly used up, and all is well: %+v", s.Checks)
	}
	if got := hasReason(s, "open files"); !strings.HasPrefix(got, "ulimit -n") {
		t.Errorf("remedy: got %q, want one with ulimit -n", got)
	}
}

func TestHealthWithoutPorts(t *testing.T) {
	used, limit := ephemeralPorts()
	if limit == 0 || used < 0 {
		t.Skip("local ports are not known here")
	}
	h := Watch(time.Now())
	defer h.End()
	sample(h, time.Now(), Traffic{})
	s := sample(h, time.Now().Add(2*time.Second), Traffic{Dialled: uint64(limit)})
	if got := s.Ports; got > used+1000 || got > limit {
		t.Errorf("ports: got %d; the system uses about %d of %d", got, used, limit)
	}
	if s = sample(h, time.Now().Add(70*time.Second), Traffic{}); s.PortLimit != limit {
		t.Errorf("limit: got %d, want %d", s.PortLimit, limit)
	}
}

// TestHealthOfPorts holds that a connection has its port for as long as it is
// open, and that each source address has ports of its own.
func TestHealthOfPorts(t *testing.T) {
	const n = 40
	used, limit := ephemeralPorts()
	if limit == 0 || used < 0 {
		t.Skip("local ports are not known here")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	h := Watch(time.Now())
	defer h.End()
	now := time.Now().Add(time.Second)
	s := sample(h, now, Traffic{Dialled: n, Sources: 3})
	if s.Ports != n || s.PortLimit != 3*limit {
		t.Errorf("got %d ports of %d, want %d of %d", s.Ports, s.PortLimit, n, 3*limit)
	}
	for range 2 * len(h.dialled) {
		now = now.Add(time.Second)
		s = sample(h, now, Traffic{})
	}
	if s.Ports != n || s.PortLimit != limit {
		t.Errorf("after two minutes: got %d ports of %d, want %d of %d", s.Ports, s.PortLimit, n, limit)
	}
}

// hasReason is the remedy of the reason that has these words, "" for none.
func hasReason(s Health, words string) string {
	for _, r := range s.Reasons {
		if strings.Contains(r.What, words) {
			return r.Remedy
		}
	}
	return ""
}

func TestItsOwnLagIsAReason(t *testing.T) {
	h := Watch(time.Now())
	defer h.End()
	sample(h, time.Now(), Traffic{OwnLag: time.Second})
	if s := sample(h, time.Now().Add(2*time.Second), Traffic{}); hasReason(s, "own delay") == "" {
		t.Errorf("got %+v, want the own delay among the reasons", s.Reasons)
	}
	if s := sample(h, time.Now().Add(4*time.Second), Traffic{}); hasReason(s, "own delay") != "" {
		t.Errorf("got %+v, want none of a lag that is over", s.Reasons)
	}
}

// TestAStandstillIsMarkedWhole: a process that was stopped for five seconds was
// not well in any of them.
func TestAStandstillIsMarkedWhole(t *testing.T) {
	born := time.Now()
	at := func(s float64) time.Time { return born.Add(time.Duration(s * float64(time.Second))) }
	h := Watch(born)
	h.End()
	h.ended = false
	bad := func(now time.Time, delay time.Duration) Health {
		h.longest.Store(int64(delay))
		return sample(h, now, Traffic{})
	}
	for _, tt := range []struct {
		now   float64
		delay time.Duration
		want  int // seconds in which timers were late
	}{
		{1.01, time.Millisecond, 0},
		{2.01, 60 * time.Millisecond, 1},
		{2.25, time.Second, 1}, // no new second has begun
		{7.6, 5 * time.Second, 7},
		{8.01, time.Second, 7}, // the rest of a second that is counted
		{9.01, time.Millisecond, 7},
		{10.01, time.Second, 8},
	} {
		got := 0
		for _, r := range bad(at(tt.now), tt.delay).Past {
			if strings.Contains(r.What, "scheduling delay") {
				fmt.Sscanf(r.What[strings.Index(r.What, "bad for"):], "bad for %d s", &got)
			}
		}
		if got != tt.want {
			t.Errorf("after %.2f s: got %d bad seconds, want %d", tt.now, got, tt.want)
		}
	}
}

func TestAFullSendQueueIsNamed(t *testing.T) {
	h := Watch(time.Now())
	defer h.End()
	s := sample(h, time.Now().Add(2*time.Second), Traffic{Sent: 100, Stalled: 20})
	found := false
	for _, r := range s.Reasons {
		found = found || strings.Contains(r.What, "send queue full for 20% of the requests")
	}
	if s.OK || !found {
		t.Errorf("got %+v, want the send queue as a reason", s.Reasons)
	}
}
