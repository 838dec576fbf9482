package journal

import (
	"encoding/binary"

	"tload/stats"
)

// totals are how many requests there were so far, and how many of them failed.
type totals struct {
	requests, failures uint64
}

func (t *totals) add(b *stats.Batch) {
	for key, d := range b.Rows {
		if key.Class == stats.Request {
			t.requests += d.Requests()
			t.failures += d.Failed.Count()
		}
	}
}

func (t *totals) appendTo(b []byte) []byte { return appendRecord(b, totalsRecord, t.pack()) }

func (t *totals) pack() []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, t.requests), t.failures)
}

// readTotals is the totals in a record.
func readTotals(p []byte) (t totals, err error) {
	for _, to := range []*uint64{&t.requests, &t.failures} {
		v, n := binary.Uvarint(p)
		if n <= 0 {
			return t, errDamaged
		}
		*to, p = v, p[n:]
	}
	return t, nil
}

// missing is what t says there was and known does not have.
func (t totals) missing(known totals) totals {
	return totals{t.requests - min(known.requests, t.requests), t.failures - min(known.failures, t.failures)}
}

// most is the one of the two that has more requests.
func (t totals) most(u totals) totals {
	if u.requests > t.requests {
		return u
	}
	return t
}
