package behaviours_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"tload/behaviours"
)

// shop answers /login and everything else, and counts.
func shop() (server *httptest.Server, logins, others *atomic.Int64) {
	logins, others = new(atomic.Int64), new(atomic.Int64)
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			logins.Add(1)
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"error":"pool exhausted"}`)
		default:
			others.Add(1)
			fmt.Fprint(w, `{"items":[{"id":7,"name":"shoe"}]}`)
		}
	})), logins, others
}

// A user that logs in once and then looks around.
func Example() {
	server, logins, others := shop()
	defer server.Close()
	shopper := behaviours.Behaviour{
		Name: "Shopper",
		Wait: behaviours.Between(1*time.Second, 5*time.Second),
		New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{
				OnStart: func(ctx context.Context) error {
					_, err := u.PostForm(ctx, "/login", url.Values{"username": {"foo"}, "password": {"bar"}})
					return err
				},
				Tasks: []behaviours.Task{{Name: "browse", Run: func(ctx context.Context) error {
					_, err := u.Get(ctx, "/items", behaviours.BodyContains("shoe"))
					return err
				}}},
			}
		},
	}
	// In a program of its own main calls cli.Main(shopper). In a test:
	err := behaviours.Run(context.Background(), shopper, server.URL, 10)
	fmt.Println(err, logins.Load(), others.Load())
	// Output: <nil> 1 10
}

// What fails comes back as an error that names the row and how often.
func ExampleRun() {
	server, _, _ := shop()
	defer server.Close()
	err := behaviours.Run(context.Background(), behaviours.Behaviour{
		Name: "Unlucky",
		New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "try", Run: func(ctx context.Context) error {
				_, err := u.Get(ctx, "/broken")
				return err
			}}}}
		},
	}, server.URL, 3)
	fmt.Println(err)
	// Output: HTTP GET /broken: 503 Service Unavailable "pool exhausted" (3 times)
}

// one is a behaviour of one task, for the examples below.
func one(task func(context.Context, *behaviours.User) error) behaviours.Behaviour {
	return behaviours.Behaviour{Name: "One", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "task", Run: func(ctx context.Context) error { return task(ctx, u) }}}}
	}}
}

// Anything can be measured; the payload is shown in the errors view.
func ExampleUser_Measure() {
	err := behaviours.Run(context.Background(), one(func(ctx context.Context, u *behaviours.User) error {
		return u.Measure(ctx, "queue", "publish", func(context.Context) error {
			return behaviours.WithDetail(errors.New("broker is full"), []byte("what the broker said"))
		})
	}), "", 2)
	fmt.Println(err)
	// Output: ERROR queue publish: broker is full (2 times)
}

// A value of one reply goes into the next request.
func ExampleResponse_JSONPath() {
	server, _, _ := shop()
	defer server.Close()
	err := behaviours.Run(context.Background(), one(func(ctx context.Context, u *behaviours.User) error {
		r, err := u.Get(ctx, "/items")
		if err != nil {
			return err
		}
		id, err := r.JSONPath("$.items[0].id")
		if err != nil {
			return err
		}
		fmt.Println("item", id)
		_, err = u.Get(ctx, "/items/"+id, behaviours.Name("/items/[id]"))
		return err
	}), server.URL, 1)
	fmt.Println(err)
	// Output:
	// item 7
	// <nil>
}

// Interrupt leaves a nested set.
func ExampleSet() {
	steps := 0
	err := behaviours.Run(context.Background(), behaviours.Behaviour{Name: "Reader", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Set: &behaviours.Set{
			Name: "forum", Sequential: true,
			Tasks: []behaviours.Task{
				{Name: "read", Run: func(context.Context) error { steps++; return nil }},
				{Name: "leave", Run: func(context.Context) error { return behaviours.Interrupt }},
			},
		}}}}
	}}, "", 6)
	fmt.Println(steps, err)
	// Output: 3 <nil>
}

// Each user has a row of its own.
func ExampleFeed() {
	dir, err := os.MkdirTemp("", "feed")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "users.csv")
	os.WriteFile(path, []byte("name,password\nada,secret\nbob,hidden\n"), 0o600)
	rows, err := behaviours.Feed(path)
	if err != nil {
		panic(err)
	}
	err = behaviours.Run(context.Background(), one(func(_ context.Context, u *behaviours.User) error {
		row, err := rows.Of(u)
		if err != nil {
			return err
		}
		fmt.Println(rows.Len(), row.Get("name"), rows.Next().Get("name"), rows.Next().Get("name"))
		return nil
	}), "", 1)
	fmt.Println(err)
	// Output:
	// 2 ada ada bob
	// <nil>
}

func ExampleCheck() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"items": []}`)
	}))
	defer srv.Close()
	err := behaviours.Run(context.Background(), behaviours.Behaviour{Name: "Shopper", New: func(u *behaviours.User) *behaviours.Set {
		return &behaviours.Set{Tasks: []behaviours.Task{{Name: "browse", Run: func(ctx context.Context) error {
			_, err := u.Get(ctx, "/items?page=1", behaviours.Name("/items"), behaviours.Check(func(r *behaviours.Response) error {
				var list struct{ Items []string }
				if err := r.JSON(&list); err != nil {
					return err
				}
				if len(list.Items) == 0 {
					return errors.New("no items")
				}
				return nil
			}))
			return err
		}}}}
	}}, srv.URL, 1)
	fmt.Println(err)
	// Output: CHECK GET /items: no items (1 times)
}
