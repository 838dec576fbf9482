package link

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/health"
)

// Until is what a node has whose users stop by themselves: nobody begins anything
// past that time of the run. It may be called from any goroutine.
type Until interface {
	Until(at time.Duration)
}

// WorkerOptions are how a worker finds its master, and what it does for it.
type WorkerOptions struct {
	Address string // host:port
	Broker  Broker // instead of an address, if its URL is set
	Token   Token
	Hello   Hello
	Log     *slog.Logger // nil: nothing is logged

	// Make makes the node that runs the users.
	Make func(Brief) (swarm.Node, error)

	// Accept, if set, is given the master's program where this one is another: it is to
	// go on as that one, and returns only why it cannot. Whoever knows the token decides
	// then what runs here.
	Accept func(program []byte) error

	// Say, if set, is told in a sentence what the worker waits for or does.
	Say func(string)
}

// Brief is what a worker makes its node of.
type Brief struct {
	Job   json.RawMessage
	Files map[string][]byte
	Logs  slog.Handler // what is logged to it appears in the master's log too

	Numbers Numbers
}

// Numbers are those that a run counts by, over all of its workers; what names what is
// counted. Its methods may be called from any goroutine, and wait for the master, for
// Lease at most.
type Numbers interface {
	// Deal gives out n numbers, from first on, that no other worker is given.
	Deal(what string, n int64) (first int64, err error)
	// Lend gives out one below some number that nobody else has, until it is
	// returned or its worker has left; it is below 0 if there is none.
	Lend(what string, below int64) (i int64, err error)
	Return(what string, list []int64) error
}

// ErrRefused says that the master does not take this worker.
type ErrRefused struct{ Why string }

// Error is why, and what to do about it.
func (e ErrRefused) Error() string { return "the master refuses this worker: " + e.Why }

// Work joins a master and runs users for it, until the master says that the run is
// over or ctx ends; users then finish what they do, and are told of before it
// returns. A master that is not there is waited for.
func Work(ctx context.Context, o WorkerOptions) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	o.Hello.Protocol = Protocol
	w := &worker{o: o, said: make(chan *nats.Msg, 256), kick: make(chan struct{}, 1), refused: make(chan error, 1), log: &tail{}}
	if err := w.connect(); err != nil {
		return err
	}
	defer w.nc.Close()
	return w.work(ctx)
}

// worker is one process's end of the link. All but what says otherwise belongs to
// the goroutine of work.
type worker struct {
	o        WorkerOptions
	nc       *nats.Conn
	subjects subjects
	inbox    string
	said     chan *nats.Msg // by the master, in the order in which it was
	kick     chan struct{}  // has room for one: connected again, or the node has news
	refused  chan error
	log      *tail

	driver   driver
	open     second   // that goes on
	waiting  []second // that are over and not in flight
	flight   *flight
	seq      uint64
	sum      totals
	bodies   int // bytes of exchanges that may be sent
	beaten   time.Time
	quiet    bool // all that ever happened here is cut
	told     bool // … and acknowledged
	bye      bool
	leaving  bool
	gaveUpAt time.Time
}

// flight is a delta on its way.
type flight struct {
	seq   uint64
	b     []byte
	sent  time.Time
	final bool
}

