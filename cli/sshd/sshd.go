// Package sshd lets people with a key in over ssh, to screens and commands that are handed to
// it, and to nothing else: no shell, no files, no forwarding.
//
// It stands on charm.land/ssh, which wish is made of too. Of wish itself only lines would be
// used that are written here as quickly (who has a key, the key of the host, what is done
// without a terminal), and it asks for a newer Go than tload does.
package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// ReadOnly is the option before a key in the file of keys whose owner may look, and change
// nothing: read-only ssh-ed25519 AAAA… ann
const ReadOnly = "read-only"

// Session is one visitor.
type Session struct {
	Who      string // the comment of the key, or the name that was logged in with
	ReadOnly bool
	Args     []string // what was asked for; none for the screens
	In       io.Reader
	Out, Err io.Writer

	// Of the terminal, if there is one.
	Terminal      bool
	Env           []string
	Width, Height int
	Resized       <-chan Size
}

// Size is a terminal's, in cells.
type Size struct{ Width, Height int }

// Options are what a Server does.
type Options struct {
	Keys     string        // file of keys, as sshd reads them; read again for each visitor
	HostKey  string        // file of the host's key; made if it is not there
	Most     int           // sessions at once; 0 is 100
	Patience time.Duration // with a visitor who takes nothing of what is sent; 0 is 15 s
	Log      *slog.Logger

	// Visit is called for each visitor on a goroutine of its own, until whose end the session
	// lasts. ctx ends when the visitor has gone. It returns the exit code. A panic of it is
	// logged, and ends that session alone.
	Visit func(ctx context.Context, s *Session) int
}

// Server lets visitors in until Close.
type Server struct {
	ssh   *ssh.Server
	o     Options
	here  atomic.Int64
	ended chan struct{}
	err   error
	conns sync.WaitGroup
}

// New checks the files and makes a server, which Serve starts. Without a file that has keys
// in it there is none: nobody could come in, or everybody.
func New(o Options) (*Server, error) {
	if o.Keys == "" {
		return nil, errors.New("who may come in? A file of keys is expected, as in ~/.ssh/authorized_keys")
	}
	list, err := readKeys(o.Keys)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no keys in it: nobody could come in", o.Keys)
	}
	host, err := hostKey(o.HostKey)
	if err != nil {
		return nil, err
	}
	if o.Most <= 0 {
		o.Most = 100
	}
	if o.Patience <= 0 {
		o.Patience = 15 * time.Second
	}
	s := &Server{o: o, ended: make(chan struct{})}
	s.ssh = &ssh.Server{
		HostSigners: []ssh.Signer{host}, Handler: s.visit, HandshakeTimeout: 10 * time.Second, Version: "tload",
		PublicKeyHandler:       s.known,
		SubsystemHandlers:      map[string]ssh.SubsystemHandler{},
		RequestHandlers:        map[string]ssh.RequestHandler{},
		ChannelHandlers:        map[string]ssh.ChannelHandler{"session": ssh.DefaultSessionHandler},
		SessionRequestCallback: func(_ ssh.Session, kind string) bool { return kind == "shell" || kind == "exec" },
		ServerConfigCallback:   func(ssh.Context) *gossh.ServerConfig { return &gossh.ServerConfig{MaxAuthTries: 6} },
	}
	return s, nil
}

// Fingerprint is that of the host's key, as ssh asks about it.
func (s *Server) Fingerprint() string {
	return gossh.FingerprintSHA256(s.ssh.HostSigners[0].PublicKey())
}

// Serve lets visitors in that come to l, and returns at once.
func (s *Server) Serve(l net.Listener) {
	go func() {
		defer close(s.ended)
		if err := s.ssh.Serve(l); !errors.Is(err, ssh.ErrServerClosed) {
			s.err = err
		}
	}()
}

// Here is how many visitors there are.
func (s *Server) Here() int { return int(s.here.Load()) }

// Close ends all sessions.
func (s *Server) Close() error {
	s.ssh.Close()
	<-s.ended
	s.conns.Wait()
	return s.err
}

// key is one of those that open the door.
type key struct {
	public   gossh.PublicKey
	comment  string
	readOnly bool
}

