package link

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"tload/stats"
	"tload/swarm"
)

func someDelta(seq uint64, before totals) *delta {
	d := &delta{seq: seq, sum: before, log: []logLine{{When: time.Unix(1, 0), Text: "hello"}}}
	d.standing.Running = []int{2, 1}
	d.standing.Active = 3
	for at := range int64(2) {
		s := second{at: at, users: 3}
		row := s.batch.Row(stats.Key{Method: "GET", Name: "/"})
		row.OK.AddN(time.Millisecond, 5)
		row.Failed.AddN(time.Second, 2)
		d.seconds = append(d.seconds, s)
		d.sum.add(&s.batch)
	}
	return d
}

func (d *delta) packed(t testing.TB) []byte {
	t.Helper()
	b, err := d.appendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// someMaster has no server: nothing is sent.
func someMaster() *Master {
	return &Master{o: MasterOptions{Log: slog.New(slog.DiscardHandler)}, workers: map[string]*Remote{}}
}

func TestADeltaCountsOnce(t *testing.T) {
	w := newRemote(someMaster(), "w", Hello{Host: "here"})
	w.began = time.Now()
	took := func() (n uint64) {
		w.Take(func(r *swarm.Report) {
			var sum totals
			sum.add(r.Batch)
			n += sum.requests
		})
		return n
	}
	first := someDelta(1, totals{})
	second := someDelta(2, first.sum)
	third := someDelta(3, second.sum)
	for _, tt := range []struct {
		d     *delta
		want  uint64 // requests that count
		acked bool
	}{
		{first, 14, true},
		{first, 0, true}, // its acknowledgement got lost
		{third, 0, false},
		{second, 14, true},
		{first, 0, true}, // an old one, overtaken
		{second, 0, true},
		{third, 14, true},
	} {
		d, err := readDelta(tt.d.packed(t))
		if err != nil {
			t.Fatal(err)
		}
		_, _, acked := w.accept(d)
		if got := took(); got != tt.want || acked != tt.acked {
			t.Errorf("delta %d: %d requests count and it is acknowledged: %v; want %d and %v", tt.d.seq, got, acked, tt.want, tt.acked)
		}
	}
	if s := w.Status(); !strings.Contains(s.Fault, "came after") {
		t.Errorf("a gap is no fault: %q", s.Fault)
	}
}

func TestASumThatDoesNotAddUp(t *testing.T) {
	w := newRemote(someMaster(), "w", Hello{})
	w.began = time.Now()
	d := someDelta(1, totals{requests: 1})
	w.accept(d)
	if s := w.Status(); !strings.Contains(s.Fault, "the worker counted 15") {
		t.Errorf("got %q", s.Fault)
	}
}

// TestADeltaThatIsTooLong puts seconds together until a server takes it, and loses
// nothing that counts.
func TestADeltaThatIsTooLong(t *testing.T) {
	for _, limit := range []int{4000, 2000, 1000} {
		d := &delta{seq: 1}
		for at := range int64(37) {
			one := someDelta(1, totals{})
			one.seconds[0].at = at
			d.seconds = append(d.seconds, one.seconds[0])
			d.sum.add(&one.seconds[0].batch)
		}
		b, err := d.fit(limit)
		if err != nil || len(b) > limit {
			t.Fatalf("%d bytes, %v; want at most %d", len(b), err, limit)
		}
		got, err := readDelta(b)
		if err != nil {
			t.Fatal(err)
		}
		var sum totals
		for i := range got.seconds {
			sum.add(&got.seconds[i].batch)
			if i > 0 && got.seconds[i].at <= got.seconds[i-1].at {
				t.Errorf("second %d comes after %d", got.seconds[i].at, got.seconds[i-1].at)
			}
		}
		if sum != d.sum || sum.requests != 37*7 || got.seconds[len(got.seconds)-1].at != 36 {
			t.Errorf("%d requests up to second %d, want %d up to 36", sum.requests, got.seconds[len(got.seconds)-1].at, 37*7)
		}
	}
	if _, err := someDelta(1, totals{}).fit(10); err == nil {
		t.Error("what cannot fit is no error")
	}
}

func FuzzDelta(f *testing.F) {
	f.Add(someDelta(1, totals{}).packed(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := readDelta(b)
		if err != nil {
			return
		}
		w := newRemote(someMaster(), "w", Hello{})
		w.began = time.Now()
		w.accept(d)
		w.settle(d.final)
		if s := w.Status(); s.Count() < 0 {
			t.Errorf("%d users", s.Count())
		}
	})
}

// hostile is a worker that holds the token, and then says what it likes.
func hostile(t *testing.T, m *Master, id *Identity) *worker {
	t.Helper()
	w := &worker{
		o:    WorkerOptions{Address: fmt.Sprintf("127.0.0.1:%d", m.Port()), Token: id.Token, Log: slog.New(slog.DiscardHandler), Say: func(string) {}},
		said: make(chan *nats.Msg, 256), kick: make(chan struct{}, 1), refused: make(chan error, 1), log: &tail{},
	}
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.nc.Close)
	within(t, "connected", w.nc.IsConnected)
	return w
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// TestWhoKnowsTheTokenBreaksNothing has a worker say what cannot be, and speak for
// others.
func TestWhoKnowsTheTokenBreaksNothing(t *testing.T) {
	id, err := LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plan := swarm.Plan{Behaviours: []*swarm.Behaviour{{Name: "a"}}, Users: 4, SpawnRate: 100, StopTimeout: time.Second, Expect: 1}
	c, err := swarm.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Listen(MasterOptions{Host: "127.0.0.1", Identity: id, Job: json.RawMessage(`{}`), Joined: func(r *Remote) { c.Join(r, r.ID(), r.Name()) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	go c.Run(t.Context())
	w, victim := hostile(t, m, id), hostile(t, m, id)
	for _, x := range []*worker{w, victim} {
		var hi welcome
		if err := x.request(x.subjects.join(), Hello{Protocol: Protocol, Ready: true, Cores: 1 << 62}, &hi); err != nil || hi.Refused != "" {
			t.Fatal(hi.Refused, err)
		}
	}
	within(t, "both have joined", func() bool { return len(c.Snapshot().Nodes) == 2 })

	for _, change := range []func(*delta){
		func(d *delta) { d.standing.Running = make([]int, 1000) },
		func(d *delta) { d.standing.Running = []int{-1} },
		func(d *delta) { d.standing.Active = 1 << 60 },
		func(d *delta) { d.standing.Claimed = -5 },
		func(d *delta) { d.standing.Gen = 1 << 63 },
		func(d *delta) { d.seconds[0].at = 1 << 31 },
		func(d *delta) { d.seconds[0].users = -1 },
		func(d *delta) { d.sum.requests = 1 << 60 },
		func(d *delta) { d.log = []logLine{{Level: 1 << 40, Text: "\x1b[2J" + strings.Repeat("x", 1<<20)}} },
		func(d *delta) { d.seq = 0 },
		func(d *delta) { d.seq = 1 << 63 },
	} {
		d := someDelta(1, totals{})
		change(d)
		w.nc.Publish(w.subjects.delta(), d.packed(t))
	}
	w.nc.Publish(w.subjects.join(), []byte(`{"Ready":true`))
	w.nc.Publish(w.subjects.file(), []byte(`{"Offset":-1}`))

	// It may speak of itself alone.
	denied := make(chan error, 16)
	w.nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err })
	w.nc.Publish(victim.subjects.delta(), someDelta(1, totals{}).packed(t))
	w.nc.Publish("tl."+id.Token.master()+".*.delta", nil)
	w.nc.Publish(victim.subjects.cmd(), []byte(`{"Bye":true}`))
	for _, subject := range []string{"tl.>", victim.subjects.cmd(), "_INBOX_" + strings.TrimPrefix(victim.inbox, "_INBOX_") + ".>", "$SYS.>", ">"} {
		if _, err := w.nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
	}
	w.nc.Flush()
	for range 8 {
		select {
		case err := <-denied:
			if !strings.Contains(strings.ToLower(err.Error()), "permissions violation") {
				t.Errorf("got %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("not all of what it may not do is denied")
		}
	}

	// The victim, and the run, go on.
	if _, err := victim.nc.Request(victim.subjects.delta(), someDelta(1, totals{}).packed(t), 10*time.Second); err != nil {
		t.Errorf("the other worker is not heard: %v", err)
	}
	within(t, "its requests", func() bool { return c.Snapshot().Total.Run.Requests >= 14 })
	for _, n := range c.Snapshot().Nodes {
		if n.Users < 0 || n.Users > 4 {
			t.Errorf("%d users on a worker", n.Users)
		}
	}
	c.Stop("test")
}
