package main

import (
	"testing"

	"tload/behaviours"
	"tload/behaviours/servertest"
)

func TestTwiceAsOften(t *testing.T) {
	url, count := servertest.Counting(t)
	if err := behaviours.Run(t.Context(), visitor, url, 3000); err != nil {
		t.Error(err)
	}
	// 4 sigma of 3,000 picks with a chance of 2/3 are 103.
	if a, b := count("GET /something"), count("GET /something-else"); a+b != 3000 || a < 1897 || a > 2103 {
		t.Errorf("got %d and %d, want 2000 and 1000 within 103", a, b)
	}
}
