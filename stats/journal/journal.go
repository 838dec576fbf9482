// Package journal keeps a run on disk while it goes on, so that neither a
// kill -9 nor a full disk takes more than the last second with it.
//
// A Writer is a stats.Tap: put between the controller and its ledger, it is
// told everything the ledger is told, merges it into seconds, and a goroutine
// of its own appends each second to a file and syncs it. Read tells all of it
// to another ledger, which then shows what the first one showed:
//
//	w, err := journal.Create("run.journal", journal.Options{})
//	ledger.Tap = w
//	…
//	err = w.Close(ctx)
//
//	info, err := journal.Read(f, func(o journal.Options) stats.Tap { … })
//
// The file is a line that names the format, and records:
//
//	marker  4 bytes   7f 't' 'l' 'r'
//	type    1 byte    O options, B batch, L late batch, T totals, P told, S segment, R reset, A apart, M mark, K kept, E end
//	length  4 bytes   of the payload, little endian
//	check   4 bytes   CRC-32C of type, length and payload
//	payload
//
// A reader that meets anything else looks for the next marker with a record
// that checks, and says how much it skipped: the torn record of a killed run,
// or the remains of a write that a full disk cut short.
//
// All but kept records are appended, so they stand in the order of what they tell.
// A kept record holds something of which only the newest matters: one exchange
// that the store of failures holds, or what is known of the run besides. When the
// store gives an exchange up, its place in the file is used again, so that a day
// of failures takes no more room than the store allows. Totals say how much there
// was up to there, so that a reader knows what a damaged batch has cost; the newest
// ones are kept as well, so that it knows what a cut has cost.
//
// A told record says which seconds of nodes elsewhere are in the batches before it.
// It is what a run goes on from whose master was killed (Resume): what stands behind
// the last one is taken back, for the nodes' own reports of it are kept elsewhere.
//
// Forward compatibility is by type: a reader skips types it does not know; what
// it cannot skip changes the first line.
package journal

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"tload/stats"
	"tload/stats/exchange"
)

// Name is what the file is called in a run directory.
const Name = "run.journal"

const (
	header     = "tload-journal 1\n"
	marker     = "\x7ftlr"
	frame      = len(marker) + 1 + 4 + 4
	maxPayload = 256 << 20
)

// The types of records.
const (
	optionsRecord = 'O'
	batchRecord   = 'B'
	lateRecord    = 'L'
	totalsRecord  = 'T'
	toldRecord    = 'P'
	keptRecord    = 'K'
	segmentRecord = 'S'
	resetRecord   = 'R'
	apartRecord   = 'A'
	markRecord    = 'M'
	endRecord     = 'E'
	blankRecord   = '-' // was another one, and is taken back

	// What a kept record holds. Once meta was a record of its own.
	metaRecord     = 'J'
	exchangeRecord = 'X'
)

// Options are what a reader must know before the first record.
type Options struct {
	Samples int `json:"samples,omitempty"` // exchanges kept per group, as for stats.NewLedger
	Memory  int `json:"memory,omitempty"`  // bytes of them

	// Meta, if set, is called once a second on the journal's own goroutine for
	// what is to be kept besides the statistics: any bytes; the newest win.
	Meta func() []byte `json:"-"`

	// Held, if set, is called once a second on the journal's own goroutine for a
	// snapshot: the exchanges in it are those that are kept.
	Held func() *stats.Snapshot `json:"-"`

	// Redact masks secrets in the exchanges; nil stores them as they are.
	Redact *exchange.Masker `json:"-"`

	// Report, if set, is told on the journal's own goroutine when the file can
	// not be written, and with nil when it can again.
	Report func(error) `json:"-"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends a framed record to b: for files of others that want to survive
// what a journal survives. Records reads them.
func Append(b []byte, kind byte, payload []byte) []byte { return appendRecord(b, kind, payload) }

// Records yields the whole records in a file, and skips what is none. The payload is
// good until the next one.
func Records(f io.Reader, yield func(kind byte, payload []byte) bool) error {
	r := &reader{f: f}
	for {
		kind, payload, ok := r.record()
		if !ok || !yield(kind, payload) {
			return r.err
		}
	}
}

// appendRecord appends a framed record to b.
func appendRecord(b []byte, kind byte, payload []byte) []byte {
	b = append(b, marker...)
	start := len(b)
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	sum := crc32.Update(crc32.Checksum(b[start:], castagnoli), castagnoli, payload)
	b = binary.LittleEndian.AppendUint32(b, sum)
	return append(b, payload...)
}
