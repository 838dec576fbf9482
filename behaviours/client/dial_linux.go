package client

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// controlBind lets the kernel choose the port when it connects and not when
// it binds: a port is then taken per destination and not for all of them.
func controlBind(network, address string, raw syscall.RawConn) error {
	const ipBindAddressNoPort = 24
	return raw.Control(func(fd uintptr) {
		// A kernel without it binds as ever.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
}

func outOfPorts() string {
	ports, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	limit := ""
	if err == nil {
		limit = " (net.ipv4.ip_local_port_range is " + strings.Join(strings.Fields(string(ports)), " ") + ")"
	}
	return "no local port left" + limit + ": --bind ADDR,ADDR adds source addresses"
}

func outOfFiles() string {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return "too many open files"
	}
	return fmt.Sprintf("too many open files: the limit is %d (ulimit -n)", r.Cur)
}
