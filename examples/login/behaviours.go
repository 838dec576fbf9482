// A user logs in once, when it starts, and keeps its session.
package main

import (
	"context"
	"net/url"
	"time"

	"tload/behaviours"
	"tload/cli"
)

func main() { cli.Main(member) }

var member = behaviours.Behaviour{Name: "Member", Wait: behaviours.Between(1*time.Second, 5*time.Second), New: newMember}

func newMember(u *behaviours.User) *behaviours.Set {
	return &behaviours.Set{
		OnStart: func(ctx context.Context) error {
			_, err := u.PostForm(ctx, "/login", url.Values{"username": {"foo"}, "password": {"bar"}})
			return err
		},
		OnStop: func(ctx context.Context) error {
			_, err := u.Post(ctx, "/logout", "", nil)
			return err
		},
		Tasks: []behaviours.Task{
			{Request: &behaviours.Request{Path: "/profile", Options: []behaviours.Option{behaviours.BodyContains("foo")}}, Weight: 2},
			{Request: &behaviours.Request{Path: "/"}},
		},
	}
}
