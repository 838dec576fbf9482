// Two kinds of users: visitors who look around, and buyers, each with an account of its own
// from a CSV file, who log in for a token. Run it with
//
//	tload --host=http://localhost:5000 --accounts accounts.csv
//	tload --host=http://localhost:5000 --tags browse
//
// in this directory.
package main

import (
	"context"
	"flag"
	"sync"
	"time"

	"tload/behaviours"
	"tload/cli"
)

var path = flag.String("accounts", "accounts.csv", "CSV `FILE` of user names and passwords")

// accounts are read once: by Setup, so that a run without them does not begin, or on a
// worker, where there is no Setup, by the first buyer.
var accounts = sync.OnceValues(func() (*behaviours.Rows, error) { return behaviours.Feed(*path) })

func main() { cli.Main(visitor, buyer) }

var visitor = behaviours.Behaviour{
	Name: "Visitor", Weight: 3,
	Wait: behaviours.Between(1*time.Second, 5*time.Second),
	New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{
			{Weight: 2, Tags: []string{"browse"}, Request: &behaviours.Request{Path: "/"}},
			{Tags: []string{"browse"}, Name: "page with assets", Run: func(ctx context.Context) error {
				if _, err := u.Get(ctx, "/products/1", behaviours.Name("/products/[id]")); err != nil {
					return err
				}
				_, err := u.Batch(ctx, behaviours.Request{Path: "/app.css"}, behaviours.Request{Path: "/app.js"})
				return err
			}},
		}}
	},
}

type user struct{ *behaviours.User }

var buyer = behaviours.Behaviour{
	Name:  "Buyer",
	Wait:  behaviours.Poisson(3 * time.Second),
	Setup: func(context.Context, string) error { _, err := accounts(); return err },
	New: func(u *behaviours.User) *behaviours.Set {
		b := user{u}
		return &behaviours.Set{OnStart: b.login, Tasks: []behaviours.Task{{Run: b.buy, Tags: []string{"buy"}}}}
	},
}

func (b user) login(ctx context.Context) error {
	rows, err := accounts()
	if err != nil {
		return err
	}
	account, err := rows.Of(b.User)
	if err != nil {
		return err
	}
	r, err := b.PostJSON(ctx, "/token", map[string]string{"name": account.Get("name"), "password": account.Get("password")})
	if err != nil {
		return err
	}
	var reply struct{ Token string }
	if err := r.JSON(&reply); err != nil {
		return err
	}
	b.SetHeader("Authorization", "Bearer "+reply.Token)
	return nil
}

func (b user) buy(ctx context.Context) error {
	r, err := b.Get(ctx, "/items", behaviours.CatchResponse())
	if err != nil {
		return err
	}
	var items []struct{ ID int }
	if err := r.JSON(&items); err != nil {
		return r.Fail(err.Error())
	}
	if len(items) == 0 {
		return r.Fail("no item is left")
	}
	sold, err := b.PutJSON(ctx, "/cart", map[string]int{"id": items[0].ID}, behaviours.Expect(200, 409))
	if err == nil {
		b.Rate("sold meanwhile", sold.Status == 409)
	}
	return err
}
