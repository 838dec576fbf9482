package main

import (
	"testing"

	"tload/behaviours"
	"tload/behaviours/servertest"
)

func TestLoginIsOnce(t *testing.T) {
	url, count := servertest.Counting(t)
	if err := behaviours.Run(t.Context(), member, url, 100); err != nil {
		t.Error(err)
	}
	if in, out := count("POST /login"), count("POST /logout"); in != 1 || out != 1 {
		t.Errorf("login %d times, logout %d times; want once each", in, out)
	}
	if n := count("GET /profile") + count("GET /"); n != 100 {
		t.Errorf("tasks: got %d, want 100", n)
	}
}
