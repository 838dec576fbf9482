package requests

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"tload/behaviours"
)

// File is the behaviour that a file describes: a .http file as editors write
// them, or a list of URLs and paths, one a line. The error names file, line and
// column; nothing in a file is skipped in silence.
func File(path string) (behaviours.Behaviour, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return behaviours.Behaviour{}, err
	}
	return Text(path, string(text))
}

// Text is File for a text that was read already; path is for the complaints
// and for the files that it includes.
func Text(path, text string) (behaviours.Behaviour, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if i := strings.IndexFunc(text, func(c rune) bool { return c == utf8.RuneError || c == 0 }); i >= 0 {
		line := 1 + strings.Count(text[:i], "\n")
		return behaviours.Behaviour{}, place{path, line, 1}.errorf("this is no text: UTF-8 is expected")
	}
	if urls, ok := list(text); ok {
		return Paths(urls)
	}
	f, err := parse(path, text)
	if err != nil {
		return behaviours.Behaviour{}, err
	}
	return f.behaviour()
}

// list is the lines of a text that is nothing but URLs, paths and comments.
func list(text string) (urls []string, ok bool) {
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "###") {
			continue
		}
		if check(line) != nil || strings.ContainsAny(line, " \t{") {
			return nil, false
		}
		urls = append(urls, line)
	}
	return urls, len(urls) > 0
}

// visitor is one user of a file.
type visitor struct {
	*behaviours.User
	file    *file
	replies map[string]*behaviours.Response
	opts    []behaviours.Option // of the last request, for the next one
}

func (f *file) behaviour() (behaviours.Behaviour, error) {
	tasks := 0
	for _, r := range f.requests {
		if !r.onStart && !r.onStop {
			tasks++
		}
	}
	if tasks == 0 {
		return behaviours.Behaviour{}, f.requests[0].at.errorf("every request is on-start or on-stop: a user would have nothing to do between")
	}
	return behaviours.Behaviour{Name: "Visitor", Wait: f.wait, New: func(u *behaviours.User) *behaviours.Set {
		v := &visitor{User: u, file: f, replies: map[string]*behaviours.Response{}}
		s := &behaviours.Set{Sequential: f.sequence}
		var starts, stops []*request
		for _, r := range f.requests {
			switch {
			case r.onStart:
				starts = append(starts, r)
			case r.onStop:
				stops = append(stops, r)
			default:
				s.Tasks = append(s.Tasks, behaviours.Task{
					Name: f.task(r), Weight: r.weight, Tags: r.tags,
					Run: func(ctx context.Context) error { return v.send(ctx, r) },
				})
			}
		}
		s.OnStart, s.OnStop = v.all(starts), v.all(stops)
		return s
	}}, nil
}

func (f *file) task(r *request) string {
	switch {
	case r.name != "":
		return r.name
	case r.title != "":
		return r.title
	}
	return r.method + " " + f.label(r.url)
}

func (v *visitor) all(list []*request) func(context.Context) error {
	if len(list) == 0 {
		return nil
	}
	return func(ctx context.Context) error {
		for _, r := range list {
			if err := v.send(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
}

// send sends a request, and before it those that it needs and that were not
// answered yet.
func (v *visitor) send(ctx context.Context, r *request) error {
	for _, n := range v.file.needs(r) {
		if v.replies[n.name] == nil {
			if err := v.send(ctx, n); err != nil {
				return fmt.Errorf("%s: needs %s: %w", v.file.task(r), n.name, err)
			}
		}
	}
	url, err := v.fill(r.url)
	if err != nil {
		return err
	}
	if err := v.options(r); err != nil {
		return err
	}
	body, err := v.body(r)
	if err != nil {
		return err
	}
	reply, err := v.Do(ctx, r.method, url, body, v.opts...)
	if err == nil && r.name != "" {
		v.replies[r.name] = reply.Clone()
	}
	return err
}

// options puts the request's options into v.opts. They are not made in send,
// whose frame is on the user's stack for as long as it waits for the reply.
func (v *visitor) options(r *request) error {
	opts := append(v.opts[:0], behaviours.Name(v.file.label(r.url)))
	for _, h := range r.headers {
		value, err := v.fill(h.value)
		if err != nil {
			return err
		}
		opts = append(opts, behaviours.Header(h.name, value))
	}
	if len(r.expect) > 0 {
		opts = append(opts, behaviours.Expect(r.expect...))
	}
	for _, text := range r.contains {
		opts = append(opts, behaviours.BodyContains(text))
	}
	if r.noRedirect {
		opts = append(opts, behaviours.NoRedirect())
	}
	if r.timeout > 0 {
		opts = append(opts, behaviours.Timeout(r.timeout))
	}
	v.opts = opts
	return nil
}

func (v *visitor) body(r *request) ([]byte, error) {
	if r.include == "" {
		text, err := v.fill(r.body)
		if text == "" {
			return nil, err
		}
		return []byte(text), err
	}
	b, err := os.ReadFile(r.include)
	if err != nil || !r.replaced {
		return b, err
	}
	text, err := v.fill(template{place{r.include, 1, 1}, string(b)})
	return []byte(text), err
}
