package link

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"tload/swarm"
)

// Master is a run's end of all links to its workers.
type Master struct {
	o    MasterOptions
	srv  *server.Server // nil: a broker's
	nc   *nats.Conn
	gone chan struct{}
	keep *keeper // nil: what workers tell is in memory alone

	mu      sync.Mutex         // guards all below
	workers map[string]*Remote // by name
	dealt   deals
	closed  bool
}

// MasterOptions are what a master listens with, and for.
type MasterOptions struct {
	Host     string // to bind; "" for all addresses
	Port     int    // 0: any
	Identity *Identity

	// Broker, if its URL is set, carries what is said; no port is opened.
	Broker Broker

	// Admit says why a worker may not join, and what to do about it; "" for
	// welcome.
	Admit func(Hello) string

	// MaxWorkers is how many there is room for, as each one's connection is an open
	// file; 0 for no limit.
	MaxWorkers int

	// Job is what workers need in order to make their node, and Files what it
	// names. Open reads one of them.
	Job   json.RawMessage
	Files map[string][]byte // by name

	// Program, if set, is offered to workers that are another one and run on the same
	// system.
	Program *Program

	// Joined is called with each worker that has joined, on a goroutine that it
	// must not keep waiting.
	Joined func(*Remote)

	// Store is a directory in which what workers tell is kept until the run's
	// journal has it, all seconds before Kept; "" for none. An acknowledgement then
	// comes after the disk.
	Store string
	Kept  func() int64

	// Told, if set, says of a worker which seconds a journal has from before: all
	// before the one it returns. The run is one that another master began at Began,
	// and its workers are those in the store: they have joined.
	Told  func(id string) int64
	Began time.Time

	Log *slog.Logger // nil: nothing is logged
}

// Program is a master's own executable.
type Program struct {
	System string // as in Hello
	File
	Bytes io.ReaderAt
}

// Listen opens the port for workers, and serves them until Close.
func Listen(o MasterOptions) (*Master, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	host := o.Host
	if host == "" {
		host = "0.0.0.0"
	}
	m := &Master{o: o, workers: map[string]*Remote{}, dealt: deals{}, gone: make(chan struct{})}
	if err := m.openStore(); err != nil {
		return nil, fmt.Errorf("what workers tell: %w", err)
	}
	var err error
	if o.Broker.URL == "" {
		m.srv, m.nc, err = listen(host, o.Port, o.Identity, o.MaxWorkers)
	} else {
		err = m.dial(o.Broker)
	}
	if err != nil {
		return nil, err
	}
	all := subjectsOf(o.Identity.Token.master(), "*")
	for subject, serve := range map[string]nats.MsgHandler{all.join(): m.join, all.file(): m.file, all.delta(): m.delta, all.deal(): m.deal} {
		sub, err := m.nc.Subscribe(subject, serve)
		if err == nil {
			err = sub.SetPendingLimits(-1, 256<<20)
		}
		if err != nil {
			m.shut()
			return nil, fmt.Errorf("the port for workers: %w", err)
		}
	}
	if m.srv != nil {
		err = m.nc.FlushTimeout(5 * time.Second) // who joins from here on is heard
	} else {
		err = o.Broker.allowed(m.nc, o.Identity.Token.master())
	}
	if err != nil {
		m.shut()
		return nil, err
	}
	go m.watch()
	if m.keep != nil {
		go m.keep.run()
	}
	for _, w := range m.inOrder() {
		if o.Joined != nil {
			o.Joined(w)
		}
	}
	return m, nil
}

// openStore opens the store, with the workers of an earlier master.
func (m *Master) openStore() error {
	if m.o.Store == "" {
		return nil
	}
	k := &keeper{m: m, kept: m.o.Kept, wake: make(chan struct{}, 1), done: make(chan struct{}), states: map[string]workerState{}}
	store, err := openStore(m.o.Store, m.o.Told != nil, func(d dealt) {
		m.dealt.apply(d)
	}, func(s workerState) {
		if w := m.workers[s.ID]; w != nil {
			w.issue, w.want.Quota = max(w.issue, s.Issue), s.Quota
			return
		}
		m.workers[s.ID] = m.restore(s)
	}, func(id string, b []byte) {
		d, err := readDelta(b)
		if w := m.workers[id]; w != nil && err == nil && d.seq == w.seq+1 {
			w.merge(d, m.o.Told(id))
			w.final = w.final || d.final
		}
	})
	if err != nil {
		return err
	}
	// What is in it counts as told now: the journal has yet to hear of it.
	store.until(int64(time.Since(m.o.Began)/time.Second) + 2)
	k.store = store
	for id, w := range m.workers {
		w.takeUp()
		k.states[id] = w.stateNow()
	}
	k.dealt = m.dealt.clone()
	m.keep = k
	return nil
}

