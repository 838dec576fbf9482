package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tload/behaviours"
	"tload/behaviours/requests"
	"tload/cli/build"
	"tload/swarm"
	"tload/swarm/crew"
	"tload/swarm/link"
)

// job is what a master tells its workers, so that each makes users as the master
// would: the flags that concern users, in one form, and what they name.
type job struct {
	Args  []string // as on a command line
	Names []string // of the behaviours that are to be in the worker's own program; nil for none
	RunID string
}

// concernUsers are the flags that travel to workers as they were given. Those that
// a start form may change, or that name files, are not among them.
var concernUsers = []string{
	"exclude-behaviours", "env", "tags", "exclude-tags", "max-wait", "timeout", "connect-timeout", "insecure", "http2", "http3", "header", "proxy", "resolve",
	"no-follow", "no-keepalive", "redact", "no-redact",
}

// forWorkers is the job that these settings are, and the files that go with it.
func (s *settings) forWorkers(own []behaviours.Behaviour, inside bool) (job, map[string][]byte, error) {
	j := job{}
	for _, name := range concernUsers {
		f := s.flags.Lookup(name)
		if !f.Changed {
			continue
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range list.GetSlice() {
				j.Args = append(j.Args, "--"+name+"="+v)
			}
			continue
		}
		j.Args = append(j.Args, "--"+name+"="+f.Value.String())
	}
	j.Args = append(j.Args,
		"--host="+s.host, "--seed="+strconv.FormatUint(s.seed, 10), "--stop-timeout="+s.stopTimeout.String(),
		"--capture="+s.capture.String(), "--capture-body="+s.body.String())
	j.Args = append(j.Args, ownArgs(s.flags)...)
	for _, name := range s.only {
		j.Args = append(j.Args, "--behaviours="+name)
	}
	files := map[string][]byte{}
	for flag, path := range map[string]string{"cacert": s.caFile, "cert": s.certFile, "key": s.keyFile} {
		if path == "" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return j, nil, misuse{fmt.Errorf("--%s: %w", flag, err)}
		}
		files[flag+".pem"] = b
		j.Args = append(j.Args, "--"+flag+"="+flag+".pem")
	}
	switch {
	case len(s.args) > 0:
		j.Args = append(append(j.Args, "--"), s.args...)
	case s.file == "-":
		return j, nil, misuse{errors.New("-f -: what comes on standard input does not travel to workers; save it in a file and name that")}
	case s.file != "":
		if err := pack(s.file, files); err != nil {
			return j, nil, misuse{err}
		}
		j.Args = append(j.Args, "--file="+filepath.Base(s.file))
	case inside:
		for _, b := range own {
			j.Names = append(j.Names, b.Name)
		}
	}
	slices.Sort(j.Names)
	return j, files, nil
}

// include finds the files that a .http file has as bodies.
var include = regexp.MustCompile(`(?m)^<@?\S*[ \t]+(\S.*?)[ \t]*$`)

// pack puts a file of requests, and what it includes, with those that travel.
func pack(path string, files map[string][]byte) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	files[filepath.Base(path)] = text
	names := append([]string{".env"}, requests.EnvFiles...)
	for _, m := range include.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		switch {
		case err != nil:
			continue // of the words of a body, or said by whoever reads it
		case !filepath.IsLocal(name):
			return fmt.Errorf("%s includes %s: a file beside it or below is expected, so that it can travel to workers", path, name)
		}
		files[name] = b
	}
	return nil
}

