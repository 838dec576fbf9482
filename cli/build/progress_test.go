package build

import "testing"

// TestWhatGoSays is told apart from the packages that it names, in whatever pieces it
// comes.
func TestWhatGoSays(t *testing.T) {
	text := "golang.org/x/sys/unix\ngopkg.in/a-b.v2/c~d\n# ini\n./behaviours.go:3:1: undefined: y\nnet/http\ngo: downloading x v1.2.3\ntoo many errors"
	for size := 1; size < len(text); size++ {
		var o output
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			o.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		want := "# ini\n./behaviours.go:3:1: undefined: y\ngo: downloading x v1.2.3\ntoo many errors"
		if got := o.text(); got != want || o.count() != 3 {
			t.Fatalf("in pieces of %d: %d packages, and %q", size, o.count(), got)
		}
	}
}