// inOrder are the workers as they joined.
func (m *Master) inOrder() []*Remote {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Collect(maps.Values(m.workers))
	slices.SortFunc(list, func(a, b *Remote) int { return a.nth - b.nth })
	return list
}

// dial connects the master to a broker, where no other of this identity may be.
func (m *Master) dial(b Broker) (err error) {
	if m.nc, err = b.connect(func(err error) { m.o.Log.Error("NATS", "error", err) }); err != nil {
		return err
	}
	s := subjectsOf(m.o.Identity.Token.master(), "anybody")
	if _, err := m.nc.Request(s.deal(), nil, time.Second); err == nil {
		m.nc.Close()
		return fmt.Errorf("another master with this token is at %s: end that one, or give this one a token of its own (XDG_STATE_HOME=DIR)", b.Shown)
	}
	return nil
}

// shut ends the connection, and the server where it is ours.
func (m *Master) shut() {
	m.nc.Close()
	if m.srv != nil {
		m.srv.Shutdown()
	}
}

// Port is where workers dial; 0 with a broker.
func (m *Master) Port() int {
	if m.srv == nil {
		return 0
	}
	return m.srv.Addr().(*net.TCPAddr).Port
}

// Close ends all links. It waits a moment for workers to hear that the run is over;
// those that do not try to come back.
func (m *Master) Close() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	list := m.workers
	m.workers = map[string]*Remote{}
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*answer)
	defer cancel()
	for _, w := range list {
		w.farewell(ctx)
		w.close()
	}
	close(m.gone)
	if m.keep != nil {
		select {
		case <-m.keep.done:
			m.keep.store.remove()
		case <-ctx.Done(): // a disk that hangs
		}
	}
	m.shut()
}

// workerOf is the worker's name in a subject.
func workerOf(subject string) string {
	parts := strings.Split(subject, ".")
	if len(parts) != 4 {
		return ""
	}
	return parts[2]
}

func respond(msg *nats.Msg, v any) {
	if b, err := json.Marshal(v); err == nil {
		msg.Respond(b)
	}
}

// full says that there is no room for a worker that is not known yet.
func (m *Master) full(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.o.MaxWorkers > 0 && m.workers[name] == nil && len(m.workers) >= m.o.MaxWorkers
}