// lead makes the session's controller one of workers, and opens the port for them.
func (x *session) lead(plan swarm.Plan, own []behaviours.Behaviour, inside bool) error {
	s := x.settings
	id, err := identity()
	if err != nil {
		return err
	}
	j, files, err := s.forWorkers(own, inside)
	if err != nil {
		return err
	}
	j.RunID = plan.RunID
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if x.ctl, err = swarm.New(plan); err != nil {
		return misuse{err}
	}
	ours, err := hello()
	if err != nil {
		return err
	}
	program, err := ownProgram(ours)
	if err != nil {
		return err
	}
	o := link.MasterOptions{
		Program: program,
		Host:    s.masterBind, Port: int(s.masterPort), Identity: id, Job: b, Files: files, Log: x.log,
		Admit:  func(h link.Hello) string { return admit(ours, h) },
		Joined: func(r *link.Remote) { x.ctl.Join(r, r.ID(), r.Name()) },
	}
	if limit := raiseFileLimit(); limit > 0 && s.nats == "" {
		o.MaxWorkers = max(limit-masterSpare, 1)
	}
	if s.nats != "" {
		o.Broker = s.broker()
	} else if x.journal != nil {
		o.Store, o.Kept = filepath.Join(x.dir, "told"), x.journal.Synced
	}
	if plan.Past != nil {
		o.Told, o.Began = plan.Past.Told, plan.Past.Started
	}
	if x.master, err = link.Listen(o); err != nil {
		return err
	}
	if err := x.note(own); err != nil {
		x.log.Error("if this master is killed, its run cannot be gone on with", "error", err)
	}
	if s.nats != "" {
		x.invite = fmt.Sprintf("tload --worker --nats=%s --token=%s", o.Broker.Shown, id.Token)
		x.ctl.Invite(x.invite)
		return nil
	}
	host := s.masterBind
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = ownAddress()
	}
	x.invite = fmt.Sprintf("tload --worker --master-host=%s --token=%s", net.JoinHostPort(host, strconv.Itoa(x.master.Port())), id.Token)
	x.ctl.Invite(x.invite)
	return nil
}

// broker is the NATS server of these settings.
func (s *settings) broker() link.Broker {
	var shown []string
	for _, u := range strings.Split(s.nats, ",") {
		shown = append(shown, s.masker.URL(strings.TrimSpace(u)))
	}
	return link.Broker{URL: s.nats, Creds: s.natsCreds, Shown: strings.Join(shown, ",")}
}

// ownAddress is one under which other machines may reach this one.
func ownAddress() string {
	list, _ := net.InterfaceAddrs()
	best := "127.0.0.1"
	for _, a := range list {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		if n.IP.To4() != nil {
			return n.IP.String()
		}
		if best == "127.0.0.1" {
			best = n.IP.String()
		}
	}
	return best
}

// admit says why a worker may not join a master, and what to do about it.
func admit(master, worker link.Hello) string {
	exe, _ := os.Executable()
	switch {
	case worker.Version != master.Version:
		return fmt.Sprintf("it is tload %s and the master %s: scp %s %s:%s, or start it with --accept-binary", worker.Version, master.Version, exe, worker.Host, filepath.Base(exe))
	case worker.System == master.System && worker.Build != master.Build:
		return fmt.Sprintf("its program is another build than the master's, so its users might do something else: scp %s %s:%s, or start it with --accept-binary", exe, worker.Host, filepath.Base(exe))
	}
	return ""
}

// ownProgram is this process's executable, which stays open: another one may take its
// place on the disk.
func ownProgram(us link.Hello) (*link.Program, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(exe)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &link.Program{System: us.System, File: link.File{Name: "program", Size: info.Size(), SHA256: us.Build}, Bytes: f}, nil
}

// becomeMasters is this process as the master's program, with the same arguments.
func (p *program) becomeMasters(b []byte) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	path := filepath.Join(cache, "tload", "master-"+hex.EncodeToString(sum[:8]), "tload")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// By a name of its own: another worker of this machine may be at it too.
	f, err := os.CreateTemp(filepath.Dir(path), ".tload-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Chmod(0o700), f.Close()); err != nil {
		os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		os.Remove(f.Name())
		return err
	}
	return build.Become(path, p.args)
}

