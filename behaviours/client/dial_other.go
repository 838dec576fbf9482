//go:build !linux

package client

import "syscall"

func controlBind(network, address string, raw syscall.RawConn) error { return nil }

func outOfPorts() string { return "no local port left: --bind ADDR,ADDR adds source addresses" }

func outOfFiles() string { return "too many open files (ulimit -n)" }
