package main

import (
	"bufio"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"tload/behaviours"
)

func TestPing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var count atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for s := bufio.NewScanner(c); s.Scan(); {
					count.Add(1)
					fmt.Fprintln(c, "PONG")
				}
			}()
		}
	}()
	if err := behaviours.Run(t.Context(), pinger(l.Addr().String()), "", 20); err != nil || count.Load() != 20 {
		t.Errorf("got %v; the server counted %d, want 20", err, count.Load())
	}
}
