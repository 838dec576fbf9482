package client

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"tload/stats"
)

// TestPortsRunOut has a network of its own with ten local ports.
func TestPortsRunOut(t *testing.T) {
	runtime.LockOSThread() // for good: the thread stays in that network
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Skip("no network of its own: ", err)
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("no loopback in it: %v %s", err, out)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 40009"), 0); err != nil {
		t.Skip("its ports stay as they are: ", err)
	}
	const clear = "no local port left (net.ipv4.ip_local_port_range is 40000 40009): --bind ADDR,ADDR adds source addresses"
	for _, tt := range []struct {
		name, to string
		bind     []netip.Addr
		ports    int // that there are
		from     string
	}{
		{"loopback takes further addresses", "127.0.0.1:39000", nil, 25, "127.0.0.1 127.0.0.2 127.0.0.3"},
		{"--bind has its own", "127.0.0.1:39001", []netip.Addr{netip.MustParseAddr("127.0.0.8"), netip.MustParseAddr("127.0.0.9")}, 20, "127.0.0.8 127.0.0.9"},
		{"IPv6 has one address", "[::1]:39002", nil, 10, "::1"},
	} {
		l, err := net.Listen("tcp", tt.to)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, _ := newClient(t, Options{Host: "http://" + tt.to, Bind: tt.bind})
		from := map[string]bool{}
		for i := range tt.ports {
			nc, _, err := c.t.connect(t.Context(), c.t.base)
			if err != nil {
				t.Fatalf("%s: connection %d: %v", tt.name, i+1, err)
			}
			defer nc.Close()
			from[nc.LocalAddr().(*net.TCPAddr).IP.String()] = true
		}
		for _, want := range strings.Fields(tt.from) {
			if !from[want] {
				t.Errorf("%s: from %v, want %s among them", tt.name, from, want)
			}
		}
		if tt.bind == nil && tt.ports > 10 {
			continue // there are more
		}
		if _, _, err := c.t.connect(t.Context(), c.t.base); err == nil || err.Kind != stats.Connect || !strings.Contains(err.Text, clear) {
			t.Errorf("%s: one more: got %v", tt.name, err)
		}
	}
	c, _ := newClient(t, Options{HTTP3: true})
	for i := range 10 {
		udp, err := c.t.listenUDP(netip.MustParseAddr("127.0.0.1"))
		if err != nil {
			t.Fatalf("socket %d: %v", i+1, err)
		}
		defer udp.Close()
	}
	_, err := c.t.listenUDP(netip.MustParseAddr("127.0.0.1"))
	if got := c.t.connectError(t.Context(), "127.0.0.1:443", err); !strings.Contains(got.Text, clear) {
		t.Errorf("one socket more: got %v", got)
	}
}
