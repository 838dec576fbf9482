package behaviours_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tload/behaviours"
	"tload/swarm"
)

// TestRowsAreForThoseWhoAsk: three rows are enough for three buyers among ten users,
// also when buyers leave and others come, and two never have the same one.
func TestRowsAreForThoseWhoAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cards.csv")
	os.WriteFile(path, []byte("card\na\nb\nc\n"), 0o600)
	rows, err := behaviours.Feed(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	var mu sync.Mutex
	taken, bought := map[string]int{}, 0
	browser := behaviours.Behaviour{Name: "Browser", Weight: 7, New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "look", Run: get(u, "/look")}}}
	}}
	buyer := behaviours.Behaviour{Name: "Buyer", Weight: 3, New: func(u *behaviours.User) *behaviours.Set {
		var card string
		return &behaviours.Set{
			OnStart: func(context.Context) error {
				row, err := rows.Of(u)
				if err != nil {
					return err
				}
				card = row.Get("card")
				mu.Lock()
				defer mu.Unlock()
				if taken[card]++; taken[card] > 1 {
					t.Errorf("two users have %s", card)
				}
				return nil
			},
			OnStop: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				taken[card]--
				return nil
			},
			Tasks: []behaviours.Task{{Name: "buy", Run: func(ctx context.Context) error {
				mu.Lock()
				bought++
				mu.Unlock()
				_, err := u.Get(ctx, "/buy")
				return err
			}}},
		}
	}}
	c := controller(t, s.URL, swarm.Plan{Users: 10, RunTime: time.Minute}, browser, buyer)
	go c.Run(t.Context())
	deadline := time.Now().Add(20 * time.Second)
	reach := func(users, buyers int) {
		t.Helper()
		c.Scale(users, "test")
		for {
			v := c.Snapshot()
			if len(v.Behaviours) == 2 && v.Running == users && v.Stopping == 0 && v.Behaviours[1].Running == buyers && v.Target == users {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("not %d users with %d buyers: %+v", users, buyers, v.Behaviours)
			}
			time.Sleep(time.Millisecond)
		}
	}
	for range 5 {
		reach(10, 3)
		reach(1, 0)
	}
	reach(10, 3)
	c.Stop("test")
	<-c.Done()
	if g := c.Snapshot().Groups; len(g) > 0 || bought == 0 {
		t.Errorf("bought %d times; groups: %+v", bought, g)
	}
}
