package behaviours

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"tload/behaviours/client"
	"tload/swarm/crew"
)

// User is one simulated user. It embeds the HTTP client with its connection,
// cookies and redirects. Its methods are for its tasks and hooks, on the
// goroutine that they are called on.
type User struct {
	*Client

	user  *crew.User // nil while a behaviour is only looked at
	kind  *kind
	log   *slog.Logger
	task  string
	count int // of tasks begun
	pace  pace
	due   time.Time     // of the next task, with pacing
	ended time.Duration // when the last task did, on the sweeper's clock; 0 after a wait

	// The task in hand.
	stage stage
	fresh bool // its reply has just come, and the connection's poller is at work
	start crew.Permit
	began time.Duration // on the sweeper's clock

	feeds []*Rows // of which it has a row

	set   *Set // from New
	root  *outline
	sets  []visit  // that the user is in, outermost first
	first [1]visit // where sets begins: nearly all users are in one
	next  *planned // the task that a permit was asked for; nil at first
	what  *Task    // its
	path  string   // if that is a request
}

// driver is its client as the user's loop knows it.
func (u *User) driver() *client.Driver { return (*client.Driver)(u.Client) }

// ID is the user's number, unique in the swarm, from 1; 0 while a behaviour's
// tasks are only looked at.
func (u *User) ID() int64 {
	if u.user == nil {
		return 0
	}
	return u.user.ID
}

// Host is --host as it was given, with its password if it has one; "" for none. It may
// be of any protocol: postgres://, grpc://, ws:// or a bare address.
func (u *User) Host() string {
	if u.kind == nil {
		return ""
	}
	return u.kind.run.Transport.Host()
}

// Batch sends requests at the same time, as a browser does with what a page needs: up to
// six at a time, each over a connection of its own, with the user's cookies and headers.
// It waits for all replies, which are copies and stay valid; they are in the order of the
// requests. The error joins those of all that failed, and is counted already. A Request of
// several Paths stands for each of them.
func (u *User) Batch(ctx context.Context, list ...Request) ([]*Response, error) {
	var all []Request
	for _, r := range list {
		for i := range r.times() {
			all = append(all, Request{Method: r.method(), Path: r.path(i), Body: r.Body, Options: r.Options})
		}
	}
	return u.driver().Batch(ctx, len(all), func(i int) (string, string, []byte, []Option) {
		return all[i].Method, all[i].Path, all[i].Body, all[i].Options
	})
}

// Rand is a source of random numbers of the user's own. With --seed it repeats.
func (u *User) Rand() *rand.Rand {
	if u.user == nil {
		return rand.New(rand.NewPCG(0, 0))
	}
	return &u.user.Rand
}

// Log writes to the run's log, which the logs screen shows.
func (u *User) Log() *slog.Logger {
	if u.log == nil {
		u.log = u.kind.run.Log.With("behaviour", u.kind.name, "user", u.ID())
	}
	return u.log
}

// Sleep waits for d inside a task. It returns early, with the reason, when the
// user is to stop or ctx ends.
func (u *User) Sleep(ctx context.Context, d time.Duration) error {
	if u.user == nil {
		return nil
	}
	if u.user.Sleep(ctx, d) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return StopUser
}
