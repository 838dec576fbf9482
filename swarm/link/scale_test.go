package link_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/link"
)

// simulated is a node whose users do nothing; it tells of what as many would do.
type simulated struct {
	seed uint64

	mu     sync.Mutex // guards all below
	status swarm.NodeStatus
	rows   []stats.Key
	wake   func()
}

const simulatedRows = 30

func newSimulated(seed uint64) *simulated {
	n := &simulated{seed: seed}
	for i := range simulatedRows {
		n.rows = append(n.rows, stats.Key{Class: stats.Request, Method: "GET", Name: fmt.Sprint("/items/", i)})
	}
	return n
}

func (n *simulated) Begin(_ time.Time, wake func()) { n.wake = wake }

func (n *simulated) Assign(a swarm.Assignment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.Gen, n.status.Running, n.status.Active = a.Gen, a.Users, 0
	if a.Stop != swarm.GoOn {
		n.status.Running = make([]int, len(a.Users))
	}
	for _, u := range n.status.Running {
		n.status.Active += u
	}
	n.status.Level = n.status.Active
}

// told is what a node has told of, to be held against the merged sum.
var told sync.Map // of *stats.Batch by seed

func (n *simulated) Take(yield func(*swarm.Report)) {
	n.mu.Lock()
	users := n.status.Active
	n.mu.Unlock()
	if users == 0 {
		return
	}
	b := sample(n.rows, rand.New(rand.NewPCG(n.seed, uint64(time.Now().UnixNano()))))
	if all, ok := told.Load(n.seed); ok {
		all.(*stats.Batch).Merge(b)
	}
	yield(&swarm.Report{Batch: b, Users: users, Second: swarm.Since})
}

// sample is a second of some hundred requests.
func sample(rows []stats.Key, r *rand.Rand) *stats.Batch {
	b := new(stats.Batch)
	for _, key := range rows {
		d := b.Row(key)
		for range 10 {
			d.OK.Add(time.Duration(r.ExpFloat64() * float64(20*time.Millisecond)))
		}
		d.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 200, Count: 10}}
	}
	return b
}

func (n *simulated) Status() swarm.NodeStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

func (n *simulated) End()      {}
func (n *simulated) Far() bool { return false }

// TestMain makes workers of this program, for those who want them in a process of
// their own.
func TestMain(m *testing.M) {
	if os.Getenv("LINK_WORKERS") != "" {
		os.Exit(crowd())
	}
	os.Exit(m.Run())
}

// crowd is a process of many workers.
func crowd() int {
	n, _ := strconv.Atoi(os.Getenv("LINK_WORKERS"))
	token, err := link.ParseToken(os.Getenv("LINK_TOKEN"))
	if err != nil {
		return 2
	}
	var wait sync.WaitGroup
	var failed atomic.Int64
	for i := range n {
		wait.Go(func() {
			if err := link.Work(context.Background(), crowded(os.Getenv("LINK_MASTER"), token, uint64(i))); err != nil {
				fmt.Fprintln(os.Stderr, err)
				failed.Add(1)
			}
		})
	}
	wait.Wait()
	return min(int(failed.Load()), 1)
}

func crowded(address string, token link.Token, seed uint64) link.WorkerOptions {
	return link.WorkerOptions{
		Address: address, Token: token, Hello: link.Hello{Host: "crowd", PID: int(seed), Cores: 1},
		Make: func(link.Brief) (swarm.Node, error) {
			return newSimulated(seed), nil
		},
	}
}

