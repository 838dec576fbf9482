package behaviours

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"tload/stats"
)

// TestAUserIsSmall holds what a waiting user may cost, without the share that
// the garbage collector adds.
func TestAUserIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const users, most = 1000, 6 << 10
	host := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!")
	transport, err := NewTransport(Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	rec := stats.NewRecorder(stats.Limits{})
	base := context.Background()
	quit := make(chan struct{})
	var wg, served sync.WaitGroup

	run := func(n int) {
		for i := range n {
			served.Add(1)
			wg.Go(func() {
				sink := rec.Sink()
				c := transport.Client(Who{Sink: &sink, ID: i, Base: base})
				defer c.close()
				for range 3 {
					if _, err := c.Get(base, "/"); err != nil {
						t.Error(err)
					}
					c.release()
				}
				served.Done()
				<-quit
			})
			if i%50 == 49 {
				served.Wait()
			}
		}
		served.Wait()
	}
	run(10) // what all users share
	before := inUse()
	run(users)
	after := inUse()
	// Half of it is the server's, whose goroutines are of this process here:
	// each has a buffer of 4 KiB, a connection and a stack.
	const server = 4096 + 2048 + 1024
	if per := (int(after)-int(before))/users - server; per > most {
		t.Errorf("a user costs %d bytes, want at most %d", per, most)
	} else {
		t.Logf("a user costs %d bytes", per)
	}
	close(quit)
	wg.Wait()
}

// inUse is the memory of the heap and of the stacks.
func inUse() uint64 {
	for range 4 { // stacks shrink by half at each collection
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