func (m *Master) join(msg *nats.Msg) {
	name := workerOf(msg.Subject)
	var h Hello
	if err := json.Unmarshal(msg.Data, &h); err != nil {
		respond(msg, welcome{Refused: "the master does not understand this worker: run the same tload on both"})
		return
	}
	h.Cores = min(max(h.Cores, 1), maxCores)
	why := ""
	switch {
	case h.Protocol != Protocol:
		why = fmt.Sprintf("the master speaks version %d of the protocol and this worker %d: run the same tload on both", Protocol, h.Protocol)
	case m.srv == nil && !m.o.Identity.Token.proves(h.Proof, "worker", name):
		why = "its token is not this master's: take the token from the master's own line"
	case m.full(name):
		why = fmt.Sprintf("the master has %d workers, and may open no more files: start it again after `ulimit -n 65535` there, or use fewer and larger workers", m.o.MaxWorkers)
	case m.o.Admit != nil:
		why = m.o.Admit(h)
	}
	if why != "" {
		m.o.Log.Warn("worker refused", "worker", h.Host, "pid", h.PID, "reason", why)
		w := welcome{Refused: why}
		if p := m.o.Program; p != nil && p.System == h.System && p.SHA256 != h.Build {
			w.Program, w.Proof = &p.File, m.o.Identity.Token.proof("master", name)
		}
		respond(msg, w)
		return
	}
	w := welcome{Proof: m.o.Identity.Token.proof("master", name), Job: m.o.Job}
	switch {
	case h.Failed != "":
		m.o.Log.Error("a worker cannot do the job", "worker", h.Host, "pid", h.PID, "reason", h.Failed)
		respond(msg, welcome{Proof: w.Proof})
		return
	case !h.Ready:
		for name, b := range m.o.Files {
			w.Files = append(w.Files, fileOf(name, b))
		}
		respond(msg, w)
		return
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	remote, known := m.workers[name], true
	if remote == nil {
		remote, known = newRemote(m, name, h), false
		remote.nth = len(m.workers) + 1
		m.workers[name] = remote
	}
	m.mu.Unlock()
	if !known && m.keep != nil {
		m.keep.add(&pending{state: remote.stateNow()})
	}
	respond(msg, welcome{Proof: w.Proof})
	if !known {
		m.o.Log.Info("worker joined", "worker", remote.Name(), "cores", h.Cores, "system", h.System)
		if m.o.Joined != nil {
			m.o.Joined(remote)
		}
	}
}

// file answers with a piece of a file of the job; an empty one for what is none.
func (m *Master) file(msg *nats.Msg) {
	var p piece
	if json.Unmarshal(msg.Data, &p) != nil {
		return
	}
	if o := m.o.Program; o != nil && p.SHA256 == o.SHA256 && p.Offset >= 0 {
		b := make([]byte, maxPiece)
		n, err := o.Bytes.ReadAt(b, p.Offset)
		if err != nil && err != io.EOF {
			m.o.Log.Error("the master's program cannot be read", "error", err)
		}
		msg.Respond(b[:n])
		return
	}
	for name, b := range m.o.Files {
		if fileOf(name, b).SHA256 == p.SHA256 && p.Offset >= 0 && p.Offset <= int64(len(b)) {
			msg.Respond(b[p.Offset:min(p.Offset+maxPiece, int64(len(b)))])
			return
		}
	}
	msg.Respond(nil)
}

// deal gives out numbers, and takes them back. Like what is acknowledged, they are on the
// disk first: a master that goes on deals the next ones.
func (m *Master) deal(msg *nats.Msg) {
	var d dealt
	if json.Unmarshal(msg.Data, &d) != nil || !d.sound() {
		respond(msg, dealt{})
		return
	}
	d.To, d.First, d.Has, d.Gone = workerOf(msg.Subject), 0, nil, false
	m.mu.Lock()
	if d = m.dealt.answer(d); d.N > 0 || len(d.Back) > 0 {
		m.dealt.apply(d)
	}
	m.mu.Unlock()
	if d.N == 0 && len(d.Back) == 0 {
		respond(msg, d)
		return
	}
	m.remember(&pending{deal: &d, msg: msg})
}

// remember has it on the disk, if there is one, before anybody is told.
func (m *Master) remember(p *pending) {
	if m.keep != nil {
		m.keep.add(p)
	} else {
		m.acknowledge(p)
	}
}

// takeBack has what was lent to a worker be there for the others: its users have stopped.
func (m *Master) takeBack(worker string) {
	d := dealt{To: worker, Gone: true}
	m.mu.Lock()
	m.dealt.apply(d)
	m.mu.Unlock()
	m.remember(&pending{deal: &d})
}

func (m *Master) delta(msg *nats.Msg) {
	m.mu.Lock()
	w := m.workers[workerOf(msg.Subject)]
	m.mu.Unlock()
	if w == nil {
		respond(msg, ack{Unknown: true})
		return
	}
	if len(msg.Data) == 0 {
		w.beat()
		respond(msg, ack{})
		return
	}
	d, err := readDelta(msg.Data)
	if err != nil {
		w.fault(err)
		return
	}
	p := &pending{w: w, msg: msg, b: msg.Data}
	var ok bool
	p.state, p.until, ok = w.accept(d)
	switch {
	case !ok:
		w.settle(false)
	case m.keep != nil:
		m.keep.add(p)
	default:
		m.acknowledge(p)
		w.settle(d.final) // behind the acknowledgement, so that a goodbye comes behind it too
	}
}

// acknowledge takes a delta off its worker's hands.
func (m *Master) acknowledge(p *pending) {
	if p.acked || p.msg == nil {
		p.acked = true
		return
	}
	p.acked = true
	if p.deal != nil {
		respond(p.msg, p.deal)
		return
	}
	m.mu.Lock()
	workers := len(m.workers)
	m.mu.Unlock()
	respond(p.msg, ack{Seq: p.state.Seq, Bodies: bodyBudget / max(workers, 1)})
}

// maxCores bounds what share of the users a worker may claim.
const maxCores = 4096

// bodyBudget is how many bytes of exchanges all workers may send in a second.
const bodyBudget = 4 << 20

// watch looks how long workers have been silent. What the master itself was
// standing still for is not their silence.
func (m *Master) watch() {
	const every = 100 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-tick.C:
		case <-m.gone:
			return
		}
		now := time.Now()
		stall := now.Sub(last) - every
		last = now
		m.mu.Lock()
		list := make([]*Remote, 0, len(m.workers))
		for _, w := range m.workers {
			list = append(list, w)
		}
		m.mu.Unlock()
		for _, w := range list {
			if w.look(now, max(stall, 0)); w.leaves() {
				m.takeBack(w.id)
			}
		}
		if m.keep != nil {
			m.keep.hurry(now)
		}
	}
}

// request asks a worker, and waits for its answer as long as answer says.
func (m *Master) request(subject string, v any, reply any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	msg, err := m.nc.Request(subject, b, answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(msg.Data, reply)
}

var _ swarm.Node = (*Remote)(nil)
