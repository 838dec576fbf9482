package requests

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tload/behaviours"
	"tload/stats/exchange"
)

// File is the behaviour that a file describes: a .http file as editors write
// them, or a list of URLs and paths, one a line. The error names file, line and
// column; nothing in a file is skipped in silence. The mask keeps secrets out of
// the names that are made of URLs.
func File(path string, mask *exchange.Masker) (behaviours.Behaviour, error) {
	return Options{Mask: mask}.File(path)
}

// Text is File for a text that was read already; path is for the complaints
// and for the files that it includes.
func Text(path, text string, mask *exchange.Masker) (behaviours.Behaviour, error) {
	return Options{Mask: mask}.Text(path, text)
}

// Options are what is to be known besides a file itself.
type Options struct {
	Mask *exchange.Masker // keeps secrets out of names
	Env  string           // whose variables in EnvFiles the file has; "" for the shared ones alone
	Note func(string)     // is told, a line each, what is passed over; nil for nobody
}

// File is the behaviour that a file describes: see the function.
func (o Options) File(path string) (behaviours.Behaviour, error) {
	text, err := Read(path)
	if err != nil {
		return behaviours.Behaviour{}, err
	}
	return o.Text(path, text)
}

// Text is the behaviour that a text describes: see the function.
func (o Options) Text(path, text string) (behaviours.Behaviour, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if i := strings.IndexFunc(text, func(c rune) bool { return c == utf8.RuneError || c == 0 }); i >= 0 {
		return behaviours.Behaviour{}, places(path, text)(i).errorf("this is no text: UTF-8 is expected")
	}
	if urls, ok, err := list(path, text); err != nil {
		return behaviours.Behaviour{}, err
	} else if ok {
		return Paths(urls)
	}
	f, err := parse(path, text, o)
	if err != nil {
		return behaviours.Behaviour{}, err
	}
	return f.behaviour()
}

// visitor is one user of a file.
type visitor struct {
	*behaviours.User
	file    *file
	replies map[string]*behaviours.Response
	opts    []behaviours.Option // of the last request, for the next one
}

func (f *file) behaviour() (behaviours.Behaviour, error) {
	var starts, stops, tasks []*request
	for _, r := range f.requests {
		switch {
		case r.onStart:
			starts = append(starts, r)
		case r.onStop:
			stops = append(stops, r)
		default:
			tasks = append(tasks, r)
		}
	}
	if len(tasks) == 0 {
		return behaviours.Behaviour{}, f.requests[0].at.errorf("every request is on-start or on-stop: a user would have nothing to do between")
	}
	for _, r := range f.requests {
		if err := f.prepare(r); err != nil {
			return behaviours.Behaviour{}, r.at.errorf("%v", err)
		}
	}
	// The tasks in which there is nothing of one user are shared by all, as long
	// as the others are none.
	shared := make([]behaviours.Task, len(tasks))
	own := false
	for i, r := range tasks {
		shared[i] = behaviours.Task{Name: f.task(r), Weight: r.weight, Tags: r.tags, Request: r.whole}
		own = own || r.whole == nil
	}
	return behaviours.Behaviour{Name: "Visitor", Wait: f.wait, Host: origin(f.label(f.requests[0].url)), New: func(u *behaviours.User) *behaviours.Set {
		v := &visitor{User: u, file: f}
		if f.refers() {
			v.replies = map[string]*behaviours.Response{}
		}
		s := &behaviours.Set{Tasks: shared, Sequential: f.sequence, OnStart: v.all(starts), OnStop: v.all(stops)}
		if own {
			s.Tasks = slices.Clone(shared)
			for i, r := range tasks {
				if r.whole == nil {
					s.Tasks[i].Run = func(ctx context.Context) error { return v.send(ctx, r) }
				}
			}
		}
		return s
	}}, nil
}

