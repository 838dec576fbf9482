package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tload/cli/control"
	"tload/cli/sshd"
	"tload/stats"
	"tload/swarm"
	"tload/tui"
)

// serve lets people with a key open the screens of a run by nothing but ssh.
func (p *program) serve(ctx context.Context, args []string) int {
	s, code, ok := p.settingsOf(args, "serve", masking, []string{"ssh", "authorized-keys", "host-key", "config", "help", "theme"})
	if !ok {
		return code
	}
	switch {
	case s.ssh == "":
		return p.complain(exitMisuse, errors.New("serve needs a port to listen on: tload serve --ssh :2222 --authorized-keys ~/.ssh/authorized_keys"))
	case s.authorizedKeys == "":
		return p.complain(exitMisuse, errors.New("--ssh without --authorized-keys FILE would let nobody in, or everybody: name the file of the keys that may look and drive (read-only before a key: look)"))
	case len(s.args) > 1:
		return p.complain(exitMisuse, errors.New("serve needs one run, or none where only one goes on"))
	}
	r, err := pick(ctx, s.args)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	if s.hostKey == "" {
		dir, err := stateDir()
		if err != nil {
			return p.complain(exitBroken, err)
		}
		s.hostKey = filepath.Join(dir, "ssh_host_ed25519")
	}
	politely()
	f, err := follow(r)
	if err != nil {
		return p.complain(exitBroken, err)
	}
	defer f.end()
	said := slog.New(slog.NewTextHandler(p.stderr, nil))
	server, err := sshd.New(sshd.Options{Keys: s.authorizedKeys, HostKey: s.hostKey, Log: said, Visit: func(ctx context.Context, v *sshd.Session) int {
		return p.visit(ctx, s, f, v)
	}})
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	l, err := net.Listen("tcp", s.ssh)
	if err != nil {
		return p.complain(exitMisuse, fmt.Errorf("--ssh: %w; an address such as :2222 or 127.0.0.1:2222 is expected, which nobody else uses", err))
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	fmt.Fprintf(p.stdout, "tload: %s is open to who has a key in %s\n  ssh -p %s %s   opens its screens; ssh -p %s %s status says how it stands\n  the key of this host is %s; ctrl+c ends it, the run goes on\n",
		stats.Clean(r.status.Run), s.authorizedKeys, port, hostHere(l), port, hostHere(l), server.Fingerprint())
	server.Serve(l)
	e := listen(endingSignals...)
	defer e.close()
	over := f.done
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-e.heard:
			server.Close()
			return exitOK
		case <-over:
			over = nil
			fmt.Fprintln(p.stdout, "tload: the run is over; who is here may stay")
		case <-look.C:
			if over == nil && server.Here() == 0 {
				server.Close()
				return exitOK
			}
		}
	}
}

// hostHere is what others may call this machine.
func hostHere(l net.Listener) string {
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsUnspecified() {
		return a.IP.String()
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "HOST"
}

// visit is one visitor: the screens, or a command.
func (p *program) visit(ctx context.Context, s *settings, f *followed, v *sshd.Session) int {
	at := &seat{followed: f, who: stats.Clean(v.Who), readOnly: v.ReadOnly}
	if len(v.Args) > 0 {
		return f.command(ctx, at, v)
	}
	if !v.Terminal {
		fmt.Fprintln(v.Err, "tload: the screens need a terminal: ssh -t; status, users N and stop do not")
		return exitMisuse
	}
	sizes := make(chan tui.Size, 1)
	go func() {
		for {
			select {
			case x := <-v.Resized:
				select {
				case sizes <- tui.Size{Width: x.Width, Height: x.Height}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	visitor := *p
	visitor.env = v.Env
	o := f.options(&stage{p: &visitor, settings: s, logs: f.logs}, at)
	o.Input, o.Output, o.Env, o.Width, o.Height, o.Resized = v.In, v.Out, v.Env, v.Width, v.Height, sizes
	// Files of this machine are not the visitor's, nor are requests in its name.
	o.Export, o.Send, o.Formats, o.Dir = nil, nil, nil, os.DevNull
	outcome, err := tui.Run(ctx, o)
	if err != nil {
		f.log.Error("a visitor's screen has failed", "who", at.who, "error", err)
		return exitBroken
	}
	if outcome == tui.Quit && f.snapshot.Load().State < swarm.Stopped {
		fmt.Fprintf(v.Out, "the run goes on\r\n")
	}
	return exitOK
}

// command is what is asked for by a line: ssh box status --json.
func (f *followed) command(ctx context.Context, at *seat, v *sshd.Session) int {
	say := func(code int, format string, args ...any) int {
		fmt.Fprintf(v.Err, "tload: "+format+"\n", args...)
		return code
	}
	status := func() int {
		x, err := f.client.Status(ctx)
		switch {
		case err != nil:
			return say(exitBroken, "%v", err)
		case len(v.Args) > 0 && v.Args[len(v.Args)-1] == "--json":
			stats.WriteJSON(v.Out, x)
		default:
			x.Attach = ""
			sayStatus(v.Out, &x)
		}
		return exitOK
	}
	steer := func(c control.Command) int {
		if at.readOnly {
			return say(exitMisuse, "this key only looks on")
		}
		c.Who = at.who
		if err := f.client.Steer(ctx, c); err != nil {
			return say(exitBroken, "%v", err)
		}
		if c.Do == control.Stop {
			fmt.Fprintln(v.Out, "the run stops")
			return exitOK
		}
		time.Sleep(followEvery) // until it has begun to follow
		return status()
	}
	switch what := v.Args[0]; what {
	case "status":
		return status()
	case "stop":
		return steer(control.Command{Do: control.Stop})
	case "users":
		if len(v.Args) < 2 {
			return say(exitMisuse, "how many users? users 100, or +50 or -50")
		}
		n, err := strconv.Atoi(v.Args[1])
		if err != nil {
			return say(exitMisuse, "%q is no number of users", stats.Clean(v.Args[1]))
		}
		return steer(control.Command{Do: control.Users, Number: float64(n), More: strings.HasPrefix(v.Args[1], "+") || strings.HasPrefix(v.Args[1], "-")})
	default:
		return say(exitMisuse, "%s is not known here: status [--json], users N, stop, or nothing for the screens", stats.Clean(what))
	}
}
