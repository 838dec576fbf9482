//go:build unix

package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tload/stats"
)

// A run that may leave its terminal is a child of the process that the shell knows: the
// parent only waits, and when the child has left, or at once with --detach, it says so and
// ends, so that the terminal is free. What is done in between is the child's, which has the
// terminal's keys and signals for itself, as a job of a shell has.

// childEnv is set for the child, whose end of the line to its parent is file 3.
const childEnv = "_TLOAD_CHILD"

// leash is the child's end of the line to its parent. It breaks with either.
type leash struct {
	conn net.Conn
	file *os.File    // 3, for the program that this process may become
	free atomic.Bool // it has left: the parent may go
}

// left is what a child says that goes on without its terminal.
type left struct {
	Run string `json:"run"` // "" for one that cannot be attached to
	Dir string `json:"dir"`
	PID int    `json:"pid"`
}

// leashed is the line to the parent, if this process is such a child.
func leashed() *leash {
	if os.Getenv(childEnv) == "" {
		return nil
	}
	unix.CloseOnExec(3)
	f := os.NewFile(3, "parent")
	conn, err := net.FileConn(f)
	if err != nil {
		return nil
	}
	return &leash{conn: conn, file: f}
}

// keep leaves the line to the program that this process becomes.
func (l *leash) keep() {
	if l != nil {
		unix.FcntlInt(3, unix.F_SETFD, 0)
	}
}

// watch calls gone when the parent is.
func (l *leash) watch(gone func()) {
	go func() {
		if _, err := l.conn.Read(make([]byte, 1)); err != nil && !l.free.Load() {
			gone()
		}
	}()
}

// leave gives up the terminal: nothing of it is open any more, and its end is not heard.
// The parent says so and ends.
func (l *leash) leave(x left) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	for fd := range 3 {
		unix.Dup2(int(null.Fd()), fd)
	}
	null.Close()
	// Who leads a group of processes cannot begin a session: back to the parent's first.
	if group, err := unix.Getpgid(os.Getppid()); err == nil {
		unix.Setpgid(0, group)
	}
	unix.Setsid()
	b, err := json.Marshal(x)
	if err != nil {
		return err
	}
	l.free.Store(true)
	l.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, err = l.conn.Write(append(b, '\n'))
	l.conn.Close()
	return err
}

// inChild has a child of this process run the same command, with the terminal for itself
// or, to be detached, without one. ok is false where that cannot be done, and the command
// is to be run here.
func (p *program) inChild(detach bool) (code int, ok bool) {
	if !p.real || p.parent != nil {
		return 0, false
	}
	tty := int(p.stdin.Fd())
	if !detach { // a job in the background has no terminal to hand on
		if front, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP); err != nil || front != syscall.Getpgrp() {
			return 0, false
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return 0, false
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, false
	}
	unix.CloseOnExec(pair[0])
	unix.CloseOnExec(pair[1])
	ours, theirs := os.NewFile(uintptr(pair[0]), "child"), os.NewFile(uintptr(pair[1]), "parent")
	cmd := exec.Command(exe, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.ExtraFiles = []*os.File{theirs}
	if detach {
		cmd.Stdin = nil
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: tty}
	}
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1} {
		if !signal.Ignored(s) { // by nohup, and then by the child too
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTTIN)
	err = cmd.Start()
	theirs.Close()
	if err != nil { // such as a standard input that is another terminal than this session's
		ours.Close()
		return 0, false
	}
	pid := cmd.Process.Pid
	goes := make(chan left, 1)
	go func() {
		defer ours.Close()
		var x left
		if line, err := bufio.NewReader(ours).ReadBytes('\n'); err == nil && json.Unmarshal(line, &x) == nil {
			goes <- x
		}
	}()
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		for {
			var ws syscall.WaitStatus
			switch _, err := syscall.Wait4(pid, &ws, syscall.WUNTRACED, nil); {
			case err == syscall.EINTR:
			case err == nil && ws.Stopped(): // by ctrl+z, when its screen is gone: so is this process, for the shell
				syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
				unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, pid)
				syscall.Kill(-pid, syscall.SIGCONT)
			default:
				ended <- ws
				return
			}
		}
	}()
	back := func() {
		if !detach {
			unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, syscall.Getpgrp())
		}
	}
	for {
		select {
		case s := <-signals:
			cmd.Process.Signal(s)
		case x := <-goes:
			back()
			p.sayLeft(x)
			return exitOK, true
		case ws := <-ended:
			back()
			select {
			case x := <-goes: // a short run, which has ended meanwhile
				p.sayLeft(x)
				return exitOK, true
			default:
			}
			if ws.Signaled() {
				return 128 + int(ws.Signal()), true
			}
			return ws.ExitStatus(), true
		}
	}
}

// sayLeft says how to come back to a run that goes on without this terminal.
func (p *program) sayLeft(x left) {
	dir := stats.Clean(x.Dir)
	if x.Run == "" {
		fmt.Fprintf(p.stdout, "tload: the run goes on as process %d, which nobody can attach to: kill %d stops it\n", x.PID, x.PID)
	} else {
		name := stats.Clean(x.Run)
		fmt.Fprintf(p.stdout, "tload: the run goes on without this terminal\n  tload attach %s   opens its screens\n  tload stop %s     ends it\n", name, name)
	}
	if dir != "" {
		fmt.Fprintf(p.stdout, "  results will be in %s\n", dir)
	}
}
