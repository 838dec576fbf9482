package stats

import "time"

// Exchange is one request and what came back, whole, as bytes. A failing
// sample carries one to the error store if the store wants it; one recent
// success per endpoint is kept to hold failures against. It is immutable once
// it was handed over.
type Exchange struct {
	When    time.Time // wall clock, at the start
	Key     Key
	Kind    Kind
	Status  int
	Message string // the error's text, unmasked

	User      int
	Behaviour string
	Task      string
	Iteration int    // which task of this user it was, from 1
	Worker    string // where the user ran; "" for this process

	URL      string // empty when the protocol has none
	Request  Part
	Response Part
	Hops     []Hop // the redirects before the final exchange, oldest first

	// Surplus is how many bytes came behind the reply that nobody asked for. A
	// server that sends some is broken, and its connection is not used again.
	Surplus int

	Took   time.Duration
	Late   time.Duration
	Phases Phases
	Conn   ConnInfo
}

// Part is one direction of an exchange.
type Part struct {
	// Head is the start line and the headers as they were on the wire, in
	// order, with their line ends; for HTTP/2 and /3 they are written as
	// HTTP/1 would. Empty for protocols without headers.
	Head []byte
	// Body is what was kept of the body, transfer coding removed, content
	// coding as it came.
	Body []byte
	// Size is the body's true length so far as it arrived.
	Size int64
	// Expected is the length that was announced, -1 if none was.
	Expected int64
	// SHA256 is the hash of all that arrived, if it was computed.
	SHA256 []byte
}

// Cut says whether less of the body was kept than arrived.
func (p Part) Cut() bool { return int64(len(p.Body)) < p.Size }

// Hop is one redirect that was followed.
type Hop struct {
	URL      string
	Status   int
	Location string
	Took     time.Duration
	Head     []byte // of the reply
}

// ConnInfo says over which connection an exchange went.
type ConnInfo struct {
	Reused        bool
	Local, Remote string
	TLS           string // "TLS 1.3", or empty
	Proto         string // "HTTP/1.1", "HTTP/2.0", or the protocol's own name
}

// Weight is how many bytes the exchange holds against the memory for captures.
func (x *Exchange) Weight() int {
	n := 512 + len(x.Message) + len(x.URL) + len(x.Request.Head) + len(x.Request.Body) +
		len(x.Response.Head) + len(x.Response.Body)
	for _, h := range x.Hops {
		n += 128 + len(h.URL) + len(h.Location) + len(h.Head)
	}
	return n
}
