package cli

import (
	"bufio"
	"io"
	"strings"
	"time"
)

// lastPrints is how long what was printed last is waited for.
const lastPrints = 500 * time.Millisecond

// longestPrint is as much of a line as is kept of what a program prints.
const longestPrint = 16 << 10

// eachLine reads to the end and has line called with each that is not empty. Of a long
// one the beginning is given, and the rest is passed over.
func eachLine(r io.Reader, line func(string)) {
	in := bufio.NewReaderSize(r, longestPrint)
	for {
		b, more, err := in.ReadLine()
		if text := strings.TrimRight(string(b), " \t\r"); text != "" {
			line(text)
		}
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
		if err != nil {
			return
		}
	}
}
