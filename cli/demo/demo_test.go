package demo

import (
	"net/http"
	"slices"
	"testing"
)

// TestFailuresByCount: which requests fail does not depend on luck.
func TestFailuresByCount(t *testing.T) {
	target, err := Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	for _, test := range []struct {
		path  string
		fails []int // of the first 13
	}{
		{"/cart", []int{1, 13}},
		{"/checkout", []int{3}},
	} {
		var got []int
		for i := 1; i <= 13; i++ {
			reply, err := http.Post(target.URL+test.path, "", nil)
			if err == nil {
				reply.Body.Close()
			}
			if err != nil || reply.StatusCode >= 400 {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, test.fails) {
			t.Errorf("%s: requests %v failed, want %v", test.path, got, test.fails)
		}
	}
}
