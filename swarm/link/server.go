package link

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// strangers is how many may be connected that are not workers, or not yet.
const strangers = 32

// listen starts the server that workers dial, and connects the master to it within
// the process. There may be some more connections than workers: of those who are told
// that they may not join.
func listen(host string, port int, id *Identity, workers int) (*server.Server, *nats.Conn, error) {
	if port == 0 {
		port = server.RANDOM_PORT
	}
	connections := 65536
	if workers > 0 {
		connections = min(connections, workers+strangers)
	}
	srv, err := server.NewServer(&server.Options{
		Host: host, Port: port, ServerName: "tload", NoSigs: true, NoLog: true, NoSystemAccount: true,
		TLS: true, TLSHandshakeFirst: true, TLSTimeout: 5, AuthTimeout: 5,
		TLSConfig:                  &tls.Config{Certificates: []tls.Certificate{id.cert}, MinVersion: tls.VersionTLS13},
		AlwaysEnableNonce:          true,
		CustomClientAuthentication: &door{token: id.Token, failed: map[string][]time.Time{}},
		MaxPayload:                 maxPayload, MaxPending: 4 * maxPayload, MaxControlLine: 1024, MaxSubs: 16, MaxConn: connections,
		WriteDeadline: 3 * time.Second, PingInterval: 3 * time.Second, MaxPingsOut: 2,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("the port for workers: %w", err)
	}
	// The server ends the process where it cannot listen, so that is tried first.
	if port != server.RANDOM_PORT {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return nil, nil, fmt.Errorf("the port for workers: %w; choose another one with --master-port", err)
		}
		l.Close()
	}
	srv.Start()
	if !srv.ReadyForConnections(5 * time.Second) {
		srv.Shutdown()
		return nil, nil, errors.New("the port for workers does not open: choose another one with --master-port")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.MaxReconnects(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		srv.Shutdown()
		return nil, nil, fmt.Errorf("the port for workers: %w", err)
	}
	return srv, nc, nil
}

// Broker is a NATS server of somebody else's, or a cluster, which carries what is said
// instead of the master's own port. It lets in who it likes, and whoever shares an
// account on it hears what is said there.
type Broker struct {
	URL   string // nats://user:password@host:4222, or tls://…; several with commas
	Creds string // a file of credentials; "" for none
	Shown string // the URL for messages
}

func (b Broker) options() (list []nats.Option) {
	if b.Creds != "" {
		list = append(list, nats.UserCredentials(b.Creds))
	}
	return list
}

// connect is a master's connection.
func (b Broker) connect(log func(error)) (*nats.Conn, error) {
	nc, err := nats.Connect(b.URL, append(b.options(), nats.Name("tload master"), nats.Timeout(5*time.Second), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log(err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log(fmt.Errorf("no connection to %s: %w", b.Shown, err))
			}
		}))...)
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return nil, fmt.Errorf("the NATS server at %s does not let this master in: %w; say who it is in the URL (nats://user:password@…) or with --nats-creds", b.Shown, err)
	case err != nil:
		return nil, fmt.Errorf("no NATS server at %s: %w; start one, or leave --nats out and the master opens a port of its own", b.Shown, err)
	}
	return nc, nil
}

// allowed says whether the server let nc subscribe to all that it has subscribed to.
func (b Broker) allowed(nc *nats.Conn, master string) error {
	if err := nc.FlushTimeout(5 * time.Second); err != nil {
		return fmt.Errorf("the NATS server at %s does not answer: %w", b.Shown, err)
	}
	if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return fmt.Errorf("the NATS server at %s does not allow what is needed: publish and subscribe on tl.%s.> and _INBOX*.>: %w", b.Shown, master, err)
	}
	return nil
}

// door lets in who knows the token and holds the key that it goes by. Whoever comes
// over the wire is a worker, and may speak of itself.
type door struct {
	token Token

	mu     sync.Mutex             // guards all below
	failed map[string][]time.Time // newest refusals, by address
}

// maxRefusals is how often one address is refused in a second before it is not
// even looked at.
const maxRefusals = 5

// Check implements server.Authentication.
func (d *door) Check(c server.ClientAuthentication) bool {
	addr := c.RemoteAddress()
	if addr == nil {
		return false // it has hung up already
	}
	// The master is who comes within the process: nobody can claim that.
	if c.Kind() == server.CLIENT && addr.Network() == "pipe" {
		c.RegisterUser(&server.User{Username: "master"})
		return true
	}
	from, _, err := net.SplitHostPort(addr.String())
	if err != nil || c.Kind() != server.CLIENT || c.GetTLSConnectionState() == nil || d.stormed(from) {
		return false
	}
	o := c.GetOpts()
	key, err := nkeys.FromPublicKey(o.Nkey)
	signature, wrong := base64.RawURLEncoding.DecodeString(o.Sig)
	if err != nil || wrong != nil || key.Verify(c.GetNonce(), signature) != nil || !d.token.admits(o.Token) {
		d.refuse(from)
		return false
	}
	worker := workerName(o.Nkey)
	s := subjectsOf(d.token.master(), worker)
	c.RegisterUser(&server.User{Username: worker, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{s.join(), s.file(), s.delta(), s.deal()}},
		Subscribe: &server.SubjectPermission{Allow: []string{s.cmd(), inbox(worker) + ".>"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: time.Minute},
	}})
	return true
}

func (d *door) stormed(from string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.failed[from]
	return len(list) == maxRefusals && time.Since(list[0]) < time.Second
}

func (d *door) refuse(from string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.failed) > 10_000 {
		clear(d.failed)
	}
	list := append(d.failed[from], time.Now())
	d.failed[from] = list[max(len(list)-maxRefusals, 0):]
}
