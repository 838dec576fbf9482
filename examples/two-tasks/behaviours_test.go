package main

import (
	"testing"

	"tload/behaviours"
	"tload/behaviours/servertest"
)

func TestBothTasksRun(t *testing.T) {
	url, count := servertest.Counting(t)
	if err := behaviours.Run(t.Context(), visitor, url, 200); err != nil {
		t.Error(err)
	}
	a, b := count("GET /something"), count("GET /something-else")
	if a+b != 200 || a < 60 || b < 60 {
		t.Errorf("got %d and %d of 200 tasks, want about half each", a, b)
	}
}
