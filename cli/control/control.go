// Package control lets other processes of a machine see how a run stands, and steer it.
//
//	s, err := control.Serve(dir, run)       in the process of the run
//	c, err := control.Dial(dir)             in another one
//	err = c.Steer(ctx, control.Command{Do: "users", Number: 50, Who: "ann"})
//
// A run has a Unix socket in a directory of its own that is its owner's alone, and a token in
// a file beside it, for its owner alone too. Whoever shows the token may steer; there is no
// port, on loopback neither, so that nothing is to be protected from other users of the
// machine but a file. That is why it is not the link of the workers: those need TLS, a broker
// and a certificate, which each run would have to start for a visitor who mostly never comes.
// The numbers of a run are not told here but read from its journal, which has all of them:
// so a run does not know how many look at it.
//
// What is said is HTTP with JSON, a request at a time.
package control

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tload/stats"
)

// Command is one thing that a run is told.
type Command struct {
	Do     string  `json:"do"`               // of Doings
	Number float64 `json:"number,omitempty"` // users, arrivals or users a second, a weight
	More   bool    `json:"more,omitempty"`   // the number is to be added to what is asked for
	On     bool    `json:"on,omitempty"`     // of pause
	Name   string  `json:"name,omitempty"`   // of a mark, a segment, a behaviour; why it is to stop
	Task   int     `json:"task,omitempty"`   // of a weight: the task's index; below 0 for the behaviour
	Who    string  `json:"who,omitempty"`    // for those who look
}

// The things that a run can be told.
const (
	Users  = "users"
	Rate   = "rate"
	Spawn  = "spawn-rate"
	Weight = "weight"
	Follow = "follow"
	Pause  = "pause"
	Stop   = "stop"
	Reset  = "reset"
	Mark   = "mark"
)

// Run is what is steered. Its methods return at once.
type Run interface {
	Steer(Command) error
	Status() Status
}

// Status is how a run stands. A number that does not apply is absent.
type Status struct {
	Run     string  `json:"run"`
	Dir     string  `json:"dir"`
	PID     int     `json:"pid"`
	Host    string  `json:"host"`
	State   string  `json:"state"`
	Elapsed float64 `json:"elapsed_s"`
	RunTime float64 `json:"run_time_s,omitempty"` // 0: until it is stopped

	Users    int     `json:"users"`
	Target   int     `json:"users_target"`
	Arrivals float64 `json:"arrivals_per_s,omitempty"`
	Backlog  int     `json:"arrivals_waiting,omitempty"`

	Requests uint64   `json:"requests"`
	Failures uint64   `json:"failures"`
	RPS      float64  `json:"rps"` // of the last ten seconds, as all below
	FailRate float64  `json:"failures_per_s"`
	P50      *float64 `json:"p50_ms,omitempty"` // of successes
	P95      *float64 `json:"p95_ms,omitempty"`
	P99      *float64 `json:"p99_ms,omitempty"`

	Generator string   `json:"generator"` // ok or suspect
	Reasons   []string `json:"reasons,omitempty"`
	Attach    string   `json:"attach"` // the line that opens its screens
}

// The files of a run that is to be steered.
const (
	socketName = "run.sock"
	tokenName  = "control.json"
)

// card is what is in the file beside the socket.
type card struct {
	Socket string `json:"socket"`
	Token  string `json:"token"`
}

const (
	longestRequest = 64 << 10
	longestWord    = 200
	patience       = 5 * time.Second
)

// Server offers a run until Close.
type Server struct {
	http  *http.Server
	token string
	run   Run
	card  string
	own   string // a directory that was made for the socket; "" for none
	ended chan struct{}
}

// Serve offers a run: its socket lies in room, a directory that is its owner's alone, and
// its token in the run's directory. Whoever was offered there before is gone.
func Serve(room, dir string, run Run) (*Server, error) {
	if err := os.MkdirAll(room, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(room, 0o700); err != nil {
		return nil, err
	}
	socket := filepath.Join(room, socketName)
	s := &Server{run: run, ended: make(chan struct{}), own: room}
	if len(socket) > 100 { // a socket's name has no room for more
		short, err := os.MkdirTemp("", "tload-")
		if err != nil {
			return nil, err
		}
		os.Remove(room)
		socket, s.own = filepath.Join(short, socketName), short
	}
	os.Remove(socket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		os.Remove(s.own)
		return nil, err
	}
	os.Chmod(socket, 0o600)
	secret := make([]byte, 32)
	rand.Read(secret)
	s.token = base64.RawURLEncoding.EncodeToString(secret)
	b, _ := json.Marshal(card{socket, s.token})
	s.card = filepath.Join(dir, tokenName)
	os.Remove(s.card)
	if err := os.WriteFile(s.card, append(b, '\n'), 0o600); err != nil {
		l.Close()
		os.RemoveAll(s.own)
		return nil, err
	}
	s.http = &http.Server{Handler: s, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(s.ended)
		s.http.Serve(l)
	}()
	return s, nil
}

// Close ends the offer. It waits for who is being answered, a second at most.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	<-s.ended
	os.Remove(s.card)
	os.RemoveAll(s.own)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	shown := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(shown), []byte(s.token)) != 1 {
		http.Error(w, "the token of this run is another one", http.StatusUnauthorized)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /status":
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s.run.Status())
	case "POST /steer":
		c, err := read(io.LimitReader(r.Body, longestRequest))
		if err == nil {
			err = s.run.Steer(c)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	default:
		http.NotFound(w, r)
	}
}

// read reads a command and says what is wrong with it.
func read(r io.Reader) (c Command, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("no command: %w", err)
	}
	if _, err := d.Token(); err != io.EOF || c.Do == "" {
		return c, errors.New("no command: one object is expected, with what is to be done")
	}
	if math.IsNaN(c.Number) || math.IsInf(c.Number, 0) || len(c.Name) > longestWord || len(c.Who) > longestWord {
		return c, errors.New("a number or a name in it is too long")
	}
	c.Name, c.Who = stats.Clean(c.Name), stats.Clean(c.Who)
	return c, nil
}

// Client steers a run. Its methods may be called by any goroutine.
type Client struct {
	http  http.Client
	token string
}

// ErrGone says that nobody offers the run any more, or never has.
var ErrGone = errors.New("the run does not go on, or it was started with --no-attach")

// Dial finds the run of that directory. It does not say whether it is there: Status does.
func Dial(dir string) (*Client, error) {
	b, err := os.ReadFile(filepath.Join(dir, tokenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("the run is somebody else's: %w", err)
	}
	var k card
	if err := json.Unmarshal(b, &k); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", filepath.Join(dir, tokenName), err)
	}
	c := &Client{token: k.Token}
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", k.Socket)
		},
		MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second,
	}
	return c, nil
}

// Close gives up the connection that is kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Steer tells the run something. The error is the run's, in words, or ErrGone.
func (c *Client) Steer(ctx context.Context, what Command) error {
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, "POST", "/steer", strings.NewReader(string(b)))
	return err
}

// Status asks how the run stands.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	b, err := c.ask(ctx, "GET", "/status", nil)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}

func (c *Client) ask(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://run"+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(r)
	if err != nil {
		if at, ok := errors.AsType[*net.OpError](err); ok && at.Op == "dial" {
			return nil, ErrGone
		}
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(b)))
	}
	return b, err
}
