package stats

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// TestLateSecondsAreWhereTheyBelong tells one ledger each second as it comes and
// another one some of them later: the charts, the window and the totals are the
// same in the end.
func TestLateSecondsAreWhereTheyBelong(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		inTime, late := NewLedger(0, 0), NewLedger(0, 0)
		type waiting struct {
			b      *Batch
			second int64
			until  int64
		}
		var list []waiting
		keys := []Key{{Method: "GET", Name: "/a"}, {Method: "GET", Name: "/b"}, {Class: Task, Method: "B", Name: "t"}}
		for second := range int64(700) {
			b, rest, half := &Batch{}, &Batch{}, &Batch{}
			for _, k := range keys {
				for range r.IntN(4) {
					x := time.Duration(1+r.IntN(1e6)) * time.Microsecond
					b.Row(k).OK.Add(x)
					if second > 0 && r.IntN(3) == 0 {
						half.Row(k).OK.Add(x)
					} else {
						rest.Row(k).OK.Add(x)
					}
				}
				b.Row(k).OK.Add(time.Second) // so that every row is there from the start
				rest.Row(k).OK.Add(time.Second)
			}
			now := time.Duration(second+1) * time.Second
			inTime.Fold(b, now, Users{Running: 3, Target: 3})
			late.Fold(rest, now, Users{Running: 3, Target: 3})
			list = append(list, waiting{half, second, second + int64(r.IntN(15))})
			for i := 0; i < len(list); {
				if list[i].until > second && second < 699 {
					i++
					continue
				}
				late.Late(list[i].b, list[i].second)
				list = append(list[:i], list[i+1:]...)
			}
		}
		a, b := inTime.Snapshot(), late.Snapshot()
		for _, s := range []*Snapshot{a, b} {
			for i := range s.Seconds {
				s.Seconds[i].Sofar = Sofar{} // as it was known then
			}
			s.Rest.Sofar = Sofar{}
		}
		if !reflect.DeepEqual(a.Total, b.Total) {
			t.Fatalf("seed %d: total\n got %+v\nwant %+v", seed, b.Total, a.Total)
		}
		if !reflect.DeepEqual(a.Seconds, b.Seconds) {
			for i := range a.Seconds {
				if !reflect.DeepEqual(a.Seconds[i], b.Seconds[i]) {
					t.Fatalf("seed %d: point %d\n got %+v\nwant %+v", seed, i, b.Seconds[i], a.Seconds[i])
				}
			}
			t.Fatalf("seed %d: %d points, want %d", seed, len(b.Seconds), len(a.Seconds))
		}
		if !reflect.DeepEqual(a.Rows, b.Rows) {
			t.Fatalf("seed %d: rows\n got %+v\nwant %+v", seed, b.Rows, a.Rows)
		}
	}
}