// readKeys reads a file of keys. A line that is none is an error with its number: somebody
// would wonder why the door stays shut.
func readKeys(path string) (list []key, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		public, comment, options, _, err := gossh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: no key: %w", path, n, err)
		}
		k := key{public: public, comment: comment}
		for _, o := range options {
			if !strings.EqualFold(o, ReadOnly) {
				return nil, fmt.Errorf("%s, line %d: the option %s is not known here; %s is", path, n, o, ReadOnly)
			}
			k.readOnly = true
		}
		list = append(list, k)
	}
	return list, nil
}

type keyContext struct{}

// known says whether a key opens the door.
func (s *Server) known(ctx ssh.Context, shown ssh.PublicKey) bool {
	list, err := readKeys(s.o.Keys)
	if err != nil {
		s.o.Log.Error("the keys cannot be read: nobody comes in", "error", err)
		return false
	}
	i := slices.IndexFunc(list, func(k key) bool { return ssh.KeysEqual(k.public, shown) })
	if i < 0 {
		return false
	}
	ctx.SetValue(keyContext{}, list[i])
	return true
}

// visit is one session.
func (s *Server) visit(v ssh.Session) {
	s.conns.Add(1)
	defer s.conns.Done()
	k, ok := v.Context().Value(keyContext{}).(key)
	if !ok || !ssh.KeysEqual(k.public, v.PublicKey()) { // never: the door is shut without one
		v.Exit(1)
		return
	}
	if int(s.here.Add(1)) > s.o.Most {
		s.here.Add(-1)
		fmt.Fprintf(v.Stderr(), "tload: %d visitors are here already, and no more are let in\n", s.o.Most)
		v.Exit(1)
		return
	}
	defer s.here.Add(-1)
	ctx, cancel := context.WithCancel(v.Context())
	defer cancel()
	out := &patient{to: v, most: s.o.Patience, gone: func() {
		s.o.Log.Warn("a visitor takes nothing any more, and is cut off", "from", v.RemoteAddr())
		cancel()
		v.Close()
	}}
	one := &Session{Who: k.comment, ReadOnly: k.readOnly, Args: v.Command(), In: v, Out: out, Err: v.Stderr()}
	if one.Who == "" {
		one.Who = v.User()
	}
	if pty, resized, ok := v.Pty(); ok {
		one.Terminal, one.Width, one.Height = true, pty.Window.Width, pty.Window.Height
		one.Env = append(slices.DeleteFunc(slices.Clone(v.Environ()), func(e string) bool { return !harmless(e) }), "TERM="+pty.Term, "SSH_TTY=yes")
		sizes := make(chan Size, 1)
		one.Resized = sizes
		go func() {
			for {
				select {
				case w, ok := <-resized:
					if !ok {
						return
					}
					select {
					case <-sizes: // only the newest counts
					default:
					}
					sizes <- Size{w.Width, w.Height}
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	s.o.Log.Info("visitor", "who", one.Who, "from", v.RemoteAddr().String(), "read-only", one.ReadOnly, "asks", strings.Join(one.Args, " "))
	code := s.guarded(ctx, one)
	s.o.Log.Info("visitor has left", "who", one.Who, "from", v.RemoteAddr().String())
	v.Exit(code)
}

// guarded is Visit, whose panic is this session's own.
func (s *Server) guarded(ctx context.Context, one *Session) (code int) {
	defer func() {
		if r := recover(); r != nil {
			s.o.Log.Error("a session has failed", "who", one.Who, "panic", r, "stack", string(debug.Stack()))
			fmt.Fprintln(one.Err, "tload: this session has failed; the run goes on")
			code = 3
		}
	}()
	return s.o.Visit(ctx, one)
}

// harmless says that a variable of the visitor's is one that a screen asks for.
func harmless(entry string) bool {
	name, _, _ := strings.Cut(entry, "=")
	return name == "LANG" || name == "COLORTERM" || name == "NO_COLOR" || strings.HasPrefix(name, "LC_")
}

// patient is an output that is given up when it takes nothing for long.
type patient struct {
	to   io.Writer
	most time.Duration
	gone func()
}

// Write writes, or gives up.
func (p *patient) Write(b []byte) (int, error) {
	t := time.AfterFunc(p.most, p.gone)
	defer t.Stop()
	return p.to.Write(b)
}

// hostKey reads the host's key, and makes one where there is none.
func hostKey(path string) (gossh.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newHostKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the host's key: %w", err)
	}
	k, err := gossh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("the host's key in %s: %w", path, err)
	}
	return k, nil
}

func newHostKey(path string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := gossh.MarshalPrivateKey(private, "tload")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return text, os.WriteFile(path, text, 0o600)
}
