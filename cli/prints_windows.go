package cli

import (
	"os"
	"time"
)

// catchPrints has what this program prints through package fmt go to that function, a
// line a call, for the terminal is the screen.
func catchPrints(stdout, stderr *os.File, line func(string)) (terminal *os.File, end func()) {
	r, w, err := os.Pipe()
	if err != nil {
		return stdout, func() {}
	}
	os.Stdout, os.Stderr = w, w
	read := make(chan struct{})
	go func() {
		defer close(read)
		eachLine(r, line)
		r.Close()
	}()
	return stdout, func() {
		os.Stdout, os.Stderr = stdout, stderr
		w.Close()
		select {
		case <-read:
		case <-time.After(lastPrints): // a child of the program's may hold the other end
		}
	}
}
