package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tload/behaviours/http1"
	"tload/stats"
	"tload/stats/exchange"
)

// Response is a reply. It is valid until the user's next request, or until
// the task ends; Clone keeps one for longer. One that is read later panics: the one
// before the last request's always, any other in `tload check` and under Run.
//
// A body is held whole while its user may look at it: up to Options.MaxBody, 64
// MiB, for each user, and as much again if it is decompressed. Of one that makes
// the request fail by its status, without an Expect, only the beginning is held if
// it is longer than what is captured (--capture-body, 256 KiB): Decode says so.
type Response struct {
	Status int           // 0 if there was no reply
	Took   time.Duration // from the start of the request, redirects included
	Timing stats.Phases  // of the last exchange

	reply   http1.Reply
	limit   int64    // of a decoded body
	decoded []byte   // the body without its content coding, once somebody has looked
	failure error    // of decoding
	stale   bool     // its memory is another one's
	verdict *verdict // the author's, of one that is not counted yet
}

// fresh panics for a reply that is not valid any more: what is in it is another one's.
func (r *Response) fresh() {
	if r.stale {
		panic("this reply is read after the user's next request, or after the task: it is not there any more (Clone keeps one)")
	}
}

// Header is the value of the first header of that name, "" if there is none.
func (r *Response) Header(name string) string {
	r.fresh()
	v, _ := r.reply.Header(name)
	return string(v)
}

// Headers goes through all headers in the order in which they came.
func (r *Response) Headers(yield func(name, value string) bool) {
	r.fresh()
	for n, v := range r.reply.Headers {
		if !yield(string(n), string(v)) {
			return
		}
	}
}

// Reason is the text behind the status code.
func (r *Response) Reason() string {
	r.fresh()
	return r.reply.Reason()
}

// Surplus is how many bytes came behind the reply that nobody asked for. A
// server that does that is broken; the connection is not used again.
func (r *Response) Surplus() int { return r.reply.Surplus }

// Raw is the body as it was sent, compressed if it was.
func (r *Response) Raw() []byte {
	r.fresh()
	return r.reply.Body
}

// Body is the body, decompressed if it was sent compressed (gzip, deflate, br
// or zstd). If that is impossible it is what came, as Raw; Decode has the
// reason. Decompressing happens at the first look, so a reply that nobody
// looks at costs nothing.
func (r *Response) Body() []byte {
	b, _ := r.Decode()
	return b
}

// Text is the body as a string.
func (r *Response) Text() string { return string(r.Body()) }

// Decode is the body, or what is here of it and why that is not all, or not
// decompressed.
func (r *Response) Decode() ([]byte, error) {
	r.fresh()
	switch {
	case r.reply.Forgotten > 0:
		kept := int64(len(r.reply.Body))
		return r.reply.Body, fmt.Errorf("the body is too long to be held for a failure: %d of its %d bytes are here", kept, kept+r.reply.Forgotten)
	case !r.reply.Encoded || len(r.reply.Body) == 0:
		return r.reply.Body, nil
	case r.failure != nil:
		return r.reply.Body, r.failure
	case r.decoded == nil:
		if r.decoded, r.failure = exchange.UnpackAll(r.codings(), r.reply.Body, r.limit); r.failure != nil {
			return r.reply.Body, r.failure
		}
	}
	return r.decoded, nil
}

// codings are the content codings in the order in which they were applied.
func (r *Response) codings() string {
	var all []string
	for n, v := range r.reply.Headers {
		if strings.EqualFold(string(n), "Content-Encoding") {
			all = append(all, string(v))
		}
	}
	return strings.Join(all, ",")
}

// JSON decodes the body into v.
func (r *Response) JSON(v any) error {
	b, err := r.Decode()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("body is not the expected JSON: %w", err)
	}
	return nil
}

// Clone returns a copy that stays valid.
func (r *Response) Clone() *Response {
	r.fresh()
	c := *r
	c.verdict = nil
	c.reply.Head = bytes.Clone(r.reply.Head)
	c.reply.Body = bytes.Clone(r.reply.Body)
	c.reply.Trailer = bytes.Clone(r.reply.Trailer)
	return &c
}

// check applies the options that look at the reply.
func (r *Response) check(opts []Option) error {
	for i := range opts {
		var err error
		switch o := &opts[i]; o.what {
		case optCheck:
			err = o.check(r)
		case optContains:
			err = r.contains(o.a)
		case optJSONPath:
			err = r.jsonIs(o.a, o.b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Response) contains(text string) error {
	b, err := r.Decode()
	if err != nil {
		return err
	}
	if !contains(b, text) {
		return fmt.Errorf("body does not contain %q", text)
	}
	return nil
}

// contains does not copy text, as bytes.Contains would make the caller do.
func contains(b []byte, text string) bool {
	if text == "" {
		return true
	}
	for {
		i := bytes.IndexByte(b, text[0])
		if i < 0 || len(b)-i < len(text) {
			return false
		}
		if string(b[i:i+len(text)]) == text {
			return true
		}
		b = b[i+1:]
	}
}

func (r *Response) jsonIs(path, want string) error {
	got, err := r.JSONPath(path)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s is %s, expected %s", path, shorten(got), shorten(want))
	}
	return nil
}

func shorten(s string) string {
	if len(s) > 80 {
		return fmt.Sprintf("%q…", s[:80])
	}
	return fmt.Sprintf("%q", s)
}