func (w *worker) connect() error {
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	public, err := key.PublicKey()
	if err != nil {
		return err
	}
	name := workerName(public)
	w.subjects, w.inbox = subjectsOf(w.o.Token.master(), name), inbox(name)
	w.o.Hello.Proof = w.o.Token.proof("worker", name)
	url, options := "tls://"+w.o.Address, []nats.Option{
		nats.Nkey(public, key.Sign), nats.Token(w.o.Token.password()), nats.Secure(w.o.Token.pinned()), nats.TLSHandshakeFirst(),
	}
	if w.o.Broker.URL != "" {
		url, options, w.o.Address = w.o.Broker.URL, w.o.Broker.options(), w.o.Broker.Shown
	}
	again := func(*nats.Conn) { w.nudge() }
	w.nc, err = nats.Connect(url, append(options,
		nats.Name(w.o.Hello.Host), nats.CustomInboxPrefix(w.inbox),
		nats.Timeout(3*time.Second), nats.FlusherTimeout(3*time.Second), nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.ReconnectBufSize(-1),
		nats.ReconnectWait(200*time.Millisecond), nats.ReconnectJitter(300*time.Millisecond, 300*time.Millisecond),
		nats.ConnectHandler(again), nats.ReconnectHandler(again),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { w.o.Log.Debug("link", "error", err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { w.hopeless(err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				w.o.Log.Warn("the master is not heard", "error", err)
			}
		}),
	)...)
	if err != nil {
		return fmt.Errorf("join %s: %w", w.o.Address, err)
	}
	for _, subject := range []string{w.subjects.cmd(), w.inbox + ".ack"} {
		if _, err := w.nc.ChanSubscribe(subject, w.said); err != nil {
			return fmt.Errorf("join %s: %w", w.o.Address, err)
		}
	}
	return nil
}

// hopeless looks whether an error of connecting is one that time does not mend.
func (w *worker) hopeless(err error) {
	if err == nil {
		return
	}
	switch {
	case errors.Is(err, errStranger), strings.Contains(err.Error(), errStranger.Error()):
		err = errStranger
	case w.o.Broker.URL != "" && (errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired)):
		err = ErrRefused{"the NATS server does not let it in: say who it is in the URL (nats://user:password@…) or with --nats-creds"}
	case errors.Is(err, nats.ErrAuthorization), strings.Contains(strings.ToLower(err.Error()), "authorization violation"):
		err = ErrRefused{"the token's secret is not, or no longer, the master's: take the token from the master's own line"}
	default:
		w.o.Say(fmt.Sprintf("no master at %s yet: %v", w.o.Address, err))
		return
	}
	select {
	case w.refused <- err:
	default:
	}
}

func (w *worker) nudge() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// work is the worker's life.
func (w *worker) work(ctx context.Context) error {
	node, err := w.join(ctx)
	if err != nil {
		return err
	}
	w.driver.node = node
	defer w.driver.end()
	go w.driver.watch()
	tick := time.NewTimer(0)
	defer tick.Stop()
	ended := ctx.Done()
	for !w.bye {
		select {
		case err := <-w.refused:
			return err
		case <-ended:
			ended = nil
			w.depart()
		case m := <-w.said:
			if m.Subject == w.subjects.cmd() {
				w.obey(m)
			} else if err := w.acknowledged(m); err != nil {
				return err
			}
		case <-w.kick:
			w.flush()
		case <-tick.C:
		}
		if w.driver.begun() {
			w.cut(time.Now())
			w.flush()
			tick.Reset(w.next())
		} else {
			w.beat()
			tick.Reset(beatEvery)
		}
		if w.leaving && (!w.driver.begun() || w.told) || !w.gaveUpAt.IsZero() && time.Now().After(w.gaveUpAt) {
			break
		}
	}
	if w.flight != nil && !w.told {
		return errors.New("the master did not take the last of what happened here: its totals lack it")
	}
	return nil
}

// ErrAnotherRun says that the master has begun anew, and knows nothing of this run.
var ErrAnotherRun = errors.New("the master was started again and does not know this run: what it had not taken of it is lost")

// join asks the master for a job, makes the node that it is for, and says so.
func (w *worker) join(ctx context.Context) (swarm.Node, error) {
	w.o.Say("joining " + w.o.Address)
	hi, err := w.introduce(ctx, w.o.Hello)
	if err != nil {
		return nil, err
	}
	node, err := w.make(ctx, hi)
	h := w.o.Hello
	if h.Ready = err == nil; err != nil {
		h.Failed = err.Error()
		w.introduce(ctx, h)
		return nil, err
	}
	if _, err := w.introduce(ctx, h); err != nil {
		return nil, err
	}
	w.o.Say("joined " + w.o.Address + "; the run is the master's to begin")
	return node, nil
}

func (w *worker) make(ctx context.Context, hi welcome) (swarm.Node, error) {
	files, err := w.fetch(ctx, hi.Files)
	if err != nil {
		return nil, err
	}
	return w.o.Make(Brief{hi.Job, files, tailHandler{tail: w.log}, (*numbers)(w)})
}

// numbers are a worker's.
type numbers worker

func (w *numbers) Deal(what string, n int64) (first int64, err error) {
	d, err := w.ask(dealt{What: what, N: n})
	if err == nil && d.N != n {
		err = errors.New("the master deals no such numbers")
	}
	return d.First, err
}

func (w *numbers) Lend(what string, below int64) (i int64, err error) {
	d, err := w.ask(dealt{What: what, N: 1, Lent: true, Below: below})
	switch {
	case err != nil:
		return 0, err
	case d.What != what:
		return 0, errors.New("the master deals no such numbers")
	case d.N == 0:
		return -1, nil
	}
	return d.First, nil
}

