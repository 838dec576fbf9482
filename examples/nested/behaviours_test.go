package main

import (
	"testing"

	"tload/behaviours"
	"tload/behaviours/servertest"
)

func TestTheForumIsEnteredAndLeft(t *testing.T) {
	url, count := servertest.Counting(t)
	if err := behaviours.Run(t.Context(), visitor, url, 2000); err != nil {
		t.Error(err)
	}
	index, read, write := count("GET /"), count("GET /forum/thread"), count("POST /forum/thread")
	if index < 200 || read < 200 || write == 0 {
		t.Errorf("index %d, read %d, write %d: want users inside and outside of the forum", index, read, write)
	}
	if ratio := float64(read) / float64(write); ratio < 10 || ratio > 40 {
		t.Errorf("read %d to write %d: want about 20 to 1", read, write)
	}
}
