//go:build unix

package cli

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tload/swarm/link"
)

// relay stands between a worker and its master, and can be a bad link.
type relay struct {
	net.Listener
	to string

	mu     sync.Mutex
	conns  []net.Conn
	refuse bool
	speed  int        // bytes a second from the master; 0: all
	held   [2]bool    // what comes from the worker, from the master, goes nowhere
	moved  *sync.Cond // with mu
}

func (f *fleet) relay() *relay {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	r := &relay{Listener: l, to: "127.0.0.1:" + f.port}
	r.moved = sync.NewCond(&r.mu)
	go r.serve()
	f.t.Cleanup(func() {
		l.Close()
		r.hold(false, false)
		r.cut(true)
	})
	return r
}

func (r *relay) serve() {
	for {
		a, err := r.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		refuse := r.refuse
		r.mu.Unlock()
		b, err := net.Dial("tcp", r.to)
		if err != nil || refuse {
			a.Close()
			if b != nil {
				b.Close()
			}
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, a, b)
		r.mu.Unlock()
		go r.copy(b, a, 0)
		go r.copy(a, b, 1)
	}
}

func (r *relay) copy(to, from net.Conn, way int) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		r.mu.Lock()
		for r.held[way] {
			r.moved.Wait()
		}
		speed := r.speed
		r.mu.Unlock()
		b := buf
		if speed > 0 && way == 1 {
			b = buf[:max(speed/20, 1)]
			time.Sleep(50 * time.Millisecond)
		}
		n, err := from.Read(b)
		r.mu.Lock()
		for r.held[way] {
			r.moved.Wait()
		}
		r.mu.Unlock()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

// hold lets nothing through, or lets all that waits through again.
func (r *relay) hold(fromWorker, fromMaster bool) {
	r.mu.Lock()
	r.held = [2]bool{fromWorker, fromMaster}
	r.moved.Broadcast()
	r.mu.Unlock()
}

// cut ends the connections; with refuse there are no new ones.
func (r *relay) cut(refuse bool) {
	r.mu.Lock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns, r.refuse = nil, refuse
	r.mu.Unlock()
}

// workerBy is a worker whose link is the relay.
func (f *fleet) workerBy(r *relay) *process {
	f.t.Helper()
	return f.run("--worker", "--master-host="+r.Addr().String(), "--token="+f.token)
}

func (p *process) signal(s syscall.Signal) {
	p.f.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.f.t.Fatal(err)
	}
}

// busy waits until so many requests are at the target at a time.
func (f *fleet) busy(users int64) {
	f.t.Helper()
	f.until("users at the target", func() bool { return f.now.Load() >= users })
}

// never asserts that there were more requests at a time.
func (f *fleet) never(users int64) {
	f.t.Helper()
	if got := f.most.Load(); got > users {
		f.t.Errorf("there were %d requests at a time, of %d users", got, users)
	}
}

// faultUsers is how many users the faults' runs have. Each of them has a request at
// the target nearly always.
const faultUsers = 12

// withFaults is a fleet for a fault that lasts longer than a lease. Many of them can run
// side by side, for they mostly wait.
func withFaults(t *testing.T) *fleet {
	t.Helper()
	if os.Getenv("FAULTS") == "" {
		t.Skip("takes half a minute: FAULTS=1 go test -parallel 16 -run TestFault ./cli")
	}
	t.Parallel()
	f := newFleet(t)
	f.delay = 50 * time.Millisecond
	return f
}

// TestFaultOfALink breaks the link of one of two workers. What is short moves no user;
// what is long has its users stop, and the other one take over; and all that was done
// is told in the end.
func TestFaultOfALink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault func(r *relay)
		lasts time.Duration
		lost  bool
	}{
		{"cut for a moment", func(r *relay) { r.cut(true) }, 3 * time.Second, false},
		{"nothing gets through for a moment", func(r *relay) { r.hold(true, true) }, 3 * time.Second, false},
		{"cut for long", func(r *relay) { r.cut(true) }, 13 * time.Second, true},
		{"nothing from the worker for long", func(r *relay) { r.hold(true, false) }, 13 * time.Second, true},
		// The master goes on hearing it until it gives its connection up.
		{"nothing from the master for long", func(r *relay) { r.hold(false, true) }, 18 * time.Second, true},
		{"nothing gets through for long", func(r *relay) { r.hold(true, true) }, 13 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := withFaults(t)
			r := f.relay()
			near, far := f.worker(), f.workerBy(r)
			m := f.master("-u", "12", "-r", "100", "--expect-workers", "2", "-t", "28s")
			f.reached(2 * time.Second)
			f.busy(faultUsers)
			tt.fault(r)
			time.Sleep(tt.lasts) // the fault's own time
			r.hold(false, false)
			r.cut(false)
			f.busy(faultUsers)
			said := m.wait(60 * time.Second)
			near.wait(20 * time.Second)
			far.wait(20 * time.Second)
			f.whole()
			f.never(faultUsers)
			if got := strings.Contains(f.log(), "worker lost"); got != tt.lost {
				t.Errorf("lost: %v, want %v\n%s\n%s", got, tt.lost, f.log(), said)
			}
		})
	}
}