func (w *numbers) Return(what string, list []int64) error {
	_, err := w.ask(dealt{What: what, Back: list})
	return err
}

func (w *numbers) ask(q dealt) (d dealt, err error) {
	for end := time.Now().Add(Lease); ; {
		if err = (*worker)(w).request(w.subjects.deal(), q, &d); err == nil {
			return d, nil
		}
		if time.Now().After(end) || w.nc.IsClosed() {
			return d, fmt.Errorf("no answer from the master: %w", err)
		}
		time.Sleep(resend / 10)
	}
}

// accept fetches the master's program and goes on as that.
func (w *worker) accept(ctx context.Context, hi welcome) error {
	if w.o.Broker.URL != "" && !w.o.Token.proves(hi.Proof, "master", w.name()) {
		return ErrRefused{"who answers does not know the token, so it is not the master"}
	}
	w.o.Say(fmt.Sprintf("fetching the master's program, %d MiB", hi.Program.Size>>20))
	files, err := w.fetch(ctx, []File{*hi.Program})
	if err != nil {
		return err
	}
	return fmt.Errorf("the master's program: %w", w.o.Accept(files[hi.Program.Name]))
}

// introduce says who this worker is, until the master answers.
func (w *worker) introduce(ctx context.Context, h Hello) (hi welcome, err error) {
	retry := time.NewTicker(answer / 2)
	defer retry.Stop()
	for {
		sent := time.Now()
		switch err := w.request(w.subjects.join(), h, &hi); {
		case err == nil && hi.Refused != "" && hi.Program != nil && w.o.Accept != nil:
			return hi, w.accept(ctx, hi)
		case err == nil && hi.Refused != "":
			return hi, ErrRefused{hi.Refused}
		case err == nil && w.o.Broker.URL != "" && !w.o.Token.proves(hi.Proof, "master", w.name()):
			return hi, ErrRefused{"who answers does not know the token, so it is not the master"}
		case err == nil:
			w.driver.lease(sent)
			return hi, nil
		}
		select {
		case err := <-w.refused:
			return hi, err
		case <-ctx.Done():
			return hi, ctx.Err()
		case <-retry.C:
		}
	}
}

func (w *worker) name() string { return strings.TrimPrefix(w.inbox, inbox("")) }