// refers says whether any request has a name by which others use its response.
func (f *file) refers() bool {
	for _, r := range f.requests {
		if r.name != "" {
			return true
		}
	}
	return false
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

// ready is what of a request is the same every time it is sent.
type ready struct {
	needs []*request // whose responses it uses
	row   string
	fixed bool                // nothing in it differs
	opts  []behaviours.Option // all of them if it is fixed, else those but for the headers
	body  []byte              // if it is fixed or comes whole from a file
	whole *behaviours.Request // if it is fixed and nobody uses its response
}

// prepare makes the ready part of a request, so that sending one does not read
// its templates, or a file, again.
func (f *file) prepare(r *request) error {
	r.ready = ready{needs: f.needs(r), row: f.label(r.url), fixed: r.url.plain() && r.body.plain() && !r.replaced}
	r.opts = append(r.opts, behaviours.Name(r.row))
	for _, h := range r.headers {
		r.fixed = r.fixed && h.value.plain()
	}
	if r.fixed {
		for _, h := range r.headers {
			r.opts = append(r.opts, behaviours.Header(h.name, h.sent(h.value.text)))
		}
	}
	if len(r.expect) > 0 {
		r.opts = append(r.opts, behaviours.Expect(r.expect...))
	}
	for _, text := range r.contains {
		r.opts = append(r.opts, behaviours.BodyContains(text))
	}
	if r.noRedirect {
		r.opts = append(r.opts, behaviours.NoRedirect())
	}
	if r.timeout > 0 {
		r.opts = append(r.opts, behaviours.Timeout(r.timeout))
	}
	switch {
	case r.include != "":
		text, err := Read(r.include)
		if err != nil {
			return err
		}
		r.ready.body = []byte(text)
	case r.body.text != "":
		r.ready.body = []byte(r.body.text)
	}
	if r.fixed && r.name == "" {
		r.whole = &behaviours.Request{Method: r.method, Path: r.url.text, Body: r.ready.body, Options: r.opts}
	}
	return nil
}

// send sends a request, and before it those that it needs and that were not
// answered yet.
func (v *visitor) send(ctx context.Context, r *request) error {
	if r.fixed {
		return v.kept(r)(v.Do(ctx, r.method, r.url.text, r.ready.body, r.opts...))
	}
	for _, n := range r.needs {
		if v.replies[n.name] == nil {
			if err := v.send(ctx, n); err != nil {
				return fmt.Errorf("%s: needs %s: %w", v.file.task(r), n.name, err)
			}
		}
	}
	url, body, err := v.filled(r)
	if err != nil {
		return err
	}
	return v.kept(r)(v.Do(ctx, r.method, url, body, v.opts...))
}

// kept takes what Do returns and keeps the reply if others use it.
func (v *visitor) kept(r *request) func(*behaviours.Response, error) error {
	if r.name == "" {
		return failure
	}
	return func(reply *behaviours.Response, err error) error {
		if err == nil {
			v.replies[r.name] = reply.Clone()
		}
		return err
	}
}

func failure(_ *behaviours.Response, err error) error { return err }

// filled is the URL and the body with everything filled in; the options go to
// v.opts. It is not part of send, whose frame is on the user's stack for as long
// as it waits for the reply.
func (v *visitor) filled(r *request) (url string, body []byte, err error) {
	if url, err = v.fill(r.url); err != nil {
		return "", nil, err
	}
	v.opts = append(v.opts[:0], r.opts...)
	for _, h := range r.headers {
		value, err := v.fill(h.value)
		if err != nil {
			return "", nil, err
		}
		v.opts = append(v.opts, behaviours.Header(h.name, h.sent(value)))
	}
	switch {
	case r.include != "" && !r.replaced:
		return url, r.ready.body, nil
	case r.include != "":
		text, err := v.fill(template{at: place{r.include, 1, 1}, text: string(r.ready.body)})
		return url, []byte(text), err
	}
	text, err := v.fill(r.body)
	if text != "" {
		body = []byte(text)
	}
	return url, body, err
}
