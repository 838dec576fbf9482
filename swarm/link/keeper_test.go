package link

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// stuck is a disk that hangs as long as nobody lets it go on.
type stuck struct {
	goOn  chan error
	wrote chan struct{}
}

func (d *stuck) due(time.Time) bool { return false }

func (d *stuck) begin(time.Time, []workerState, deals) error { return nil }

func (d *stuck) write([]byte, int64) error {
	d.wrote <- struct{}{}
	return <-d.goOn
}

func (d *stuck) forget(int64) {}
func (d *stuck) renew()       {}
func (d *stuck) remove()      {}

// TestADiskThatHangsIsNotWaitedFor has what workers tell acknowledged after two seconds
// though the disk hangs; what waits takes no more room then than there are workers.
func TestADiskThatHangsIsNotWaitedFor(t *testing.T) {
	m := someMaster()
	m.gone = make(chan struct{})
	d := &stuck{goOn: make(chan error), wrote: make(chan struct{})}
	k := &keeper{m: m, store: d, kept: func() int64 { return 0 }, wake: make(chan struct{}, 1), done: make(chan struct{}), states: map[string]workerState{}, dealt: deals{}}
	m.keep = k
	w := newRemote(m, "w", Hello{Host: "here"})
	w.began = time.Now()
	go k.run()

	var all []*pending
	before := totals{}
	tell := func(seq uint64) *pending {
		d := someDelta(seq, before)
		before = d.sum
		p := &pending{w: w, msg: new(nats.Msg), b: d.packed(t)}
		var ok bool
		if p.state, p.until, ok = w.accept(d); !ok {
			t.Fatal("not accepted")
		}
		k.add(p)
		all = append(all, p)
		return p
	}
	acked := func(p *pending) bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return p.acked
	}
	first := tell(1)
	<-d.wrote // it hangs now
	for seq := uint64(2); seq <= 500; seq++ {
		tell(seq)
	}
	k.hurry(time.Now().Add(ackAnyway / 2))
	if acked(first) || acked(all[400]) {
		t.Error("acknowledged before the disk had its time")
	}
	k.hurry(time.Now().Add(2 * ackAnyway))
	for _, p := range all {
		if !acked(p) {
			t.Fatalf("delta %d is not acknowledged", p.state.Seq)
		}
	}
	k.mu.Lock()
	waiting := len(k.pending)
	k.mu.Unlock()
	if waiting != 1 {
		t.Errorf("%d words wait, of one worker", waiting)
	}
	// The disk goes on, fails once, and takes what there is.
	d.goOn <- nil
	<-d.wrote
	d.goOn <- nats.ErrTimeout
	more := tell(501)
	within(t, "the next write", func() bool {
		select {
		case <-d.wrote:
			return true
		default:
			return false
		}
	})
	if acked(more) {
		t.Error("acknowledged before it was written")
	}
	d.goOn <- nil
	within(t, "its acknowledgement", func() bool { return acked(more) })
	close(m.gone)
	select {
	case <-k.done:
	case <-d.wrote:
		d.goOn <- nil
		<-k.done
	}
	if s := k.states["w"]; s.Seq != 501 || s.Sum != [2]uint64{before.requests, before.failures} {
		t.Errorf("on disk the worker has told up to %d with %v, want 501 with %v", s.Seq, s.Sum, before)
	}
}
