// Package requests makes behaviours without code: from paths and URLs on the
// command line.
//
//	b, err := requests.Paths([]string{"/", "/products"})
package requests

import (
	"fmt"
	"net/url"
	"strings"

	"tload/behaviours"
)

// Paths is a behaviour whose users GET one of the paths, all as often. A path
// that begins with a slash is below the base URL; a whole URL goes to its own
// host.
func Paths(paths []string) (behaviours.Behaviour, error) {
	for _, p := range paths {
		if err := check(p); err != nil {
			return behaviours.Behaviour{}, err
		}
	}
	// All users share one set: there is nothing of one user in it. And it is one
	// task, for a list may be long.
	set := &behaviours.Set{Tasks: []behaviours.Task{{Request: &behaviours.Request{Paths: paths}}}}
	return behaviours.Behaviour{
		Name: "Visitor",
		Host: origin(paths[0]),
		New:  func(*behaviours.User) *behaviours.Set { return set },
	}, nil
}

// Each is a behaviour whose users GET the paths in turn, each a task: for a look at all of
// them. A load is made by Paths, which takes any number of them.
func Each(paths []string) (behaviours.Behaviour, error) {
	b, err := Paths(paths)
	if err != nil {
		return b, err
	}
	set := &behaviours.Set{Sequential: true}
	for i := range paths {
		set.Tasks = append(set.Tasks, behaviours.Task{Request: &behaviours.Request{Paths: paths[i : i+1]}})
	}
	b.New = func(*behaviours.User) *behaviours.Set { return set }
	return b, nil
}

// origin is the base URL of a whole URL, "" for a path.
func origin(p string) string {
	u, err := url.Parse(p)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	base := url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
	return base.String()
}

func check(p string) error {
	if strings.HasPrefix(p, "/") {
		return nil
	}
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is neither a path nor a URL: write /something or http://localhost:5000/something", p)
	}
	return nil
}
