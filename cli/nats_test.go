//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// TestMeetAtANATSServer has a master and workers meet at a server that asks for a
// password, which nobody sees.
func TestMeetAtANATSServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, Username: "foo", Password: "hidden-word"})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	url := strings.Replace(s.ClientURL(), "nats://", "nats://foo:hidden-word@", 1)
	m := f.run("--host="+f.target.URL, "/", "--master", "--nats="+url, "--headless", "--json", "summary.json", "-u", "6", "-r", "100", "-t", "3s", "--expect-workers", "2")
	workers := []*process{f.run("--worker", "--nats="+url, "--token="+f.token), f.run("--worker", "--nats="+url, "--token="+f.token)}
	said := m.wait(30 * time.Second)
	for _, w := range workers {
		said += w.wait(20 * time.Second)
	}
	f.whole()
	if !strings.Contains(said, "tload --worker --nats=nats://foo:***@") {
		t.Errorf("the line for workers is not there:\n%s", said)
	}
	filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, _ := os.ReadFile(path)
			said += string(b)
		}
		return nil
	})
	if strings.Contains(said, "hidden-word") {
		t.Error("the password is said, or written")
	}
	for _, args := range [][]string{
		{"--worker", "--nats=" + url, "--master-host=x", "--token=" + f.token},
		{"--host=x", "--master", "--nats=" + url, "--master-port=1"},
		{"--host=x", "--master", "--worker"},
		{"--host=x", "--master", "--nats=" + url, "--resume=yes"},
	} {
		if said := f.run(args...).fails(exitMisuse); strings.Contains(said, "hidden-word") {
			t.Errorf("the password is said:\n%s", said)
		}
	}
	said = f.run("--host="+f.target.URL, "--master", "--headless", "--nats="+strings.Replace(url, "hidden", "wrong", 1)).fails(exitBroken)
	if !strings.Contains(said, "--nats-creds") || strings.Contains(said, "wrong-word") {
		t.Error(said)
	}
}

// TestFlagsOfMastersAndWorkers holds that none is ignored in silence.
func TestFlagsOfMastersAndWorkers(t *testing.T) {
	f := newFleet(t)
	worker := []string{"--worker", "--master-host=127.0.0.1:" + f.port, "--token=" + f.token}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{append(worker, "-u", "5"), "--users means nothing to tload --worker"},
		{append(worker, "--header=A: b"), "--header means nothing"},
		{append(worker, "/foo"), "a worker does what its master says"},
		{append(worker, "--expect-workers=2"), "--expect-workers means nothing"},
		{[]string{"--worker", "--token=" + f.token}, "--master-host"},
		{[]string{"--worker", "--master-host=x"}, "needs the master's token"},
		{[]string{"--worker", "--master-host=x", "--token=TL1-abc"}, "no token"},
		{[]string{"--host=x", "--expect-workers=2"}, "--expect-workers goes with --master"},
		{[]string{"--host=x", "--resume=yes"}, "--resume goes with --master"},
		{[]string{"--host=x", "--token=" + f.token}, "--token goes with --worker"},
		{[]string{"--host=x", "--nats=nats://x"}, "--nats goes with --master or --worker"},
		{[]string{"--host=x", "--master", "--accept-binary"}, "--accept-binary goes with --worker"},
		{[]string{"--host=x", "--master", "--bind=127.0.0.1"}, "of the worker's machine"},
		{[]string{"demo", "--master"}, "on this machine alone"},
	} {
		if said := f.run(tt.args...).fails(exitMisuse); !strings.Contains(said, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.args, said, tt.want)
		}
	}
}
