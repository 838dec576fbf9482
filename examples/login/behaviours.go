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

var member = behaviours.Behaviour{
	Name: "Member",
	Wait: behaviours.Between(1*time.Second, 5*time.Second),
	New: func(u *behaviours.User) *behaviours.Set {
		m := user{u}
		return &behaviours.Set{
			OnStart: m.login,
			OnStop:  m.logout,
			Tasks:   []behaviours.Task{{Run: m.profile, Weight: 2}, {Run: m.index}},
		}
	},
}

type user struct{ *behaviours.User }

func (m user) login(ctx context.Context) error {
	_, err := m.PostForm(ctx, "/login", url.Values{"username": {"foo"}, "password": {"bar"}})
	return err
}

func (m user) logout(ctx context.Context) error {
	_, err := m.Post(ctx, "/logout", "", nil)
	return err
}

func (m user) index(ctx context.Context) error {
	_, err := m.Get(ctx, "/")
	return err
}

func (m user) profile(ctx context.Context) error {
	_, err := m.Get(ctx, "/profile", behaviours.BodyContains("foo"))
	return err
}