// leading is a controller and a master of it.
func leading(t testing.TB, users, expect int) (*swarm.Controller, *link.Master, *link.Identity) {
	t.Helper()
	c, err := swarm.New(swarm.Plan{
		Behaviours: []*swarm.Behaviour{{Name: "a", Weight: 2}, {Name: "b"}}, Users: users, SpawnRate: 1e6, StopTimeout: time.Second, Expect: expect,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, id, _ := master(t, func(o *link.MasterOptions) {
		o.Joined = func(r *link.Remote) { c.Join(r, r.ID(), r.Name()) }
		o.Store, o.Kept = t.TempDir(), func() int64 { return int64(c.Snapshot().Elapsed/time.Second) - 2 }
	})
	return c, m, id
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// states counts the nodes in that state.
func states(c *swarm.Controller, state string) (n int) {
	for _, v := range c.Snapshot().Nodes {
		if v.State == state {
			n++
		}
	}
	return n
}

// TestManyWorkers has two hundred of them, or twenty where time is short, come, lose their links all at once, and come
// back; what they told is in the sum bucket by bucket.
func TestManyWorkers(t *testing.T) {
	many := 200
	if testing.Short() {
		many = 20
	}
	c, m, id := leading(t, 10*many, many)
	ran := make(chan error, 1)
	go func() { ran <- c.Run(context.Background()) }()

	// A door that can be shut in front of all of them.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mu sync.Mutex
	var conns []net.Conn
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", m.Port()))
			if err != nil {
				a.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, a, b)
			mu.Unlock()
			go pipe(a, b)
			go pipe(b, a)
		}
	}()
	var wait sync.WaitGroup
	all := make([]*stats.Batch, many)
	nodes := make([]*simulated, many)
	for i := range many {
		all[i] = new(stats.Batch)
		told.Store(uint64(i), all[i])
		wait.Go(func() {
			o := crowded(l.Addr().String(), id.Token, uint64(i))
			nodes[i] = newSimulated(uint64(i))
			o.Make = func(link.Brief) (swarm.Node, error) { return nodes[i], nil }
			if err := link.Work(context.Background(), o); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "all have users", func() bool { return c.Snapshot().Running == 10*many })
	mu.Lock()
	cut := conns
	conns = nil
	mu.Unlock()
	for _, nc := range cut {
		nc.Close()
	}
	before := c.Snapshot().Total.Run.Requests
	until(t, "news of all after the cut", func() bool {
		return states(c, "running") == many && c.Snapshot().Total.Run.Requests > before+uint64(many)*simulatedRows*10
	})
	begin := time.Now()
	c.Scale(20*many, "you")
	until(t, "all have heard", func() bool {
		for _, n := range nodes {
			if n.Status().Active != 20 {
				return false
			}
		}
		return true
	})
	t.Logf("all %d workers have heard of more users after %v", many, time.Since(begin))
	c.Stop("test")
	if err := one(t, "the end of the run", ran); err != nil {
		t.Error(err)
	}
	m.Close()
	wait.Wait()

	var want stats.Batch
	for _, b := range all {
		want.Merge(b)
	}
	sums := map[stats.Key]*stats.Delta{}
	for key, d := range want.Rows {
		sums[key] = d
	}
	rows := 0
	c.Histograms(func(key stats.Key, got *stats.Delta) bool {
		if d, ok := sums[key]; ok {
			rows++
			if g, w := got.AppendTo(nil), d.AppendTo(nil); string(g) != string(w) {
				t.Errorf("%s: the merged histogram is another than that of all that was told: %d and %d values", key.Name, got.OK.Count(), d.OK.Count())
			}
		}
		return true
	})
	if rows != simulatedRows {
		t.Errorf("%d rows, want %d", rows, simulatedRows)
	}
}

func pipe(to, from net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_, werr := to.Write(buf[:n])
			err = errors.Join(err, werr)
		}
		if err != nil {
			to.Close()
			from.Close()
			return
		}
	}
}

// BenchmarkMaster is what a master costs: the CPU of this process for each worker and
// second, of a thousand in another process, each of which tells of 30 rows. What they tell
// goes to disk before it is acknowledged.
func BenchmarkMaster(b *testing.B) {
	for _, many := range []int{100, 1000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			c, m, id := leading(b, 10*many, many)
			ran := make(chan error, 1)
			go func() { ran <- c.Run(context.Background()) }()
			exe, err := os.Executable()
			if err != nil {
				b.Fatal(err)
			}
			cmd := exec.Command(exe, "-test.run=^$")
			cmd.Env = append(os.Environ(), "LINK_WORKERS="+strconv.Itoa(many), "LINK_TOKEN="+id.Token.String(), fmt.Sprintf("LINK_MASTER=127.0.0.1:%d", m.Port()))
			cmd.Stderr = os.Stderr
			start := time.Now()
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			until(b, "all have users", func() bool { return c.Snapshot().Running == 10*many })
			b.ReportMetric(time.Since(start).Seconds(), "s-to-join")
			const seconds = 10
			before := cpu()
			time.Sleep(seconds * time.Second) // what is measured
			b.ReportMetric((cpu()-before).Seconds()*1000/seconds/float64(many), "cpu-ms/worker/s")
			b.ReportMetric(0, "ns/op")
			c.Stop("bench")
			if err := <-ran; err != nil {
				b.Error(err)
			}
			m.Close()
			if err := cmd.Wait(); err != nil {
				b.Error(err)
			}
		})
	}
}