// hello is how this process introduces itself.
func hello() (link.Hello, error) {
	h := link.Hello{Version: Version, System: runtime.GOOS + "/" + runtime.GOARCH, PID: os.Getpid(), Cores: runtime.GOMAXPROCS(0)}
	h.Host, _ = os.Hostname()
	exe, err := os.Executable()
	if err != nil {
		return h, err
	}
	f, err := os.Open(exe)
	if err != nil {
		return h, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return h, err
	}
	h.Build = hex.EncodeToString(sum.Sum(nil))
	return h, nil
}

// identity is this user's, as a master.
func identity() (*link.Identity, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	return link.LoadIdentity(dir)
}

// stateDir is where a master keeps who it is.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tload"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for the master's certificate: %w (set XDG_STATE_HOME)", err)
	}
	return filepath.Join(home, ".local", "state", "tload"), nil
}

// awaitWorkers gives up a run for which too few workers have come in time.
func (x *session) awaitWorkers() {
	s := x.settings
	if x.master == nil || s.expectWait == 0 {
		return
	}
	timer := time.NewTimer(time.Duration(s.expectWait))
	defer timer.Stop()
	select {
	case <-timer.C:
		if n := len(x.ctl.Snapshot().Nodes); x.ctl.Snapshot().State == swarm.Ready && n < int(s.expectWorkers) {
			x.noWorkers = fmt.Errorf("%d of %d workers came within %v: start them with the line above, or wait longer with --expect-workers-max-wait", n, s.expectWorkers, time.Duration(s.expectWait))
			x.ctl.Stop("workers")
		}
	case <-x.done:
	}
}

// token prints the token with which workers join this user's masters, or gives them
// another one.
func (p *program) token(_ context.Context, args []string) int {
	var id *link.Identity
	var err error
	switch {
	case len(args) == 0:
		id, err = identity()
	case len(args) == 1 && args[0] == "rotate":
		var dir string
		if dir, err = stateDir(); err == nil {
			id, err = link.Rotate(dir)
		}
	default:
		return p.complain(exitMisuse, errors.New("token: nothing, or rotate, is expected"))
	}
	if err != nil {
		return p.complain(exitBroken, err)
	}
	fmt.Fprintln(p.stdout, id.Token)
	if len(args) > 0 {
		fmt.Fprintln(p.stderr, "tload: a master that runs keeps its token until it ends; workers need this one from the next start on")
	}
	return exitOK
}

