package behaviours

import (
	"time"

	"tload/behaviours/client"
)

// What authors and programs use of package client, by the names that it has
// here: an author imports one package.
type (
	// Client is a user's HTTP client, which User embeds: Get, Post, PostForm, PostJSON,
	// PostMultipart, Put, PutJSON, Patch, PatchJSON, Delete and Do, SetHeader, Cookie,
	// SetCookie and ClearCookies, and HTTPClient.
	Client = client.Client
	// Option is a setting of one request.
	Option = client.Option
	// Response is a reply, valid until the user's next request.
	Response = client.Response
	// RequestError is a request that failed. It has been recorded.
	RequestError = client.RequestError

	// Form is the body of PostMultipart, and File a file in it.
	Form = client.Form
	File = client.File

	// Transport is what the HTTP clients of all users of a run have in common.
	Transport = client.Transport
	// Options are the settings of a Transport.
	Options = client.Options
	// Field is a header.
	Field = client.Field
	// Who is the user that a client belongs to.
	Who = client.Who
)

// NewTransport checks the options and returns a transport. It opens nothing;
// what its first client starts is stopped by Close.
func NewTransport(o Options) (*Transport, error) { return client.NewTransport(o) }

// Name puts the request in the row of that name. Without it the row is named
// by the path as given, so requests with an id in the path need a name.
func Name(name string) Option { return client.Name(name) }

// Header sends one more header, instead of the default of that name if there
// is one. An empty value takes the default away.
func Header(name, value string) Option { return client.Header(name, value) }

// Expect makes these the only statuses that are not a failure.
func Expect(status ...int) Option { return client.Expect(status...) }

// Check lets f look at the reply: an error from it makes the request a
// failure of kind CHECK with that text. It is called only for a reply whose
// status is not a failure.
func Check(f func(*Response) error) Option { return client.Check(f) }

// BodyContains makes a reply without that text in its decoded body a failure.
func BodyContains(text string) Option { return client.BodyContains(text) }

// JSONPath makes it a failure if the value at path ($.items[0].id) in the
// JSON body is not want: a string's text, otherwise the value's JSON. See
// Response.JSONPath for what a path can be.
func JSONPath(path, want string) Option { return client.JSONPath(path, want) }

// NoRedirect takes a redirect as the reply.
func NoRedirect() Option { return client.NoRedirect() }

// CatchResponse leaves the verdict to the author's code: the request is counted when
// Response.Fail or Response.Pass has said what it is, or else as it looks, with the user's
// next request or the end of the task. Check does with less where a look at the reply is
// enough.
func CatchResponse() Option { return client.CatchResponse() }

// Timeout is how long the request may take in all, instead of the run's
// --timeout; redirects count in.
func Timeout(d time.Duration) Option { return client.Timeout(d) }
