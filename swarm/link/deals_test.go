package link

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestWhatIsLentComesBack: no number is lent twice at a time, none is lost while workers
// come and go, and who reads what the store has goes on with the same.
func TestWhatIsLentComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const rows = 20
	master, disk := deals{}, deals{}
	holds := map[string]map[int64]bool{"a": {}, "b": {}, "c": {}}
	apply := func(d dealt) {
		master.apply(d)
		disk.apply(d)
	}
	for step := range 5000 {
		who := []string{"a", "b", "c"}[r.IntN(3)]
		switch r.IntN(10) {
		case 0:
			apply(dealt{To: who, Gone: true})
			clear(holds[who])
		case 1, 2, 3:
			var back []int64
			for i := range holds[who] {
				if r.IntN(2) == 0 {
					back = append(back, i)
				}
			}
			for _, i := range back {
				delete(holds[who], i)
			}
			if len(back) > 0 {
				apply(dealt{What: "rows", To: who, Back: append(back, rows+1)}) // and one that it never had
			}
		default:
			q := dealt{What: "rows", N: 1, Lent: true, Below: rows, To: who}
			if !q.sound() {
				t.Fatal("not sound")
			}
			out := 0
			for _, h := range holds {
				out += len(h)
			}
			d := master.answer(q)
			if (d.N == 0) != (out == rows) {
				t.Fatalf("step %d: %d of %d rows are out, and the answer is %+v", step, out, rows, d)
			}
			if d.N == 0 {
				continue
			}
			for other, h := range holds {
				if h[d.First] {
					t.Fatalf("step %d: %d is lent to %s and to %s", step, d.First, who, other)
				}
			}
			holds[who][d.First] = true
			apply(d)
		}
		if step%500 == 0 {
			disk = deals{}
			for _, d := range master.records() {
				disk.apply(d)
			}
		}
	}
	again := deals{}
	for _, d := range disk.records() {
		again.apply(d)
	}
	view := func(s deals) string {
		k := s["rows"]
		n := map[string]int{}
		for to, has := range k.lent {
			if to != "\x00" && len(has) > 0 {
				n[to] = len(has)
			}
		}
		return fmt.Sprint(k.next, k.free, n)
	}
	if a, b := view(master), view(again); a != b {
		t.Errorf("the master has %s, who reads the store %s", a, b)
	}
	if c := master.clone(); !reflect.DeepEqual(c, master) {
		t.Error("a clone differs")
	}
}

func TestNumbersThatCannotBeAsked(t *testing.T) {
	for _, d := range []dealt{{}, {N: -1}, {N: 1 << 40}, {N: 1, Lent: true}, {N: 2, Lent: true, Below: 5}, {N: 1, Back: []int64{1}}, {N: 1, What: string(make([]byte, 5000))}} {
		if d.sound() {
			t.Errorf("%+v is answered", d)
		}
	}
}
