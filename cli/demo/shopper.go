package demo

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/url"
	"time"

	"tload/behaviours"
)

// Behaviours are the shop's visitors: most browse, some buy.
func Behaviours() []behaviours.Behaviour {
	return []behaviours.Behaviour{
		{Name: "Browser", Weight: 3, Wait: behaviours.Between(200*time.Millisecond, time.Second), New: newBrowser},
		{Name: "Buyer", Weight: 1, Wait: behaviours.Between(200*time.Millisecond, time.Second), New: newBuyer},
	}
}

type visitor struct{ *behaviours.User }

func newBrowser(u *behaviours.User) *behaviours.Set {
	v := visitor{u}
	return &behaviours.Set{Tasks: []behaviours.Task{
		{Run: v.front, Weight: 5},
		{Run: v.product, Weight: 3},
		{Run: v.search, Weight: 2},
		{Run: v.recommendations, Weight: 1},
	}}
}

func newBuyer(u *behaviours.User) *behaviours.Set {
	v := visitor{u}
	return &behaviours.Set{
		OnStart:    v.login,
		Sequential: true, // who came to buy does so first, and looks around afterwards
		Tasks: []behaviours.Task{
			{Name: "buy", Set: &behaviours.Set{Sequential: true, Loops: 1, Tasks: []behaviours.Task{
				{Run: v.cart}, {Run: v.checkout},
			}}},
			{Run: v.product},
		},
	}
}

func (v visitor) login(ctx context.Context) error {
	_, err := v.PostForm(ctx, "/login", url.Values{"username": {"foo"}, "password": {"bar"}})
	return err
}

func (v visitor) front(ctx context.Context) error {
	_, err := v.Get(ctx, "/", behaviours.BodyContains("welcome"))
	return err
}

func (v visitor) product(ctx context.Context) error {
	_, err := v.Get(ctx, fmt.Sprintf("/products/%d", 1+v.Rand().IntN(500)), behaviours.Name("/products/[id]"))
	return err
}

func (v visitor) search(ctx context.Context) error {
	_, err := v.Get(ctx, "/search?q=shoe")
	return err
}

func (v visitor) recommendations(ctx context.Context) error {
	_, err := v.Get(ctx, "/recommendations")
	return err
}

func (v visitor) cart(ctx context.Context) error {
	_, err := v.PostJSON(ctx, "/cart", map[string]int{"product": v.Rand().IntN(500), "count": 1})
	return err
}

func (v visitor) checkout(ctx context.Context) error {
	_, err := v.PostForm(ctx, "/checkout", url.Values{"pay": {"card"}})
	return err
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }
