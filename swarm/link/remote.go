package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"tload/swarm"
)

// Remote is a worker on another machine, as a node.
type Remote struct {
	m     *Master
	id    string
	hello Hello
	nth   int           // of those that joined
	poke  chan struct{} // has room for one: something is to be sent
	gone  chan struct{}
	once  sync.Once

	mu       sync.Mutex // guards all below
	began    time.Time
	wake     func()
	want     swarm.Assignment // with the controller's Gen
	issue    uint64           // the link's Gen of it
	bye      bool
	standing standing // newest
	heard    time.Time
	trip     time.Duration // of the newest command and its answer
	skew     time.Duration
	state    swarm.NodeState
	seq      uint64
	sum      totals
	final    bool
	left     bool // what was lent to it is taken back
	news     bool // that the controller has not been woken for
	wrong    string
	inbox    []second
}

func newRemote(m *Master, id string, h Hello) *Remote {
	return &Remote{
		m: m, id: id, hello: h, poke: make(chan struct{}, 1), gone: make(chan struct{}), heard: time.Now(), wake: func() {},
		standing: standing{NodeStatus: swarm.NodeStatus{Capacity: h.Cores}},
	}
}

// restore is a worker of an earlier master, as that one left it.
func (m *Master) restore(s workerState) *Remote {
	w := newRemote(m, s.ID, s.Hello)
	w.nth, w.seq, w.sum, w.final, w.state, w.standing = s.Nth, s.Seq, totals{s.Sum[0], s.Sum[1]}, s.Final, s.State, s.Standing
	w.issue, w.want.Quota, w.began = s.Issue, s.Quota, m.o.Began
	return w
}

// beyond is how much newer assignments are than any that an earlier master can have
// sent without it being in the store.
const beyond = 1 << 20

// takeUp makes a worker of an earlier master one of this.
func (w *Remote) takeUp() {
	w.issue += beyond
	if w.state == swarm.Up {
		w.state = swarm.Silent // until it is heard
	}
	// What it may have begun meanwhile.
	w.standing.Claimed = max(w.standing.Claimed, w.want.Quota)
	w.want.Quota = 0
}

// stateNow is how far the worker has told.
func (w *Remote) stateNow() workerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot(w.final)
}

func (w *Remote) snapshot(final bool) workerState {
	return workerState{
		ID: w.id, Nth: w.nth, Hello: w.hello, Seq: w.seq, Sum: [2]uint64{w.sum.requests, w.sum.failures}, Final: final,
		State: w.state, Issue: w.issue, Quota: max(w.want.Quota, 0), Standing: w.standing,
	}
}

// ID tells the worker from all others.
func (w *Remote) ID() string { return w.id }

// Name is the worker's host and process.
func (w *Remote) Name() string { return fmt.Sprintf("%s/%d", w.hello.Host, w.hello.PID) }

// Begin implements swarm.Node.
func (w *Remote) Begin(at time.Time, wake func()) {
	w.mu.Lock()
	w.began, w.wake, w.heard = at, wake, time.Now()
	w.mu.Unlock()
	go w.send()
}

// Assign implements swarm.Node: the worker is told, again and again until it says
// that it was.
func (w *Remote) Assign(a swarm.Assignment) {
	w.mu.Lock()
	more := a.Quota > max(w.want.Quota, 0)
	if a.Gen > w.want.Gen {
		w.want = a
		w.issue++
	}
	issue := w.issue
	w.mu.Unlock()
	if more && w.m.keep != nil {
		w.m.keep.add(&pending{state: workerState{ID: w.id, Issue: issue}, quota: &a.Quota})
	}
	w.nudge()
}

func (w *Remote) nudge() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

// End tells the worker that the run is over, and does not wait for it to hear.
func (w *Remote) End() {
	w.mu.Lock()
	w.bye = true
	w.mu.Unlock()
	w.nudge()
}

// farewell waits until the worker has heard that the run is over, or is not heard
// itself, or ctx ends.
func (w *Remote) farewell(ctx context.Context) {
	w.mu.Lock()
	heard := w.bye && w.state <= swarm.Silent
	w.mu.Unlock()
	if !heard {
		return
	}
	select {
	case <-w.gone:
	case <-ctx.Done():
	}
}

func (w *Remote) close() { w.once.Do(func() { close(w.gone) }) }

// Far implements swarm.Node.
func (w *Remote) Far() bool { return true }

// Take implements swarm.Node.
func (w *Remote) Take(yield func(*swarm.Report)) {
	w.mu.Lock()
	inbox, health := w.inbox, w.standing.Health
	w.inbox = nil
	w.mu.Unlock()
	for i := range inbox {
		s := &inbox[i]
		yield(&swarm.Report{Batch: &s.batch, Users: s.users, Second: s.at, Health: health, Suspect: s.suspect})
	}
}

// Status implements swarm.Node.
func (w *Remote) Status() swarm.NodeStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.standing.NodeStatus
	s.State, s.Fault, s.Trip, s.Skew = w.state, w.wrong, w.trip, w.skew
	s.Build = w.hello.Build[:min(len(w.hello.Build), 7)]
	if s.Gen = w.want.Gen; w.standing.Gen != w.issue {
		s.Gen--
	}
	s.Owes = !w.final
	return s
}

// send brings commands to the worker, until it has left or the master closes.
func (w *Remote) send() {
	retry := time.NewTicker(answer / 2)
	defer retry.Stop()
	for {
		select {
		case <-w.poke:
		case <-retry.C:
		case <-w.gone:
			return
		}
		w.mu.Lock()
		c := command{Elapsed: time.Since(w.began), Assignment: w.want, Bye: w.bye}
		c.Gen = w.issue
		due := w.issue != w.standing.Gen || w.bye
		w.mu.Unlock()
		if !due {
			continue
		}
		start := time.Now()
		var s standing
		err := w.m.request(subjectsOf(w.m.o.Identity.Token.master(), w.id).cmd(), c, &s)
		if c.Bye && (err == nil || errors.Is(err, nats.ErrNoResponders)) { // who is not there has left
			w.close()
			return
		}
		if err != nil || !s.sound() {
			continue
		}
		now := time.Now()
		w.mu.Lock()
		w.trip = now.Sub(start)
		w.skew = s.Wall.Sub(start.Add(w.trip / 2).Round(0)) // by the wall clocks
		w.stand(s)
		wake := w.wake
		w.mu.Unlock()
		wake()
	}
}

// stand takes what the worker says of itself.
func (w *Remote) stand(s standing) {
	if s.Nth < w.standing.Nth {
		return // overtaken on the way
	}
	if s.Fenced && s.Gen == w.issue {
		w.issue++ // the same again: its users were not given away
		w.nudge()
	}
	s.Capacity = w.hello.Cores
	w.standing = s
}

// beat notes that the worker is there.
func (w *Remote) beat() {
	w.mu.Lock()
	w.heard = time.Now()
	w.mu.Unlock()
	w.settle(false)
}

// accept takes a delta, and says how far the worker has told with it, before which
// second of the run that lies, and whether to acknowledge it.
func (w *Remote) accept(d *delta) (told workerState, until int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = time.Now()
	switch {
	case d.seq <= w.seq: // its acknowledgement got lost
	case d.seq > w.seq+1:
		w.complain(fmt.Sprintf("delta %d of %s came after %d: some are lost", d.seq, w.Name(), w.seq))
		return told, 0, false
	default:
		w.merge(d, 0)
	}
	told = w.snapshot(w.final || d.final)
	told.Seq = d.seq
	return told, int64(time.Since(w.began)/time.Second) + 2, true
}

// merge takes a delta that follows the last. What is before the second from is
// known already.
func (w *Remote) merge(d *delta, from int64) {
	w.seq = d.seq
	latest := int64(time.Since(w.began)/time.Second) + 1
	for i := range d.seconds {
		s := &d.seconds[i]
		s.at = min(s.at, latest)
		w.sum.add(&s.batch)
		for j := range s.batch.Errors {
			for _, k := range s.batch.Errors[j].Kept {
				k.Exchange.Worker = w.Name()
			}
		}
		for _, x := range s.batch.Success {
			x.Worker = w.Name()
		}
		if s.at >= from {
			w.inbox = append(w.inbox, *s)
		}
	}
	if w.sum != d.sum {
		w.complain(fmt.Sprintf("the sum of what came from %s is %d requests and %d failures, the worker counted %d and %d", w.Name(), w.sum.requests, w.sum.failures, d.sum.requests, d.sum.failures))
		w.sum = d.sum
	}
	for _, l := range d.log {
		w.m.o.Log.Log(context.Background(), slog.Level(l.Level), l.Text, "worker", w.Name())
	}
	before := w.standing
	w.stand(d.standing)
	w.news = w.news || before.Count() != w.standing.Count() || before.Level != w.standing.Level ||
		before.Exhausted != w.standing.Exhausted || before.Reason != w.standing.Reason
}

// settle tells the controller of what the worker's last message has changed.
func (w *Remote) settle(final bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news = w.news || final && !w.final
	w.final = w.final || final
	was := w.state
	w.state = swarm.Up
	if w.final && w.want.Stop == swarm.GoOn && w.standing.Count() == 0 {
		w.state = swarm.Gone
	}
	if was == swarm.Lost && w.state == swarm.Up {
		w.m.o.Log.Warn("worker is back", "worker", w.Name())
	}
	if w.news || was != w.state {
		w.news = false
		w.wake()
	}
}

// fault notes what is wrong with what a worker sends.
func (w *Remote) fault(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complain(fmt.Sprintf("%s sends %v", w.Name(), err))
}

// complain keeps the first fault: what follows may be its consequence.
func (w *Remote) complain(what string) {
	if w.wrong == "" {
		w.wrong = what
	}
	w.m.o.Log.Error("worker", "fault", what)
}

// leaves says, once, that the worker's users have stopped for it is lost or gone.
func (w *Remote) leaves() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.left
	w.left = w.state == swarm.Lost || w.state == swarm.Gone
	return w.left && !was
}

// look says what the worker can be counted on for, after a time of silence. stall is
// how long the master itself stood still just now.
func (w *Remote) look(now time.Time, stall time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = w.heard.Add(stall)
	if w.heard.After(now) {
		w.heard = now
	}
	was, silent := w.state, now.Sub(w.heard)
	switch {
	case w.state == swarm.Gone || w.began.IsZero():
		return
	case silent > Lease:
		w.state = swarm.Lost
	case silent > silence:
		w.state = swarm.Silent
	}
	if w.state != was {
		if w.state == swarm.Lost {
			w.m.o.Log.Error("worker lost: its users go to the others", "worker", w.Name(), "silent", silent.Round(100*time.Millisecond), "users", w.standing.Count())
			// Its users have stopped by now, or will before they send anything,
			// and are not to come back before it is told of others.
			w.want.Users = make([]int, len(w.want.Users))
			w.issue++
			w.standing.Running = make([]int, len(w.standing.Running))
			w.standing.Active, w.standing.Stopping, w.standing.Level = 0, 0, 0
		}
		w.wake()
	}
}
