package client

import (
	"slices"
	"time"
)

// Option is a setting of one request. It is a plain value, so that options on
// a call cost no allocation.
type Option struct {
	a, b  string
	check func(*Response) error
	d     time.Duration
	more  *[]int
	codes [6]uint16
	what  optionKind
}

type optionKind uint8

const (
	optName optionKind = iota + 1
	optHeader
	optExpect
	optCheck
	optContains
	optJSONPath
	optNoRedirect
	optTimeout
	optCatch
)

// Name puts the request in the row of that name. Without it the row is named
// by the path as given, so requests with an id in the path need a name.
func Name(name string) Option { return Option{what: optName, a: name} }

// Header sends one more header, instead of the default of that name if there
// is one. An empty value takes the default away.
func Header(name, value string) Option { return Option{what: optHeader, a: name, b: value} }

// Expect makes these the only statuses that are not a failure.
func Expect(status ...int) Option {
	o := Option{what: optExpect}
	if len(status) > len(o.codes) {
		more := append([]int(nil), status[len(o.codes):]...)
		o.more = &more
		status = status[:len(o.codes)]
	}
	for i, s := range status {
		o.codes[i] = uint16(s)
	}
	return o
}

// Check lets f look at the reply: an error from it makes the request a
// failure of kind CHECK with that text. It is called only for a reply whose
// status is not a failure.
func Check(f func(*Response) error) Option { return Option{what: optCheck, check: f} }

// BodyContains makes a reply without that text in its decoded body a failure.
func BodyContains(text string) Option { return Option{what: optContains, a: text} }

// JSONPath makes it a failure if the value at path ($.items[0].id) in the
// JSON body is not want: a string's text, otherwise the value's JSON. See
// Response.JSONPath for what a path can be.
func JSONPath(path, want string) Option { return Option{what: optJSONPath, a: path, b: want} }

// NoRedirect takes a redirect as the reply.
func NoRedirect() Option { return Option{what: optNoRedirect} }

// CatchResponse leaves the verdict to the author's code: the request is counted when
// Response.Fail or Response.Pass has said what it is, or else as it looks, with the user's
// next request or the end of the task. Check does with less where a look at the reply is
// enough.
func CatchResponse() Option { return Option{what: optCatch} }

// Timeout is how long the request may take in all, instead of the run's
// --timeout; redirects count in.
func Timeout(d time.Duration) Option { return Option{what: optTimeout, d: d} }

// expects says whether the option allows the status.
func (o *Option) expects(status int) bool {
	for _, c := range o.codes {
		if int(c) == status && c != 0 {
			return true
		}
	}
	return o.more != nil && slices.Contains(*o.more, status)
}
