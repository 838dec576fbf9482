package link_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tload/swarm"
	"tload/swarm/link"
)

// broker is a NATS server of somebody else's.
func broker(t *testing.T, change func(*server.Options)) (*server.Server, link.Broker) {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, MaxPayload: 32 << 10}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	return s, link.Broker{URL: s.ClientURL(), Shown: "nats://there"}
}

func withUser(b link.Broker, user string) link.Broker {
	b.URL = strings.Replace(b.URL, "nats://", "nats://"+user+"@", 1)
	return b
}

// TestARunOverABroker has a run whose master opens no port, over a server that takes
// little at a time.
func TestARunOverABroker(t *testing.T) {
	_, b := broker(t, nil)
	id, err := link.LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c, err := swarm.New(swarm.Plan{Behaviours: []*swarm.Behaviour{{Name: "a"}}, Users: 6, SpawnRate: 1e6, StopTimeout: time.Second, Expect: 3})
	if err != nil {
		t.Fatal(err)
	}
	o := link.MasterOptions{Identity: id, Broker: b, Job: []byte(`{}`), Joined: func(r *link.Remote) { c.Join(r, r.ID(), r.Name()) }}
	m, err := link.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Port() != 0 {
		t.Errorf("port %d is open", m.Port())
	}
	if _, err := link.Listen(o); err == nil || !strings.Contains(err.Error(), "another master") {
		t.Errorf("a second master: %v", err)
	}
	ran := make(chan error, 1)
	go func() { ran <- c.Run(context.Background()) }()
	ended := make(chan error, 3)
	for i := range 3 {
		w := crowded("", id.Token, uint64(i))
		w.Broker = b
		go func() { ended <- link.Work(context.Background(), w) }()
	}
	until(t, "all have told", func() bool { return c.Snapshot().Running == 6 && c.Snapshot().Total.Run.Requests > 3*simulatedRows*10 })

	// Who is let in by the server and does not know the token is no worker.
	other, err := link.LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text, stranger := id.Token.String(), other.Token.String()
	forged, err := link.ParseToken(text[:len(text)-20] + stranger[len(stranger)-20:]) // that master's name, another secret
	if err != nil {
		t.Fatal(err)
	}
	w := crowded("", forged, 9)
	w.Broker = b
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := link.Work(ctx, w); !errors.As(err, new(link.ErrRefused)) || !strings.Contains(err.Error(), "token") {
		t.Errorf("a worker with another secret: %v", err)
	}
	c.Stop("test")
	if err := one(t, "the end of the run", ran); err != nil {
		t.Error(err)
	}
	m.Close()
	for range 3 {
		if err := one(t, "a worker's end", ended); err != nil {
			t.Error(err)
		}
	}
}

func TestBrokersThatDoNotServe(t *testing.T) {
	id, err := link.LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, closed := broker(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "foo", Password: "bar"},
			{Username: "narrow", Password: "bar", Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Allow: []string{"news.>"}}}},
		}
	})
	for _, tt := range []struct {
		name, want string
		broker     link.Broker
	}{
		{"nobody there", "no NATS server at nats://there", link.Broker{URL: "nats://127.0.0.1:1", Shown: "nats://there"}},
		{"no URL", "no NATS server", link.Broker{URL: "http://[", Shown: "nats://there"}},
		{"who are you", "does not let this master in", closed},
		{"wrong password", "--nats-creds", withUser(closed, "foo:baz")},
		{"no permission", "does not allow what is needed", withUser(closed, "narrow:bar")},
		{"no such credentials", "nats://there", link.Broker{URL: closed.URL, Creds: "/nowhere.creds", Shown: "nats://there"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := link.Listen(link.MasterOptions{Identity: id, Broker: tt.broker})
			if err == nil {
				m.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "baz") {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	m, err := link.Listen(link.MasterOptions{Identity: id, Broker: withUser(closed, "foo:bar")})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	w := crowded("", id.Token, 1)
	w.Broker = withUser(closed, "foo:baz")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := link.Work(ctx, w); err == nil || !strings.Contains(err.Error(), "does not let it in") {
		t.Errorf("a worker that the server does not know: %v", err)
	}
}
