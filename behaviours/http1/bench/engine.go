//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tload/behaviours/client"
	"tload/stats"
)

// engineResult is what the engine's process prints.
type engineResult struct {
	Requests, Failures, Mallocs int64
	Error                       string
}

// engine is the client as a run has it: a goroutine per user, every sample
// recorded, and a controller that folds the samples four times a second.
func engine(args []string) {
	url := args[0]
	users, _ := strconv.Atoi(args[1])
	length, _ := time.ParseDuration(args[2])
	think, _ := time.ParseDuration(args[3])
	var limits stats.Limits
	if args[4] == "false" {
		limits.Memory = 1 // no exchange fits
	}
	host, path := url[:strings.LastIndex(url, "/")], "/"
	transport, err := client.NewTransport(client.Options{Host: host, Insecure: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	rec := stats.NewRecorder(limits)
	ledger := stats.NewLedger(0, 0)
	base, kill := context.WithCancel(context.Background())
	end := time.Now().Add(length)
	var stop atomic.Bool
	var wg sync.WaitGroup
	var mu sync.Mutex
	var result engineResult
	var pause time.Duration
	if think > 0 {
		pause = rampTime / time.Duration(users)
	}
	for i := range users {
		wg.Go(func() { user(base, transport, rec, i, path, &stop, think, &mu, &result) })
		if i%50 == 49 {
			time.Sleep(50 * pause)
		}
	}
	var before, after runtime.MemStats
	began := time.Now()
	var batch stats.Batch
	for tick := 1; time.Now().Before(end); tick++ {
		time.Sleep(250 * time.Millisecond)
		if tick == 2 {
			runtime.ReadMemStats(&before)
		}
		rec.Take(&batch)
		ledger.Fold(&batch, time.Since(began), stats.Users{})
		ledger.Snapshot()
		batch = stats.Batch{}
	}
	runtime.ReadMemStats(&after)
	stop.Store(true)
	wg.Wait()
	kill()
	rec.Take(&batch)
	ledger.Fold(&batch, time.Since(began), stats.Users{})
	snapshot := ledger.Snapshot()
	result.Requests, result.Failures = int64(snapshot.Total.Run.Requests), int64(snapshot.Total.Run.Failures)
	result.Mallocs = int64(after.Mallocs - before.Mallocs)
	json.NewEncoder(os.Stdout).Encode(result)
}

// user is one user's life.
func user(base context.Context, t *client.Transport, rec *stats.Recorder, id int, path string, stop *atomic.Bool, think time.Duration, mu *sync.Mutex, result *engineResult) {
	sink := rec.Sink()
	c := t.Client(client.Who{Sink: &sink, ID: id, Base: base})
	d := (*client.Driver)(c)
	defer d.Close()
	for !stop.Load() {
		if _, err := c.Get(base, path); err != nil && result.Error == "" {
			mu.Lock()
			result.Error = err.Error()
			mu.Unlock()
		}
		if think > 0 {
			d.Release()
			time.Sleep(think)
		}
	}
}

// tlsServer answers over TLS, with a certificate made for the day.
func tlsServer(args []string) {
	body, _ := strconv.Atoi(args[1])
	reply := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", body, strings.Repeat("x", body)))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	l, err := tls.Listen("tcp", "127.0.0.1:"+args[0], &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	check(err)
	for {
		nc, err := l.Accept()
		check(err)
		go answer(nc, reply)
	}
}

// answer sends the reply for every read: requests come in one piece each.
func answer(nc net.Conn, reply []byte) {
	defer nc.Close()
	b := make([]byte, 4096)
	for {
		n, err := nc.Read(b)
		if err != nil {
			return
		}
		if n < 4 || string(b[n-4:n]) != "\r\n\r\n" {
			continue
		}
		if _, err := nc.Write(reply); err != nil {
			return
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