// work is this process as a worker: it makes users for a master elsewhere.
func (p *program) work(ctx context.Context, s *settings) int {
	o, err := p.workerOptions(s)
	if err != nil {
		return p.complain(codeOf(err), err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := listen(endingSignals...)
	defer e.close()
	ended := make(chan error, 1)
	go func() { ended <- link.Work(ctx, o) }()
	for {
		select {
		case err := <-ended:
			switch {
			case errors.Is(err, link.ErrAnotherRun) && e.times == 0:
				p.complain(0, fmt.Errorf("%w; joining the new one", err))
				go func() { ended <- link.Work(ctx, o) }()
				continue
			case e.times > 0 && (err == nil || errors.Is(err, context.Canceled)):
				return e.code
			case err != nil:
				return p.complain(exitBroken, err)
			}
			fmt.Fprintln(p.stdout, "the run is over")
			return exitOK
		case sig := <-e.heard:
			if !e.stop(nil, sig) {
				return p.complain(e.code, errLeftAtOnce)
			}
			cancel()
		}
	}
}

// workerOptions are those of a worker with these settings.
func (p *program) workerOptions(s *settings) (o link.WorkerOptions, err error) {
	text := s.token
	if s.tokenFile != "" {
		b, err := os.ReadFile(s.tokenFile)
		if err != nil {
			return o, misuse{fmt.Errorf("--token-file: %w", err)}
		}
		text = string(b)
	}
	if text == "" {
		return o, misuse{errors.New("a worker needs the master's token: copy the line that the master prints, or give --token, --token-file or TLOAD_TOKEN")}
	}
	if o.Token, err = link.ParseToken(text); err != nil {
		return o, misuse{err}
	}
	switch {
	case s.nats != "":
		o.Broker = s.broker()
	case s.masterHost == "":
		return o, misuse{errors.New("a worker needs its master: --master-host=ADDRESS, as in the line that the master prints")}
	default:
		o.Address = s.masterHost
		if _, _, err := net.SplitHostPort(o.Address); err != nil {
			o.Address = net.JoinHostPort(strings.Trim(o.Address, "[]"), strconv.Itoa(int(s.masterPort)))
		}
	}
	if o.Hello, err = hello(); err != nil {
		return o, err
	}
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.Log = log
	said := ""
	o.Say = func(what string) {
		if what != said {
			said = what
			fmt.Fprintln(p.stdout, "tload worker:", p.masker.Text(what))
		}
	}
	if s.acceptBinary {
		o.Accept = p.becomeMasters
	}
	o.Make = func(b link.Brief) (swarm.Node, error) {
		b.Logs = slog.NewMultiHandler(log.Handler(), b.Logs)
		return p.employ(b, s.bind)
	}
	return o, nil
}

// employ makes the node that a master's job asks for. What it needs besides the
// crew ends with the process.
func (p *program) employ(b link.Brief, bind []string) (swarm.Node, error) {
	var j job
	if err := json.Unmarshal(b.Job, &j); err != nil {
		return nil, fmt.Errorf("the master's job is not understood: %w", err)
	}
	dir, err := unpack(b.Files)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	// What the environment and a file say here is not what the master runs with.
	s := &settings{}
	s.flags = s.define()
	if err := errors.Join(defineOwn(s.flags), s.flags.Parse(j.Args)); err != nil {
		return nil, fmt.Errorf("the master's job: %w", err)
	}
	s.args, s.bind = s.flags.Args(), bind
	p.mask(s)
	for _, path := range []*string{&s.caFile, &s.certFile, &s.keyFile, &s.file} {
		if *path != "" {
			*path = filepath.Join(dir, *path)
		}
	}
	var own []behaviours.Behaviour
	switch {
	case len(j.Names) > 0:
		own, s.inside = p.behaviours, true
		var names []string
		for _, b := range own {
			names = append(names, b.Name)
		}
		if slices.Sort(names); !slices.Equal(names, j.Names) {
			return nil, fmt.Errorf("the master's users are %s and this program has %s: start the master's own program as the worker", strings.Join(j.Names, ", "), cmpOr(strings.Join(names, ", "), "none"))
		}
	case s.file != "":
		if own, err = one(s.reader().File(s.file)); err != nil {
			return nil, err
		}
	}
	list, err := s.target(own)
	if err == nil {
		list, err = s.choose(list)
	}
	if err != nil {
		return nil, err
	}
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	transport, err := behaviours.NewTransport(options)
	if err != nil {
		return nil, err
	}
	log := slog.New(maskedLog{b.Logs, s.masker})
	bound, err := behaviours.Bind(&behaviours.Shared{Transport: transport, Filter: s.filter(), Log: log, Numbers: b.Numbers}, list)
	if err != nil {
		return nil, err
	}
	raiseFileLimit()
	return crew.New(crew.Job{
		Behaviours: bound, Seed: s.seed, MaxWait: time.Duration(s.maxWait), Grace: time.Duration(s.stopTimeout), Samples: int(s.capture),
		Sources: transport.Sources, Log: log, Requests: p.whole.OnRequest,
	})
}

func cmpOr(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// unpack puts a job's files into a directory of their own.
func unpack(files map[string][]byte) (string, error) {
	dir, err := os.MkdirTemp("", "tload-job-")
	if err != nil {
		return "", err
	}
	for name, b := range files {
		if !filepath.IsLocal(name) {
			err = fmt.Errorf("the master sends a file %q, which would lie elsewhere", name)
		} else if err = os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			os.RemoveAll(dir)
			return "", err
		}
	}
	return dir, nil
}