// TestFaultALinkThatCrawls has one worker hear of its master a few bytes at a time. The
// others go on as ever, and nothing is lost.
func TestFaultALinkThatCrawls(t *testing.T) {
	f := withFaults(t)
	r := f.relay()
	near, far := f.worker(), f.workerBy(r)
	m := f.master("-u", "12", "-r", "100", "--expect-workers", "2", "-t", "20s")
	f.reached(2 * time.Second)
	f.busy(faultUsers)
	r.mu.Lock()
	r.speed = 1 << 10
	r.mu.Unlock()
	m.wait(60 * time.Second)
	near.wait(20 * time.Second)
	far.wait(40 * time.Second)
	f.whole()
	f.never(faultUsers)
}

// TestFaultAWorkerThatIsKilled loses at most what it had not told, which is said; its users
// go to the others, and one that is started again gets its share.
func TestFaultAWorkerThatIsKilled(t *testing.T) {
	f := withFaults(t)
	stays, dies := f.worker(), f.worker()
	m := f.master("-u", "12", "-r", "100", "--expect-workers", "2", "-t", "28s")
	f.reached(3 * time.Second)
	f.busy(faultUsers)
	before := f.served.Load()
	dies.kill()
	perSecond := before / 3 // or fewer: it ran for three seconds at least
	// What it had sent is still being answered.
	f.until("its last requests to end", func() bool { return f.now.Load() <= faultUsers/2 })
	f.busy(faultUsers)
	if !strings.Contains(f.log(), "worker lost") {
		t.Error("others have its users, and it is not known that they have stopped")
	}
	again := f.worker()
	<-m.done
	if code := m.cmd.ProcessState.ExitCode(); code != exitBroken || !strings.Contains(m.text(), "lost") {
		t.Errorf("exit code %d, want %d and a word of what is lost:\n%s", code, exitBroken, m.text())
	}
	stays.wait(20 * time.Second)
	again.wait(20 * time.Second)
	f.never(faultUsers)
	got, truth := f.summary().Total, f.served.Load()
	if lost := truth - got.Requests - got.Aborted; lost < 0 || lost > 3*perSecond {
		t.Errorf("%d requests of %d are not in the summary; %d were made in a second", lost, truth, perSecond)
	}
}

// TestFaultAWorkerThatFroze for a while, and its users with it.
func TestFaultAWorkerThatFroze(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		lasts time.Duration
		lost  bool
	}{{"a moment", 3 * time.Second, false}, {"long", 14 * time.Second, true}} {
		t.Run(tt.name, func(t *testing.T) {
			f := withFaults(t)
			stays, freezes := f.worker(), f.worker()
			m := f.master("-u", "12", "-r", "100", "--expect-workers", "2", "-t", "28s")
			f.reached(2 * time.Second)
			f.busy(faultUsers)
			freezes.signal(syscall.SIGSTOP)
			time.Sleep(tt.lasts) // the fault's own time
			if tt.lost {
				f.busy(faultUsers)
			}
			freezes.signal(syscall.SIGCONT)
			m.wait(60 * time.Second)
			stays.wait(20 * time.Second)
			freezes.wait(20 * time.Second)
			f.whole()
			f.never(faultUsers)
			if got := strings.Contains(f.log(), "worker lost"); got != tt.lost {
				t.Errorf("lost: %v, want %v\n%s", got, tt.lost, f.log())
			}
		})
	}
}

// TestFaultNoRequestAfterAThaw freezes a worker and kills its master: when the worker thaws
// nobody has told it of users, and it sends nothing. The next master has all that the
// worker did before.
func TestFaultNoRequestAfterAThaw(t *testing.T) {
	f := withFaults(t)
	w := f.worker()
	args := []string{"-u", "12", "-r", "100", "-t", "24s"}
	m := f.master(args...)
	f.reached(2 * time.Second)
	f.busy(faultUsers)
	w.signal(syscall.SIGSTOP)
	m.kill()
	time.Sleep(9 * time.Second) // longer than its lease
	before := f.served.Load()
	w.signal(syscall.SIGCONT)
	time.Sleep(2 * time.Second) // in which nothing is to happen
	if got := f.served.Load() - before; got != 0 {
		t.Errorf("%d requests after the thaw, of a worker whose lease was over", got)
	}
	m = f.master(args...)
	f.until("users at the target again", func() bool { return f.served.Load() > before })
	m.wait(60 * time.Second)
	w.wait(20 * time.Second)
	f.whole()
	f.never(faultUsers)
}

// TestFaultAMasterThatFroze for longer than a lease blames nobody for its own absence.
func TestFaultAMasterThatFroze(t *testing.T) {
	f := withFaults(t)
	a, b := f.worker(), f.worker()
	m := f.master("-u", "12", "-r", "100", "--expect-workers", "2", "-t", "25s")
	f.reached(2 * time.Second)
	f.busy(faultUsers)
	m.signal(syscall.SIGSTOP)
	time.Sleep(11 * time.Second) // the fault's own time
	before := f.served.Load()
	m.signal(syscall.SIGCONT)
	f.until("users at the target again", func() bool { return f.served.Load() > before })
	m.wait(60 * time.Second)
	a.wait(20 * time.Second)
	b.wait(20 * time.Second)
	f.whole()
	f.never(faultUsers)
	if strings.Contains(f.log(), "worker lost") {
		t.Errorf("a worker is called lost:\n%s", f.log())
	}
}

