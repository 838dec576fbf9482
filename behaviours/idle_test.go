package behaviours

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"tload/swarm"
)

// TestAClosedTLSSessionIsSeen has a server that says goodbye within TLS and
// keeps the connection open.
func TestAClosedTLSSessionIsSeen(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	config := &tls.Config{Certificates: cert.TLS.Certificates}
	cert.Close()
	for name, goodbye := range map[string]bool{"open": false, "closed": true} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				c := tls.Server(nc, config)
				if _, err := c.Read(make([]byte, 4096)); err != nil {
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				if goodbye {
					c.CloseWrite()
				}
				io.Copy(io.Discard, nc)
			}()
			c, _ := newClient(t, Options{Host: "https://" + l.Addr().String(), Insecure: true})
			if _, err := c.Get(t.Context(), "/"); err != nil {
				t.Fatal(err)
			}
			later := c.sweeper.Now() + time.Second
			conn := c.routes[0].conn // nil if the end came with the reply
			usable := conn != nil && conn.Usable(later)
			for end := time.Now().Add(5 * time.Second); goodbye && usable && time.Now().Before(end); {
				usable = conn.Usable(later)
			}
			if usable == goodbye {
				t.Errorf("usable: got %v", usable)
			}
		})
	}
}

// TestAPauseIsNotLate holds that pacing does not catch up with a pause.
func TestAPauseIsNotLate(t *testing.T) {
	c := start(t, swarm.Plan{Users: 5}, Behaviour{Name: "b", Wait: Pacing(20 * time.Millisecond), New: func(*User) *Set {
		return &Set{Tasks: []Task{{Name: "x", Run: idle}}}
	}})
	runs := func() uint64 {
		if s := c.Snapshot(); len(s.Tasks) > 0 {
			return s.Tasks[0].Run.Requests
		}
		return 0
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("not in time: ", what)
			}
		}
	}
	until("tasks", func() bool { return runs() > 50 })
	c.Pause(true)
	until("the pause", func() bool { return c.Snapshot().Doing.Paused == 5 })
	paused, before := time.Now(), runs()
	until("a second", func() bool { return time.Since(paused) > time.Second })
	c.Pause(false)
	until("tasks again", func() bool { return runs() > before+50 })
	c.Stop("test")
	<-c.Done()
	if s := c.Snapshot().Tasks[0].Run; s.Due == 0 || s.Corrected.Max > 800*time.Millisecond {
		t.Errorf("%d due, corrected max %v: the pause is in it", s.Due, s.Corrected.Max)
	}
}