func (w *worker) request(subject string, v, reply any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	m, err := w.nc.Request(subject, b, answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(m.Data, reply)
}

func fileOf(name string, b []byte) File {
	sum := sha256.Sum256(b)
	return File{Name: name, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
}

// fetch gets the job's files, piece by piece.
func (w *worker) fetch(ctx context.Context, list []File) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, f := range list {
		if f.Size < 0 || f.Size > maxFile {
			return nil, fmt.Errorf("the master's %s has %d bytes: at most %d are taken", f.Name, f.Size, maxFile)
		}
		var b []byte
		for failed := 0; int64(len(b)) < f.Size; {
			ask, err := json.Marshal(piece{f.SHA256, int64(len(b))})
			if err != nil {
				return nil, err
			}
			m, err := w.nc.Request(w.subjects.file(), ask, answer)
			if err != nil || len(m.Data) == 0 {
				if failed++; failed == 20 || ctx.Err() != nil {
					return nil, fmt.Errorf("the master does not send %s: %w", f.Name, errors.Join(err, ctx.Err()))
				}
				continue
			}
			b = append(b, m.Data...)
		}
		if got := fileOf(f.Name, b); got.SHA256 != f.SHA256 {
			return nil, fmt.Errorf("%s came from the master as something else: try again", f.Name)
		}
		out[f.Name] = b
	}
	return out, nil
}

// obey follows a command and says how the node stands.
func (w *worker) obey(m *nats.Msg) {
	var c command
	if err := json.Unmarshal(m.Data, &c); err != nil {
		return
	}
	if c.Bye {
		w.bye = true
	} else {
		w.driver.assign(c, w.nudge)
	}
	if b, err := json.Marshal(w.driver.standing()); err == nil {
		m.Respond(b)
	}
	if w.bye {
		w.nc.FlushTimeout(answer)
	}
}

// depart ends this worker's part in the run: its users finish their tasks, the rest
// of what happened is told, and the others take over.
func (w *worker) depart() {
	w.leaving = true
	w.o.Say("leaving: users finish their tasks")
	w.driver.depart()
	w.gaveUpAt = time.Now().Add(2*Lease + w.driver.grace)
}

// next is how long until something is to be done by the clock.
func (w *worker) next() time.Duration {
	now := time.Now()
	elapsed := now.Sub(w.driver.began)
	d := elapsed.Truncate(time.Second) + time.Second - elapsed
	if w.flight != nil {
		d = min(d, max(resend-now.Sub(w.flight.sent), 10*time.Millisecond))
	} else if len(w.waiting) > 0 {
		d = min(d, max(w.phase()-elapsed%time.Second, time.Millisecond))
	}
	return d
}

// phase is when in a second this worker sends, so that not all do at once.
func (w *worker) phase() time.Duration {
	h := fnv.New32a()
	io.WriteString(h, w.inbox)
	return time.Duration(h.Sum32()%300) * time.Millisecond
}

// cut takes what happened, and closes the second that is over.
func (w *worker) cut(now time.Time) {
	at := int64(now.Sub(w.driver.began) / time.Second)
	over := at > w.open.at
	gone := w.driver.quiet()
	if w.quiet || !over && !gone {
		return
	}
	w.driver.take(&w.open, &w.bodies)
	w.quiet = gone
	w.waiting = append(w.waiting, w.open)
	if len(w.waiting) > maxSeconds-1 {
		// For a link that is down long, the oldest seconds are one.
		w.waiting[1].merge(&w.waiting[0])
		w.waiting = w.waiting[1:]
	}
	w.open = second{at: at}
}

// flush sends what waits, or again what is in flight.
func (w *worker) flush() {
	now := time.Now()
	if w.flight != nil {
		if now.Sub(w.flight.sent) >= resend {
			w.post()
		}
		return
	}
	final := w.quiet
	if w.told || len(w.waiting) == 0 || !final && now.Sub(w.driver.began)%time.Second < w.phase() {
		return
	}
	d := delta{seq: w.seq + 1, standing: w.driver.standing(), log: w.log.take(), seconds: w.waiting, final: final}
	for i := range d.seconds {
		w.sum.add(&d.seconds[i].batch)
	}
	d.sum = w.sum
	b, err := d.fit(min(maxPayload, int(w.nc.MaxPayload())) - 1<<10)
	if err != nil {
		w.o.Log.Error("link", "error", err)
		return
	}
	w.seq++
	w.waiting = nil
	w.flight = &flight{seq: w.seq, b: b, final: final}
	w.post()
}

// fit is the delta in at most limit bytes: what is no number is left out if it has to
// be, and then seconds are put together.
func (d *delta) fit(limit int) ([]byte, error) {
	b, err := d.appendTo(nil)
	if err != nil || len(b) <= limit {
		return b, err
	}
	for i := range d.seconds {
		strip(&d.seconds[i].batch)
	}
	for b, err = d.appendTo(nil); err == nil && len(b) > limit && len(d.seconds) > 1; b, err = d.appendTo(nil) {
		half := d.seconds[:0]
		for i := 1; i < len(d.seconds); i += 2 {
			d.seconds[i].merge(&d.seconds[i-1])
			half = append(half, d.seconds[i])
		}
		if n := len(d.seconds); n%2 == 1 {
			half = append(half, d.seconds[n-1])
		}
		d.seconds = half
	}
	if err == nil && len(b) > limit {
		err = fmt.Errorf("a second of %d bytes is more than the server takes (%d)", len(b), limit)
	}
	return b, err
}

// strip lets go of what is not a number.
func strip(b *stats.Batch) {
	for i := range b.Errors {
		b.Errors[i].Kept = nil
	}
	b.Success = nil
}

// post sends what is in flight. Nothing waits for it: what does not arrive is sent
// again.
func (w *worker) post() {
	w.flight.sent = time.Now()
	w.nc.PublishRequest(w.subjects.delta(), w.inbox+".ack", w.flight.b)
}

// beatEvery is how often a worker that has not begun says that it is there.
const beatEvery = time.Second

// beat says that this worker is there.
func (w *worker) beat() {
	if now := time.Now(); now.Sub(w.beaten) >= beatEvery {
		w.beaten = now
		w.nc.PublishRequest(w.subjects.delta(), w.inbox+".ack", nil)
	}
}

// acknowledged takes what was in flight off the worker's hands.
func (w *worker) acknowledged(m *nats.Msg) error {
	var a ack
	if len(m.Data) == 0 || json.Unmarshal(m.Data, &a) != nil {
		return nil // there is no master to answer
	}
	switch {
	case a.Unknown:
		return ErrAnotherRun
	case a.Seq == 0:
		w.driver.lease(w.beaten)
		return nil
	case w.flight == nil || a.Seq != w.flight.seq:
		return nil
	}
	w.told = w.told || w.flight.final
	w.bodies = min(w.bodies+a.Bodies, 4*max(a.Bodies, 256<<10))
	w.driver.lease(w.flight.sent)
	w.flight = nil
	return nil
}

// driver is the worker's hold on its node. The link's goroutine gives it
// assignments, and its own one takes users away when the master was not heard of
// for too long; that one never calls the network.
type driver struct {
	node  swarm.Node
	grace time.Duration

	mu      sync.Mutex // guards all below
	began   time.Time
	given   swarm.Assignment // by the master
	gen     uint64           // of what the node was told last
	leased  time.Time        // when the newest acknowledged delta was sent
	fenced  bool
	gone    bool // the worker leaves by itself
	ended   bool
	stop    chan struct{}
	health  health.Health
	nth     uint64 // of the newest standing
	had     int    // users at the end of the last second
	started bool
}

func (d *driver) begun() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.started
}