// TestFaultManyFailuresWithBodies has every request fail with a body of 64 KiB: bodies come
// as the budget allows, and delay no number.
func TestFaultManyFailuresWithBodies(t *testing.T) {
	f := withFaults(t)
	f.body = strings.Repeat("x", 64<<10)
	a, b := f.worker(), f.worker()
	m := f.run("--host="+f.target.URL, "/fail", "--master", "--master-bind=127.0.0.1", "--master-port="+f.port,
		"--headless", "--json", "summary.json", "-u", "12", "-r", "100", "--expect-workers", "2", "-t", "8s")
	said := m.wait(60 * time.Second)
	a.wait(20 * time.Second)
	b.wait(20 * time.Second)
	f.whole()
	if !strings.Contains(said, "kept]") || strings.Contains(f.log(), "worker lost") {
		t.Errorf("no body came along, or a worker was lost:\n%s\n%s", said, f.log())
	}
}

// TestFaultAMasterThatIsKilledAnywhere kills masters at moments that nobody has chosen,
// also while they take their run up.
func TestFaultAMasterThatIsKilledAnywhere(t *testing.T) {
	f := withFaults(t)
	args := []string{"-u", "12", "-r", "100", "-n", "4000", "--expect-workers", "2"}
	workers := []*process{f.worker(), f.worker()}
	m := f.master(args...)
	f.reached(2 * time.Second)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 10 {
		m.kill()
		m = f.master(args...)
		select {
		case <-m.done:
			t.Fatalf("it ended by itself:\n%s", m.text())
		case <-time.After(time.Duration(r.IntN(1500)) * time.Millisecond): // the moment
		}
	}
	m.wait(90 * time.Second)
	for _, w := range workers {
		w.wait(30 * time.Second)
	}
	f.whole()
	f.never(faultUsers)
	f.usersStayed()
	if got := f.served.Load(); got != 4000 {
		t.Errorf("the target served %d requests, want 4000", got)
	}
}

// TestFaultAFloodOfWrongJoins has a crowd with another secret at the master's door for as
// long as the run goes on.
func TestFaultAFloodOfWrongJoins(t *testing.T) {
	f := withFaults(t)
	a, b := f.worker(), f.worker()
	m := f.master("-u", "12", "-r", "100", "--expect-workers", "2", "-t", "12s")
	f.reached(2 * time.Second)
	wrong, err := link.ParseToken(f.token[:len(f.token)-6] + "AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var crowd sync.WaitGroup
	var refused atomic.Int64
	for range 20 {
		crowd.Go(func() {
			for ctx.Err() == nil {
				if link.Work(ctx, link.WorkerOptions{Address: "127.0.0.1:" + f.port, Token: wrong}) != nil && ctx.Err() == nil {
					refused.Add(1)
				}
			}
		})
	}
	m.wait(60 * time.Second)
	cancel()
	crowd.Wait()
	a.wait(20 * time.Second)
	b.wait(20 * time.Second)
	f.whole()
	f.never(faultUsers)
	if log := f.log(); strings.Contains(log, "lost") || strings.Count(log, "worker joined") != 2 {
		t.Errorf("somebody else joined, or a worker was lost:\n%s", log)
	}
	if refused.Load() < 10 {
		t.Errorf("%d were refused: this was no flood", refused.Load())
	}
	t.Logf("%d refused; %d requests of 12 users in 12 s", refused.Load(), f.served.Load())
}

// TestFaultMoreWorkersThanFiles has twice the workers come that the master may have files
// for. Those for whom there is no room are told so, and the run is the others'.
func TestFaultMoreWorkersThanFiles(t *testing.T) {
	f := withFaults(t)
	const room = 4
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var workers []*process
	for range 2 * room {
		workers = append(workers, f.worker())
	}
	m := f.runAs("/bin/sh", "-c", `ulimit -n "$1"; shift; exec "$@"`, "sh", strconv.Itoa(room+masterSpare), bin,
		"--host="+f.target.URL, "/", "--master", "--master-bind=127.0.0.1", "--master-port="+f.port, "--headless", "--json", "summary.json",
		"-u", "12", "-r", "100", "--expect-workers", strconv.Itoa(room), "-t", "5s")
	m.wait(60 * time.Second)
	refused := 0
	for _, w := range workers {
		select {
		case <-w.done:
		case <-time.After(20 * time.Second):
			t.Fatalf("a worker still runs:\n%s", w.text())
		}
		if strings.Contains(w.text(), "may open no more files") && !w.cmd.ProcessState.Success() {
			refused++
		}
	}
	f.whole()
	f.never(faultUsers)
	if refused != room {
		t.Errorf("%d were told that there is no room, want %d", refused, room)
	}
}
