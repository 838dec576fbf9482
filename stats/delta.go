package stats

import "slices"

// Delta is what happened to one row in some span of time: everything that the
// program knows of a row is made of merged deltas. Merging is associative and
// commutative. The zero value is empty and ready.
type Delta struct {
	OK        Histogram // service times of successes
	Failed    Histogram // service times of failures
	Corrected Histogram // times from when the start was due, of both; only where something was due
	Aborted   Histogram // ages of what tload itself cut off

	Outcomes []Outcome // ordered by kind and status

	In, Out    uint64 // bytes
	Dialled    uint64 // connections opened
	Handshakes uint64 // TLS handshakes done
	Reconnects uint64
	Stalled    uint64 // requests that did not fit the send queue at once
	Redirects  uint64 // followed: requests on the wire besides those that are counted
	Due        uint64 // starts that had a schedule
	Late       uint64 // … and were more than LateAfter behind it
	NotStarted uint64 // arrivals that never started
}

// Outcome counts the acts that ended in one way.
type Outcome struct {
	Kind   Kind
	Status int
	Count  uint64
}

// Requests is how many acts ended by themselves; aborted ones are not among them.
func (d *Delta) Requests() uint64 { return d.OK.Count() + d.Failed.Count() }

// Empty says that nothing happened.
func (d *Delta) Empty() bool {
	if d.Requests() > 0 || d.Aborted.Count() > 0 || d.Corrected.Count() > 0 || len(d.Outcomes) > 0 {
		return false
	}
	// A batch may end between the parts of one act.
	for _, p := range d.counters() {
		if *p > 0 {
			return false
		}
	}
	return true
}

// Merge adds all of o.
func (d *Delta) Merge(o *Delta) {
	d.OK.Merge(&o.OK)
	d.Failed.Merge(&o.Failed)
	d.Corrected.Merge(&o.Corrected)
	d.Aborted.Merge(&o.Aborted)
	for _, x := range o.Outcomes {
		d.outcome(x.Kind, x.Status, x.Count)
	}
	d.In += o.In
	d.Out += o.Out
	d.Dialled += o.Dialled
	d.Handshakes += o.Handshakes
	d.Reconnects += o.Reconnects
	d.Redirects += o.Redirects
	d.Stalled += o.Stalled
	d.Due += o.Due
	d.Late += o.Late
	d.NotStarted += o.NotStarted
}

func (d *Delta) outcome(kind Kind, status int, n uint64) {
	if n == 0 {
		return
	}
	i, found := slices.BinarySearchFunc(d.Outcomes, Outcome{Kind: kind, Status: status}, func(a, b Outcome) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return a.Status - b.Status
	})
	if found {
		d.Outcomes[i].Count += n
		return
	}
	d.Outcomes = slices.Insert(d.Outcomes, i, Outcome{kind, status, n})
}

// Reset forgets everything and keeps the memory.
func (d *Delta) Reset() {
	d.OK.Reset()
	d.Failed.Reset()
	d.Corrected.Reset()
	d.Aborted.Reset()
	*d = Delta{OK: d.OK, Failed: d.Failed, Corrected: d.Corrected, Aborted: d.Aborted, Outcomes: d.Outcomes[:0]}
}

// Clone is an independent copy.
func (d *Delta) Clone() *Delta {
	c := new(Delta)
	c.Merge(d)
	return c
}