// assign gives the node what the master wants of it.
func (d *driver) assign(c command, wake func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started {
		d.started = true
		d.began = time.Now().Add(-c.Elapsed)
		d.node.Begin(d.began, wake)
	}
	if c.Gen > d.given.Gen && time.Since(d.leased) < Fence {
		d.given, d.fenced = c.Assignment, false
		d.until()
		d.tell()
	}
}

// tell gives the node its assignment as it is now.
func (d *driver) tell() {
	a := d.given
	switch {
	case d.gone:
		a.Stop = max(a.Stop, swarm.Graceful)
	case d.fenced:
		a.Users, a.Spawn, a.Paused = make([]int, len(a.Users)), 0, true
	}
	d.gen++
	a.Gen = d.gen
	d.node.Assign(a)
}

// until lets users go on for as long as the lease is good.
func (d *driver) until() {
	if u, ok := d.node.(Until); ok {
		u.Until(d.leased.Add(Fence).Sub(d.began))
	}
}

// lease prolongs it: a delta that was sent then is acknowledged.
func (d *driver) lease(sent time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sent.After(d.leased) {
		d.leased = sent
	}
	if d.started && !d.fenced {
		d.until()
	}
}

// watch stops the users when the lease is over, until end.
func (d *driver) watch() {
	d.mu.Lock()
	d.stop = make(chan struct{})
	stop := d.stop
	if d.ended {
		close(stop)
	}
	d.mu.Unlock()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		d.mu.Lock()
		if d.started && !d.fenced && !d.ended && d.given.Stop == swarm.GoOn && time.Since(d.leased) > Fence {
			d.fenced = true
			d.tell()
		}
		d.mu.Unlock()
	}
}

func (d *driver) depart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	if d.started {
		d.tell()
	}
}

// quiet says that nothing more will happen here.
func (d *driver) quiet() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started || d.given.Stop == swarm.GoOn && !d.gone {
		return false
	}
	s := d.node.Status()
	return s.Count() == 0
}

// standing is how the node stands, as the master is told: a node that was fenced is
// not where the master's assignment wants it.
func (d *driver) standing() standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started {
		return standing{}
	}
	s := d.node.Status()
	s.Gen = d.given.Gen
	d.nth++
	return standing{NodeStatus: s, Wall: time.Now(), Nth: d.nth, Health: d.health, Fenced: d.fenced}
}

// take moves what happened into a second. Exchanges come along as far as budget
// says, which they use up.
func (d *driver) take(to *second, budget *int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// At its end: who moves to another worker is not counted on both. Who is given to
	// nobody else was there.
	s := d.node.Status()
	users := s.Active
	if d.fenced || d.gone || s.Exhausted || d.given.Stop != swarm.GoOn {
		users = max(users, d.had)
	}
	d.had = s.Active
	d.node.Take(func(r *swarm.Report) {
		flight := r.Batch.InFlight
		to.batch.Merge(r.Batch)
		to.batch.InFlight = flight
		to.users = users
		to.suspect = to.suspect || r.Suspect
		d.health = r.Health
	})
	for i := range to.batch.Errors {
		e := &to.batch.Errors[i]
		for j, k := range e.Kept {
			if *budget -= k.Exchange.Weight(); *budget < 0 {
				e.Kept, *budget = e.Kept[:j], 0
				break
			}
		}
	}
	for key, x := range to.batch.Success {
		if *budget -= x.Weight(); *budget < 0 {
			*budget = 0
			delete(to.batch.Success, key)
		}
	}
}

func (d *driver) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.stop != nil {
		close(d.stop)
	}
	if d.started {
		d.node.End()
	}
}
